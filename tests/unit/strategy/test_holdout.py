"""Who is held out of a cut by chance, who never is, and that nothing else changes."""

import datetime as dt

import numpy as np
import pytest

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.strategy.actions import Action, Trigger
from limitkeeper.core.strategy.constraints import Constraint
from limitkeeper.core.strategy.holdout import (
    EXCLUSION_INPUTS,
    Holdout,
    HoldoutTerms,
    holdout_draws,
    holdout_of,
    holdout_terms,
)
from limitkeeper.core.strategy.proposals import Proposals, proposals_of
from tests.simulated_accounts import simulated_columns, simulated_policy

ACCOUNTS = 8_000
POLICY = simulated_policy(compiled=False)
TERMS = HoldoutTerms(0.10, 2026, 0.5)


def accounts(seed: int = 1) -> tuple[Columns, np.ndarray]:
    """Simulated accounts with a PD, few of them over what they may owe."""
    features, _, before = simulated_columns(POLICY, ACCOUNTS, seed)
    draws = np.random.default_rng(seed)
    names = dict.fromkeys((*POLICY.strategy.inputs, *EXCLUSION_INPUTS, "pd"))
    columns = Columns(tuple(names), np.full((len(names), ACCOUNTS), np.nan))
    for name in columns.names:
        if name in features:
            columns[name][:] = features[name]
    columns["pd"][:] = draws.beta(2, 4, ACCOUNTS)
    columns["raroc"][:] = draws.normal(0.1, 0.1, ACCOUNTS)
    columns["limit_cents"][:] = draws.integers(10, 500, ACCOUNTS) * 100_000.0
    columns["balance_cents"][:] = np.round(columns["limit_cents"] * draws.uniform(0, 1.1, ACCOUNTS))
    for name in ("is_closed", "is_frozen", "is_frozen_for_violation", "days_since_last_action"):
        columns[name][draws.random(ACCOUNTS) < 0.9] = np.nan
    for name in ("flag_count_90d", "is_defaulted", "has_hardship_plan"):
        columns[name][:] = (draws.random(ACCOUNTS) < 0.05).astype(float)
    return columns, before


def proposed(columns: Columns, before: np.ndarray, holdout: Holdout | None) -> Proposals:
    return proposals_of(POLICY.strategy, columns, before * 0, None, holdout)


@pytest.fixture(scope="module")
def both() -> tuple[Columns, Proposals, Proposals, Holdout]:
    columns, before = accounts()
    holdout = holdout_of(range(ACCOUNTS), columns, TERMS)
    assert holdout is not None
    return columns, proposed(columns, before, None), proposed(columns, before, holdout), holdout


def test_a_share_of_those_that_could_be_is_held_out_and_left_as_it_was(
    both: tuple[Columns, Proposals, Proposals, Holdout],
) -> None:
    columns, without, found, holdout = both
    held = (found.constraints & Constraint.HELD_OUT) != 0
    assert holdout.possible.sum() > 300
    assert np.array_equal(held, holdout.possible & holdout.drawn)
    assert 0.07 < held.sum() / holdout.possible.sum() < 0.13
    assert set(found.effects[held].tolist()) == {Action.NONE}
    assert np.array_equal(found.limits_after_cents[held], columns["limit_cents"][held].astype(np.int64))
    assert set(without.effects[held].tolist()) == {Action.DECREASE}


def test_nobody_else_sees_a_difference(both: tuple[Columns, Proposals, Proposals, Holdout]) -> None:
    _, without, found, _ = both
    others = (found.constraints & Constraint.HELD_OUT) == 0
    for name in Proposals.__slots__:
        assert np.array_equal(getattr(found, name)[others], getattr(without, name)[others]), name
    assert np.array_equal(found.hits, without.hits)
    assert np.array_equal(found.rules, without.rules)


def test_violations_frozen_over_indebted_and_capped_lines_are_never_held_out(
    both: tuple[Columns, Proposals, Proposals, Holdout],
) -> None:
    columns, without, _, holdout = both
    possible, rules = holdout.possible, POLICY.strategy.strategy.rules
    decided = [rules[number].trigger for number in without.rules[possible].tolist()]
    assert set(decided) == {Trigger.DECLINING_REPAYMENT_CAPACITY}
    violations = sum(1 << k for k, rule in enumerate(rules) if rule.trigger is Trigger.SUSPECTED_VIOLATION)
    assert not (without.hits[possible] & violations).any()
    for name in EXCLUSION_INPUTS[2:]:
        assert not (columns[name][possible] >= 1.0).any(), name
    for name in ("is_defaulted", "has_hardship_plan", "is_frozen"):
        assert (columns[name][without.effects == Action.DECREASE] >= 1.0).any(), f"{name}: the case occurs"
    assert (columns["balance_cents"][possible] <= columns["limit_cents"][possible]).all()
    assert (columns["pd"][possible] < TERMS.pd_max).all()
    cap = POLICY.strategy.terms.line_cap_cents[0]
    assert (columns["limit_cents"][possible] <= cap).all(), "a line above the cap comes down, whoever it is"
    assert ((columns["limit_cents"] > cap) & (without.effects == Action.DECREASE)).any()


def test_a_draw_depends_on_the_account_and_the_salt_alone() -> None:
    ids = [f"a{k}" for k in range(5_000)]
    draws = holdout_draws(ids, 2026)
    assert holdout_draws(ids[::-1], 2026)[::-1].tolist() == draws.tolist()
    assert holdout_draws(ids[17:18], 2026)[0] == draws[17]
    other = holdout_draws(ids, 2027)
    assert abs(np.corrcoef(draws, other)[0, 1]) < 0.05
    assert abs(draws.mean() - 0.5) < 0.02
    assert abs((draws < 0.02).mean() - 0.02) < 0.008
    assert (draws.min() >= 0.0, draws.max() < 1.0) == (True, True)


def test_a_market_without_a_share_holds_nobody_out() -> None:
    columns, _ = accounts()
    day = dt.date(2026, 1, 1)
    assert holdout_of(range(ACCOUNTS), columns, holdout_terms(Parameters(day, {}, "h"))) is None
    assert holdout_terms(Parameters(day, {"holdout_share": 0.0}, "h")).share == 0.0


@pytest.mark.parametrize("share", [-0.01, 0.11, 1.0])
def test_a_share_that_is_no_small_part_is_refused(share: float) -> None:
    with pytest.raises(PolicyError, match=r"Allowed: 0 to 0\.1"):
        holdout_terms(Parameters(dt.date(2026, 1, 1), {"holdout_share": share}, "h"))
