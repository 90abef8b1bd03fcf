"""The way of an appeal in a process that kills itself at its k-th step, and goes on in a new one.

Run as ``python -m tests.crash.appeal_steps ANSWERS``; each line of the plan is the URL of a store with a decision, and
the step at which the process dies, 0 for none. What is answered, a line each, is how many steps there were, and what
the store holds after the process has gone on.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.answers import Acted, acted_once
from limitkeeper.app.appeal_clocks import run_appeals
from limitkeeper.app.appeal_evidence import evidence_added, judged_evidence
from limitkeeper.app.appeals import appeal_acted, appeal_submitted
from limitkeeper.core.access.actors import SYSTEM, Actor
from limitkeeper.core.access.chain import first_break
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.store.appeal_tables import appeal_acts, appeal_evidence, appeals
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import Work, work
from tests.appealed_decisions import DESK, KIM, NOW_US, in_effect, ledger_line, officer
from tests.crash.workflow_steps import Steps

RIGHT = {"kind": "flag_withdrawn", "ts": "2026-09-01T00:00:00Z"}


def way(store: Store) -> None:
    """A cut is in effect; its customer appeals with a file; it is asked, answered, granted, and given back."""
    in_effect(store)
    (case,) = store.rows(sa.select(cases.c.case_id).where(cases.c.kind == "decision"))

    def submit(w: Work) -> str:
        return appeal_submitted(w, DESK, case["case_id"], "a", "I paid.")

    appeal_id = str(once(store, KIM, "submit", submit))

    def send(w: Work) -> str:
        return evidence_added(w, DESK, appeal_id, judged_evidence("a.txt", b"paid"))

    once(store, KIM, "evidence", send)
    bob = officer("bob")
    acted(store, bob, appeal_id, "claim")
    acted(store, bob, appeal_id, "ask")
    acted(store, KIM, appeal_id, "answer")
    run_appeals(store, DESK, NOW_US + 8 * DAY_US, lambda _account, _as_of: None)  # reminded
    acted(store, bob, appeal_id, "grant", corrections=[RIGHT])
    in_effect(store)


def once(store: Store, actor: Actor, key: str, act: Callable[[Work], Any]) -> object:
    """An act by its key, as a client sends it again that got no answer."""
    with work(store, actor, NOW_US + DAY_US) as w:
        return acted_once(w, key, key, lambda inner: Acted(act(inner))).content


def acted(store: Store, actor: Actor, appeal_id: str, act: str, **given: Any) -> None:
    def doing(w: Work) -> str:
        version = w.found(appeals, appeal_id)["version"]
        return appeal_acted(w, DESK, appeal_id, version, act, "words", **given).state

    once(store, actor, act, doing)


def left(store: Store) -> dict[str, Any]:
    """What the store holds of the way, and whether its audit holds."""
    with work(store, SYSTEM, NOW_US) as w:
        found = {
            "appeal": [[row["state"], row["outcome"], row["version"]] for row in w.rows(sa.select(appeals))],
            "acts": [row["act"] for row in w.rows(sa.select(appeal_acts).order_by(appeal_acts.c.version))],
            "evidence": [row["sha256"] for row in w.rows(sa.select(appeal_evidence))],
            "cases": sorted([row["kind"], row["state"]] for row in w.rows(sa.select(cases))),
            "notices": sorted(row["kind"] for row in w.rows(sa.select(notices))),
            "outbox": sorted(row["topic"] for row in w.rows(sa.select(outbox))),
            "ledger": [[row["action"], row["state"], row["delta_cents"]] for row in
                       w.rows(sa.select(limit_entries).order_by(limit_entries.c.number))],
        }  # fmt: skip
        events = w.rows(sa.select(audit_events).order_by(audit_events.c.number))
    found["audit"] = [sorted(row["act"] for row in events), first_break(events)]
    return found | {"limit_cents": ledger_line(store).limit_cents}


def in_child(url: str, last: int | None, answers: str) -> int:
    """Go the way in a process of its own; its exit code, below 0 where it was killed."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    try:
        steps, store = Steps(last), Store(url)
        steps.watch(store)
        way(store)
        if last is None:
            with Path(answers).open("a") as file:
                file.write(json.dumps({"url": url, "steps": steps.taken, **left(store)}) + "\n")
        store.close()
    except BaseException:  # noqa: BLE001 - a child must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Carry a plan out, line by line."""
    for line in sys.stdin:
        url, last = json.loads(line)
        killed = in_child(url, last, sys.argv[1]) if last else 0
        assert killed in (0, -signal.SIGKILL), killed
        assert in_child(url, None, sys.argv[1]) == 0


if __name__ == "__main__":
    main()
