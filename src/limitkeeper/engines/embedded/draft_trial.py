"""A draft of a strategy tried on the accounts as they stand, beside what decides: nothing is decided or written.

The engine's thread only reads what both need, slice by slice; they are assessed in the thread of who asks, and the
draft's rules run as they are, without being compiled: a text that is tried once is not worth its compilation.
"""

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.app.strategies import published_strategy
from limitkeeper.core.alerts.standing import renumbered
from limitkeeper.core.alerts.terms import WatchTerms, check_model
from limitkeeper.core.alerts.watch import Reading, assessed_upon
from limitkeeper.core.kernel.errors import ModelError, RuleError
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.core.review.value import SUMMED, value_change
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.proposals import rule_counts
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES
from limitkeeper.core.value.economics import VALUE_NAMES, Terms
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.policy import watch_terms
from limitkeeper.engines.embedded.requests import BusyError
from limitkeeper.engines.embedded.sample import Sampler, asked, in_turns
from limitkeeper.engines.embedded.shard import CHANGE_NAMES

EXAMPLES_MAX = 20
"""Accounts that are named whose action differs, then those of the same action whose limit after it does."""

KEPT_SECONDS = 300.0
"""How long what came of a trial is told again."""

KEPT_MAX = 8
"""Trials that are kept; the oldest goes first."""

TRIAL_SECONDS = 60.0
"""After which a trial is given up: a long text of many conditions may take very long."""

ASSESSED_ACCOUNTS = 500
"""Accounts that are assessed between two looks at the clock."""

REVIEW = "Review a portfolio with it by the command line: limitkeeper life review."

Key = tuple[str, str | None, dt.date]


class TrialError(RuleError):
    """A draft that cannot be tried here."""

    RULES = MappingProxyType(
        {
            "market": ("The draft is not for this server's market.", "该草稿不适用于本服务器的市场。"),
            "own_inputs": (
                "The draft reads columns of your own, which live events do not give.",
                "草稿使用了实时事件不提供的自有字段。",
            ),
            "model": (
                "The draft's model reads what live events do not give.",
                "草稿的模型使用了实时事件不提供的字段。",
            ),
            "too_long": ("The draft takes too long to be tried here.", "草稿试算耗时过长。"),
        }
    )


class Side(NamedTuple):
    """What came of accounts under one strategy: arrays ``(n,)``, values ``(6, n)``."""

    limits_cents: NDArray[np.float64]
    values_before: NDArray[np.float64]
    values_after: NDArray[np.float64]
    hits: NDArray[np.int64]
    rules: NDArray[np.int16]
    effects: NDArray[np.uint8]
    limits_after_cents: NDArray[np.int64]


class DraftTrials:
    """Tries drafts, one at a time; what came of one is kept for a while.

    Parameters
    ----------
    engine
        Which runs.
    sampler
        Of the accounts that are looked at.
    clock
        Seconds that never go back.
    """

    def __init__(self, engine: Engine, sampler: Sampler, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._sampler, self._clock = engine, sampler, clock
        self.turn = threading.Lock()
        self._kept: dict[Key, tuple[float, dict[str, Any]]] = {}

    def tried(self, strategy: Strategy, model: Model | None, market: str) -> dict[str, Any]:
        """What a draft would do beside what decides, as JSON; called in no thread of the engine's.

        Parameters
        ----------
        strategy, model
            Of the draft; without a model no rule that reads the score hits.
        market
            Of the server.

        Raises
        ------
        TrialError
            When live events do not give what the draft reads, or it takes too long.
        BusyError
            When another one is tried.
        StoppedError
            As of :meth:`Engine.take`.
        """
        check_live(strategy, model, market)
        key = strategy.hash, model.hash if model else None, self._engine.policy.day
        if (known := self._known(key)) is not None:
            return known
        if not self.turn.acquire(blocking=False):
            raise BusyError(
                "Another draft is tried.", allowed="one at a time", advice="Send it again in a moment."
            )
        try:
            found = self._known(key) or self._made(strategy, model)
            self._kept.pop(key, None)
            self._kept[key] = self._clock(), found
            while len(self._kept) > KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            return found
        finally:
            self.turn.release()

    def _known(self, key: Key) -> dict[str, Any] | None:
        made, found = self._kept.get(key, (0.0, None))
        return None if found is None or self._clock() - made >= KEPT_SECONDS else found

    def _made(self, strategy: Strategy, model: Model | None) -> dict[str, Any]:
        policy, until = self._engine.policy, self._clock() + TRIAL_SECONDS
        parameters = policy.reporter.parameters
        now = policy.terms.watch
        draft = watch_terms(published_strategy(strategy, parameters, compiled=False), model, parameters)
        of_now, of_draft = [_nobody()], [_nobody()]
        ids: list[str] = []
        for place, numbers in in_turns(self._sampler.members()):
            known, first, second = asked(self._engine, _read(place, numbers, (now, draft)))
            ids += known
            of_now.append(_side(first, now))
            of_draft += self._sides(_as_of(second, now, draft), draft, until)
        sides = _joined(of_now), _joined(of_draft)
        return {
            "as_of": instant_text(self._engine.as_of_us()),
            "accounts": self._sampler.accounts,
            "sampled_accounts": len(ids),
            "now": _side_document(sides[0], now),
            "draft": _side_document(sides[1], draft),
            **_differences(ids, sides, (now, draft)),
        }

    def _sides(self, reading: Reading, draft: WatchTerms, until: float) -> list[Side]:
        """What comes of accounts under a draft, a few at a time.

        Raises
        ------
        TrialError
            When that takes too long.
        """
        found = []
        for part in reading.columns.chunks(ASSESSED_ACCOUNTS):
            if self._clock() > until:
                raise TrialError("too_long", value=f"{TRIAL_SECONDS:.0f} seconds", advice=REVIEW)
            columns = reading.columns.part(part.start, part.stop)
            found.append(_side(Reading(columns, reading.hits_before[part], reading.barred[part]), draft))
        return found


def check_live(strategy: Strategy, model: Model | None, market: str) -> None:
    """Nothing, where a draft is for a market, and live events give all that it reads.

    Raises
    ------
    TrialError
        When it is not, or they do not.
    """
    own = [name for name in strategy.names if name not in SHARED_QUANTITIES]
    if market not in strategy.markets:
        raise TrialError("market", value=f"{', '.join(strategy.markets)}; the server's is {market}")
    if own:
        raise TrialError("own_inputs", value=", ".join(own[:10]), advice=REVIEW)
    if model is not None:
        try:
            check_model(model, CHANGE_NAMES)
        except ModelError as error:
            raise TrialError("model", value=str(error)) from error


def _read(
    place: int, numbers: NDArray[np.int64], each: tuple[WatchTerms, WatchTerms]
) -> Callable[[Engine], tuple[list[str], Reading, Reading]]:
    """What terms read of a shard's accounts, in the engine's thread, with their ids: of those that the champion has.

    A draft is tried in the champion's place; a challenger's accounts stay with it.
    """

    def look(engine: Engine) -> tuple[list[str], Reading, Reading]:
        shard, relations = engine.state.shards[place], engine.state.web.relations_of(place)
        own = numbers[engine.state.terms.arms_of(shard, numbers) == 0]
        first, second = shard.read(own, engine.as_of_us(), each, relations)
        return [shard.ids[number] for number in own.tolist()], first, second

    return look


def _rule_ids(terms: WatchTerms) -> list[str]:
    return [rule.id for rule in terms.policy.strategy.strategy.rules]


def _as_of(reading: Reading, now: WatchTerms, draft: WatchTerms) -> Reading:
    """What was read, the rules' past as though the draft took over: it follows their ids."""
    before, after = _rule_ids(now), _rule_ids(draft)
    return replace(
        reading,
        hits_before=renumbered(reading.hits_before, before, after),
        barred=renumbered(reading.barred, before, after),
    )


def _side(reading: Reading, terms: WatchTerms) -> Side:
    found = assessed_upon(reading, terms).assessment
    proposals = found.proposals
    return Side(
        reading.columns["limit_cents"], found.value_before, found.value_after, proposals.hits,
        proposals.rules, proposals.effects, proposals.limits_after_cents,
    )  # fmt: skip


def _nobody() -> Side:
    values = np.empty((len(VALUE_NAMES), 0))
    rules, effects, masks = np.empty(0, np.int16), np.empty(0, np.uint8), np.empty(0, np.int64)
    return Side(np.empty(0), values, values, masks, rules, effects, masks)


def _joined(parts: Sequence[Side]) -> Side:
    return Side(*(np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True)))


def _side_document(side: Side, terms: WatchTerms) -> dict[str, Any]:
    """What a strategy does to all of them, as the figures of a review tell it."""
    strategy, economics = terms.policy.strategy.strategy, terms.policy.terms
    effects = np.bincount(side.effects, minlength=len(Action))
    counts = rule_counts(side.hits, side.rules, len(strategy.rules))
    return {
        "strategy": f"{strategy.name} {strategy.version}",
        "hash": strategy.hash,
        "model_hash": terms.model.hash if terms.model else None,
        "actions": {action.code: int(effects[action]) for action in Action},
        "rules": {rule.id: each for rule, each in zip(strategy.rules, counts, strict=True)},
        "value": value_document(side, economics, has_model=terms.model is not None),
    }


def value_document(side: Side, terms: Terms, *, has_model: bool) -> dict[str, Any]:
    """The sums before and after; without a model of exposures and limits alone.

    What accounts in default are worth is known even then, but says nothing of the portfolio.

    Parameters
    ----------
    side
        What came of the accounts.
    terms
        Of value.
    has_model
        Whether PDs are known.
    """
    found = value_change(
        side.values_before, side.values_after, side.limits_cents, side.limits_after_cents,
        terms.opex_cents, terms.capital_benefit_rate,
    )  # fmt: skip
    if not has_model:
        found["accounts"] = 0
        exposures = [
            values[VALUE_NAMES.index("ead_cents")] for values in (side.values_before, side.values_after)
        ]
        known = ~np.isnan(exposures).any(axis=0)
        for name, each in zip(("before", "after"), exposures, strict=True):
            found[name] |= dict.fromkeys((*SUMMED, "raroc")) | {"ead_cents": float(each[known].sum())}
    before, after = found["before"], found["after"]
    return found | {
        "exposure_cut_cents": before["ead_cents"] - after["ead_cents"],
        "limit_cut_cents": before["limit_cents"] - after["limit_cents"],
    }


def _differences(
    ids: list[str], sides: Sequence[Side], each: tuple[WatchTerms, WatchTerms]
) -> dict[str, Any]:
    """Accounts whose action differs: by pair of actions, the most first, and some of each pair; then other limits."""
    now, draft = sides
    differ = now.effects != draft.effects
    pairs, places = np.unique(
        np.stack([now.effects[differ], draft.effects[differ]]), axis=1, return_inverse=True
    )
    counts = np.bincount(places, minlength=pairs.shape[1])
    order = np.argsort(-counts, kind="stable")
    accounts = [np.flatnonzero(differ)[places == pair] for pair in order]
    taking_turns = [
        each for turn in range(EXAMPLES_MAX) for pair in accounts for each in pair[turn : turn + 1]
    ]
    of_limits = np.flatnonzero(~differ & (now.limits_after_cents != draft.limits_after_cents))
    examples = [*taking_turns, *of_limits[:EXAMPLES_MAX]][:EXAMPLES_MAX]
    rules = [_rule_ids(terms) for terms in each]

    def example(account: int) -> dict[str, Any]:
        limit = now.limits_cents[account]
        told = {"account_id": ids[account], "limit_cents": None if np.isnan(limit) else int(limit)}
        return told | {
            name: _decided(side, names, account)
            for name, side, names in zip(("now", "draft"), sides, rules, strict=True)
        }

    return {
        "differing": int(differ.sum()),
        "differing_limits": of_limits.size,
        "pairs": [
            {"now": Action(int(pairs[0, pair])).code, "draft": Action(int(pairs[1, pair])).code,
             "accounts": int(counts[pair])}
            for pair in order
        ],
        "examples": [example(int(account)) for account in examples],
    }  # fmt: skip


def _decided(side: Side, rules: list[str], account: int) -> dict[str, Any]:
    rule, limit = int(side.rules[account]), int(side.limits_after_cents[account])
    return {
        "action": Action(int(side.effects[account])).code,
        "rule": rules[rule] if rule >= 0 else None,
        "limit_after_cents": limit if limit >= 0 else None,
    }
