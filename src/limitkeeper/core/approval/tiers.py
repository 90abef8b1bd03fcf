"""Which tier decides on a case: the highest that any rule of the policy asks for.

Tier 1 is the system itself, tier 2 the risk team, tier 3 senior management or the committee.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean

SYSTEM_TIER, TEAM_TIER, COMMITTEE_TIER = 1, 2, 3
TIERS = (SYSTEM_TIER, TEAM_TIER, COMMITTEE_TIER)

Fact = str | float | bool | None
Facts = Mapping[str, Fact]

FACTS: Mapping[str, str] = {
    "kind": "what the case is about: decision, campaign, restoration, appeal, request",
    "action": "decrease, freeze, close, restore, increase, thaw",
    "trigger": "what led to it",
    "segment": "of the account",
    "cut_cents": (
        "limit before less limit after, with the earlier cuts; below 0 where the limit rises; of a campaign that of the "
        "limits which the action changes, without earlier cuts, and each of its actions is asked of"
    ),
    "cut_share": "of the limit before, with the earlier cuts",
    "earlier_cuts_cents": "what the lender cut of the line earlier and has not given back; missing of a campaign",
    "exposure_cents": "balance and undrawn limit before",
    "customer_total_cents": "all limits of the customer before",
    "model_uncertainty": "width of the PD's interval over the PD; missing without a model",
    "refused_automation": "whether the customer refuses solely automated decisions",
    "balance_unknown": "whether what is owed is not known, of a customer's request to lower his line",
    "accounts": "of a campaign, else 1",
    "split_from_tier": (
        "of a part of a campaign, split from it or proposed again: the highest tier that the whole needed or lay on, "
        "or that all that is counted together needs"
    ),
    "beside_tier": (
        "of a campaign: the tier that it needs together with what its maker has put forward beside it and the team "
        "decides on"
    ),
}
"""What a rule may ask of a case."""


def cut_facts(cut_cents: int, before_cents: int | None, earlier_cuts_cents: int = 0) -> dict[str, Fact]:
    """What the policy asks of a cut, from the limit before the lender's own cuts: many small ones are a large one.

    ``cut = limit before - limit after + earlier cuts``, ``share = cut / (limit before + earlier cuts)``.

    Parameters
    ----------
    cut_cents, before_cents
        Limit before less limit after, and the limit before, minor units; None where that is not known.
    earlier_cuts_cents
        What the lender cut earlier and has not given back.

    Examples
    --------
    >>> cut_facts(206, 710)["cut_share"] < 0.3 < cut_facts(206, 710, earlier_cuts_cents=290)["cut_share"]
    True
    """
    cents, from_cents = cut_cents + earlier_cuts_cents, (before_cents or 0) + earlier_cuts_cents
    return {"cut_cents": cents, "cut_share": cents / from_cents if before_cents and from_cents else None}


WORD_FACTS = ("kind", "action", "trigger", "segment")


@dataclass(frozen=True, slots=True)
class Condition:
    """What one fact of a case must be: one of some words, true, at least, or more than.

    A fact that is missing meets no condition.

    Examples
    --------
    >>> Condition("cut_share", at_least=0.5).holds({"cut_share": 0.5}), Condition("cut_share", at_least=0.5).holds({})
    (True, False)
    """

    fact: str
    words: frozenset[str] = frozenset()
    at_least: float | None = None
    more_than: float | None = None
    is_true: bool = False

    def holds(self, facts: Facts) -> bool:
        """Whether a case's facts meet it."""
        value = facts.get(self.fact)
        if value is None:
            return False
        if self.words:
            return value in self.words
        if self.is_true:
            return value is True
        number = float(value)
        over = self.more_than is None or number > self.more_than
        return over and (self.at_least is None or number >= self.at_least)


@dataclass(frozen=True, slots=True)
class TierRule:
    """A rule that asks for a tier where all its conditions hold, from a day on, until a day."""

    id: str
    tier: int
    conditions: tuple[Condition, ...]
    description: str
    description_zh: str
    source: str
    valid_from: dt.date
    valid_to: dt.date | None = None

    def hits(self, facts: Facts, day: dt.date) -> bool:
        """Whether it asks for its tier."""
        in_force = self.valid_from <= day and (self.valid_to is None or day < self.valid_to)
        return in_force and all(condition.holds(facts) for condition in self.conditions)


class RequiredTier(NamedTuple):
    """The tier that must decide at least, and the rules that ask for it."""

    tier: int
    rules: tuple[str, ...]


def required_tier(facts: Facts, rules: Iterable[TierRule], day: dt.date) -> RequiredTier:
    """The tier that must decide on a case.

    ``max(tier of the rules that hit)``, 1 where none does.

    Parameters
    ----------
    facts
        Of :data:`FACTS`; what is missing meets no condition.
    rules
        The policy.
    day
        On which the case is opened.

    Examples
    --------
    >>> half = TierRule("half", 2, (Condition("cut_share", at_least=0.5),), "", "", "", dt.date(2020, 1, 1))
    >>> required_tier({"cut_share": 0.6}, [half], dt.date(2026, 1, 1))
    RequiredTier(tier=2, rules=('half',))
    >>> required_tier({"cut_share": 0.1}, [half], dt.date(2026, 1, 1))
    RequiredTier(tier=1, rules=())
    """
    hits = [rule for rule in rules if rule.hits(facts, day)]
    tier = max((rule.tier for rule in hits), default=SYSTEM_TIER)
    return RequiredTier(tier, tuple(rule.id for rule in hits if rule.tier == tier))


def tier_rules_from_document(document: Mapping[str, object]) -> tuple[TierRule, ...]:
    """The rules that a policy document holds: id -> tier, where, description, description_zh, source, from, to.

    Raises
    ------
    PolicyError
        When something in it does not hold.
    """
    return tuple(_rule(name, content) for name, content in document.items())


def _rule(name: str, content: object) -> TierRule:
    if not isinstance(content, Mapping):
        raise PolicyError(f"The tier rule '{name}' is no mapping.", value=content)
    missing = {"tier", "where", "description", "description_zh", "source", "from"} - set(content)
    unknown = set(content) - {"tier", "where", "description", "description_zh", "source", "from", "to"}
    if missing or unknown:
        raise PolicyError(
            f"The tier rule '{name}' lacks or has too much.", value=", ".join(sorted(missing | unknown))
        )
    if content["tier"] not in TIERS:
        raise PolicyError(f"The tier of '{name}' is none.", value=content["tier"], allowed="1, 2, 3")
    days = [content["from"], content.get("to")]
    if not isinstance(days[0], dt.date) or not isinstance(days[1], dt.date | None):
        raise PolicyError(f"The days of '{name}' are none.", value=days, allowed="dates like 2026-01-31")
    where = content["where"]
    if not isinstance(where, Mapping):
        raise PolicyError(f"The conditions of '{name}' are no mapping.", value=where)
    conditions = tuple(_condition(name, str(fact), asked) for fact, asked in where.items())
    english, chinese, source = (str(content[key]) for key in ("description", "description_zh", "source"))
    return TierRule(name, int(content["tier"]), conditions, english, chinese, source, days[0], days[1])


def _condition(rule: str, fact: str, asked: object) -> Condition:
    if fact not in FACTS:
        raise PolicyError(
            f"The tier rule '{rule}' asks of a fact that no case has.",
            value=fact,
            allowed=", ".join(FACTS),
            advice=did_you_mean(fact, FACTS),
        )
    if asked is True:
        return Condition(fact, is_true=True)
    if fact in WORD_FACTS:
        words = asked if isinstance(asked, list) else [asked]
        return Condition(fact, words=frozenset(str(word) for word in words))
    bounds = {"at_least", "more_than"}
    if not isinstance(asked, Mapping) or not asked or set(asked) - bounds:
        raise PolicyError(
            f"The condition on '{fact}' in '{rule}' cannot be read.",
            value=asked,
            allowed="{at_least: number} or {more_than: number}",
        )
    numbers = {str(key): float(value) for key, value in asked.items()}
    return Condition(fact, at_least=numbers.get("at_least"), more_than=numbers.get("more_than"))
