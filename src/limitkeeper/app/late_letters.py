"""Letters that go out on a later day than they were written for: written anew, so that every day they name is whole.

One rule for all that name a day from or until when something counts: at the send, in the transaction in which it would
go out, such a letter is withdrawn, and another is written in its place of what is so then. What it names holds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.appeal_effects import APPEAL, appeal_until_us, not_undone
from limitkeeper.app.appeal_notices import answer_words, told
from limitkeeper.app.appeals import AppealDesk, appeal_of, kept_act
from limitkeeper.app.corrections import CHANGE_CANCELLED, TOLD_ANEW, entries_by_notice, told_anew
from limitkeeper.app.evidence import kept
from limitkeeper.app.known_notices import (
    TOLD_OF_FREEZES,
    newest_told_of_freeze,
    notice_stopped,
    told_of,
    tries_carried,
)
from limitkeeper.app.limits import limit_now_cents
from limitkeeper.app.notices import anew_id
from limitkeeper.app.told import Told, trace_of_decision
from limitkeeper.core.appeal.appeals import ASKED, PARTLY_GRANTED, UPHELD
from limitkeeper.core.limits.ledger import CANCELLED, FREEZE, FREEZING, LOWERING, THAW
from limitkeeper.core.notice.notice import ADVERSE_KINDS, RISING_KINDS
from limitkeeper.store.appeal_tables import appeal_acts, appeals
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.work import Work

FREEZE_TOLD_OTHERWISE = "the freeze is over, or was confirmed since"
"""Why a notice of a freeze was withdrawn that would go out late."""

QUESTION_OVER = "the question is over"
"""Why a notice was withdrawn that would ask late for what is not waited for any more."""

ACT = "told_anew"
"""The act of an appeal whose question or answer was told once more, with the time from then on."""

_FREEZES = (
    sa.select(limit_entries)
    .where(
        limit_entries.c.account_id == sa.bindparam("account_id"),
        limit_entries.c.action.in_(FREEZING),
        limit_entries.c.state != CANCELLED,
    )
    .order_by(limit_entries.c.number)
)
_SAID = (
    sa.select(appeal_acts)
    .where(
        appeal_acts.c.appeal_id == sa.bindparam("appeal_id"),
        appeal_acts.c.act.in_(sa.bindparam("acts", expanding=True)),
        appeal_acts.c.state.in_(sa.bindparam("states", expanding=True)),
    )
    .order_by(appeal_acts.c.version)
)
_OF_LETTER = (
    sa.select(appeals)
    .join(appeal_acts, appeal_acts.c.appeal_id == appeals.c.appeal_id)
    .where(
        appeals.c.account_id == sa.bindparam("account_id"),
        appeal_acts.c.ts_us == sa.bindparam("made_us"),
        appeal_acts.c.act.in_(sa.bindparam("acts", expanding=True)),
    )
)

_SAID_BY: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "appeal_asked": (("ask",), (ASKED,), "due_us"),
    "appeal_decided": (("uphold", "grant_partly"), (UPHELD, PARTLY_GRANTED), "again_until_us"),
}
"""What of an appeal is told with a day: by which acts, in which states it stands, and the column of that day."""


@dataclass(frozen=True)
class LateLetters:
    """Writes letters anew that go out late.

    Parameters
    ----------
    desk
        How customers are told of changes and of their appeals, and the market's clocks.
    """

    desk: AppealDesk

    def __call__(self, w: Work, notice: Mapping[str, Any]) -> bool:
        """Whether a late letter is dealt with: another one stands in its place, or it is to go out no more.

        The new one goes on with the ways to its customer where the old one was, so that a way that fails comes to its
        end. One that names no such day goes out as it was written.
        """
        if (
            w.kept(notices, anew_id(notice["notice_id"])) is not None
        ):  # as of one that came back after it was seen
            notice_stopped(w, notice, TOLD_ANEW)
            return True
        if notice["kind"] in TOLD_OF_FREEZES:
            return self._freeze(w, notice)
        if notice["kind"] in (*ADVERSE_KINDS, *RISING_KINDS):
            return self._change(w, notice)
        if notice["kind"] in _SAID_BY:
            return self._appeal(w, notice)
        return False

    def _change(self, w: Work, notice: Mapping[str, Any]) -> bool:
        """A change of the limit: told as far as it stands, and what is planned of it waits for the new letter."""
        effects = self.desk.effects
        found = [row for row in entries_by_notice(w, notice) if row["state"] != CANCELLED]
        if not found or found[0]["case_id"] is None:
            return False
        rows = not_undone(w, found)
        if not rows:
            notice_stopped(w, notice, CHANGE_CANCELLED)
            return True
        is_cut = rows[0]["action"] in LOWERING
        until_us = (appeal_until_us(w, effects.policy, rows) if is_cut else None) or 0
        notice_stopped(w, notice, TOLD_ANEW)
        case = w.found(cases, rows[0]["case_id"])
        if case["kind"] == APPEAL:  # a grant in part: the reasons are those of the decision that it is of
            case = w.found(cases, w.found(appeals, json.loads(case["facts"])[APPEAL])["case_id"])
        new_id = told_anew(w, effects.tell, effects.policy, case, rows, notice["notice_id"], until_us)
        tries_carried(w, notice["notice_id"], new_id)
        return True

    def _freeze(self, w: Work, notice: Mapping[str, Any]) -> bool:
        """A freeze: told where it stands as it was told; else its letter goes out no more."""
        effects, account_id = self.desk.effects, notice["account_id"]
        freezes = w.rows(_FREEZES, account_id=account_id)
        begun = [row for row in freezes if row["action"] == FREEZE and row["made_us"] <= notice["made_us"]]
        if not begun:
            return False
        entry = begun[-1]
        is_over = any(row["action"] == THAW and row["number"] > entry["number"] for row in freezes)
        newer = newest_told_of_freeze(w, entry)
        until_us = appeal_until_us(w, effects.policy, [entry]) or 0
        notice_stopped(w, notice, FREEZE_TOLD_OTHERWISE if is_over else TOLD_ANEW)
        if is_over or (newer is not None and newer["notice_id"] != notice["notice_id"]):
            return True
        limit_cents = limit_now_cents(w, account_id, 0)
        since_us = entry["planned_us"] if entry["effective_us"] is None else entry["effective_us"]
        trace = trace_of_decision(w, account_id, entry["decision_id"])
        new = Told(
            notice["kind"], account_id, limit_cents, limit_cents, since_us, trace, appeal_until_us=until_us
        )
        new_id = effects.tell(w, new, notice["notice_id"])
        told_of(w, entry["entry_id"], new_id)
        tries_carried(w, notice["notice_id"], new_id)
        return True

    def _appeal(self, w: Work, notice: Mapping[str, Any]) -> bool:
        """A question or an answer: its customer has as long from now on as he would have had, which the appeal keeps.

        The letter is known by its instant, which is that of the act that it was written with.
        """
        acts, states, column = _SAID_BY[notice["kind"]]
        found = w.rows(
            _OF_LETTER, account_id=notice["account_id"], made_us=notice["made_us"], acts=[*acts, ACT]
        )
        if len(found) != 1:  # it names no day, as what the clock granted
            return False
        (row,) = found
        said = w.rows(_SAID, appeal_id=row["appeal_id"], acts=[*acts, ACT], states=states)
        is_over = row["state"] not in states or said[-1]["ts_us"] != notice["made_us"]
        if is_over and notice["kind"] == "appeal_asked":
            notice_stopped(w, notice, QUESTION_OVER)
            return True
        if is_over or row[column] is None:
            return False
        until_us = self._kept_until(w, row, column)
        notice_stopped(w, notice, TOLD_ANEW)
        by = next(each for each in reversed(said) if each["act"] in acts)
        seal, sign = self.desk.seal, self.desk.currency_sign
        words = seal.words(by["words"], f"appeal:{row['appeal_id']}:{by['version']}", row["customer_id"])
        if column == "due_us":
            new_id = told(w, seal, row, notice["kind"], sign, words=words, day_us=until_us,
                          in_place_of=notice["notice_id"])  # fmt: skip
        else:
            words = answer_words(w, row, appeal_of(row), sign, words, row["granted_limit_cents"])
            new_id = told(w, seal, row, notice["kind"], sign, words=words, again_until_us=until_us,
                          in_place_of=notice["notice_id"])  # fmt: skip
        tries_carried(w, notice["notice_id"], new_id)
        return True

    def _kept_until(self, w: Work, row: Mapping[str, Any], column: str) -> int:
        """Keep with an appeal until when its customer has time, who is told now; no day is earlier than before."""
        terms = self.desk.terms(w, row["customer_id"])
        given_us = terms.clock.reply_us if column == "due_us" else terms.clock.again_us
        until_us = max(int(row[column]), terms.customers_end_us(w.now_us, given_us))
        values = {column: until_us}
        after = replace(appeal_of(row), version=row["version"] + 1)
        w.change(appeals, row["appeal_id"], row["version"], values)
        done = kept_act(w, self.desk, row, after, ACT, "")
        detail = {"state": after.state, "tier": after.tier, "version": after.version}
        held = kept(done, ("appeal", {**row, **values}), was=[("appeal", row)])
        w.note(f"appeal.{ACT}", f"appeal:{row['appeal_id']}", detail | held)
        return until_us
