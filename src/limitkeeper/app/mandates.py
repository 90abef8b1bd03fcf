"""Mandates and absences in the store: given by somebody else than who decides by them, ended, never deleted."""

import json
import secrets
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from limitkeeper.app.evidence import kept
from limitkeeper.core.access.rights import MANDATED
from limitkeeper.core.approval.mandates import Absence, Mandate
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.approval.tiers import COMMITTEE_TIER, TEAM_TIER
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.store.case_tables import absences, mandates
from limitkeeper.store.work import Work

ACTIONS: Sequence[str] = ("decrease", "freeze", "close", "restore", "increase", "thaw")
"""What a mandate may be bounded to."""


def mandate_given(w: Work, mandate: Mandate) -> str:
    """Give a mandate; its id. It begins now at the earliest: nobody sits on a committee of before.

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
    mandate_id = secrets.token_hex(16)
    row = {
        "mandate_id": mandate_id, "person_id": mandate.person_id, "tier": mandate.tier,
        "actions": json.dumps(sorted(mandate.actions)), "cut_cents_max": mandate.cut_cents_max,
        "exposure_cents_max": mandate.exposure_cents_max, "from_us": from_us, "to_us": mandate.to_us,
        "version": 1,
    }  # fmt: skip
    w.add(mandates, row)
    detail = {"mandate": mandate_id, "tier": mandate.tier} | kept(("mandate", row))
    w.note("mandate.give", f"person:{mandate.person_id}", detail)
    return mandate_id


def mandate_ended(w: Work, mandate_id: str) -> None:
    """End a mandate now.

    Raises
    ------
    MissingError
        When there is none.
    """
    _ended(w, mandates, "mandate", mandate_id)


def absence_noted(w: Work, absence: Absence) -> str:
    """Note that somebody is away, from now at the earliest, and who stands in for him; the id.

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
    absence_id = secrets.token_hex(16)
    row = {
        "absence_id": absence_id, "person_id": absence.person_id, "deputy_id": absence.deputy_id,
        "from_us": max(absence.from_us, w.now_us), "to_us": absence.to_us, "version": 1,
    }  # fmt: skip
    w.add(absences, row)
    detail = {"absence": absence_id, "deputy": absence.deputy_id} | kept(("absence", row))
    w.note("absence.note", f"person:{absence.person_id}", detail)
    return absence_id


def absence_ended(w: Work, absence_id: str) -> None:
    """End an absence now: who was away decides again himself.

    Raises
    ------
    MissingError
        When there is none.
    """
    _ended(w, absences, "absence", absence_id)


def authority_kept(w: Work, person_id: str, roles: Collection[str]) -> None:
    """End what somebody decides by, where none of the roles that he has from now on is one that decides."""
    if MANDATED.isdisjoint(roles):
        authority_ended(w, person_id)


def authority_ended(w: Work, person_id: str) -> None:
    """End the mandates of somebody who decides no more, and his standing in for others: he counts in no majority."""
    own = sa.select(mandates.c.mandate_id).where(
        mandates.c.person_id == person_id, mandates.c.to_us > w.now_us
    )
    for row in w.rows(own):
        mandate_ended(w, row["mandate_id"])
    deputy = sa.select(absences.c.absence_id).where(
        absences.c.deputy_id == person_id, absences.c.to_us > w.now_us
    )
    for row in w.rows(deputy):
        absence_ended(w, row["absence_id"])


def _ended(w: Work, table: sa.Table, what: str, key: str) -> None:
    """End a mandate or an absence now, where it is not over already."""
    row = w.found(table, key)
    changed = {"to_us": min(row["to_us"], w.now_us)}
    w.change(table, key, row["version"], changed)
    held = kept((what, row | changed), was=[(what, row)])
    w.note(f"{what}.end", f"person:{row['person_id']}", {what: key} | held)
