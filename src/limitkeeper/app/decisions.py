"""From an approved case to the customer: the notice, and the entries in the ledger that wait for it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.appeal_effects import APPEAL, give_back
from limitkeeper.app.campaign_states import CAMPAIGN
from limitkeeper.app.campaigns import begun
from limitkeeper.app.case_ends import STANDING, freeze_settled
from limitkeeper.app.corrections import letters_corrected, letters_stopped, moot_told
from limitkeeper.app.customer_preferences import customer_row, letter_us, owner_row, zone_of
from limitkeeper.app.known_notices import told_of
from limitkeeper.app.limit_policy import LimitPolicy, limit_policy
from limitkeeper.app.limits import (
    LimitChange,
    cancelled,
    entries_in_effect,
    lenders_ahead,
    limit_now_cents,
    line_row,
    planned_rows,
    requests_ahead,
    steps_planned,
)
from limitkeeper.app.notice_policy import NoticePolicy, notice_wording
from limitkeeper.app.notices import written
from limitkeeper.app.ownership import owner_of
from limitkeeper.app.plans import replaced_by
from limitkeeper.app.policy import reason_wording
from limitkeeper.app.told import (
    Told,
    cut_entries,
    cut_from_cents,
    entries_of_rows,
    lowering,
    rising,
    told_of_steps,
    trace_of,
    with_others,
)
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.limits.changes import (
    ChangeTerms,
    Step,
    foretold,
    old_limit_cents,
    restoration_steps,
)
from limitkeeper.core.limits.ledger import (
    CLOSE,
    DECREASE,
    FREEZE,
    FREEZING,
    INCREASE,
    LOWERING,
    RAISING,
    RESTORE,
    THAW,
    is_closed,
)
from limitkeeper.core.notice.notice import ADVERSE_KINDS, Notice, NoticeFacts, notice_of
from limitkeeper.core.notice.reasons import FALLBACK_CODE, Reason, reason_texts
from limitkeeper.store.tables import freeze_changes, proposals
from limitkeeper.store.work import Work

WHOSE_LETTERS = 4
"""Of an account's id that its customer is shown."""

REQUEST = "request"
"""The kind of case that a customer opens himself."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an approved case leads to: what is told, and what is planned in which steps."""

    told: Told
    change: LimitChange
    steps: Sequence[tuple[int | None, int]]


def shown_line(account_id: str) -> str:
    """A line as its customer is shown it: the end of its id."""
    return f"**** {account_id[-WHOSE_LETTERS:]}"


@dataclass(frozen=True)
class Effects:
    """What an approved case leads to, in the transaction of its approval.

    Parameters
    ----------
    seal
        Of what is personal.
    policy
        Clocks and duties of the market.
    limits
        Steps and waits of changes.
    """

    seal: Seal
    policy: NoticePolicy
    limits: LimitPolicy = field(default_factory=limit_policy)

    @property
    def currency_sign(self) -> str:
        """Before amounts."""
        return self.policy.currency_sign

    def __call__(self, w: Work, case: dict[str, Any]) -> None:
        """Write the notice and plan the change of a case; nothing, where it changes nothing any more.

        What an appeal gives back is told in the answer to it.
        """
        if case["kind"] == APPEAL:
            give_back(w, case, self.policy, self.tell)
            return
        if case["kind"] == CAMPAIGN:
            begun(w, case["case_id"])
            return
        found = self.consequence(w, case)
        if found is None:
            w.note("case.moot", f"case:{case['case_id']}")
            return
        if case["action"] == THAW:  # the ledger follows the monitor, and so the customer is told once
            freeze_settled(w, case["case_id"], case["account_id"], confirm=False, of=None)
            return
        notice_id, requests = self.tell(w, found.told), requests_ahead(w, case["account_id"])
        if case["action"] == FREEZE:
            of = proposals.c.proposal_id == case["proposal_id"]
            freeze_settled(w, case["case_id"], case["account_id"], confirm=True, of=of)
        self._replace(w, case)
        if found.steps:
            # A freeze acts at once, and what the customer asked for himself he knows.
            waits = case["action"] != FREEZE and case["kind"] != REQUEST
            entries = steps_planned(w, found.change.with_notice(notice_id if waits else None), found.steps)
            if not waits:
                told_of(w, entries[0], notice_id)
        if case["kind"] == REQUEST:
            letters_corrected(w, self.tell, self.policy, case["account_id"], requests)

    def consequence(self, w: Work, case: Mapping[str, Any]) -> Consequence | None:
        """What a case leads to if it is approved now, None where it changes nothing."""
        action, account_id = case["action"], case["account_id"]
        if account_id is None or action not in (*LOWERING, *RAISING, *FREEZING):
            return None
        trace, terms = self._trace(w, case), self.limits.terms(w.now_us)
        # The limit may have moved since the case was opened: what is told is true on the day of approval.
        now_cents = limit_now_cents(w, account_id, case["limit_before_cents"])
        change = LimitChange(
            account_id, action, now_cents, case["limit_after_cents"], w.now_us,
            ", ".join(reason["code"] for reason in trace.get("reasons", [])) or "by decision",
            case["customer_id"] or owner_of(w, account_id).customer_id, case_id=case["case_id"],
            decision_id=case["decision_id"], by_request=case["kind"] == REQUEST,
            old_limit_cents=cut_from_cents(trace),
        )  # fmt: skip
        if action == FREEZE:
            return self._freeze(w, case, change, trace)
        if action == THAW:
            return self._thaw(w, case, change)
        if action in LOWERING:
            return self._lowering(w, case, change, trace, terms)
        return self._raising(w, change, trace, terms)

    def preview(self, w: Work, case: Mapping[str, Any], language: str) -> Notice | None:
        """The notice of a case as it would be written if the case were approved now; nothing is written."""
        found = self.consequence(w, case)
        if found is None:
            return None
        customer = owner_row(w, found.told.account_id)
        facts = self.facts(found.told, language, zone_of(customer), letter_us(customer, w.now_us))
        return notice_of(facts, notice_wording(language))

    def tell(self, w: Work, told: Told, in_place_of: str | None = None) -> str:
        """Write a notice in its customer's language, where it is so in place of another one; its id."""
        customer_id = owner_of(w, told.account_id).customer_id
        customer = customer_row(w, customer_id)
        out_us = letter_us(customer, w.now_us)
        facts = self.facts(told, customer["language"], zone_of(customer), out_us)
        return written(w, self.seal, customer_id, told.account_id, facts, customer["language"], in_place_of)

    def told_moot(self, w: Work, row: Mapping[str, Any]) -> None:
        """Tell the customer of a planned change that nothing was left of it; see :func:`moot_told`."""
        moot_told(w, self.tell, row)

    def facts(self, told: Told, language: str, zone: dt.tzinfo, out_us: int) -> NoticeFacts:
        """What a notice is of, in a language; its days are those of its customer's zone, and count from its letter."""
        is_adverse = told.kind in ADVERSE_KINDS
        reasons = tuple(
            {"code": each["code"], "text": each[language], "help": each[f"help_{language}"]}
            for each in told.trace.get("reasons", [])
        )
        if is_adverse and not reasons:  # nothing that was used can be told truly of this account
            reasons = tuple(reason_texts([Reason(FALLBACK_CODE)], reason_wording(language)))
        until_us = max(self.policy.appeal_until_us(out_us, zone), told.appeal_until_us)
        appeal_until = day_of(until_us, zone) if is_adverse else None
        return NoticeFacts(
            told.kind, shown_line(told.account_id), self.currency_sign, told.limit_before_cents,
            told.limit_after_cents, day_of(told.effective_us, zone), appeal_until,
            steps=tuple((day_of(step.effective_us, zone), step.target_cents) for step in told.steps),
            reasons=reasons if is_adverse else (), duties=self.policy.duties_on(out_us) if is_adverse else (),
            words=told.words, own_request=_dated(told.own_request, zone),
        )  # fmt: skip

    def _freeze(
        self, w: Work, case: Mapping[str, Any], change: LimitChange, trace: Mapping[str, Any]
    ) -> Consequence | None:
        """A freeze stands already where the monitor froze; approval keeps it from lapsing."""
        row = self._proposal(w, case)
        if row is not None and row["status"] not in STANDING:
            return None
        line = line_row(w, change.account_id)
        stands = (line is not None and line["is_frozen"]) or planned_rows(w, change.account_id, (FREEZE,))
        told = Told("freeze_confirmed" if stands else "line_frozen", change.account_id, change.limit_before_cents,
                    change.limit_before_cents, w.now_us, trace)  # fmt: skip
        return Consequence(told, change, () if stands else [(None, w.now_us)])

    def _thaw(self, w: Work, case: Mapping[str, Any], change: LimitChange) -> Consequence | None:
        """The end of the freeze that stood when it was proposed: what froze the line since then has its own case."""
        line = line_row(w, change.account_id)
        again = sa.select(freeze_changes.c.id).where(
            freeze_changes.c.account_id == change.account_id, freeze_changes.c.status == "begun",
            freeze_changes.c.ts_us > case["opened_us"],
        )  # fmt: skip
        if line is None or not line["is_frozen"] or w.row(again.limit(1)) is not None:
            return None
        limit_cents = change.limit_before_cents
        return Consequence(
            Told("freeze_lifted", change.account_id, limit_cents, limit_cents, w.now_us), change, ()
        )

    def _lowering(
        self,
        w: Work,
        case: Mapping[str, Any],
        change: LimitChange,
        trace: Mapping[str, Any],
        terms: ChangeTerms,
    ) -> Consequence | None:
        before, after = change.limit_before_cents, 0 if change.action == CLOSE else change.limit_after_cents
        assert after is not None
        is_closing = change.action == CLOSE and not is_closed(entries_in_effect(w, change.account_id))
        if after >= before and not is_closing:
            return None
        if change.by_request:
            effective_us = w.now_us + terms.cooling_off_us
            kind = "closed_at_request" if change.action == CLOSE else "lowered_at_request"
            # What the lender is to take before it is no part of the request.
            own, ahead = [Step(after, effective_us)], lenders_ahead(w, change.account_id)
            found = foretold(before, cut_entries(change.action, own), entries_of_rows(ahead))
            told = Told(
                kind,
                change.account_id,
                found.limit_before_cents if found.steps else before,
                after,
                effective_us,
            )
            return Consequence(told, change, [(after, effective_us)])
        ahead = lenders_ahead(w, change.account_id)
        if change.action == DECREASE and any(row["target_cents"] <= after for row in ahead):
            return None  # what is planned leads further already
        customer = owner_row(w, change.account_id)
        effective_us = self.policy.effective_us(change.action, letter_us(customer, w.now_us))
        told, steps = lowering(change.account_id, change.action, before, after, effective_us, trace, terms)
        told = with_others(told, change.action, before, steps, planned_rows(w, change.account_id, LOWERING))
        # What behaviour led to is looked at again; a campaign's steps follow from no behaviour.
        change = change.stepped(terms.step_wait_us, looked_at_again=case["kind"] == "decision")
        return Consequence(told, change, steps)

    def _raising(
        self,
        w: Work,
        change: LimitChange,
        trace: Mapping[str, Any],
        terms: ChangeTerms,
    ) -> Consequence | None:
        before, after = change.limit_before_cents, change.limit_after_cents
        assert after is not None
        if after <= before:
            return None
        requests = requests_ahead(w, change.account_id)
        if change.action == INCREASE:
            customer = owner_row(w, change.account_id)
            effective_us = self.policy.effective_us(change.action, letter_us(customer, w.now_us))
            told = Told("limit_restored", change.account_id, before, after, effective_us, trace)
            only = [Step(after, effective_us)]
            return Consequence(rising(told, only, requests), change, only)
        if any(row["target_cents"] >= after for row in planned_rows(w, change.account_id, (RESTORE,))):
            return None
        steps = self.restoration(w, change.account_id, before, after, change.old_limit_cents)
        if not steps:
            return None
        told = replace(told_of_steps(change.account_id, RESTORE, before, steps), trace=trace)
        told = rising(told, steps, requests)
        return Consequence(told, change.stepped(terms.restore_wait_us, looked_at_again=True), steps)

    def restoration(
        self,
        w: Work,
        account_id: str,
        limit_cents: int,
        wanted_cents: int | None,
        known_old_cents: int | None = None,
    ) -> list[Step]:
        """The steps in which a line is restored, from its ledger; empty where there is nothing to give back.

        Parameters
        ----------
        account_id, limit_cents
            The line, and its limit where it has no ledger yet.
        wanted_cents
            Up to what; None for all that may be.
        known_old_cents
            The limit before the lender's cuts, where the line has no ledger yet.
        """
        terms, line, entries = (
            self.limits.terms(w.now_us),
            line_row(w, account_id),
            entries_in_effect(w, account_id),
        )
        old = old_limit_cents(entries) if line else known_old_cents
        now_cents = limit_now_cents(w, account_id, limit_cents)
        goal = old if wanted_cents is None or old is None else min(wanted_cents, old)
        if goal is None or goal <= now_cents:
            return []
        raised = [each.effective_us for each in entries if each.action in RAISING]
        out_us = letter_us(owner_row(w, account_id), w.now_us)
        earliest_us = max([out_us, *(moment + terms.restore_wait_us for moment in raised)])
        return restoration_steps(now_cents, old, goal, earliest_us, terms)

    def _replace(self, w: Work, case: Mapping[str, Any]) -> None:
        """Cancel what is planned the other way, and say so: the newer decision stands."""
        action, is_own = case["action"], case["kind"] == REQUEST
        if action in LOWERING:
            other = planned_rows(w, case["account_id"], RAISING)
        elif action in RAISING:
            other = lenders_ahead(w, case["account_id"])
        else:
            return
        if is_own:  # a customer who asks again means the newer request
            other += requests_ahead(w, case["account_id"])
        for row in other:
            cancelled(w, row["entry_id"], replaced_by(case["case_id"]))
        lenders = [row for row in other if not row["by_request"]]
        if letters_stopped(w, lenders):
            limit_cents = limit_now_cents(w, case["account_id"], case["limit_before_cents"])
            self.tell(w, Told("change_replaced", case["account_id"], limit_cents, limit_cents, w.now_us))

    def _proposal(self, w: Work, case: Mapping[str, Any]) -> dict[str, Any] | None:
        if case["proposal_id"] is None:
            return None
        return w.kept(proposals, case["proposal_id"])

    def _trace(self, w: Work, case: Mapping[str, Any]) -> dict[str, Any]:
        return trace_of(w, case, case["account_id"])


def _dated(step: Step | None, zone: dt.tzinfo) -> tuple[dt.date, int] | None:
    return None if step is None else (day_of(step.effective_us, zone), step.target_cents)


def effects(seal: Seal, policy: NoticePolicy) -> Effects:
    """What approved cases lead to, as the commands on cases take it."""
    return Effects(seal, policy)
