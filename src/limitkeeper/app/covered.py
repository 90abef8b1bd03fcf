"""What a campaign's case does by each of its actions, and what mandates must cover of it: no action hides another."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from limitkeeper.app.campaign_states import CAMPAIGN
from limitkeeper.core.approval.tiers import Fact
from limitkeeper.core.limits.ledger import RAISING

COVERED_ACTIONS, COVERED_RAISED = "covered_actions", "covered_raised_cents"
"""In the facts of a campaign's case: which actions mandates must cover, and the sum of what rises."""


class Change(NamedTuple):
    """One of the actions of a campaign, with the cut of its kind, below 0 where limits rise, and what it is cut from."""

    action: str
    cut_cents: int
    before_cents: int | None


@dataclass(frozen=True, slots=True)
class Covered:
    """What mandates must cover where that is not what a case itself does: all that it is counted with.

    Parameters
    ----------
    changes
        Each action with its cut, the gravest first: none hides another.
    exposure_cents
        Of all.
    """

    changes: tuple[tuple[str, int], ...]
    exposure_cents: int

    def facts(self) -> dict[str, Fact]:
        """What a case keeps of it besides its own columns; :func:`covered_changes` reads it."""
        rises = [-cut for action, cut in self.changes if action in RAISING]
        return {COVERED_ACTIONS: " ".join(action for action, _ in self.changes), COVERED_RAISED: sum(rises)}


def covered_changes(row: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """What mandates must cover of a case that is a campaign's, action by action; empty for any other."""
    if row["kind"] != CAMPAIGN:
        return ()
    facts = json.loads(row["facts"])
    return tuple(
        (action, -facts[COVERED_RAISED] if action in RAISING else row["cut_cents"])
        for action in facts.get(COVERED_ACTIONS, "").split()
    )
