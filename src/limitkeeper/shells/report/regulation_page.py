"""The facts for the supervisor as a page that he can read, in English or Chinese."""

from collections.abc import Mapping
from typing import Any

from limitkeeper.core.compliance.checks import ERASED, FAILED, MET, OUTSIDE, UNKNOWN
from limitkeeper.shells.report.page import page_drawn, report_words, whole_number

STATUSES = (MET, FAILED, UNKNOWN, OUTSIDE, ERASED)
"""Of a rule on a subject, in the table's order."""


def subject_name(subject: str, t: Mapping[str, Any]) -> str:
    """What a rule was held against, in words.

    Examples
    --------
    >>> subject_name("appeal:4f2a", {"subjects": {"appeal": "Appeal"}})
    'Appeal 4f2a'
    """
    kind, _, name = subject.partition(":")
    return f"{t['subjects'].get(kind, kind)} {name}"


def regulation_html(facts: Mapping[str, Any], language: str = "en") -> str:
    """Exported facts as one HTML page: no script, no request to anywhere.

    Parameters
    ----------
    facts
        Of :func:`limitkeeper.app.regulation.evaluation_document`.
    language
        ``en`` or ``zh``.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    t, ending = report_words(language, "regulation"), "_zh" if language == "zh" else ""
    return page_drawn(
        "regulation.html.j2",
        {"count": whole_number},
        f=facts,
        t=t,
        statuses=STATUSES,
        text=lambda rule, name: rule[name + ending],
        subject=lambda named: subject_name(named, t),
        failing=[rule for rule in facts["rules"] if rule["counts"].get(FAILED)],
    )
