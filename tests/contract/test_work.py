"""A piece of work on every store: whole or not at all, in one order, and chained."""

import json
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from limitkeeper.core.access.actors import OFFICER, SYSTEM, Actor
from limitkeeper.core.access.chain import (
    ERASED_DETAIL,
    FIRST_HASH,
    blanked_event,
    blanked_hash,
    event_hash,
    first_break,
)
from limitkeeper.store.audit_tables import audit_events, audit_heads
from limitkeeper.store.case_tables import absences, case_acts
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import ConflictError, MissingError, work

OFFICER_1 = Actor("officer-1", frozenset({OFFICER}))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    yield found
    found.close()


def test_act_its_message_and_its_audit_event_are_one(store: Store) -> None:
    with work(store, OFFICER_1, 5) as done:
        done.note("case.approve", "case:1", {"tier": 2})
        done.send("case.approved", "1", {"case": "1"})

    def fail() -> None:
        with work(store, OFFICER_1, 6) as done:
            done.note("case.refuse", "case:2")
            done.send("case.refused", "2", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    (event,) = store.rows(sa.select(audit_events))
    assert (event["act"], event["actor_id"], json.loads(event["detail"])) == (
        "case.approve",
        "officer-1",
        {"tier": 2},
    )
    assert [row["topic"] for row in store.rows(sa.select(outbox))] == ["case.approved"]


def test_acts_of_many_at_once_stand_in_one_unbroken_chain(store: Store) -> None:
    def act(name: int) -> None:
        for k in range(20):
            with work(store, SYSTEM, k) as done:
                done.note("clock.run", f"case:{name}-{k}")

    threads = [threading.Thread(target=act, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = store.rows(sa.select(audit_events).order_by(audit_events.c.number))
    (head,) = store.rows(sa.select(audit_heads))
    assert len(events) == 80
    assert first_break(events, (head["number"], head["hash"])) is None


@pytest.mark.parametrize("harm", ["edit", "delete", "swap", "cut"])
def test_any_harm_to_the_chain_is_found_where_it_was_done(store: Store, harm: str) -> None:
    for k in range(6):
        with work(store, OFFICER_1, k) as done:
            done.note("case.comment", f"case:{k}")
    events = store.rows(sa.select(audit_events).order_by(audit_events.c.number))
    (head,) = store.rows(sa.select(audit_heads))
    place = 3
    if harm == "edit":
        events[place]["actor_id"] = "officer-2"
    elif harm == "delete":
        del events[place]
    elif harm == "swap":
        events[place], events[place + 1] = (
            events[place + 1] | {"number": place + 1},
            events[place] | {"number": place + 2},
        )
    else:
        events, place = events[:5], 5
    found = first_break(events, (head["number"], head["hash"]))
    assert found is not None
    assert found.number == place + 1


def test_row_that_somebody_changed_meanwhile_is_not_changed_and_nothing_is_added_with_it(
    store: Store,
) -> None:
    absence = {
        "absence_id": "1",
        "person_id": "ann",
        "deputy_id": "bob",
        "from_us": 0,
        "to_us": 9,
        "version": 1,
    }
    act = {"case_id": "1", "version": 2, "ts_us": 1, "actor_id": "ann", "act": "end", "words": "it's over",
           "state": "open", "tier": 2}  # fmt: skip
    with work(store, OFFICER_1, 5) as done:
        done.add(absences, absence)
        assert done.change(absences, "1", 1, {"to_us": 5}, added=(case_acts, act)) == 2
    with pytest.raises(ConflictError), work(store, OFFICER_1, 6) as done:
        done.change(absences, "1", 1, {"to_us": 6}, added=(case_acts, act | {"version": 3}))
    (changed,) = store.rows(sa.select(absences))
    assert (absence | {"to_us": 5, "version": 2}).items() <= changed.items()
    (added,) = store.rows(sa.select(case_acts))
    assert act.items() <= added.items()


def test_row_that_is_not_there_is_told(store: Store) -> None:
    table = sa.Table("outbox", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
    with pytest.raises(MissingError), work(store, SYSTEM, 1) as done:
        done.found(table, 7)


@pytest.mark.parametrize("harm", ["none", "another", "before", "unsaid", "who", "when", "what", "words"])
def test_blanked_event_holds_the_chain_only_where_an_erasure_tells_of_it_as_it_was(
    store: Store, harm: str
) -> None:
    for k in range(4):
        with work(store, OFFICER_1, k) as done:
            done.note("case.comment", f"case:{k}")
    events = store.rows(sa.select(audit_events).order_by(audit_events.c.number))
    gone = events[1] | {"subject": "erased", "detail": ERASED_DETAIL}
    said = blanked_hash([blanked_event(gone, events[0]["hash"])])
    with work(store, OFFICER_1, 9) as done:
        detail = {"blanked": [2], "blanked_hash": said}
        done.note("rights.erase", "request:r", {} if harm == "unsaid" else detail)
        if harm == "words":  # of anybody's, in an act of another kind
            done.note("campaign.cancel", "campaign:c", {"why": "see blanked_hash"})
            done.note("case.comment", "case:c", detail)
    events = store.rows(sa.select(audit_events).order_by(audit_events.c.number))
    events[1] = gone | {
        "who": {"actor_id": "officer-2"},
        "when": {"ts_us": 7},
        "what": {"act": "case.refuse"},
    }.get(harm, {})
    if harm == "another":
        events[2] |= {"subject": "erased", "detail": ERASED_DETAIL}
    elif harm == "before":  # all that comes before the blanked one written anew, in a chain of its own
        events[0]["actor_id"] = "officer-2"
        events[0]["hash"] = event_hash(
            FIRST_HASH, {name: each for name, each in events[0].items() if name != "hash"}
        )
    found = first_break(events)
    places = {
        "none": None,
        "words": None,
        "another": 3,
        "before": 5,
        "unsaid": 2,
        "who": 5,
        "when": 5,
        "what": 5,
    }
    assert (found and found.number) == places[harm]
