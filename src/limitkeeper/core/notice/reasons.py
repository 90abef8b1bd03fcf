"""The reasons that a customer is given, read from a decision's trace."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean

REASONS_MAX = 4
"""A notice gives at most four principal reasons (Regulation B, official commentary to 1002.9(b)(2))."""

FALLBACK_CODE = "account_information"
"""The reason of a characteristic that has no code of its own; its label is shown."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One reason in one language: what it says, and what would help."""

    code: str
    text: str
    help: str


def wording_from_document(document: Mapping[str, object]) -> dict[str, Wording]:
    """The wording that a YAML document holds: code -> text, help.

    Raises
    ------
    PolicyError
        When a code lacks its text or what would help.
    """
    wording = {}
    for code, entry in document.items():
        if not isinstance(entry, Mapping) or set(entry) != {"text", "help"} or not all(entry.values()):
            raise PolicyError(
                f"The wording of reason '{code}' is not complete.", value=entry, allowed="text, help"
            )
        wording[code] = Wording(code, str(entry["text"]), str(entry["help"]))
    return wording


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason of one decision: its code, and for the fallback code the label of what was used."""

    code: str
    label: str | None = None


def principal_reasons(
    rule_codes: Iterable[Iterable[str]], characteristic_reasons: Iterable[Reason], *, score_used: bool
) -> tuple[Reason, ...]:
    """At most four reasons in order of weight, none twice.

    The deciding rule's reasons come first, then, where a rule that hit used the score, the characteristics
    by points lost (never "your score is too low" alone), then those of the other rules that hit.

    Parameters
    ----------
    rule_codes
        Reason codes of each rule that hit, the deciding rule first.
    characteristic_reasons
        Reasons of the characteristics that lost most points, in that order.
    score_used
        Whether a rule that hit used the score or what follows from it.

    Examples
    --------
    >>> [r.code for r in principal_reasons([["utilisation_high"]], [Reason("late_recent")], score_used=True)]
    ['utilisation_high', 'late_recent']
    """
    deciding, *others = [[Reason(code) for code in codes] for codes in rule_codes] or [[]]
    scored = list(characteristic_reasons) if score_used else []
    candidates = [*deciding, *scored, *(reason for reasons in others for reason in reasons)]
    named = {reason.code for reason in candidates if reason.code != FALLBACK_CODE}
    chosen: dict[tuple[str, str | None], Reason] = {}
    for reason in candidates:
        key = (reason.code, reason.label if reason.code == FALLBACK_CODE else None)
        chosen.setdefault(key, reason)
    # A fallback says little: it gives way while named reasons fill the page.
    ordered = sorted(chosen.values(), key=lambda reason: reason.code == FALLBACK_CODE and len(named) > 0)
    return tuple(ordered[:REASONS_MAX])


def reason_texts(reasons: Iterable[Reason], wording: Mapping[str, Wording]) -> list[dict[str, str]]:
    """Each reason as ``code``, ``text`` and ``help`` in one language.

    Raises
    ------
    PolicyError
        When a code has no wording.
    """
    texts = []
    for reason in reasons:
        if reason.code not in wording:
            raise PolicyError(
                "A reason has no wording.",
                value=reason.code,
                allowed=", ".join(sorted(wording)),
                advice=did_you_mean(reason.code, wording),
            )
        found = wording[reason.code]
        text = f"{found.text} ({reason.label})" if reason.label else found.text
        texts.append({"code": reason.code, "text": text, "help": found.help})
    return texts
