"""What an assessment finds, account by account."""

import numpy as np
import pytest

from limitkeeper.core.decision.assessment import Assessment, Policy, assessed, value_at_limits
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.strategy.actions import Action
from limitkeeper.core.value.economics import VALUE_NAMES
from tests.simulated_accounts import simulated_columns, simulated_policy

EAD, PROFIT = VALUE_NAMES.index("ead_cents"), VALUE_NAMES.index("economic_profit_cents")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return simulated_policy()


@pytest.fixture(scope="module")
def found(policy: Policy) -> tuple[Columns, Assessment]:
    features, characteristics, before = simulated_columns(policy, 20_000)
    return features, assessed(features, before, characteristics, policy)


def test_line_that_stays_as_it_is_keeps_its_value_to_the_bit(found: tuple[Columns, Assessment]) -> None:
    features, assessment = found
    proposals = assessment.proposals
    same = (
        (proposals.effects == Action.NONE)
        & (proposals.limits_after_cents == features["limit_cents"])
        & ~proposals.drawing_stopped
        & (features["is_frozen"] != 1.0)  # a freeze that has run out gives the limit back
    )
    assert same.sum() > 100
    assert np.array_equal(assessment.value_after[:, same], assessment.value_before[:, same], equal_nan=True)
    known = same & ~np.isnan(assessment.value_before[PROFIT])
    assert (assessment.marginal_profit_cents[known] == 0.0).all()


def test_cut_never_raises_the_exposure(found: tuple[Columns, Assessment]) -> None:
    features, assessment = found
    cut = assessment.proposals.limits_after_cents < features["limit_cents"]
    cut &= (assessment.proposals.limits_after_cents >= 0) & (features["is_frozen"] != 1.0)
    known = cut & ~np.isnan(assessment.value_before[EAD])
    assert known.sum() > 100
    assert (assessment.value_after[EAD, known] <= assessment.value_before[EAD, known]).all()


def test_frozen_line_can_draw_only_what_is_drawn(found: tuple[Columns, Assessment]) -> None:
    features, assessment = found
    frozen = assessment.proposals.effects == Action.FREEZE
    owed = np.maximum(features["balance_cents"], 0.0)
    known = frozen & ~np.isnan(assessment.value_after[EAD]) & (owed <= features["limit_cents"])
    assert known.sum() > 10
    assert (assessment.value_after[EAD, known] == owed[known]).all()


def test_line_without_a_known_limit_has_no_value_and_says_so(found: tuple[Columns, Assessment]) -> None:
    features, assessment = found
    unknown = np.isnan(features["limit_cents"]) & (features["is_closed"] != 1.0)
    assert unknown.sum() > 100
    assert np.isnan(assessment.value_before[EAD, unknown]).all()
    kept = unknown & (assessment.proposals.effects != Action.CLOSE)
    assert (assessment.proposals.limits_after_cents[kept] == -1).all()


def test_policy_names_each_input_once(policy: Policy) -> None:
    assert len(set(policy.inputs)) == len(policy.inputs)
    assert {"limit_cents", "balance_cents", "lgd", "ccf", "is_frozen"} <= set(policy.inputs)


def test_limit_that_a_strategy_would_set_is_worth_what_its_proposal_says(
    policy: Policy, found: tuple[Columns, Assessment]
) -> None:
    features, assessment = found
    proposals = assessment.proposals
    free = (features["is_frozen"] != 1.0) & ~proposals.drawing_stopped & (features["is_closed"] != 1.0)
    changed = (
        free & (proposals.limits_after_cents >= 0) & (proposals.limits_after_cents != features["limit_cents"])
    )
    chosen = np.flatnonzero(changed)
    assert len(chosen) > 100
    for account in chosen.tolist():
        after = float(proposals.limits_after_cents[account])
        given = np.array([after, features["limit_cents"][account]])
        one, pd = features.part(account, account + 1), float(assessment.pd[account])
        values, gained = value_at_limits(one, pd, given, policy)
        assert np.array_equal(values[:, 0], assessment.value_after[:, account], equal_nan=True)
        assert np.array_equal(values[:, 1], assessment.value_before[:, account], equal_nan=True)
        assert np.array_equal(gained[:1], assessment.marginal_profit_cents[[account]], equal_nan=True)
