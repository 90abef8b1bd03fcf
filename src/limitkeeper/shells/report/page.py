"""What the pages of reports share: their words in English or Chinese, figures as text, and how a page is drawn."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from limitkeeper.app.policy import POLICY, checked_language
from limitkeeper.shells.templates import environment_of

NOTHING = "–"
SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "en": ((1e9, " bn"), (1e6, " m"), (1e3, " k")),
    "zh": ((1e8, " 亿"), (1e4, " 万")),
}


def report_words(language: str, page: str = "report") -> dict[str, Any]:
    """The words of a page in a language.

    Parameters
    ----------
    language
        ``en`` or ``zh``.
    page
        Whose words: ``report``, ``fairness``, ``monitoring``, ``renewal``.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    path = POLICY / "wording" / checked_language(language) / f"{page}.yaml"
    words: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return words


def whole_number(value: float | None) -> str:
    """A count with separators, or a dash where it is unknown.

    Examples
    --------
    >>> whole_number(30000), whole_number(None)
    ('30,000', '–')
    """
    return NOTHING if value is None else f"{value:,.0f}"


def percent(value: float | None, places: int = 1, *, signed: bool = False) -> str:
    """A share in percent, or a dash where it is unknown.

    Examples
    --------
    >>> percent(0.2212), percent(0.17, signed=True), percent(None)
    ('22.1%', '+17.0%', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:{'+' if signed else ''}.{places}%}".replace("-", "−")


def interval(bounds: tuple[float, float] | list[float] | None) -> str:
    """An interval of shares, or nothing where there is none.

    Examples
    --------
    >>> interval((0.21, 0.235))
    '21.0–23.5%'
    """
    return "" if bounds is None else f"{bounds[0] * 100:.1f}–{bounds[1]:.1%}"


def money(cents: float | None, currency: str = "", language: str = "en", *, signed: bool = False) -> str:
    """An amount in minor units, rounded to three or four figures in the language's own scale.

    Examples
    --------
    >>> money(502_452_968_000, "TWD"), money(502_452_968_000, language="zh"), money(-12_345)
    ('TWD 5.02 bn', '50.25 亿', '−123')
    """
    if cents is None or not math.isfinite(cents):
        return NOTHING
    units = abs(cents) / 100
    factor, suffix = next(((f, s) for f, s in SCALES[language] if units >= f), (1.0, ""))
    places = 0 if factor == 1.0 else 2 if units / factor < 100 else 1  # noqa: PLR2004 - three figures or more
    sign = "−" if cents < 0 else "+" if signed and cents > 0 else ""
    named = f"{currency} " if currency else ""
    return f"{sign}{named}{units / factor:,.{places}f}{suffix}"


def page_drawn(template: str, filters: Mapping[str, Callable[..., Any]], **values: Any) -> str:  # noqa: ANN401
    """A page of this folder, drawn with values: what is not given is an error, and everything is escaped.

    Parameters
    ----------
    template
        Its file.
    filters
        That it uses.
    values
        That it shows.
    """
    environment = environment_of(("limitkeeper.shells.report", "."))
    environment.filters |= filters
    return environment.get_template(template).render(**values)
