"""Share models: the regression where there is a signal, segment means where there is none."""

import numpy as np
import polars as pl
import pytest

from limitkeeper.app.training import trained_model
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.learn.severity import credible_means


def portfolio(signal: float) -> pl.DataFrame:
    draws = np.random.default_rng(4)
    cover = draws.uniform(size=800)
    lgd = np.clip(0.9 - signal * cover + draws.normal(0, 0.15, 800), -0.1, 1.1)
    return pl.DataFrame(
        {"cover": cover, "noise": draws.normal(size=800), "kind": draws.choice(["a", "b"], 800), "lgd": lgd}
    )


def test_a_signal_gives_a_regression_that_explains_it() -> None:
    model = trained_model(portfolio(0.7), "lgd", kind="lgd")
    assert model.card["has_signal"]
    assert model.card["r2_95"][0] > 0.3
    assert "There is a signal" in model.card["notes"][-1]
    assert any("clipped" in note for note in model.card["notes"])
    assert model.card["mean_predicted"] == pytest.approx(model.card["target_mean"], abs=0.01)


def test_no_signal_gives_segment_means_and_says_so() -> None:
    model = trained_model(portfolio(0.0), "lgd", kind="lgd")
    assert not model.card["has_signal"]
    assert len(model.scorecard.characteristics) <= 1
    assert "no signal" in model.card["notes"][-1]
    assert model.card["segment_r2"] == pytest.approx(0.0, abs=0.02)


def test_segments_that_differ_keep_their_means_and_small_ones_lean_on_the_whole() -> None:
    draws = np.random.default_rng(0)
    which = np.array([0] * 500 + [1] * 500 + [2] * 4)
    target = np.clip(np.array([0.2, 0.8, 0.8])[which] + draws.normal(0, 0.2, 1004), 0, 1)
    means, credibility, overall = credible_means(which, target, 4)
    assert means[0] == pytest.approx(target[:500].mean(), abs=0.005)
    assert credibility[2] < credibility[0]
    assert overall < means[2] < target[1000:].mean() or target[1000:].mean() < means[2] < overall
    assert means[3] == overall


def test_segments_that_do_not_differ_all_get_the_whole() -> None:
    target = np.tile([0.1, 0.9], 100)
    assert credible_means(np.repeat([0, 1], 100), target, 2).credibility.tolist() == [0.0, 0.0]


def test_a_target_of_words_is_no_share() -> None:
    with pytest.raises(InputError, match="is no share"):
        trained_model(portfolio(0.5), "kind", kind="lgd")
