"""A customer's own line in plain words: his portrait, values as people write them, the path to restoration."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean
from limitkeeper.core.kernel.quantity import Quantity
from limitkeeper.core.notice.notice import amount_text
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES

PARTS = ("portrait", "units", "path", "explanation")
UNITS = ("days", "count", "share", "ratio", "annual rate", "other", "unknown", "is_so", "is_not_so")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said of a feature whose value lies within bounds; None for no bound."""

    text: str
    at_least: float | None = None
    at_most: float | None = None

    def fits(self, value: float) -> bool:
        """Whether it is said of a value."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


@dataclass(frozen=True, slots=True)
class AccountWording:
    """The words of a line in one language.

    Parameters
    ----------
    portrait
        Of each feature, in the order in which they are said, sentences of which the first that fits is said.
    units
        How numbers are written.
    path, explanation
        Parts of the path to restoration, and of an explanation.
    """

    portrait: Mapping[str, tuple[Sentence, ...]]
    units: Mapping[str, str]
    path: Mapping[str, str]
    explanation: Mapping[str, Any]


def account_wording_from_document(document: Mapping[str, Any]) -> AccountWording:
    """The wording that a document holds.

    Raises
    ------
    PolicyError
        When a part is missing, or a sentence is of something that is no feature.
    """
    if set(document) != set(PARTS) or set(document["units"]) != set(UNITS):
        raise PolicyError(
            "The wording of accounts is not complete.", value=sorted(document), allowed=", ".join(PARTS)
        )
    for name in document["portrait"]:
        if name not in SHARED_QUANTITIES:
            raise PolicyError(
                "A portrait tells of something that is no feature.", value=name,
                advice=did_you_mean(name, SHARED_QUANTITIES),
            )  # fmt: skip
    portrait = {
        name: tuple(Sentence(each["text"], each.get("at_least"), each.get("at_most")) for each in sentences)
        for name, sentences in document["portrait"].items()
    }
    return AccountWording(portrait, document["units"], document["path"], document["explanation"])


def value_text(unit: str, value: object, wording: AccountWording, currency_sign: str) -> str:
    """A value in its unit as people write it.

    Examples
    --------
    >>> words = AccountWording({}, {"share": "{number:.0%}", "unknown": "not known"}, {}, {})
    >>> value_text("share", 0.254, words, "$"), value_text("cents", 120_000.0, words, "$")
    ('25%', '$1,200.00')
    >>> value_text("share", None, words, "$")
    'not known'
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return wording.units["unknown"]
    if unit == "cents":
        return amount_text(abs(round(value)), "-" * (value < 0) + currency_sign)
    if unit == "flag":
        return wording.units["is_so" if value else "is_not_so"]
    return wording.units.get(unit, wording.units.get("other", "{number:g}")).format(number=value)


def portrait_in_words(
    features: Mapping[str, float | None], wording: AccountWording, currency_sign: str
) -> list[str]:
    """What is known of an account, as sentences in the wording's order; what is missing is not said.

    Parameters
    ----------
    features
        By name; missing is None.
    wording, currency_sign
        Of the customer's language and market.
    """
    said = []
    for name, sentences in wording.portrait.items():
        value = features.get(name)
        found = None if value is None else next((each for each in sentences if each.fits(value)), None)
        if found is not None:
            unit = SHARED_QUANTITIES[name].unit
            said.append(found.text.format(value=value_text(unit, value, wording, currency_sign)))
    return said


def value_label(name: str, language: str, known: Mapping[str, Quantity] = SHARED_QUANTITIES) -> str:
    """What a value is called in a language; its name where it is the strategy's own."""
    quantity = known.get(name)
    if quantity is None:
        return name
    return (quantity.description_zh if language == "zh" else quantity.description).rstrip(".。")


def characteristic_label(name: str, label: str, language: str) -> str:
    """What a model's characteristic is called in a language; as its model has it where the column is the lender's own.

    Parameters
    ----------
    name
        Of a quantity, or of one over another.
    label
        Of the model.
    language
        ``en`` or ``zh``.

    Examples
    --------
    >>> characteristic_label("late_share_6", "late_share_6", "en")
    'Share of the last 6 bills paid late'
    >>> characteristic_label("own_column", "Rent", "en")
    'Rent'
    """
    parts = name.split("_over_")
    if any(part not in SHARED_QUANTITIES for part in parts):
        return label
    return " / ".join(value_label(part, language) for part in parts)


def restoration_needs(trace: Mapping[str, Any], wording: AccountWording) -> list[dict[str, Any]]:
    """What must be so for a restoration, and whether it is, read from the rules that restore.

    Each comparison of such a rule that a customer can do something about is told once: its ``text``, and ``is_met``.

    Parameters
    ----------
    trace
        Of a look at the line as it is now.
    wording
        Of the language.
    """
    needs: dict[str, dict[str, Any]] = {}
    for rule in trace.get("rules", []):
        if rule["action"] != "restore":
            continue
        for name, value, bound, is_met in _comparisons(rule):
            if name in wording.path and name not in needs:
                shown = {"value": "?" if value is None else f"{value:g}", "needed": f"{bound:g}"}
                needs[name] = {"text": wording.path[name].format(**shown), "is_met": is_met}
    return list(needs.values())


def _comparisons(rule: Mapping[str, Any]) -> Sequence[tuple[str, float | None, float, bool]]:
    """The comparisons of a value with a parameter in a rule's expression: name, value, bound, whether it holds."""
    found = []
    for part in rule["when"].split(" and "):
        words = part.split()
        if len(words) == 3 and words[0] in rule["values"] and words[2] in rule["parameters"]:  # noqa: PLR2004
            value, bound = rule["values"][words[0]], rule["parameters"][words[2]]
            known = isinstance(value, int | float)
            is_met = known and {
                ">=": value >= bound,
                ">": value > bound,
                "<": value < bound,
                "<=": value <= bound,
            }.get(words[1], False)
            found.append((words[0], value if known else None, bound, bool(is_met)))
    return found
