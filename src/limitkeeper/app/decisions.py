"""From an approved case to the customer: the notice, and the entry in the ledger that waits for it."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.cases import OnApproved
from limitkeeper.app.limits import ENGINE_TOPIC, LimitChange, planned
from limitkeeper.app.notice_policy import NoticePolicy, day_of
from limitkeeper.app.notices import customer_row, written
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.limits.ledger import CLOSE, DECREASE, FREEZE, RAISING
from limitkeeper.core.notice.notice import NoticeFacts
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import Work

KINDS = {DECREASE: "limit_decreased", CLOSE: "line_closed", FREEZE: "line_frozen",
         **dict.fromkeys(RAISING, "limit_restored")}  # fmt: skip
"""What the notice of each action is."""

WHOSE_LETTERS = 4
"""Of an account's id that its customer is shown."""


@dataclass(frozen=True)
class Effects:
    """What an approved case leads to, in the transaction of its approval.

    Parameters
    ----------
    seal
        Of what is personal.
    policy
        Clocks and duties of the market.
    currency_sign
        Before amounts.
    """

    seal: Seal
    policy: NoticePolicy
    currency_sign: str = "¥"

    def of(self, w: Work, case: dict[str, Any]) -> None:
        """Write the notice and plan the change of a case; nothing, where it changes no limit."""
        action = case["action"]
        if action not in KINDS or case["account_id"] is None:
            return
        customer_id = case["customer_id"] or case["account_id"]
        trace = self._trace(w, case)
        customer = customer_row(w, customer_id)
        effective_us = self.policy.effective_us(action, w.now_us)
        facts = self._facts(w, case, trace, customer["language"], effective_us)
        notice_id = written(w, self.seal, customer_id, case["account_id"], facts, customer["language"])
        target = None if action == FREEZE else 0 if action == CLOSE else case["limit_after_cents"]
        change = LimitChange(
            case["account_id"], action, case["limit_before_cents"], target, effective_us,
            ", ".join(reason["code"] for reason in trace.get("reasons", [])) or "by decision", customer_id,
            case_id=case["case_id"], decision_id=case["decision_id"],
            notice_id=None if action == FREEZE else notice_id,  # a freeze acts at once
        )  # fmt: skip
        planned(w, change)
        if action == FREEZE:
            w.send(ENGINE_TOPIC, case["case_id"], {"freeze_confirmed": case["account_id"]})

    def _trace(self, w: Work, case: Mapping[str, Any]) -> dict[str, Any]:
        if case["proposal_id"] is None:
            return {}
        row = w.row(sa.select(proposals.c.trace).where(proposals.c.proposal_id == case["proposal_id"]))
        found: dict[str, Any] = json.loads(row["trace"]) if row else {}
        return found

    def _facts(
        self, w: Work, case: Mapping[str, Any], trace: Mapping[str, Any], language: str, effective_us: int
    ) -> NoticeFacts:
        action = case["action"]
        is_adverse = action not in RAISING
        reasons = tuple(
            {"code": each["code"], "text": each[language], "help": each[f"help_{language}"]}
            for each in trace.get("reasons", [])
        )
        appeal_until: dt.date | None = day_of(self.policy.appeal_until_us(w.now_us)) if is_adverse else None
        return NoticeFacts(
            KINDS[action], f"**** {case['account_id'][-WHOSE_LETTERS:]}", self.currency_sign,
            case["limit_before_cents"], 0 if action == CLOSE else case["limit_after_cents"], day_of(effective_us),
            appeal_until, reasons=reasons if is_adverse else (),
            duties=self.policy.duties_on(w.now_us) if is_adverse else (),
        )  # fmt: skip


def effects(seal: Seal, policy: NoticePolicy, currency_sign: str = "¥") -> OnApproved:
    """What approved cases lead to, as the commands on cases take it."""
    return Effects(seal, policy, currency_sign).of
