"""A notice: what changed, from when, why, what would help, how and until when to appeal, and the right to a person."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from limitkeeper.core.kernel.errors import InputError, PolicyError
from limitkeeper.core.notice.reasons import REASONS_MAX

KINDS = (
    "limit_decreased",
    "limit_decreased_in_steps",
    "line_closed",
    "line_frozen",
    "freeze_lifted",
    "freeze_confirmed",
    "steps_cancelled",
    "restoration_stopped",
    "change_needless",
    "limit_restored",
    "limit_restored_in_steps",
    "lowered_at_request",
    "closed_at_request",
    "request_taken_back",
    "request_taken_back_restored",
    "request_taken_back_reviewed",
    "change_withdrawn",
    "change_replaced",
    "change_corrected",
    "change_overtaken",
    "appeal_received",
    "appeal_asked",
    "appeal_decided",
    "data_request_received",
    "erasure_announced",
    "data_request_extended",
    "data_copy_ready",
    "data_request_answered",
    "data_request_partly_answered",
    "data_request_refused",
    "data_request_taken_back",
)
"""What a notice can be of."""

ADVERSE_KINDS = (
    "limit_decreased",
    "limit_decreased_in_steps",
    "line_closed",
    "line_frozen",
    "freeze_confirmed",
)
"""These say why, and how to appeal."""

RISING_KINDS = ("limit_restored", "limit_restored_in_steps")
"""These tell of a limit that rises, which the customer's own request ends."""

STANDING_KINDS = ("steps_cancelled", "restoration_stopped", "change_needless")
"""These tell of planned changes that do not come, and list those that still are to come."""

DATA_ANSWER_KINDS = (
    "data_copy_ready",
    "data_request_answered",
    "data_request_partly_answered",
    "data_request_refused",
)
"""These answer a request about personal data, and say how to object."""

PARTS = (
    "greeting",
    "reasons",
    "help",
    "counted_in",
    "goes_further",
    "ends_rise",
    "steps",
    "still_planned",
    "appeal",
    "person",
    "object",
    "closing",
    "short",
    "short_adverse",
)
"""What the wording says beside each kind's own words."""


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """What a notice is of.

    Parameters
    ----------
    kind
        Of :data:`KINDS`.
    line
        The line as its customer knows it, such as its last digits; empty where it is about none.
    currency_sign
        Stands before amounts.
    limit_before_cents, limit_after_cents
        Minor units; None where no amount changes.
    effective_day
        From when; None where it is not about a change.
    appeal_until_day
        Until when to appeal; None where there is nothing to appeal against.
    steps
        Day and limit of each step of a gradual change; of :data:`STANDING_KINDS` what is planned still.
    reasons
        ``code, text, help`` in the notice's language, at most four, in order of weight.
    duties
        Codes of what the market's law has the lender say besides.
    words
        What a person wrote for it, as in the outcome of an appeal.
    own_request
        Day and limit of the customer's own request that comes before a cut, counted in or going further than it, or
        that ends a rise.
    asked, asked_day, request_id
        Of a request about personal data: what was asked for, in the notice's language, when, and its number.
    """

    kind: str
    line: str = ""
    currency_sign: str = ""
    limit_before_cents: int | None = None
    limit_after_cents: int | None = None
    effective_day: dt.date | None = None
    appeal_until_day: dt.date | None = None
    steps: tuple[tuple[dt.date, int], ...] = ()
    reasons: tuple[Mapping[str, str], ...] = ()
    duties: tuple[str, ...] = ()
    words: str = ""
    own_request: tuple[dt.date, int] | None = None
    asked: str = ""
    asked_day: dt.date | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as it is read: a subject, and paragraphs of which lists are lines."""

    subject: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole as plain text."""
        return "\n\n".join(self.paragraphs)


@dataclass(frozen=True, slots=True)
class NoticeWording:
    """The words of notices in one language.

    Parameters
    ----------
    kinds
        Each kind's ``subject`` and ``body``.
    parts
        Of :data:`PARTS`.
    duties
        By code.
    day_format
        Such as ``{year}-{month:02}-{day:02}``.
    """

    kinds: Mapping[str, Mapping[str, str]]
    parts: Mapping[str, str]
    duties: Mapping[str, str]
    day_format: str

    def day(self, day: dt.date) -> str:
        """A day as the language writes it."""
        return self.day_format.format(year=day.year, month=day.month, day=day.day)


def notice_wording_from_document(document: Mapping[str, object]) -> NoticeWording:
    """The wording that a document holds.

    Raises
    ------
    PolicyError
        When a kind or a part lacks its words.
    """
    kinds, parts, duties = (document.get(name) for name in ("kinds", "parts", "duties"))
    if not (isinstance(kinds, Mapping) and isinstance(parts, Mapping) and isinstance(duties, Mapping)):
        raise PolicyError(
            "The wording of notices is not complete.", allowed="kinds, parts, duties, day_format"
        )
    for kind in KINDS:
        if not isinstance(kinds.get(kind), Mapping) or set(kinds[kind]) != {"subject", "body"}:
            raise PolicyError(f"The wording of '{kind}' is not complete.", value=kinds.get(kind))
    if missing := [part for part in PARTS if not parts.get(part)]:
        raise PolicyError("A part of notices has no words.", value=", ".join(missing))
    return NoticeWording(kinds, parts, duties, str(document["day_format"]))


def amount_text(cents: int, sign: str) -> str:
    """An amount of minor units with its sign.

    Examples
    --------
    >>> amount_text(1_234_500, "¥"), amount_text(5, "$")
    ('¥12,345.00', '$0.05')
    """
    return f"{sign}{cents // 100:,}.{cents % 100:02}"


def notice_of(facts: NoticeFacts, wording: NoticeWording) -> Notice:
    """The notice that facts make in a language.

    Parameters
    ----------
    facts
        What it is of.
    wording
        Of the language that its reasons are in.

    Raises
    ------
    InputError
        When there are more than four reasons, or an adverse one has no reason or no day to appeal until.
    PolicyError
        When a duty has no words.
    """
    sign = facts.currency_sign
    before, after = (_amount(cents, facts) for cents in (facts.limit_before_cents, facts.limit_after_cents))
    steps = [amount_text(cents, sign) for _, cents in facts.steps]
    return _assembled(facts, wording, [facts.line, before, after, *steps])


FIRST_MARK = 0xE000
"""Marks are characters that no text has: of the line, the amounts before and after, and that of each step."""


def pattern_marks(steps: int) -> list[str]:
    """The marks of a pattern with so many steps: line, limit before, limit after, limit of each step."""
    return [chr(FIRST_MARK + place) for place in range(3 + steps)]


def notice_pattern(facts: NoticeFacts, wording: NoticeWording) -> Notice:
    """The notice of many lines that differ in name and amounts alone, with :func:`pattern_marks` in their places.

    Parameters
    ----------
    facts
        Of all of them; its line and its amounts are not looked at.
    wording
        Of the language that its reasons are in.

    Raises
    ------
    InputError, PolicyError
        As of :func:`notice_of`.
    """
    return _assembled(facts, wording, pattern_marks(len(facts.steps)))


def _assembled(facts: NoticeFacts, wording: NoticeWording, own_texts: Sequence[str]) -> Notice:
    if len(facts.reasons) > REASONS_MAX:
        raise InputError(
            "A notice gives at most four reasons.", value=len(facts.reasons), allowed=REASONS_MAX
        )
    if facts.kind in ADVERSE_KINDS and not (facts.reasons and facts.appeal_until_day):
        raise InputError("An adverse notice says why, and until when to appeal.", value=facts.kind)
    line, before, after, *step_amounts = own_texts
    values = {
        "line": line,
        "before": before,
        "after": after,
        "day": wording.day(facts.effective_day) if facts.effective_day else "",
        "appeal_day": wording.day(facts.appeal_until_day) if facts.appeal_until_day else "",
        "asked": facts.asked,
        "asked_day": wording.day(facts.asked_day) if facts.asked_day else "",
        "request": facts.request_id,
    }
    own, parts = wording.kinds[facts.kind], wording.parts
    # What people wrote is added as it is: it is never a template.
    paragraphs = [parts["greeting"], own["body"].format(**values), facts.words]
    if facts.steps:
        lines = [
            f"- {wording.day(day)}: {amount}"
            for (day, _), amount in zip(facts.steps, step_amounts, strict=True)
        ]
        heading = parts["still_planned" if facts.kind in STANDING_KINDS else "steps"]
        paragraphs.append("\n".join([heading, *lines]))
    if facts.own_request is not None:
        paragraphs.append(_own_request(facts.own_request, facts, wording))
    if facts.reasons:
        paragraphs.append(_listed(parts["reasons"], [reason["text"] for reason in facts.reasons]))
        paragraphs.append(_listed(parts["help"], [reason["help"] for reason in facts.reasons]))
    if facts.appeal_until_day:
        paragraphs += [parts["appeal"].format(**values), parts["person"]]
    if facts.kind in DATA_ANSWER_KINDS:
        paragraphs.append(parts["object"])
    paragraphs += [_duty(code, wording) for code in facts.duties]
    paragraphs.append(parts["closing"])
    return Notice(own["subject"].format(**values), tuple(each for each in paragraphs if each))


def short_text(notice: Notice, wording: NoticeWording, kind: str) -> str:
    """A notice as a short message: what it is about and where to read it, without amounts, reasons or a name."""
    part = "short_adverse" if kind in ADVERSE_KINDS else "short"
    return wording.parts[part].format(subject=notice.subject)


def _amount(cents: int | None, facts: NoticeFacts) -> str:
    return "" if cents is None else amount_text(cents, facts.currency_sign)


def _own_request(request: tuple[dt.date, int], facts: NoticeFacts, wording: NoticeWording) -> str:
    day, cents = request
    is_counted_in = facts.limit_after_cents is not None and facts.limit_after_cents < cents
    name = "ends_rise" if facts.kind in RISING_KINDS else "counted_in" if is_counted_in else "goes_further"
    part = wording.parts[name]
    return part.format(request_day=wording.day(day), request_limit=amount_text(cents, facts.currency_sign))


def _listed(heading: str, items: Sequence[str]) -> str:
    return "\n".join([heading, *(f"{place}. {item}" for place, item in enumerate(items, start=1))])


def _duty(code: str, wording: NoticeWording) -> str:
    if code not in wording.duties:
        raise PolicyError("A duty of the market has no words.", value=code, allowed=", ".join(wording.duties))
    return wording.duties[code]
