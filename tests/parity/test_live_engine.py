import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limitkeeper.app.features import Books, features_of_events, register_accounts
from limitkeeper.app.journal import journal_events
from limitkeeper.core.behaviour.events import ACCEPTED
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.behaviour.ring import RING_EVENTS_MAX
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Place, running_engine
from tests.live_engines import NOW_US, engine, left_behind, life, sent, state_bytes


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    folder = tmp_path_factory.mktemp("whole")
    running = engine(f"sqlite:///{folder}/store.db", folder)
    lived = life()
    running.submit(Request("accounts", lived.accounts)).result()
    answers = sent(running, lived.events)
    found = left_behind(running.store), state_bytes(running), answers
    running.stop()
    return found


def test_simulated_life_raises_alerts_of_every_kind_and_proposals(undisturbed: tuple) -> None:
    behind, _, _ = undisturbed
    triggers = {row["trigger"] for row in behind["alerts"]}
    assert triggers >= {"abnormal_consumption", "declining_repayment_capacity", "suspected_violation"}
    assert {row["action"] for row in behind["proposals"]} >= {"freeze", "decrease"}
    assert {row["status"] for row in behind["proposals"]} >= {"open", "superseded", "lapsed"}


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 20_000), max_size=40))
def test_cut_into_micro_batches_changes_nothing(
    undisturbed: tuple, tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    behind, state, _ = undisturbed
    folder, lived = tmp_path_factory.mktemp("cut"), life()
    running = engine(f"sqlite:///{folder}/store.db", folder)
    running.submit(Request("accounts", lived.accounts)).result()
    sent(running, lived.events, [cut for cut in cuts if cut < lived.events.height])
    assert left_behind(running.store) == behind
    assert state_bytes(running) == state
    running.stop()


def test_features_given_live_are_those_of_the_file(undisturbed: tuple) -> None:
    lived, (_, _, answers) = life(), undisturbed
    books = Books()
    register_accounts(books, lived.accounts)
    backfill = features_of_events(lived.events, books=books)
    status = np.concatenate([answer.status for answer in answers])
    live = np.concatenate([answer.features for answer in answers])[status == 0]
    assert backfill.features.height == len(live)
    assert (
        backfill.features.select(FEATURE_NAMES).to_numpy().tobytes() == np.ascontiguousarray(live).tobytes()
    )


def test_what_is_sent_again_counts_once_live_and_over_the_journal_also_when_its_ring_is_full(
    tmp_path: Path,
) -> None:
    def purchases(account: str, places: range) -> pl.DataFrame:
        start = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
        return pl.DataFrame(
            {"event_id": [str(k) for k in places], "account_id": account, "kind": "purchase", "amount": 100,
             "ts": [start + dt.timedelta(minutes=k) for k in places]}
        )  # fmt: skip

    many = RING_EVENTS_MAX + 100
    late = purchases("b", range(1)).with_columns(pl.col("ts") - dt.timedelta(days=120))
    running = engine(f"sqlite:///{tmp_path}/store.db", tmp_path)
    answers = [
        *sent(running, purchases("a", range(many))),
        *sent(running, purchases("a", range(0, many, 50))),
        *sent(running, pl.concat([purchases("b", range(1, 3)), late, purchases("b", range(3))])),
    ]
    assert [(each.accepted, each.rejected, each.duplicate) for each in answers] == [
        (many, 0, 0), (0, 2, 80), (3, 1, 2),
    ]  # fmt: skip
    journal = pl.concat(journal_events(running.store))
    found = features_of_events(journal)
    assert found.counts == {"read": many + 88, "accepted": many + 3, "rejected": 3, "duplicate": 82}
    live = np.concatenate([each.features[each.status == ACCEPTED] for each in answers])
    assert found.features.select(FEATURE_NAMES).to_numpy().tobytes() == np.ascontiguousarray(live).tobytes()
    running.stop()


def test_sending_everything_again_changes_nothing_but_the_count_of_duplicates(
    undisturbed: tuple, tmp_path_factory: pytest.TempPathFactory
) -> None:
    behind, state, _ = undisturbed
    folder, lived = tmp_path_factory.mktemp("again"), life()
    running = engine(f"sqlite:///{folder}/store.db", folder)
    running.submit(Request("accounts", lived.accounts)).result()
    cuts = list(range(2_000, lived.events.height, 2_000))
    for start, stop in zip([0, *cuts], [*cuts, lived.events.height], strict=True):
        part = lived.events[start:stop]
        sent(running, part)
        again = sent(running, part)
        assert sum(answer.accepted for answer in again) == 0
    assert left_behind(running.store) == behind
    assert state_bytes(running) == state
    running.stop()


def test_account_that_is_not_stated_is_known_by_its_first_event(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("new")
    running = engine(f"sqlite:///{folder}/store.db", folder)
    event = pl.DataFrame({"event_id": ["e"], "account_id": ["a"], "ts": ["2026-01-01"], "kind": ["login"]})
    assert sent(running, event)[0].accepted == 1
    assert len(running.state) == 1
    running.stop()


def test_day_on_which_a_trigger_goes_wild_is_told_once_when_it_is_over(tmp_path: Path) -> None:
    def day(number: int, flags: int) -> pl.DataFrame:
        start = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(days=number)
        rows = [{"event_id": f"{number}-{k}", "account_id": f"a{number}-{k}",
                 "ts": start + dt.timedelta(minutes=k), "kind": "flag" if k < flags else "login"}
                for k in range(120)]  # fmt: skip
        return pl.DataFrame(rows)

    usual = [day(k, 3 + k % 2) for k in range(20)]
    running = engine(f"sqlite:///{tmp_path}/store.db", tmp_path)
    told: list[dict] = []
    running.listeners.append(told.extend)
    sent(running, pl.concat([*usual, day(20, 60)]))
    assert left_behind(running.store)["portfolio_alerts"] == []
    sent(running, day(21, 3))
    (found,) = left_behind(running.store)["portfolio_alerts"]
    assert (found["trigger"], found["day"], found["alerts"]) == ("suspected_violation", "2026-03-21", 60)
    assert [each["day"] for each in told if each["topic"] == "portfolio.unusual"] == ["2026-03-21"]
    assert running.counts["portfolio_alerts", "suspected_violation"] == 1
    running.stop()


def test_day_that_ends_without_an_event_after_it_is_judged_by_the_clock(tmp_path: Path) -> None:
    running = engine(f"sqlite:///{tmp_path}/store.db", tmp_path)
    event = {
        "event_id": "e",
        "account_id": "a",
        "ts": dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
        "kind": "login",
    }
    sent(running, pl.DataFrame([event]))
    before = running.state.rates.day
    running.submit(Request("tick", pl.DataFrame({"as_of_us": [NOW_US]}))).result()
    assert running.state.rates.day > before
    assert running.state.rates.past == [(1, [0, 0, 0, 0])]
    running.stop()


def test_where_time_passes_by_events_the_newest_one_says_what_time_it_is(tmp_path: Path) -> None:
    place = Place(f"sqlite:///{tmp_path}/store.db", Settings(tmp_path, 0.0, event_time=True))
    running = running_engine(place, lambda: NOW_US)
    assert running.as_of_us() == NOW_US
    when = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    sent(running, pl.DataFrame([{"event_id": "e", "account_id": "a", "ts": when, "kind": "login"}]))
    assert running.as_of_us() == int(when.timestamp()) * 1_000_000
    running.stop()
