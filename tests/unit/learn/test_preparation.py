"""What a column is: sentences on numbers, words, dates and identifiers."""

import math

import numpy as np
import polars as pl
import pytest

from limitkeeper.core.kernel.errors import InputError, ModelError
from limitkeeper.learn.preparation import encoded, preparation_of, target_of, trimmed

ROWS = 60
FRAME = trimmed(
    pl.DataFrame(
        {
            "account": range(1_000, 1_000 + ROWS),
            "name": [f"customer {k} of {k * k}" for k in range(ROWS)],
            "opened": [f"2020-01-0{k % 9 + 1}" for k in range(ROWS)],
            "month": ["Dec-2019", "Jan-2020"] * (ROWS // 2),
            "always": [3] * ROWS,
            "rate": [" 13.5%", "$1,200", "36 months"] * (ROWS // 3),
            "home": ["own", " rent ", "NA"] * (ROWS // 3),
            "amount": [float(k % 7) for k in range(ROWS)],
            "yes": [True, False, None] * (ROWS // 3),
            "rare": ["a"] * (ROWS - 3) + ["b", "c", "d"],
        }
    )
)
PREPARED = preparation_of(FRAME)


def test_each_column_is_read_as_what_it_is() -> None:
    assert {column.name: column.type for column in PREPARED.inputs} == {
        "rate": "number in text", "home": "text", "amount": "number", "yes": "number", "rare": "text",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["account", "name", "opened", "month", "always"])
def test_what_is_left_out_is_noted(name: str) -> None:
    assert any(note.startswith(f"{name}: left out") for note in PREPARED.notes)


def test_numbers_in_text_words_and_truth_values_become_numbers_and_the_rest_missing() -> None:
    columns = encoded(FRAME, PREPARED.inputs)
    assert columns["rate"][:3].tolist() == [13.5, 1200.0, 36.0]
    np.testing.assert_array_equal(columns["home"][:3], [0.0, 1.0, math.nan])
    np.testing.assert_array_equal(columns["yes"][:3], [1.0, 0.0, math.nan])
    assert np.isnan(columns["rare"]).sum() == 3


def test_a_word_never_seen_is_missing() -> None:
    new = FRAME.with_columns(home=pl.lit("caravan"))
    assert np.isnan(encoded(new, PREPARED.inputs)["home"]).all()


def test_missing_columns_are_listed_with_the_nearest_name() -> None:
    with pytest.raises(ModelError, match=r"no amount.*Did you mean 'amounts'"):
        encoded(FRAME.rename({"amount": "amounts"}), PREPARED.inputs)


def test_another_type_is_named() -> None:
    with pytest.raises(ModelError, match="amount is String, not number"):
        encoded(FRAME.with_columns(amount=pl.lit("much")), PREPARED.inputs)


@pytest.mark.parametrize(
    ("values", "positive", "expected"),
    [
        ([0, 1, None], None, [0, 1, math.nan]),
        ([False, True], None, [0, 1]),
        ([1.0, 0.0, math.nan], None, [1, 0, math.nan]),
        (["0", "1"], None, [0, 1]),
        (["good", "bad", None], "bad", [0, 1, math.nan]),
        ([1, 2, 2], "2", [0, 1, 1]),
        ([1.0, 2.0], "2", [0, 1]),
        ([0, 1], "0", [1, 0]),
        ([True, False], "false", [0, 1]),
    ],
)
def test_targets_of_every_kind(values: list[object], positive: str | None, expected: list[float]) -> None:
    np.testing.assert_array_equal(target_of(pl.Series("y", values), positive)[0], expected)


@pytest.mark.parametrize(
    ("values", "positive"), [(["good", "bad"], None), ([1, 2], None), (["good", "bad"], "bat")]
)
def test_a_target_that_does_not_say_what_is_bad_is_refused(
    values: list[object], positive: str | None
) -> None:
    with pytest.raises(InputError, match=r"--positive|Did you mean 'bad'"):
        target_of(pl.Series("y", values), positive)
