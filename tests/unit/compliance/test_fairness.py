"""The figures of a fairness report against slow oracles, fairlearn, and what their intervals promise."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from limitkeeper.core.compliance.fairness import fairness_figures
from limitkeeper.core.compliance.groups import GROUPS_MAX, Treated, attribute_of
from limitkeeper.core.compliance.resampling import BLOCK, add_block, row_hashes, sample_keys
from limitkeeper.core.compliance.shares import exact_interval, share_ratio
from limitkeeper.core.kernel.errors import InputError


def accounts(rows: int, seed: int = 0, *, gap: float = 0.0) -> tuple[Treated, list[str], list[str]]:
    """Accounts of two attributes; group ``b`` has a PD that is higher by a gap, and what is touched follows PD."""
    chance = np.random.default_rng(seed)
    first = chance.choice(["a", "b"], rows)
    second = chance.choice(["x", "y", "z"], rows)
    pd = np.clip(chance.beta(1.5, 6.0, rows) + gap * (first == "b"), 0.001, 0.999)
    touched = pd > 0.35
    default = (chance.random(rows) < pd).astype(float)
    return Treated(pd, touched * 0.4, touched, default), first.tolist(), second.tolist()


def group_of(report: dict[str, Any], attribute: str, group: str) -> dict[str, Any]:
    parts = [*report["attributes"], *report["intersections"]]
    part = next(each for each in parts if each["attribute"] == attribute)
    return next(each for each in part["groups"] if each["group"] == group)


def test_weights_of_the_bootstrap_are_poisson_of_mean_one_and_independent_of_each_other() -> None:
    rows = 40_000
    counts = np.zeros((rows, BLOCK))
    add_block(
        row_hashes(rows, 3), np.arange(rows), np.zeros((0, rows)), sample_keys(BLOCK, 3), counts,
        np.zeros((0, rows, BLOCK)),
    )  # fmt: skip
    for times in range(5):
        share = (counts == times).mean()
        assert abs(share - poisson.pmf(times, 1)) < 5 * np.sqrt(poisson.pmf(times, 1) / counts.size)
    between_rows = np.corrcoef(counts[:-1].ravel(), counts[1:].ravel())[0, 1]
    between_samples = np.corrcoef(counts[:, :-1].ravel(), counts[:, 1:].ravel())[0, 1]
    assert max(abs(between_rows), abs(between_samples)) < 5 / np.sqrt(counts.size)


@pytest.mark.parametrize(("hits", "trials"), [(0, 7), (3, 7), (7, 7), (40, 1_000)])
def test_exact_interval_leaves_out_what_would_give_so_few_or_so_many_with_2_5_percent(
    hits: int, trials: int
) -> None:
    found = exact_interval(hits, trials)
    assert found is not None
    if hits:
        assert binom.sf(hits - 1, trials, found[0]) == pytest.approx(0.025)
    if hits < trials:
        assert binom.cdf(hits, trials, found[1]) == pytest.approx(0.025)


def test_point_figures_are_those_of_fairlearn() -> None:
    treated, first, _ = accounts(4_000, gap=0.1)
    report = fairness_figures(treated, [attribute_of("g", first)], seed=0, samples=100)
    frame = MetricFrame(
        metrics={"selection": selection_rate, "false_cut": false_positive_rate},
        y_true=treated.default, y_pred=treated.touched.astype(int), sensitive_features=first,
    )  # fmt: skip
    for group in ("a", "b"):
        told = group_of(report, "g", group)
        assert told["share_touched"]["value"] == pytest.approx(frame.by_group["selection"][group], rel=1e-5)
    b = group_of(report, "g", "b")["figures"]
    spared = 1 - frame.by_group["selection"]
    assert b["adverse_impact_ratio"]["best"]["value"] == pytest.approx(spared["b"] / spared["a"], rel=1e-5)
    false_cut = frame.by_group["false_cut"]
    assert b["equal_opportunity_difference"]["best"]["value"] == pytest.approx(
        false_cut["b"] - false_cut["a"], rel=1e-4
    )
    assert b["equal_opportunity_difference"]["whole"]["value"] == pytest.approx(
        false_cut["b"] - frame.overall["false_cut"], rel=1e-4
    )


def test_bootstrap_intervals_are_about_those_of_fairlearns_own_bootstrap() -> None:
    treated, first, _ = accounts(2_000, gap=0.1)
    report = fairness_figures(treated, [attribute_of("g", first)], seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = MetricFrame(
            metrics=selection_rate, y_true=treated.default, y_pred=treated.touched.astype(int),
            sensitive_features=first, n_boot=300, ci_quantiles=[0.025, 0.975], random_state=1,
        )  # fmt: skip
    peer = [each["b"] for each in frame.by_group_ci]
    told = group_of(report, "g", "b")["share_touched"]
    assert told["low"] == pytest.approx(peer[0], abs=0.012)
    assert told["high"] == pytest.approx(peer[1], abs=0.012)


def slow_figures(treated: Treated, labels: list[str], group: str, best: str) -> dict[str, float]:
    """The same figures as sentences say them."""
    names, good, bad = np.array(labels), treated.default == 0, treated.default == 1
    own, other, pd = names == group, names == best, treated.pd
    assert pd is not None
    edges = np.quantile(pd, [0.2, 0.4, 0.6, 0.8])
    stratum = np.searchsorted(edges, pd, side="right")
    top = bottom = 0.0
    for k in range(5):
        here = stratum == k
        if (here & own).any() and (here & other).any():
            top += here.sum() * (~treated.touched[here & own]).mean()
            bottom += here.sum() * (~treated.touched[here & other]).mean()
    return {
        "adverse_impact_ratio": (~treated.touched[own]).mean() / (~treated.touched[other]).mean(),
        "conditional_adverse_impact_ratio": top / bottom,
        "score_difference": (pd[own].mean() - pd[other].mean()) / pd.std(),
        "cut_difference": (treated.cut_share[own].mean() - treated.cut_share[other].mean())
        / treated.cut_share.std(),
        "equal_opportunity_difference": treated.touched[own & good].mean()
        - treated.touched[other & good].mean(),
        "missed_difference": (~treated.touched[own & bad]).mean() - (~treated.touched[other & bad]).mean(),
        "false_cut_difference": good[own & treated.touched & (good | bad)].mean()
        - good[other & treated.touched & (good | bad)].mean(),
    }


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.1, 0.2), st.integers(300, 700))
def test_every_figure_is_what_its_sentence_says(seed: int, gap: float, rows: int) -> None:
    treated, first, second = accounts(rows, seed, gap=gap)
    treated.default[::7] = np.nan
    report = fairness_figures(
        treated, [attribute_of("g", first), attribute_of("h", second)], seed=seed, samples=100
    )
    for part, labels in ((report["attributes"][0], first), (report["attributes"][1], second)):
        for group in part["groups"]:
            slow = slow_figures(treated, labels, group["group"], part["most_favoured"])
            for name, figure in group["figures"].items():
                if np.isfinite(slow[name]):
                    assert figure["best"]["value"] == pytest.approx(slow[name], rel=1e-4, abs=1e-5), name
    pair = report["intersections"][0]
    labels = [f"{a} · {b}" for a, b in zip(first, second, strict=True)]
    assert {group["group"] for group in pair["groups"]} == set(labels)
    assert sum(group["accounts"] for group in pair["groups"]) == rows


def test_same_seed_gives_the_same_report_whatever_the_order_of_work() -> None:
    treated, first, second = accounts(3_000)
    attributes = [attribute_of("g", first), attribute_of("h", second)]
    report = fairness_figures(treated, attributes, seed=5, samples=200)
    with ThreadPoolExecutor(2) as pool:
        assert fairness_figures(treated, attributes, seed=5, samples=200, mapped=pool.map) == report
    assert fairness_figures(treated, attributes, seed=6, samples=200) != report


def test_ratio_misses_the_truth_in_about_one_of_twenty_samples() -> None:
    chance = np.random.default_rng(0)
    tries, low, high = 4_000, 0, 0
    for _ in range(tries):
        own, best = chance.binomial(1_500, 0.72), chance.binomial(1_500, 0.90)
        bounds = share_ratio(int(own), 1_500, int(best), 1_500)[1]
        assert bounds is not None
        low, high = low + (bounds[1] < 0.8), high + (bounds[0] > 0.8)
    for missed in (low, high):  # each side is to be 2.5 %
        assert binom.cdf(missed, tries, 0.025) > 1e-4
        assert binom.sf(missed - 1, tries, 0.025) > 1e-4


@pytest.mark.parametrize(
    ("own", "spared", "others", "others_spared", "least"),
    [(100, 0.98, 5_000, 0.99, 0.94), (100, 0.995, 5_000, 0.995, 0.93), (300, 0.90, 5_000, 0.95, 0.94)],
)
def test_ratio_of_groups_of_whom_few_were_touched_holds_the_truth_about_as_often_as_it_says(
    own: int, spared: float, others: int, others_spared: float, least: float
) -> None:
    """Each outcome that can come, weighed by how often it does: no sample."""
    of_own, of_others = binom(own, spared), binom(others, others_spared)
    held = 0.0
    for hits in range(int(of_own.ppf(1e-6)), own + 1):
        for best in range(int(of_others.ppf(1e-6)), int(of_others.ppf(1 - 1e-6)) + 1):
            bounds = share_ratio(hits, own, best, others)[1]
            assert bounds is not None
            if bounds[0] <= spared / others_spared <= bounds[1]:
                held += of_own.pmf(hits) * of_others.pmf(best)
    assert least < held < 0.97


def test_ratio_has_a_width_where_nobody_or_everybody_was_touched() -> None:
    value, bounds = share_ratio(100, 100, 100, 100)
    assert bounds is not None
    assert bounds[0] < value == 1.0 < bounds[1]
    value, bounds = share_ratio(0, 100, 90, 100)
    assert bounds is not None
    assert bounds[0] == value == 0.0 < bounds[1] < 0.05
    assert share_ratio(5, 100, 0, 100) == (None, None)


def test_bootstrap_of_a_difference_that_is_not_there_holds_nought_in_about_nineteen_of_twenty() -> None:
    missed, tries = 0, 120
    for seed in range(tries):
        treated, first, _ = accounts(600, seed)
        report = fairness_figures(treated, [attribute_of("g", first)], seed=seed, samples=256)
        part = report["attributes"][0]
        other = next(group for group in part["groups"] if group["group"] != part["most_favoured"])
        figure = other["figures"]["score_difference"]["best"]
        missed += not figure["low"] <= 0.0 <= figure["high"]
    assert binom.sf(missed - 1, tries, 0.055) > 1e-3
    assert missed > 0


def test_group_of_few_accounts_is_marked_and_never_the_most_favoured() -> None:
    treated, first, _ = accounts(2_000)
    first[:20] = ["few"] * 20
    treated.touched[:20] = False
    report = fairness_figures(treated, [attribute_of("g", first)], seed=0, samples=100)
    few = group_of(report, "g", "few")
    assert few["is_small"]
    assert few["figures"]["adverse_impact_ratio"]["best"]["is_small"]
    assert report["attributes"][0]["most_favoured"] != "few"


def test_accounts_without_score_or_outcome_still_show_impact_and_cut() -> None:
    treated, first, _ = accounts(1_000)
    bare = Treated(None, treated.cut_share, treated.touched, np.full(1_000, np.nan))
    told = group_of(fairness_figures(bare, [attribute_of("g", first)], seed=0, samples=100), "g", "b")
    assert told["figures"]["adverse_impact_ratio"]["best"]["value"] is not None
    assert told["figures"]["equal_opportunity_difference"]["best"]["value"] is None
    assert "score_difference" not in told["figures"]
    assert not told["is_small"]


def test_attribute_with_more_groups_than_a_report_holds_is_refused() -> None:
    with pytest.raises(InputError, match="too many groups"):
        attribute_of("postcode", [str(k) for k in range(GROUPS_MAX + 1)])


def test_columns_of_different_lengths_and_too_few_samples_are_refused() -> None:
    treated, first, _ = accounts(300)
    with pytest.raises(InputError, match="differ in length"):
        fairness_figures(treated, [attribute_of("g", first[:-1])], seed=0)
    with pytest.raises(InputError, match="too few or too many samples"):
        fairness_figures(treated, [attribute_of("g", first)], seed=0, samples=10)
