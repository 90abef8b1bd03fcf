"""The way of two cases in a process that kills itself at its k-th step, and goes on in a new one.

A step is a statement, a commit, or something handed over to the outside: a letter, a command to the bank, an event to
the monitor. Run as ``python -m tests.crash.workflow_steps PLAN``: each line of the plan is a JSON object with the
store's URL, a folder, a name, where mail and commands go, and the step at which it dies. What is answered, a line
each, is at which step it ended, and what the store holds after it has gone on.
"""

import datetime as dt
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from limitkeeper.app.answers import Acted, acted_once
from limitkeeper.app.appeals import AppealDesk
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.bank import BANK_TOPIC
from limitkeeper.app.cases import case_acted, terms_in_force
from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.decisions import effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.late_letters import LateLetters
from limitkeeper.app.limits import ENGINE_TOPIC, entries_of, entry_of
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.notices import contact_added, deliver_notices, is_out
from limitkeeper.app.outbox import Channel, deliver_due
from limitkeeper.app.proposal_cases import cases_of_proposals
from limitkeeper.connectors.letters import Letter
from limitkeeper.connectors.mail import mail_server
from limitkeeper.connectors.webhook import Webhook
from limitkeeper.core.access.actors import OFFICER, SYSTEM, Actor
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.behaviour.events import DAY_US, NEVER_US
from limitkeeper.core.limits.ledger import line_of
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import portrait
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.shells.feeds.outbox import webhook_channel
from limitkeeper.shells.feeds.workflow import engine_channel
from limitkeeper.store.audit_tables import audit_events, audit_heads
from limitkeeper.store.case_tables import cases, mandates
from limitkeeper.store.notice_tables import contacts, notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox, proposals
from limitkeeper.store.work import work
from tests.live_engines import engine, sent
from tests.statements import statements_heard
from tests.vaults import SEAL

SECRET = bytes(range(32))
NOON_US = int(dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC).timestamp()) * 1_000_000  # in Shanghai
POLICY, ON_APPROVED = approval_policy(), effects(SEAL, notice_policy("CN"))
LATE = LateLetters(AppealDesk(ON_APPROVED, POLICY))
ANN = Actor("ann", frozenset({OFFICER}))
LIMIT_CENTS, LOWER_CENTS = 500_000, 450_000

REASON = {
    "code": "late_recent", "en": "Recent payments here were late", "help_en": "Pay on time.",
    "zh": "近期在本平台还款逾期", "help_zh": "按时还款。",
}  # fmt: skip


class Steps:
    """Counts steps, and kills the process at one of them."""

    def __init__(self, last: int | None) -> None:
        self.taken, self.last = 0, last

    def __call__(self, *_: Any, **__: Any) -> None:
        """Take a step; it may be the last."""
        self.taken += 1
        if self.taken == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, store: Store) -> None:
        """Count every statement and every commit of a store from now on."""
        statements_heard(store.database, self)
        sa.event.listen(store.database, "commit", self)

    def around(self, send: Callable[..., Any]) -> Callable[..., Any]:
        """What hands something over, with a step before it and one behind it."""

        def counted(*given: Any) -> None:
            self()
            send(*given)
            self()

        return counted


def way(plan: dict[str, Any], steps: Steps) -> Engine:
    """A flag freezes one line and an officer confirms it; another line is lowered by the system. All can be repeated.

    Letters go out two days late, and are written anew before.
    """
    running = engine(plan["store"], Path(plan["folder"]) / "snapshots")
    store = running.store
    steps.watch(store)
    flagged, lowered = (f"{plan['name']}-{each}" for each in ("flagged", "lowered"))
    running.submit(Request("accounts", pl.DataFrame({"account_id": [flagged, lowered],
                                                     "limit_cents": [float(LIMIT_CENTS)] * 2}))).result()  # fmt: skip
    at = dt.datetime.fromtimestamp(NOON_US / 1e6 - 60, dt.UTC)
    sent(running, pl.DataFrame([{"event_id": "v", "account_id": flagged, "ts": at, "kind": "flag"}]))
    prepared(store, (flagged, lowered), lowered)
    cases_of_proposals(store, POLICY, NOON_US, ON_APPROVED)
    for version, act in ((1, "claim"), (2, "approve")):
        decided(store, flagged, version, act)
    mail = {"mail": steps.around(mail_server(plan["mail"]).send)}
    for days in (2, 10):
        hand_over(running, mail, plan["bank"], steps, NOON_US + days * DAY_US)
    return running


def prepared(store: Store, accounts: tuple[str, ...], lowered: str) -> None:
    """Who is written to, who decides, and a proposal of the kind that the system approves by itself."""
    with work(store, SYSTEM, NOON_US) as w:
        if w.row(sa.select(mandates)):
            return
        w.add(mandates, {"mandate_id": "m", "person_id": "ann", "tier": 2, "actions": "[]", "cut_cents_max": None,
                         "exposure_cents_max": None, "from_us": 0, "to_us": NEVER_US, "version": 1})  # fmt: skip
        for account in accounts:
            preferences_set(w, account, {"quiet_from_hour": 0, "quiet_to_hour": 0})
            contact_added(w, SEAL, account, "mail", f"{account}@mail.test", 0)
        trace = {"inputs": {"balance_cents": 0.0}, "rules": [], "reasons": [REASON]}
        w.add(proposals, {
            "proposal_id": "low", "account_id": lowered, "decision_id": "d", "action": "decrease", "rule": "score_low",
            "limit_before_cents": LIMIT_CENTS, "limit_after_cents": LOWER_CENTS, "made_us": NOON_US, "status": "open",
            "status_us": NOON_US, "reason": None, "trace": json.dumps(trace), "sequence": 1,
        })  # fmt: skip


def decided(store: Store, account: str, version: int, act: str) -> None:
    """An officer's act by its key, as a client sends it again that got no answer."""
    (case,) = store.rows(sa.select(cases).where(cases.c.account_id == account))

    def once(w: Any) -> Acted:
        terms = terms_in_force(w, POLICY)
        after = case_acted(w, SEAL, case["case_id"], version, act, terms, ON_APPROVED, "seen")
        return Acted(after.state)

    with work(store, ANN, NOON_US) as w:
        acted_once(w, f"{account}-{act}", act, once)


def hand_over(
    running: Engine, mail: dict[str, Callable[[Letter], None]], bank: str, steps: Steps, now_us: int
) -> None:
    """Deliver notices, take what is due into effect, and send everything that the outbox holds."""
    running.now_us = lambda: now_us
    for _ in range(2):  # a late one goes out in the round after it was written anew
        deliver_notices(running.store, mail, SEAL, running.now_us, renewed=LATE)
    effected_due(running.store, now_us, is_out)
    channels: dict[str, Channel] = {
        ENGINE_TOPIC: steps.around(engine_channel(running)),
        BANK_TOPIC: steps.around(webhook_channel(Webhook(bank, SECRET))),
    }
    while sum(deliver_due(running.store, channels.get, running.now_us)):
        pass


def left(running: Engine) -> dict[str, Any]:
    """What the store holds of the way, and whether its audit holds."""
    store = running.store
    with work(store, SYSTEM, NOON_US) as w:
        accounts = [
            row["account_id"] for row in w.rows(sa.select(contacts.c.customer_id.label("account_id")))
        ]
        ledger = {name.rsplit("-")[-1]: [[row["action"], row["state"], row["delta_cents"]]
                                         for row in entries_of(w, name)] for name in accounts}  # fmt: skip
        limits = {
            name.rsplit("-")[-1]: line_of(entry_of(row) for row in entries_of(w, name)).limit_cents
            for name in accounts
        }
        found = {
            "cases": sorted(
                [row["action"], row["state"], row["version"]] for row in w.rows(sa.select(cases))
            ),
            "notices": sorted([row["kind"], row["state"]] for row in w.rows(sa.select(notices))),
            "outbox": sorted([row["topic"], row["status"]] for row in w.rows(sa.select(outbox))),
            "ledger": ledger,
            "limits": limits,
        }
        events = w.rows(sa.select(audit_events).order_by(audit_events.c.number))
        head = w.rows(sa.select(audit_heads))[0]
    found["audit_breaks"] = first_break(events, (head["number"], head["hash"]))
    found["acts"] = sorted(row["act"] for row in events)
    features = {name: portrait(running, name, running.now_us()) for name in accounts}
    found["monitor"] = {
        name.rsplit("-")[-1]: [each["features"]["limit_cents"], each["standing"]["is_frozen"]]
        for name, each in features.items()
    }
    return found


def in_child(plan: dict[str, Any], last: int | None, answers: str) -> int:
    """Go the way in a process of its own; its exit code, below 0 where it was killed."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    try:
        steps = Steps(last)
        running = way(plan, steps)
        if last is None:
            document = {"name": plan["name"], "steps": steps.taken, **left(running)}
            with Path(answers).open("a") as file:
                file.write(json.dumps(document) + "\n")
        running.stop()
    except BaseException:  # noqa: BLE001 - a child must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Carry a plan out, line by line."""
    answers = sys.argv[1]
    for line in sys.stdin:
        plan = json.loads(line)
        killed = in_child(plan, plan["last"], answers) if plan["last"] else 0
        assert killed in (0, -signal.SIGKILL), killed
        assert in_child(plan, None, answers) == 0


if __name__ == "__main__":
    main()
