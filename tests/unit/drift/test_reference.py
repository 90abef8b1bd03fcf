"""What a model was trained on, counted as its scorecard bins it."""

import numpy as np
import pytest

from limitkeeper.core.drift.reference import (
    Reference,
    characteristic_counts,
    reference_from_document,
    reference_of,
    score_counts,
)
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import ModelError
from limitkeeper.core.risk.scorecard import Characteristic, Scorecard

LATE = Characteristic("late", "Late", None, (1.0, 3.0), (), (100, -50, -300), -100, (-9.0,), (-20,))
JOB = Characteristic("job", "Job", None, (), (0, 1, 0), (40, -40), -10, (), ())
CARD = Scorecard((LATE, JOB), 53_000)


def columns(rows: int = 500, seed: int = 0) -> Columns:
    draws = np.random.default_rng(seed)
    late = draws.choice([0.0, 1.0, 2.0, 5.0, np.nan, -9.0], rows)
    return Columns(("late", "job"), np.array([late, draws.choice([0.0, 1.0, 2.0, 7.0, np.nan], rows)]))


def test_each_value_is_counted_in_the_bin_whose_points_it_gets() -> None:
    given = Columns(("late", "job"), np.array([[0.0, 1.0, 3.0, np.nan, -9.0], [0.0, 1.0, 2.0, np.nan, 7.0]]))
    assert characteristic_counts(CARD, given) == {"late": (1, 1, 1, 1, 1), "job": (2, 1, 2)}
    points = CARD.points_by_characteristic(given)
    assert points[0].tolist() == [1.0, -0.5, -3.0, -1.0, -0.2]


def test_order_of_rows_has_no_say() -> None:
    whole = columns()
    turned = Columns(whole.names, whole.values[:, ::-1])
    assert reference_of(CARD, whole) == reference_of(CARD, turned)


def test_every_row_lies_in_one_bin_of_the_score_and_of_each_characteristic() -> None:
    found = reference_of(CARD, columns())
    assert sum(found.score) == found.rows == 500
    assert all(sum(counts) == 500 for counts in found.characteristics.values())
    assert min(found.score) > 0
    points = CARD.scored(columns()).points
    assert score_counts(points, np.array(found.edges)) == found.score


def test_reference_is_the_same_after_its_document() -> None:
    found = reference_of(CARD, columns())
    assert reference_from_document(found.to_document(), CARD) == found


def test_model_of_before_says_to_train_it_again() -> None:
    with pytest.raises(ModelError, match="Train it again"):
        reference_from_document(None, CARD)


@pytest.mark.parametrize(
    "broken", [{"rows": "many"}, {"characteristics": {"late": [1, 2]}}, {"score": [1, 2]}]
)
def test_reference_of_another_scorecard_is_refused(broken: dict) -> None:
    document = Reference(3, (), (3,), {"late": (3, 0, 0, 0, 0), "job": (3, 0, 0)}).to_document()
    with pytest.raises(ModelError):
        reference_from_document(document | broken, CARD)
