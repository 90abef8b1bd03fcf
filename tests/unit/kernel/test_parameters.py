"""Dated parameters."""

import datetime as dt

import pytest

from limitkeeper.app.policy import market_parameters, markets
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.kernel.parameters import parameters_from_document, parameters_in_force

FLOOR = {
    "description": "floor", "description_zh": "下限", "unit": "share", "source": "law",
    "values": {"2020-01-01": 0.1, "2023-01-01": 0.2},
}  # fmt: skip


def test_value_holds_from_its_day_until_the_next_one() -> None:
    parameters = parameters_from_document({"floor": FLOOR})
    found = [
        parameters_in_force(parameters, dt.date(*day))["floor"] for day in [(2022, 12, 31), (2023, 1, 1)]
    ]
    assert found == [0.1, 0.2]


def test_day_before_the_first_value_is_refused_with_the_first_day() -> None:
    with pytest.raises(PolicyError, match="2020-01-01 or later"):
        parameters_from_document({"floor": FLOOR})["floor"].at(dt.date(2019, 1, 1))


def test_parameter_whose_first_day_has_not_come_is_not_in_force() -> None:
    early = parameters_in_force(parameters_from_document({"floor": FLOOR}), dt.date(2019, 1, 1))
    assert dict(early.values) == {}
    with pytest.raises(PolicyError, match="in force on 2019-01-01"):
        early["floor"]


def test_chinas_cap_of_a_line_starts_with_the_order_that_set_it() -> None:
    days = [dt.date(2020, 7, 16), dt.date(2020, 7, 17), dt.date(2025, 3, 1)]
    found = [market_parameters("CN", day).values.get("line_cap_cents") for day in days]
    assert found == [None, 20_000_000, 30_000_000]


def test_parameter_without_a_source_is_refused() -> None:
    with pytest.raises(PolicyError, match="not complete"):
        parameters_from_document({"floor": {k: v for k, v in FLOOR.items() if k != "source"}})


def test_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(PolicyError, match="date: number"):
        parameters_from_document({"floor": {**FLOOR, "values": {"2020-01-01": "high"}}})


def test_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(PolicyError, match="Did you mean 'floor'"):
        parameters_in_force(parameters_from_document({"floor": FLOOR}), dt.date(2024, 1, 1))["flor"]


def test_hash_follows_the_values_not_the_day() -> None:
    parameters = parameters_from_document({"floor": FLOOR})
    days = [dt.date(2020, 5, 1), dt.date(2021, 5, 1), dt.date(2024, 5, 1)]
    first, second, third = (parameters_in_force(parameters, day).hash for day in days)
    assert first == second != third


def test_unknown_market_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PolicyError, match="CN, TW"):
        market_parameters("XX", dt.date(2026, 1, 1))


def test_shipped_floors_are_those_of_their_day() -> None:
    before, after = (market_parameters("CN", dt.date(year, 6, 1)) for year in (2022, 2023))
    assert (before["pd_floor_revolver"], after["pd_floor_revolver"]) == (0.0003, 0.001)
    assert (before["lgd_floor"], after["lgd_floor"]) == (0.0, 0.5)


def test_every_market_has_the_same_parameters() -> None:
    # A cap is law in some markets only.
    names = [
        set(market_parameters(market, dt.date(2026, 1, 1)).values) - {"line_cap_cents"}
        for market in markets()
    ]
    assert all(found == names[0] for found in names)
