"""A person's copy as a page that he can read, in English or Chinese."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from limitkeeper.app.policy import console_wording
from limitkeeper.core.notice.notice import amount_text
from limitkeeper.shells.console.details import act_words
from limitkeeper.shells.report.page import NOTHING, page_drawn, report_words

FOLDED = ("trace", "facts")
"""Columns that are long, and shown when they are asked for."""


def column_name(name: str) -> str:
    """The name under which a column has its words: a time without its ending.

    Examples
    --------
    >>> column_name("answered_at"), column_name("limit_cents")
    ('answered', 'limit_cents')
    """
    return name.removesuffix("_at")


def value_text(name: str, value: object, yes_no: tuple[str, str] = ("Yes", "No")) -> str:
    """A plain value of a copy in words.

    Parameters
    ----------
    name, value
        Of a column, as the copy has it.
    yes_no
        The words of a truth value.

    Examples
    --------
    >>> value_text("limit_cents", 1_234_500), value_text("delta_cents", -5), value_text("is_live", True)
    ('12,345.00', '−0.05', 'Yes')
    >>> value_text("opened_at", "2026-11-22T09:00:01+00:00"), value_text("reason", None)
    ('2026-11-22 09:00:01 UTC', '–')
    """
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return yes_no[0 if value else 1]
    if name.endswith("_cents") and isinstance(value, int):
        return ("−" if value < 0 else "") + amount_text(abs(value), "")
    if name.endswith("_at"):
        return str(value)[:19].replace("T", " ") + " UTC"
    return str(value)


def copy_html(copy: Mapping[str, Any], language: str = "en") -> str:
    """A copy as one HTML page: everything that is in it, no script, no request to anywhere.

    Parameters
    ----------
    copy
        Of :func:`limitkeeper.app.rights.copy_given`.
    language
        ``en`` or ``zh``.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    t = report_words(language, "copy")

    def shown(value: object, name: str) -> str:
        return value_text(name, value, (t["yes"], t["no"]))

    roles = console_wording(language)["role"]
    filters: dict[str, Callable[..., Any]] = {
        "shown": shown,
        "column": column_name,
        "done": partial(act_words, language),
    }
    return page_drawn("copy.html.j2", filters, c=copy, t=t, roles=roles, folded=FOLDED)
