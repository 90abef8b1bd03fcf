"""Mandates and absences in the store: given by somebody else than who decides by them, ended, never deleted.

What changes a committee that has sat waits for a second member (:mod:`limitkeeper.core.approval.seats`). A seat or an
absence that waits to begin is none yet; one that waits to end stands until it is confirmed.
"""

import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.evidence import kept
from limitkeeper.core.access.rights import MANDATED
from limitkeeper.core.approval.mandates import Absence, Mandate
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.approval.seats import BEGIN, END, Seats
from limitkeeper.core.approval.tiers import COMMITTEE_TIER, TEAM_TIER
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.store.case_tables import absences, mandates
from limitkeeper.store.turns import in_turn
from limitkeeper.store.work import ConflictError, Work

MANDATE, ABSENCE = "mandate", "absence"

TABLES: Mapping[str, sa.Table] = MappingProxyType({MANDATE: mandates, ABSENCE: absences})

_BEGUN = {MANDATE: "mandate.give", ABSENCE: "absence.note"}
"""The act of what begins without a second member."""

_SEATS = sa.select(mandates.c.person_id, mandates.c.from_us, mandates.c.to_us).where(
    mandates.c.tier == COMMITTEE_TIER, mandates.c.pending.is_distinct_from(BEGIN)
)

ACTIONS: Sequence[str] = ("decrease", "freeze", "close", "restore", "increase", "thaw")
"""What a mandate may be bounded to."""


def seats_now(rows: Callable[[sa.Select[Any]], list[dict[str, Any]]], now_us: int) -> Seats:
    """Who sits on the committee, and who ever did; a seat that waits is none.

    Parameters
    ----------
    rows
        Answers a query, of a work or a store.
    now_us
        UTC microseconds.
    """
    found = rows(_SEATS)
    held = frozenset(row["person_id"] for row in found if row["from_us"] <= now_us < row["to_us"])
    return Seats(held, frozenset(row["person_id"] for row in found))


def concerned(row: Mapping[str, Any]) -> frozenset[str]:
    """Whom a mandate or an absence is about: its holder, or who is away and his deputy."""
    return frozenset(row[name] for name in ("person_id", "deputy_id") if name in row)


def mandate_given(w: Work, mandate: Mandate, policy: ApprovalPolicy) -> str:
    """Give a mandate; its id. It begins now at the earliest: nobody sits on a committee of before.

    A seat on a committee that has sat waits for a second member.

    Raises
    ------
    InputError
        When its tier is none that people decide on, it is bounded to an action that there is not, or its time is none.
    RefusedError
        When somebody gives it to himself.
    """
    if mandate.tier not in (TEAM_TIER, COMMITTEE_TIER):
        raise InputError(
            "People decide on the second and the third tier.", value=mandate.tier, allowed="2, 3"
        )
    for each in mandate.actions:
        if each not in ACTIONS:
            raise InputError("There is no such action.", value=each, allowed=", ".join(ACTIONS),
                             advice=did_you_mean(each, ACTIONS))  # fmt: skip
    from_us = max(mandate.from_us, w.now_us)
    if mandate.to_us <= from_us:
        raise InputError("A mandate ends after it begins.", value=f"{from_us} to {mandate.to_us}")
    if mandate.person_id == w.actor.actor_id:
        raise RefusedError("four_eyes", value=mandate.person_id, advice="Let somebody else give it.")
    row = {
        "mandate_id": secrets.token_hex(16), "person_id": mandate.person_id, "tier": mandate.tier,
        "actions": json.dumps(sorted(mandate.actions)), "cut_cents_max": mandate.cut_cents_max,
        "exposure_cents_max": mandate.exposure_cents_max, "from_us": from_us, "to_us": mandate.to_us,
    }  # fmt: skip
    seats = _seats(w)
    is_seat = mandate.tier == COMMITTEE_TIER
    waits = is_seat and _asks_second(w, seats, policy)
    _added(w, MANDATE, row, {"tier": mandate.tier}, waits=waits)
    if is_seat and not waits:
        _earlier_absences_ended(w, mandate.person_id, seats)
    return str(row["mandate_id"])


def mandate_ended(w: Work, mandate_id: str, policy: ApprovalPolicy) -> None:
    """End a mandate now; that somebody else's seat on a committee that has sat ends waits for a second member.

    Raises
    ------
    MissingError
        When there is none.
    RefusedError
        When it waits to begin, and is not his to decline.
    ConflictError
        When it waits to end already.
    """
    seats, row = _seats(w), w.found(mandates, mandate_id)
    if row["person_id"] == w.actor.actor_id or row["to_us"] <= w.now_us:
        _ended(w, MANDATE, row)
    elif row["pending"] == BEGIN:
        change_declined(w, MANDATE, mandate_id)
    elif row["pending"] == END:
        raise ConflictError("It waits already to end.", value=mandate_id, advice="Confirm it, or decline it.")
    elif row["tier"] == COMMITTEE_TIER and _asks_second(w, seats, policy):
        asked = {"pending": END, "asked_by": w.actor.actor_id}
        _changed(w, MANDATE, row, asked, "propose", {"pending": END})
    else:
        _ended(w, MANDATE, row)


def absence_noted(w: Work, absence: Absence, policy: ApprovalPolicy) -> str:
    """Note that somebody is away, from now at the earliest, and who stands in for him; the id.

    Where it is somebody else who has a seat on a committee that has sat, it waits for a second member: the deputy votes.

    Raises
    ------
    InputError
        When a person stands in for himself.
    RefusedError
        When somebody makes himself the deputy: the mandate would be one that he gave himself.
    """
    if absence.person_id == absence.deputy_id:
        raise InputError("Nobody stands in for himself.", value=absence.person_id)
    if absence.deputy_id == w.actor.actor_id:
        raise RefusedError("four_eyes", value=absence.deputy_id, advice="Let somebody else note it.")
    row = {
        "absence_id": secrets.token_hex(16), "person_id": absence.person_id, "deputy_id": absence.deputy_id,
        "from_us": max(absence.from_us, w.now_us), "to_us": absence.to_us,
    }  # fmt: skip
    seats = _seats(w)
    is_anothers_seat = absence.person_id in seats.held - {w.actor.actor_id}
    waits = is_anothers_seat and _asks_second(w, seats, policy)
    _added(w, ABSENCE, row, {"deputy": absence.deputy_id}, waits=waits)
    return str(row["absence_id"])


def absence_ended(w: Work, absence_id: str) -> None:
    """End an absence now: who was away decides again himself. One that waits to begin is declined by it.

    Raises
    ------
    MissingError
        When there is none.
    RefusedError
        When it waits to begin, and is not his to decline.
    """
    row = w.found(absences, absence_id)
    is_waiting = row["pending"] == BEGIN and row["to_us"] > w.now_us
    if is_waiting and row["person_id"] != w.actor.actor_id:
        change_declined(w, ABSENCE, absence_id)
    else:
        _ended(w, ABSENCE, row)


def change_confirmed(w: Work, what: str, key: str) -> None:
    """Confirm what waits of a mandate or an absence: it takes effect now.

    Parameters
    ----------
    w
        The work.
    what, key
        Of :data:`TABLES`, and the id.

    Raises
    ------
    MissingError
        When there is no such row.
    ConflictError
        When nothing of it waits any more.
    RefusedError
        When he has no seat, asked for it himself, or is concerned by it.
    """
    seats, row = _seats(w), _waiting(w, what, key)
    seats.check_second(w.actor.actor_id, row["asked_by"], concerned(row))
    begins = row["pending"] == BEGIN
    effect = {"from_us": max(row["from_us"], w.now_us)} if begins else {"to_us": w.now_us}
    asked = {"pending": row["pending"], "asked_by": row["asked_by"]}
    _changed(w, what, row, {"pending": None, "asked_by": None, **effect}, "confirm", asked)
    if what == MANDATE and begins:
        _earlier_absences_ended(w, row["person_id"], seats)


def change_declined(w: Work, what: str, key: str) -> None:
    """Decline what waits of a mandate or an absence, or take back what one asked for: all stays as it is.

    Parameters
    ----------
    w
        The work.
    what, key
        Of :data:`TABLES`, and the id.

    Raises
    ------
    MissingError
        When there is no such row.
    ConflictError
        When nothing of it waits any more.
    RefusedError
        When he did not ask for it, and has no seat or is concerned by it.
    """
    seats, row = _seats(w), _waiting(w, what, key)
    if w.actor.actor_id != row["asked_by"]:
        seats.check_second(w.actor.actor_id, row["asked_by"], concerned(row))
    asked = {"pending": row["pending"], "asked_by": row["asked_by"]}
    # What never began still waits where it is over: nobody takes it for a seat of the past.
    never = {"to_us": w.now_us} if row["pending"] == BEGIN else {"pending": None, "asked_by": None}
    _changed(w, what, row, never, "decline", asked)


def authority_kept(w: Work, person_id: str, roles: Collection[str]) -> None:
    """End what somebody decides by, where none of the roles that he has from now on is one that decides."""
    if MANDATED.isdisjoint(roles):
        authority_ended(w, person_id)


def authority_ended(w: Work, person_id: str) -> None:
    """End the mandates of somebody who decides no more, and his standing in for others: he counts in no majority."""
    own = sa.select(mandates).where(mandates.c.person_id == person_id, mandates.c.to_us > w.now_us)
    for row in w.rows(own):
        _ended(w, MANDATE, row)
    deputy = sa.select(absences).where(absences.c.deputy_id == person_id, absences.c.to_us > w.now_us)
    for row in w.rows(deputy):
        _ended(w, ABSENCE, row)


def _seats(w: Work) -> Seats:
    """Who sits, as it stays until the commit: of two who fill the last seat before the quorum one comes second."""
    in_turn(w.connection, "limitkeeper committee")
    return seats_now(w.rows, w.now_us)


def _asks_second(w: Work, seats: Seats, policy: ApprovalPolicy) -> bool:
    return seats.asks_second(w.actor.actor_id, policy.quorum(day_of(w.now_us)))


def _earlier_absences_ended(w: Work, person_id: str, seats: Seats) -> None:
    """End the absences of who gets a first seat: one member alone could have chosen the deputy that votes."""
    if person_id in seats.held:
        return
    query = sa.select(absences).where(absences.c.person_id == person_id, absences.c.to_us > w.now_us)
    for row in w.rows(query):
        _ended(w, ABSENCE, row)


def _waiting(w: Work, what: str, key: str) -> dict[str, Any]:
    row = w.found(TABLES[what], key)
    if row["pending"] is None or row["to_us"] <= w.now_us:
        raise ConflictError("Nothing of it waits for a second member.", value=key, advice="Read it again.")
    return row


def _added(w: Work, what: str, given: Mapping[str, Any], detail: Mapping[str, Any], *, waits: bool) -> None:
    asked = {"pending": BEGIN, "asked_by": w.actor.actor_id} if waits else {"pending": None, "asked_by": None}
    row = {**given, **asked, "version": 1}
    w.add(TABLES[what], row)
    act, pending = (f"{what}.propose", {"pending": BEGIN}) if waits else (_BEGUN[what], {})
    held = kept((what, row), (f"{what}_pending", row))
    w.note(act, f"person:{row['person_id']}", {what: row[f"{what}_id"], **detail, **pending, **held})


def _ended(w: Work, what: str, row: Mapping[str, Any]) -> None:
    """End a mandate or an absence now, where it is not over already; that it waits to end with it."""
    settled = {"pending": None, "asked_by": None} if row["pending"] == END else {}
    _changed(w, what, row, {"to_us": min(row["to_us"], w.now_us), **settled}, "end", {})


def _changed(
    w: Work, what: str, row: Mapping[str, Any], values: Mapping[str, Any], act: str, detail: Mapping[str, Any]
) -> None:
    key, now = row[f"{what}_id"], {**row, **values}
    w.change(TABLES[what], key, row["version"], values)
    kinds = (what, f"{what}_pending")
    held = kept(*((kind, now) for kind in kinds), was=[(kind, row) for kind in kinds])
    w.note(f"{what}.{act}", f"person:{row['person_id']}", {what: key, **detail, **held})
