"""The committee's seats on every store: once it has sat, no one member changes alone who votes."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.cases import terms_in_force
from limitkeeper.app.mandates import (
    ABSENCE,
    MANDATE,
    absence_ended,
    absence_noted,
    authority_ended,
    change_confirmed,
    change_declined,
    mandate_ended,
    mandate_given,
    seats_now,
)
from limitkeeper.app.verification import evidence_verified
from limitkeeper.core.access.actors import COMMITTEE, SYSTEM, Actor
from limitkeeper.core.approval.mandates import Absence, Mandate
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import mandates
from limitkeeper.store.sql import Store
from limitkeeper.store.work import ConflictError, MissingError, work
from tests.mandated import POLICY

NOW_US = 1_790_040_000_000_000
MEMBERS = ("mia", "max", "moe")
LATER_US = NOW_US + DAY_US


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Three members, as many as decide; the first seats wait for nobody."""
    found = Store(store_url)
    found.take({})
    for giver, name in (("max", "mia"), ("mia", "max"), ("mia", "moe")):
        give(found, giver, name, at_us=NOW_US)
    yield found
    assert evidence_verified(found).faults == []
    found.close()


def member(name: str) -> Actor:
    return Actor(name, frozenset({COMMITTEE}))


def give(store: Store, giver: str, name: str, tier: int = 3, at_us: int = LATER_US) -> str:
    with work(store, member(giver), at_us) as w:
        return mandate_given(w, Mandate(name, tier), POLICY)


def end(store: Store, by: str, mandate_id: str, at_us: int = LATER_US) -> None:
    with work(store, member(by), at_us) as w:
        mandate_ended(w, mandate_id, POLICY)


def note(store: Store, by: str, away: str, deputy: str, at_us: int = LATER_US) -> str:
    with work(store, member(by), at_us) as w:
        return absence_noted(w, Absence(away, deputy, 0, at_us + 10 * DAY_US), POLICY)


def confirm(store: Store, by: str, key: str, what: str = MANDATE, at_us: int = LATER_US + 1) -> None:
    with work(store, member(by), at_us) as w:
        change_confirmed(w, what, key)


def decline(store: Store, by: str, key: str, what: str = MANDATE, at_us: int = LATER_US + 1) -> None:
    with work(store, member(by), at_us) as w:
        change_declined(w, what, key)


def voters(store: Store, at_us: int = LATER_US + 2) -> dict[str, str]:
    with work(store, SYSTEM, at_us) as w:
        return terms_in_force(w, POLICY).mandates.deciders(3, "close", 1, 1, at_us)


def seat_of(store: Store, name: str) -> str:
    found = store.rows(sa.select(mandates).where(mandates.c.person_id == name, mandates.c.tier == 3))
    return str(found[0]["mandate_id"])


def row_of(store: Store, mandate_id: str) -> dict[str, Any]:
    [row] = store.rows(sa.select(mandates).where(mandates.c.mandate_id == mandate_id))
    return row


ALL = {name: name for name in MEMBERS}


def test_first_seats_of_a_lender_wait_for_nobody_and_the_next_votes_only_once_another_member_confirms_it(
    store: Store,
) -> None:
    assert voters(store, NOW_US) == ALL
    seat = give(store, "mia", "pal")
    assert voters(store) == ALL
    confirm(store, "max", seat)
    assert voters(store) == ALL | {"pal": "pal"}
    row = row_of(store, seat)
    assert (row["from_us"], row["pending"], row["asked_by"]) == (LATER_US + 1, None, None)


@pytest.mark.parametrize("who", ["mia", "pal", "out"])
def test_who_asked_for_a_seat_who_gets_it_and_who_has_none_do_not_confirm_it(store: Store, who: str) -> None:
    seat = give(store, "mia", "pal")
    give(store, "mia", "out")  # waits, too: that is no seat
    with pytest.raises(RefusedError) as error:
        confirm(store, who, seat)
    assert error.value.rule == "second_member"
    assert voters(store) == ALL


def test_seat_of_another_ends_only_once_a_third_member_confirms_it_and_votes_until_then(store: Store) -> None:
    seat = seat_of(store, "moe")
    end(store, "mia", seat)
    assert voters(store) == ALL
    for who in ("mia", "moe"):
        with pytest.raises(RefusedError):
            confirm(store, who, seat)
    with pytest.raises(ConflictError):
        end(store, "max", seat)
    confirm(store, "max", seat)
    assert voters(store) == {"mia": "mia", "max": "max"}
    assert row_of(store, seat)["to_us"] == LATER_US + 1


def test_who_gives_up_his_own_seat_cannot_fill_the_committee_alone_afterwards(store: Store) -> None:
    end(store, "mia", seat_of(store, "mia"))
    assert voters(store) == {"max": "max", "moe": "moe"}
    for name in ("pal", "pim", "pip"):
        give(store, "mia", name)
    end(store, "mia", seat_of(store, "max"))
    assert voters(store) == {"max": "max", "moe": "moe"}


def test_committee_of_which_one_member_is_left_begins_anew(store: Store) -> None:
    for name in ("mia", "max"):
        end(store, name, seat_of(store, name))
    give(store, "moe", "pal")
    assert voters(store) == {"moe": "moe", "pal": "pal"}
    give(store, "moe", "pim")  # now there is a second again
    assert voters(store) == {"moe": "moe", "pal": "pal"}


def test_absence_of_another_member_waits_and_ones_own_does_not(store: Store) -> None:
    absence_id = note(store, "mia", "moe", "pal")
    assert voters(store) == ALL
    for who in ("mia", "moe", "pal"):
        with pytest.raises(RefusedError):
            confirm(store, who, absence_id, ABSENCE)
    confirm(store, "max", absence_id, ABSENCE)
    assert voters(store) == {"mia": "mia", "max": "max", "pal": "moe"}
    with work(store, member("mia"), LATER_US + 1) as w:
        absence_ended(w, absence_id)
    assert voters(store) == ALL
    note(store, "moe", "moe", "pal")
    assert voters(store) == {"mia": "mia", "max": "max", "pal": "moe"}


def test_deputy_whom_one_member_chose_before_there_was_a_seat_does_not_vote_by_it(store: Store) -> None:
    give(store, "mia", "ann", tier=2)
    note(store, "mia", "ann", "pal")
    confirm(store, "max", give(store, "mia", "ann"))
    assert voters(store) == ALL | {"ann": "ann"}


def test_mandates_of_the_second_tier_and_absences_of_who_has_no_seat_wait_for_nobody(store: Store) -> None:
    mandate_id = give(store, "mia", "ann", tier=2)
    note(store, "mia", "ann", "bob")
    with work(store, SYSTEM, LATER_US) as w:
        assert terms_in_force(w, POLICY).mandates.deciders(2, "close", 1, 1, LATER_US) == {"bob": "ann"}
    end(store, "max", mandate_id)
    assert row_of(store, mandate_id)["to_us"] == LATER_US


def test_what_is_declined_or_taken_back_changes_nothing_and_is_settled_once(store: Store) -> None:
    declined, taken_back, ending = give(store, "mia", "pal"), give(store, "mia", "pim"), seat_of(store, "moe")
    end(store, "mia", ending)
    decline(store, "max", declined)
    decline(store, "mia", taken_back)
    with pytest.raises(RefusedError):
        decline(store, "moe", ending)  # whose it is
    decline(store, "max", ending)
    assert voters(store) == ALL
    for key in (declined, taken_back, ending):
        for settle in (confirm, decline):
            with pytest.raises(ConflictError):
                settle(store, "max", key, at_us=LATER_US + 2)
    with work(store, SYSTEM, LATER_US) as w:
        assert seats_now(w.rows, w.now_us).ever == set(MEMBERS), "what never began is no seat of the past"
    with pytest.raises(MissingError):
        confirm(store, "max", "nothing")


def test_who_would_get_a_seat_or_be_away_may_end_what_waits_and_others_decline_it_by_ending_it(
    store: Store,
) -> None:
    seats = [give(store, "mia", name) for name in ("pal", "pim", "pip")]
    end(store, "pal", seats[0])
    end(store, "mia", seats[1])
    with pytest.raises(RefusedError):
        end(store, "out", seats[2])
    end(store, "max", seats[2])
    away = [note(store, "mia", "moe", "pal") for _ in range(2)]
    for who, absence_id in zip(("moe", "max"), away, strict=True):
        with work(store, member(who), LATER_US + 1) as w:
            absence_ended(w, absence_id)
    for key, what in (*((each, MANDATE) for each in seats), *((each, ABSENCE) for each in away)):
        with pytest.raises(ConflictError):
            confirm(store, "max", key, what)


def test_seat_whose_time_is_over_before_it_is_confirmed_never_begins(store: Store) -> None:
    with work(store, member("mia"), LATER_US) as w:
        seat = mandate_given(w, Mandate("pal", 3, to_us=LATER_US + 5), POLICY)
    with pytest.raises(ConflictError):
        confirm(store, "max", seat, at_us=LATER_US + 5)


def test_who_leaves_takes_his_seat_and_what_waits_for_him_along_at_once(store: Store) -> None:
    end(store, "mia", seat_of(store, "moe"))
    waiting = give(store, "mia", "pal")
    absence_id = note(store, "mia", "max", "pal")
    with work(store, member("oli"), LATER_US + 1) as w:
        for name in ("moe", "pal"):
            authority_ended(w, name)
    assert voters(store) == {"mia": "mia", "max": "max"}
    for key, what in ((waiting, MANDATE), (absence_id, ABSENCE), (seat_of(store, "moe"), MANDATE)):
        with pytest.raises(ConflictError):
            confirm(store, "max", key, what)


def test_every_step_stands_in_the_audit_with_who_asked_and_who_settled_it(store: Store) -> None:
    seat = give(store, "mia", "pal")
    confirm(store, "max", seat)
    absence_id = note(store, "mia", "moe", "pal")
    decline(store, "max", absence_id, ABSENCE)
    events = store.rows(sa.select(audit_events).order_by(audit_events.c.number))[-4:]
    said = [(each["act"], each["actor_id"], each["subject"]) for each in events]
    assert said == [
        ("mandate.propose", "mia", "person:pal"), ("mandate.confirm", "max", "person:pal"),
        ("absence.propose", "mia", "person:moe"), ("absence.decline", "max", "person:moe"),
    ]  # fmt: skip
    details = [json.loads(each["detail"]) for each in events]
    assert {each["pending"] for each in details} == {"begin"}
    assert [each["asked_by"] for each in details if "asked_by" in each] == ["mia", "mia"]


def test_seats_that_are_given_at_once_to_pass_the_quorum_together_come_one_after_the_other(
    store_url: str,
) -> None:
    store = Store(store_url)
    store.take({})
    names = [f"pal-{k}" for k in range(8)]
    begin = threading.Barrier(len(names))

    def gives(name: str) -> None:
        begin.wait()
        give(store, "mia", name)

    threads = [threading.Thread(target=gives, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(voters(store)) == 3
    store.close()
