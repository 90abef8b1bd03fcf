import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.notice.quiet_hours import QuietHours

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC")


@settings(max_examples=300)
@given(
    st.integers(0, 4 * 365 * 24 * 60),
    st.integers(0, 23),
    st.integers(0, 23),
    st.sampled_from(ZONES),
)
def test_moment_after_quiet_hours_is_never_quiet_nor_earlier_nor_a_day_away(
    minutes: int, from_hour: int, to_hour: int, zone: str
) -> None:
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    moment, quiet = start + dt.timedelta(minutes=minutes), QuietHours(from_hour, to_hour, ZoneInfo(zone))
    found = quiet.over(moment)
    assert not quiet.covers(found)
    assert moment <= found <= moment + dt.timedelta(hours=26)


@pytest.mark.parametrize(
    ("local", "over"),
    [
        ("2026-03-08T01:30", "2026-03-08T03:00"),  # clocks go from 2 to 3: the quiet hour 2 to 3 is not there
        ("2026-11-01T01:30", "2026-11-01T03:00"),  # clocks go back at 2
        ("2026-06-01T12:00", "2026-06-01T12:00"),
    ],
)
def test_day_on_which_clocks_change_is_as_long_as_it_is_there(local: str, over: str) -> None:
    zone = ZoneInfo("America/New_York")
    found = QuietHours(1, 3, zone).over(dt.datetime.fromisoformat(local).replace(tzinfo=zone))
    assert found.astimezone(zone).strftime("%Y-%m-%dT%H:%M") == over


def test_equal_hours_are_none() -> None:
    assert not QuietHours(5, 5, dt.UTC).covers(dt.datetime(2026, 1, 1, 5, tzinfo=dt.UTC))


def test_hour_that_is_none_is_told() -> None:
    with pytest.raises(InputError):
        QuietHours(0, 24, dt.UTC)
