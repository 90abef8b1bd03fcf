"""The identity of a decision."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.core.decision.identity import decision_id
from limitkeeper.core.kernel.errors import InputError

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def test_same_question_has_the_same_name() -> None:
    assert decision_id(7, NOON, "s", "m") == decision_id("7", NOON, "s", "m")


def test_same_instant_in_another_zone_has_the_same_name() -> None:
    shanghai = NOON.astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert decision_id(7, NOON, "s", "m") == decision_id(7, shanghai, "s", "m")


@pytest.mark.parametrize(
    "other",
    [
        (8, NOON, "s", "m"),
        (7, NOON + dt.timedelta(microseconds=1), "s", "m"),
        (7, NOON, "t", "m"),
        (7, NOON, "s", "n"),
    ],
)
def test_another_account_time_strategy_or_model_has_another_name(other: tuple) -> None:
    assert decision_id(*other) != decision_id(7, NOON, "s", "m")


@given(st.text(), st.text(), st.text(), st.text())
def test_texts_that_join_alike_have_other_names(a: str, b: str, c: str, d: str) -> None:
    if (a, b) != (c, d):
        assert decision_id("7", NOON, a, b) != decision_id("7", NOON, c, d)


def test_time_without_an_offset_is_refused() -> None:
    with pytest.raises(InputError, match="no offset"):
        decision_id(7, dt.datetime(2026, 1, 1), "s", "m")  # noqa: DTZ001
