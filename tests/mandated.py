"""Mandates without bounds, given as they are given."""

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.mandates import MANDATE, change_confirmed, mandate_given, seats_now
from limitkeeper.core.access.actors import COMMITTEE, Actor
from limitkeeper.core.approval.mandates import Mandate
from limitkeeper.store.case_tables import mandates
from limitkeeper.store.work import Work

POLICY = approval_policy()


def mandated(w: Work, *given: tuple[str, int]) -> None:
    """Give each person a mandate of a tier, for ever; a seat that waits is confirmed by a member."""
    for name, tier in given:
        mandate_id = mandate_given(w, Mandate(name, tier), POLICY)
        if w.found(mandates, mandate_id)["pending"]:
            giver, member = w.actor, min(seats_now(w.rows, w.now_us).held - {name, w.actor.actor_id})
            w.actor = Actor(member, frozenset({COMMITTEE}))
            change_confirmed(w, MANDATE, mandate_id)
            w.actor = giver
