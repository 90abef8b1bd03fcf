"""What holds a planned change up besides its time: its days of notice, and an appeal against its decision."""

from collections.abc import Mapping
from typing import Any

from limitkeeper.app.appeal_effects import suspended_by_appeal
from limitkeeper.app.due_changes import IsSuspended
from limitkeeper.app.known_notices import told_since_us
from limitkeeper.app.notice_policy import NoticePolicy
from limitkeeper.core.limits.ledger import LOWERING
from limitkeeper.store.work import Work


def suspended_by_notice(policy: NoticePolicy) -> IsSuspended:
    """What tells whether a cut waits since its customer has not been told for all the days of notice."""

    def is_suspended(w: Work, row: Mapping[str, Any]) -> bool:
        if row["notice_id"] is None or row["action"] not in LOWERING:
            return False
        since_us = told_since_us(w, row["notice_id"])
        return since_us is None or w.now_us < policy.effective_us(row["action"], since_us)

    return is_suspended


def suspended(policy: NoticePolicy) -> IsSuspended:
    """What tells whether a planned change waits for something besides its time, as the market's policy has it."""
    by_notice, by_appeal = suspended_by_notice(policy), suspended_by_appeal(policy)

    def is_suspended(w: Work, row: Mapping[str, Any]) -> bool:
        return by_notice(w, row) or by_appeal(w, row)

    return is_suspended
