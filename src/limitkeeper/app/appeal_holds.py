"""What a granted appeal holds: the same rule does not cut the line again on what was known of it then."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.notice_policy import NoticePolicy
from limitkeeper.app.proposal_cases import Held
from limitkeeper.core.appeal.appeals import GRANTING
from limitkeeper.core.limits.ledger import LOWERING
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import Work

GRANTED_BEFORE = "granted_before"
"""Why the case of a cut is withdrawn that a granted appeal holds."""

BILL_FACTS = (
    "bills_12", "paid_full_share_6", "minimum_only_share_6", "late_share_6", "late_share_12", "days_past_due_max_12",
    "days_past_due_mean_6", "on_time_streak", "completeness_3", "completeness_6", "completeness_12",
)  # fmt: skip
"""What bills alone say of a line, and nothing else moves."""

FLAG_FACT = "flag_count_90d"
"""How many violations were flagged: more of them are something new, fewer only time that went by."""

_GRANTED = (
    sa.select(appeals.c.account_id, appeals.c.rule, proposals.c.trace)
    .join(proposals, proposals.c.decision_id == appeals.c.decision_id)
    .where(
        appeals.c.account_id.in_(sa.bindparam("account_ids", expanding=True)),
        appeals.c.state.in_(GRANTING),
        appeals.c.answered_us > sa.bindparam("since_us"),
    )
)


def held_by_grants(policy: NoticePolicy) -> Held:
    """What tells which proposals a granted appeal holds, as the market's policy has it.

    A cut is held where an appeal against one of the same line by the same rule was granted within
    ``grant_holds_days``, and no bill and no flag has come since that decision.
    """

    def held(w: Work, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        cuts = [row for row in rows if row["action"] in LOWERING]
        if not cuts:
            return {}
        ids, since_us = sorted({row["account_id"] for row in cuts}), policy.grants_hold_since_us(w.now_us)
        granted: dict[tuple[str, str], list[dict[str, float | None]]] = {}
        for row in w.rows(_GRANTED, account_ids=ids, since_us=since_us):
            granted.setdefault((row["account_id"], row["rule"]), []).append(_inputs(row))
        return {
            row["proposal_id"]: GRANTED_BEFORE
            for row in cuts
            if any(
                not has_new_facts(then, _inputs(row))
                for then in granted.get((row["account_id"], row["rule"]), ())
            )
        }

    return held


def has_new_facts(then: Mapping[str, float | None], now: Mapping[str, float | None]) -> bool:
    """Whether bills or flags say anything new of a line, by what two decisions on it read.

    Examples
    --------
    >>> has_new_facts({"on_time_streak": 0.0, "utilisation": 0.5}, {"on_time_streak": 0.0, "utilisation": 0.9})
    False
    >>> has_new_facts({"flag_count_90d": 1.0}, {"flag_count_90d": 2.0})
    True
    """
    flags_then, flags_now = then.get(FLAG_FACT) or 0.0, now.get(FLAG_FACT) or 0.0
    return flags_now > flags_then or any(then.get(name) != now.get(name) for name in BILL_FACTS)


def _inputs(row: Mapping[str, Any]) -> dict[str, float | None]:
    found: dict[str, float | None] = json.loads(row["trace"]).get("inputs", {})
    return found
