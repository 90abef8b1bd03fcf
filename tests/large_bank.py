"""The bank behind the measured console: accounts with events, and alerts, proposals, cases and appeals beside them."""

import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sqlalchemy as sa

from benchmarks.engine import batch
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.cases import CaseOpening, case_opened
from limitkeeper.app.decisions import effects
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.people import key_made, person_added, session_opened
from limitkeeper.connectors.sealing import LocalMasterKeys, Seal
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, SYSTEM
from limitkeeper.core.appeal.appeals import SUBMITTED
from limitkeeper.core.behaviour.events import DAY_US, HOUR_US
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TRIGGERS
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import BATCH_EVENTS, Settings
from limitkeeper.engines.embedded.start import Decisive, Place, running_engine
from limitkeeper.shells.api import examples
from limitkeeper.shells.api.cursors import cursor_of
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.bulk import rows_added
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import alerts, proposals
from limitkeeper.store.vault import Vault
from limitkeeper.store.work import work
from tests.live_model import live_model

ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000000"))
CASES = int(os.environ.get("BENCH_CASES", "100000"))
ALERTS = int(os.environ.get("BENCH_ALERTS", "300000"))
APPEALS = int(os.environ.get("BENCH_APPEALS", "20000"))
WATCHERS = int(os.environ.get("BENCH_WATCHERS", "50"))
EVENTS_EACH, DAYS = 2, 30
OPEN_SHARE = 0.3
RARE_SHARE = 0.001
LOOKED_AT = 11
PASSWORD = "a long enough password"  # noqa: S105 - of people that are none


@dataclass(frozen=True)
class Bank:
    """Who looks, and at what."""

    officer: str
    customer: str
    service: str
    watchers: list[str]
    accounts: list[str]
    cases: list[str]
    line: str
    rare_trigger: str
    deep_cursor: str


def now_us() -> int:
    """The clock, UTC microseconds."""
    return time.time_ns() // 1_000


def seal_of(folder: Path) -> Seal:
    """The seal of a bank that is none."""
    return Seal(LocalMasterKeys(bytes(32)), Vault(f"sqlite:///{folder}/vault.db", now_us))


def served_engine(folder: Path) -> Engine:
    """The engine over the store of a folder, recovered and running."""
    place = Place(
        f"sqlite:///{folder}/store.db", Settings(folder / "snapshots", 0.0), Decisive(model=live_model())
    )
    return running_engine(place, now_us)


def filled(folder: Path) -> Bank:
    """Fill the store of a folder, and leave it as a server that stops in order does."""
    engine = served_engine(folder)
    draws = np.random.default_rng(0)
    ids = "a" + pl.int_range(0, ACCOUNTS, eager=True).cast(pl.String)
    stated = pl.DataFrame({"account_id": ids, "customer_id": "c" + ids.str.slice(1),
                           "limit_cents": draws.integers(3, 60, ACCOUNTS) * 100_000.0})  # fmt: skip
    engine.submit(Request("accounts", stated)).result()
    end_us = now_us() - HOUR_US
    start_us, events = end_us - DAYS * DAY_US, EVENTS_EACH * ACCOUNTS
    for first in range(0, events, BATCH_EVENTS):
        bounds = (
            int(start_us + DAYS * DAY_US * min(place, events) / events)
            for place in (first, first + BATCH_EVENTS)
        )
        part = batch(draws, ids, first, min(BATCH_EVENTS, events - first), *bounds)
        engine.submit(Request("events", part, BATCH_EVENTS)).result()
    bank = _worked(engine.store, seal_of(folder), end_us, draws)
    engine.stop()
    return bank


def _worked(store: Store, seal: Seal, end_us: int, draws: np.random.Generator) -> Bank:
    limits = draws.integers(3, 60, ACCOUNTS) * 100_000
    names = [f"a{k}" for k in range(ACCOUNTS)]
    at_us = np.sort(draws.integers(end_us - DAYS * DAY_US, end_us, ALERTS))
    _added(store, lines, ({"account_id": name, "customer_id": f"c{name[1:]}", "limit_cents": int(limit),
                           "is_frozen": False, "entries": 1, "version": 1}
                          for name, limit in zip(names, limits, strict=True)))  # fmt: skip
    _added(store, limit_entries, (
        {"entry_id": f"{name}-1", "account_id": name, "number": 1, "action": "open", "state": "effective",
         "target_cents": int(limit), "delta_cents": int(limit), "planned_us": end_us - 400 * DAY_US,
         "effective_us": end_us - 400 * DAY_US, "is_assessed": True, "by_request": False, "why": "as found",
         "maker_id": "system", "made_us": end_us - 400 * DAY_US, "bank_state": "none", "version": 1}
        for name, limit in zip(names, limits, strict=True)))  # fmt: skip
    rare, *usual = TRIGGERS
    of = draws.integers(0, ACCOUNTS, ALERTS)
    triggers = np.where(draws.random(ALERTS) < RARE_SHARE, rare, draws.choice(usual, ALERTS))
    is_open = draws.random(ALERTS) < OPEN_SHARE
    trace = json.dumps(examples.TRACE)
    _added(store, alerts, (
        {"alert_id": _id("alert", k), "account_id": names[of[k]], "trigger": str(triggers[k]),
         "severity": ("mild", "moderate", "severe", "critical")[k % 4],
         "status": "open" if is_open[k] else "acknowledged", "rules": '["recent_bills_late"]', "hits": 1 + k % 3,
         "opened_us": int(at_us[k]), "seen_us": int(at_us[k]), "decision_id": _id("decision", k), "trace": trace,
         "sequence": 1} for k in range(ALERTS)))  # fmt: skip
    decided = [names[each] for each in draws.choice(ACCOUNTS, CASES, replace=False)]
    _added(store, proposals, (
        {"proposal_id": _id("proposal", k), "account_id": name, "decision_id": _id("decision", k),
         "action": "decrease", "rule": "recent_bills_late", "limit_before_cents": 1_000_000,
         "limit_after_cents": 700_000, "made_us": int(at_us[k % ALERTS]), "status": "open",
         "status_us": int(at_us[k % ALERTS]), "reason": None, "trace": trace, "sequence": 1}
        for k, name in enumerate(decided)))  # fmt: skip
    case_ids = _cases(store, seal, decided)
    with work(store, SYSTEM, now_us()) as w:
        for person in ("ann", *(f"watcher-{k}" for k in range(WATCHERS))):
            person_added(w, person, (OFFICER,), None)
        person_added(w, "kim", (CUSTOMER,), PASSWORD, f"c{decided[0][1:]}")
    with work(store, SYSTEM, now_us()) as w:
        return Bank(
            officer=session_opened(w, "ann"),
            customer=session_opened(w, "kim"),
            service=key_made(w, "core-bank", ["events.send"], 1),
            watchers=[session_opened(w, f"watcher-{k}") for k in range(WATCHERS)],
            accounts=decided[:LOOKED_AT],
            cases=case_ids[:LOOKED_AT],
            line=decided[0],
            rare_trigger=rare,
            deep_cursor=cursor_of([int(at_us[ALERTS // 10]), ""]),
        )


def _cases(store: Store, seal: Seal, decided: list[str]) -> list[str]:
    """A case for each account, and appeals; each as the first one of its kind, which is made as any other."""
    policy, on_approved = approval_policy(), effects(seal, notice_policy("CN"))
    now, first = now_us(), decided[0]
    opening = CaseOpening(
        "decision", "decrease", first, 1_000_000, 700_000, 1_000_000, "system", proposal_id=_id("proposal", 0),
        customer_id=f"c{first[1:]}", decision_id=_id("decision", 0),
    )  # fmt: skip
    with work(store, SYSTEM, now) as w:
        case_id = case_opened(w, opening, policy, on_approved)
        (case,) = w.rows(sa.select(cases))
        (act,) = w.rows(sa.select(case_acts))
        case |= {
            "tier": 2,
            "required_tier": 2,
            "state": "open",
            "is_live": True,
            "outcome": None,
            "clock": "remind",
        }
        w.connection.execute(cases.delete())
    ids = [case_id, *(_id("case", k) for k in range(1, len(decided)))]
    waits = np.random.default_rng(1).integers(HOUR_US, 5 * DAY_US, len(ids))
    _added(store, cases, (
        case | {"case_id": each, "account_id": name, "customer_id": f"c{name[1:]}", "proposal_id": _id("proposal", k),
                "decision_id": _id("decision", k), "due_us": int(now + waits[k])}
        for k, (each, name) in enumerate(zip(ids, decided, strict=True))))  # fmt: skip
    _added(store, case_acts, (act | {"case_id": each} for each in ids[1:]))
    _added(store, appeals, (
        {"appeal_id": _id("appeal", k), "case_id": ids[k], "account_id": decided[k], "customer_id": f"c{decided[k][1:]}",
         "action": "decrease", "limit_before_cents": 1_000_000, "limit_after_cents": 700_000, "cut_cents": 300_000,
         "exposure_cents": 1_000_000, "decision_id": _id("decision", k), "rule": "recent_bills_late", "reasons": "[]",
         "model": None, "state": SUBMITTED, "tier": 2, "instance": 1, "submitted_us": now, "opened_us": now,
         "answer_until_us": int(now + 3 * waits[k]), "clock": "remind", "due_us": int(now + waits[k]),
         "claimed_by": None, "parties": "[]", "asks": 0, "asked_us": None, "paused": None, "outcome": None,
         "again_until_us": None, "granted_limit_cents": None, "new_case_id": None, "triage_us": None,
         "answered_us": None, "is_live": True, "version": 1} for k in range(APPEALS)))  # fmt: skip
    return ids


def _id(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _added(store: Store, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    listed = iter(rows)
    first = next(listed)
    with store.database.begin() as connection:
        values = (tuple(row.values()) for row in (first, *listed))
        rows_added(connection, table, list(first), values)
