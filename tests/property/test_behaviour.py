"""The ring and the scan against the oracle, on any history; and the same bits for any way to cut it."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.core.behaviour.events import CORRECTING_KINDS, KINDS
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.state import Behaviour
from tests.behaviour_events import STATUS, batch, rows
from tests.oracle_of_features import DAY, Event, applied

ACCOUNTS = 2


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events mostly in order, some late, some at the same instant, some on a window's edge, some sent twice."""
    now, events = 400 * DAY, []
    steps = st.sampled_from(
        [0, 1, DAY // 24, DAY // 24 + 1, DAY, DAY - 1, 7 * DAY, 30 * DAY, 30 * DAY + 1, 90 * DAY]
    )
    for number in range(draw(st.integers(1, 40))):
        now += draw(steps | st.integers(0, 20 * DAY))
        late = draw(
            st.sampled_from([0] * 6 + [1, DAY, 30 * DAY, 89 * DAY, 90 * DAY, 90 * DAY + 1, 120 * DAY])
        )
        resent = events and draw(st.integers(0, 12)) == 0
        large = draw(st.integers(0, 15)) == 0
        amount = draw(st.sampled_from([0, 10_000, 20_000]) | st.integers(1, 10**12 if large else 500_000))
        account, ts = draw(st.integers(0, ACCOUNTS - 1)), now - late
        kind = draw(st.sampled_from([*KINDS, "purchase", "purchase", "cash_advance", "bill"]))
        wrong = [e.ts for e in events if kind.startswith(e.kind) and e.account == account]
        if kind in CORRECTING_KINDS and wrong and draw(st.integers(0, 3)):
            ts = draw(st.sampled_from(wrong))
        event = Event(
            account=account,
            ts=ts,
            kind=kind,
            amount=amount,
            paid=draw(st.sampled_from([0, amount, amount // 2]) | st.integers(0, 600_000)),
            minimum_due=draw(st.sampled_from([-1, 0, amount // 10])),
            days_past_due=draw(st.sampled_from([0, 0, 1, 35])),
            merchant=draw(st.integers(0, 3)),
            device=draw(st.integers(0, 3)),
            city=draw(st.integers(0, 2)),
            id=number + 1,
            night=draw(st.booleans()),
        )
        events.append(draw(st.sampled_from(events)) if resent else event)
    return events


def fresh() -> Behaviour:
    behaviour = Behaviour()
    behaviour.add_accounts(ACCOUNTS)
    return behaviour


@settings(max_examples=300, deadline=None)
@given(histories())
def test_every_feature_is_what_the_oracle_computes(history: list[Event]) -> None:
    values, status = fresh().apply(batch(history))
    for event, row, code, (expected_status, expected) in zip(
        history, rows(values), status.tolist(), applied(history), strict=True
    ):
        assert STATUS[code] == expected_status
        if expected is None:
            assert all(math.isnan(value) for value in row.values())
            continue
        for name, value in expected.items():
            same = math.isclose(row[name], value, rel_tol=1e-9, abs_tol=1e-9)
            assert same or (math.isnan(row[name]) and math.isnan(value)), (name, row[name], value, event)


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(1, 7))
def test_any_micro_batch_has_the_bits_of_the_whole_history(history: list[Event], size: int) -> None:
    whole, whole_status = fresh().apply(batch(history))
    behaviour = fresh()
    cuts = [history[start : start + size] for start in range(0, len(history), size)]
    parts = [behaviour.apply(batch(part)) for part in cuts]
    assert np.concatenate([values for values, _ in parts]).tobytes() == whole.tobytes()
    assert np.concatenate([status for _, status in parts]).tobytes() == whole_status.tobytes()


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(0, 40), st.booleans())
def test_state_that_was_kept_goes_on_with_the_same_bits(
    history: list[Event], cut: int, by_ring: bool
) -> None:
    whole, _ = fresh().apply(batch(history))
    first = fresh()
    first.apply(batch(history[:cut]))
    if by_ring:
        second = fresh()
        for account in range(ACCOUNTS):
            second.restore_ring(account, first.ring_bytes(account))
    else:
        second = Behaviour.from_arrays({name: array.copy() for name, array in first.arrays().items()})
    rest, _ = second.apply(batch(history[cut:]))
    assert rest.tobytes() == whole[cut:].tobytes()


@settings(max_examples=60, deadline=None)
@given(histories())
def test_portrait_is_that_of_an_event_without_an_amount_and_leaves_the_state_alone(
    history: list[Event],
) -> None:
    behaviour = fresh()
    behaviour.apply(batch(history))
    as_of = max(event.ts for event in history) + DAY
    before = behaviour.ring_bytes(0)
    portrait = behaviour.portraits(as_of)
    assert behaviour.ring_bytes(0) == before
    login = Event(account=0, ts=as_of, kind="login", id=10_000)
    values, _ = behaviour.apply(batch([login]))
    opened = FEATURE_NAMES.index("days_since_opened")
    known = ~np.isnan(portrait[0, opened])
    same = np.array_equal(portrait[0], values[0], equal_nan=True)
    assert same or not known
