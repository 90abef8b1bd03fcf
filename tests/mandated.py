"""Mandates without bounds, given as they are given."""

from limitkeeper.app.mandates import mandate_given
from limitkeeper.core.approval.mandates import Mandate
from limitkeeper.store.work import Work


def mandated(w: Work, *given: tuple[str, int]) -> None:
    """Give each person a mandate of a tier, for ever."""
    for name, tier in given:
        mandate_given(w, Mandate(name, tier))
