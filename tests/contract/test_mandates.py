"""Mandates and absences on every store: nobody gives himself one, as a deputy neither; what ends is over at once."""

import json
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import terms_in_force
from limitkeeper.app.mandates import absence_ended, absence_noted, mandate_ended, mandate_given
from limitkeeper.core.access.actors import COMMITTEE, SYSTEM, Actor
from limitkeeper.core.approval.mandates import Absence, Mandate
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import absences
from limitkeeper.store.sql import Store
from limitkeeper.store.work import ConflictError, MissingError, Work, work

NOW_US = 1_790_040_000_000_000
POLICY = approval_policy()


def member(name: str) -> Actor:
    return Actor(name, frozenset({COMMITTEE}))


CHIEF = member("chief")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    with work(found, CHIEF, NOW_US) as w:
        mandate_given(w, Mandate("ann", 2), POLICY)
    yield found
    found.close()


def note(store: Store, deputy: str = "bob", by: Actor = CHIEF) -> str:
    with work(store, by, NOW_US) as w:
        return absence_noted(w, Absence("ann", deputy, NOW_US, NOW_US + 10 * DAY_US), POLICY)


def deciders(store: Store, now_us: int) -> dict[str, str]:
    with work(store, SYSTEM, now_us) as w:
        return terms_in_force(w, POLICY).mandates.deciders(2, "decrease", 1, 1, now_us)


def test_nobody_gives_himself_a_mandate(store: Store) -> None:
    with pytest.raises(RefusedError, match="does not decide") as error, work(store, CHIEF, NOW_US) as w:
        mandate_given(w, Mandate("chief", 2), POLICY)
    assert error.value.rule == "four_eyes"


def test_nobody_takes_a_mandate_by_noting_its_holder_away_with_himself_as_deputy(store: Store) -> None:
    with pytest.raises(RefusedError) as error:
        note(store, deputy="chief")
    assert error.value.rule == "four_eyes"
    assert store.rows(sa.select(absences)) == []
    assert deciders(store, NOW_US + 1) == {"ann": "ann"}


def test_nobody_stands_in_for_himself(store: Store) -> None:
    with pytest.raises(InputError, match="stands in"):
        note(store, deputy="ann")


def test_who_goes_away_may_name_his_own_deputy(store: Store) -> None:
    note(store, by=member("ann"))
    assert deciders(store, NOW_US + 1) == {"bob": "ann"}


def test_absence_that_is_ended_gives_the_decision_back_at_once_and_stands_in_the_audit(store: Store) -> None:
    absence_id = note(store)
    assert deciders(store, NOW_US + 1) == {"bob": "ann"}
    with work(store, CHIEF, NOW_US + 2) as w:
        absence_ended(w, absence_id)
    assert deciders(store, NOW_US + 2) == {"ann": "ann"}
    (row,) = store.rows(sa.select(absences))
    assert (row["to_us"], row["version"]) == (NOW_US + 2, 2)
    (event,) = store.rows(sa.select(audit_events).where(audit_events.c.act == "absence.end"))
    assert (event["actor_id"], event["subject"]) == ("chief", "person:ann")
    assert json.loads(event["detail"])["absence"] == absence_id


def test_absence_that_is_over_does_not_grow_when_it_is_ended(store: Store) -> None:
    absence_id = note(store)
    with work(store, CHIEF, NOW_US + 20 * DAY_US) as w:
        absence_ended(w, absence_id)
    (row,) = store.rows(sa.select(absences))
    assert row["to_us"] == NOW_US + 10 * DAY_US


def test_absence_that_there_is_not_cannot_be_ended(store: Store) -> None:
    with pytest.raises(MissingError), work(store, CHIEF, NOW_US) as w:
        absence_ended(w, "nothing")


def test_absence_that_changed_in_between_is_not_ended_on_what_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    absence_id = note(store)
    with work(store, CHIEF, NOW_US + 1) as w:
        before = w.found(absences, absence_id)
        absence_ended(w, absence_id)
    monkeypatch.setattr(Work, "found", lambda *_: before)
    with pytest.raises(ConflictError), work(store, CHIEF, NOW_US + 2) as w:
        absence_ended(w, absence_id)


def test_mandate_that_is_ended_decides_no_more(store: Store) -> None:
    with work(store, CHIEF, NOW_US) as w:
        mandate_id = mandate_given(w, Mandate("cem", 2), POLICY)
    assert set(deciders(store, NOW_US + 1)) == {"ann", "cem"}
    with work(store, CHIEF, NOW_US + 2) as w:
        mandate_ended(w, mandate_id, POLICY)
    assert set(deciders(store, NOW_US + 2)) == {"ann"}
