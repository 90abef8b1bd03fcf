"""Derived characteristics: sentences with numbers, and the same for a row as for a portfolio."""

import math

import numpy as np
import pytest

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import ModelError
from limitkeeper.core.risk.derivation import OPERATIONS, Derivation, derivation_from_document, with_derived

MONTHS = ("m1", "m2", "m3", "m4")


def derived(
    operation: str, months: list[float], over: list[float] | None = None, codes: tuple[float, ...] = ()
) -> float:
    values = [*months, *(over or [])]
    names = (*MONTHS[: len(months)], *(f"o{k}" for k in range(len(over or []))))
    derivation = Derivation("d", operation, names[: len(months)], names[len(months) :])
    return float(with_derived(Columns(names, np.array(values)[:, None]), [derivation], codes)["d"][0])


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        ("mean", 2.0), ("max", 6.0), ("min", -2.0), ("positive_count", 2.0), ("positive_mean", 2.5),
        ("months_since_positive", 1.0), ("newest_minus_mean", -2.0), ("newest_minus_oldest", -4.0),
        ("deviation", math.sqrt(10.0)), ("recent_mean", 4 / 3), ("recent_weighted", 3.0 / 1.875),
    ],
)  # fmt: skip
def test_each_operation_over_months_0_6_minus2_4_newest_first(operation: str, value: float) -> None:
    assert derived(operation, [0.0, 6.0, -2.0, 4.0]) == pytest.approx(value)


def test_every_operation_is_tried_above_or_is_the_difference() -> None:
    assert len(OPERATIONS) == 12
    assert derived("difference", [10.0, 4.0]) == 6.0


def test_a_missing_month_is_left_out() -> None:
    assert derived("mean", [math.nan, 2.0, 4.0]) == 3.0
    assert derived("max", [5.0, math.nan]) == 5.0


def test_a_missing_code_is_left_out_as_a_missing_month_is() -> None:
    assert derived("mean", [-9.0, 2.0, 4.0], codes=(-9.0,)) == 3.0


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each != "difference"])
def test_nothing_known_gives_missing(operation: str) -> None:
    assert math.isnan(derived(operation, [math.nan, math.nan]))


@pytest.mark.parametrize("operation", ["newest_minus_mean", "newest_minus_oldest", "difference"])
def test_a_change_needs_the_newest(operation: str) -> None:
    assert math.isnan(derived(operation, [math.nan, 3.0]))


def test_never_above_zero_counts_as_many_months_as_there_are() -> None:
    assert derived("months_since_positive", [0.0, -1.0, 0.0]) == 3.0


def test_a_zero_divisor_gives_missing() -> None:
    assert math.isnan(derived("mean", [5.0], over=[0.0]))
    assert derived("mean", [5.0], over=[2.0, 8.0]) == 1.0


def test_a_row_alone_has_the_bits_it_has_among_others() -> None:
    draws = np.random.default_rng(1)
    columns = Columns(MONTHS, draws.normal(size=(4, 500)))
    derivations = [
        Derivation(name, name, MONTHS if name != "difference" else MONTHS[:2], ("m4",)) for name in OPERATIONS
    ]
    whole = with_derived(columns, derivations)
    for row in (0, 17, 499):
        alone = with_derived(columns.part(row, row + 1), derivations)
        assert alone.values[:, 0].tobytes() == np.ascontiguousarray(whole.values[:, row]).tobytes()


def test_a_derivation_comes_back_from_its_document() -> None:
    derivation = Derivation("u", "max", ("m1", "m2"), ("limit",))
    assert derivation_from_document(derivation.to_document()) == derivation


def test_an_unknown_operation_is_refused_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="Did you mean 'mean'"):
        derivation_from_document({"name": "u", "operation": "means", "of": ["a"], "over": []})
