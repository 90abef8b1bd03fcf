"""The reasons that a customer is given, read from a decision's trace."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean

REASONS_MAX = 4
"""A notice gives at most four principal reasons (Regulation B, official commentary to 1002.9(b)(2))."""

NAMED_ENOUGH = 2
"""With so many reasons that say something, the fallback, which says little, is not added."""

FALLBACK_CODE = "account_information"
"""The reason of a characteristic that has no code of its own; its label is shown."""


AT_LEAST, AT_MOST = 1.0, -1.0

EVIDENCE: Mapping[str, tuple[tuple[str, float, float], ...]] = {
    "late_recent": (("late_share_6", AT_LEAST, 0.01), ("days_past_due_max_12", AT_LEAST, 1.0)),
    "late_last": (("late_share_12", AT_LEAST, 0.01), ("days_past_due_max_12", AT_LEAST, 1.0)),
    "minimum_only": (("minimum_only_share_6", AT_LEAST, 0.01),),
    "repaid_little": (("completeness_6", AT_MOST, 0.9), ("completeness_3", AT_MOST, 0.9)),
    "repayment_irregular": (("late_share_6", AT_LEAST, 0.01), ("days_past_due_mean_6", AT_LEAST, 1.0)),
    "utilisation_high": (("utilisation", AT_LEAST, 0.5),),
    "repayment_fallen": (("repayment_change", AT_LEAST, 1.0),),
    "spending_unusual": (
        ("spend_zscore_90d", AT_LEAST, 2.0),
        ("spend_velocity_7d_90d", AT_LEAST, 1.5),
        ("spend_change", AT_LEAST, 1.0),
    ),
    "cash_rise": (("cash_share_30d", AT_LEAST, 0.01),),
    "inactive": (("spend_count_90d", AT_MOST, 1.0), ("days_since_last_use", AT_LEAST, 90.0)),
    "relations": (("linked_bad_share", AT_LEAST, 0.01),),
    "terms_breach": (("flag_count_90d", AT_LEAST, 1.0), ("round_share_30d", AT_LEAST, 0.5)),
}
"""What an account must show for a reason to be told: feature, at least or at most, value; one is enough."""


def is_told_truly(code: str, inputs: Mapping[str, object]) -> bool:
    """Whether an account's own figures bear a reason out; yes where none of them is known.

    A characteristic can cost points in a way that its usual wording would turn into an untruth: a customer
    who owes nothing must not read that most of his limit is in use.

    Parameters
    ----------
    code
        The reason.
    inputs
        The inputs of the decision's trace; missing is None.

    Examples
    --------
    >>> is_told_truly("utilisation_high", {"utilisation": 0.9}), is_told_truly("utilisation_high", {"utilisation": 0.0})
    (True, False)
    """
    known = [
        sign * value >= sign * threshold
        for feature, sign, threshold in EVIDENCE.get(code, ())
        if isinstance(value := inputs.get(feature), int | float)
    ]
    return any(known) or not known


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


def characteristic_reason(code: str | None, label: str, inputs: Mapping[str, object]) -> Reason:
    """The reason of a characteristic that cost points: its own where that is true, else the plain fallback.

    Examples
    --------
    >>> characteristic_reason("utilisation_high", "BILL_AMT1", {"utilisation": 0.0})
    Reason(code='account_information', label='BILL_AMT1')
    """
    return Reason(code) if code and is_told_truly(code, inputs) else Reason(FALLBACK_CODE, label)


def principal_reasons(
    rule_codes: Iterable[Iterable[str]], characteristic_reasons: Iterable[Reason], *, score_used: bool
) -> tuple[Reason, ...]:
    """At most four reasons in order of weight, none twice; the fallback only where few others are.

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
    named = dict.fromkeys(reason for reason in candidates if reason.code != FALLBACK_CODE)
    if len(named) >= NAMED_ENOUGH:
        return tuple(named)[:REASONS_MAX]
    plain = dict.fromkeys(reason for reason in candidates if reason.code == FALLBACK_CODE)
    return (*named, *plain)[:REASONS_MAX]


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
