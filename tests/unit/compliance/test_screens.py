"""The screens of fairness: planted discrimination fails, a fair strategy passes, few accounts say nothing."""

import datetime as dt
from typing import Any

import numpy as np
import pytest

from limitkeeper.core.compliance.fairness import fairness_figures
from limitkeeper.core.compliance.groups import Treated, attribute_of
from limitkeeper.core.compliance.screens import (
    FAILED,
    PASSED,
    SMALL,
    TOLD,
    UNCERTAIN,
    blocking,
    screened,
    unscreened,
)
from limitkeeper.core.kernel.parameters import Parameters

BOUNDS = {
    "adverse_impact_ratio_least": 0.8, "equal_opportunity_difference_most": 0.1, "score_difference_most": 0.5,
    "cut_difference_most": 0.5, "proxy_auc_most": 0.8, "group_accounts_least": 100, "uncertain_fails": 0,
    "intersections_fail": 0,
}  # fmt: skip


def policy(**changed: float) -> Parameters:
    return Parameters(dt.date(2026, 1, 1), BOUNDS | changed, "sha256:0")


def report(value: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    figure = {"value": value, "low": low, "high": high, "accounts": 500, "is_small": False, **more}
    group = {"group": "b", "figures": {"adverse_impact_ratio": {"best": figure}}}
    best = {"group": "a", "figures": {"adverse_impact_ratio": {"best": {**figure, "value": 1.0}}}}
    part = {"attribute": "g", "most_favoured": "a", "groups": [best, group]}
    return {"attributes": [part], "intersections": [], "proxies": []}


@pytest.mark.parametrize(
    ("value", "low", "high", "changed", "more", "status", "certain", "blocks"),
    [
        (0.70, 0.65, 0.75, {}, {}, FAILED, True, True),
        (0.79, 0.75, 0.84, {}, {}, FAILED, False, True),
        (0.82, 0.78, 0.86, {}, {}, UNCERTAIN, False, False),
        (0.82, 0.78, 0.86, {"uncertain_fails": 1}, {}, UNCERTAIN, False, True),
        (0.90, 0.86, 0.94, {}, {}, PASSED, True, False),
        (0.80, 0.80, 0.80, {}, {}, UNCERTAIN, False, False),
        (0.50, 0.20, 0.90, {}, {"is_small": True}, SMALL, False, False),
    ],
)
def test_figure_is_judged_by_its_value_and_told_with_its_interval(
    value: float, low: float, high: float, changed: dict[str, float], more: dict[str, Any], status: str,
    certain: bool, blocks: bool,
) -> None:  # fmt: skip
    found = screened(report(value, low, high, **more), policy(**changed))
    assert [(each.status, each.is_certain, each.blocks) for each in found] == [(status, certain, blocks)]
    assert len(blocking(found)) == blocks


def test_intersection_is_told_only_unless_policy_screens_it() -> None:
    crossed = report(0.6, 0.55, 0.65)
    crossed |= {"intersections": crossed["attributes"], "attributes": []}
    assert [each.status for each in screened(crossed, policy())] == [TOLD]
    assert blocking(screened(crossed, policy(intersections_fail=1)))


def test_proxy_that_tells_a_group_blocks() -> None:
    auc = {"value": 0.9, "low": 0.88, "high": 0.92, "accounts": 500, "is_small": False}
    found = screened(
        {"attributes": [], "intersections": [], "proxies": [{"attribute": "g", "group": "b", "auc": auc}]},
        policy(),
    )
    assert blocking(found) == ("proxy of g 'b' is 0.900 (0.880 to 0.920), bound 0.8: failed.",)


def simulated(seed: int, *, threshold_of_b: float) -> tuple[str, ...]:
    """What blocks a strategy that cuts above a PD; in group b above another one."""
    chance = np.random.default_rng(seed)
    group = chance.choice(["a", "b"], 4_000)
    pd = chance.beta(1.5, 6.0, 4_000)
    touched = pd > np.where(group == "b", threshold_of_b, 0.30)
    default = (chance.random(4_000) < pd).astype(float)
    figures = fairness_figures(
        Treated(pd, touched * 0.3, touched, default),
        [attribute_of("g", group.tolist())],
        seed=seed,
        samples=100,
    )
    return blocking(screened({**figures, "proxies": []}, policy()))


def test_threshold_that_hits_one_group_blocks_on_every_seed() -> None:
    assert all(simulated(seed, threshold_of_b=0.15) for seed in range(10))


def test_fair_strategy_is_never_blocked_over_fifty_seeds() -> None:
    assert not any(simulated(seed, threshold_of_b=0.30) for seed in range(50))


@pytest.mark.parametrize(
    ("women", "men", "left_out"), [(90, 90, ("sex",)), (200, 0, ("sex",)), (200, 200, ())]
)
def test_attribute_of_which_no_figure_could_fail_is_unscreened(
    women: int, men: int, left_out: tuple[str, ...]
) -> None:
    sex = ["f"] * women + ["m"] * men
    touched, nobody = np.arange(len(sex)) < women, np.zeros(len(sex))
    figures = fairness_figures(
        Treated(nobody, touched * 1.0, touched, nobody), [attribute_of("sex", sex)], seed=0, samples=100
    )
    report = {**figures, "proxies": []}
    found = screened(report, policy())
    assert unscreened(report, found) == left_out
    assert bool(blocking(found)) == (not left_out)
