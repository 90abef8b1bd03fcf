"""A person's copy out of a store of a million customers, and what sealing costs where something is sealed."""

import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.cases import postgresql_place, sqlite_place
from limitkeeper.app.personal_copy import personal_copy
from limitkeeper.connectors.sealing import LocalMasterKeys, Seal
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.store.bulk import rows_added
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import contacts, notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import stated_accounts
from limitkeeper.store.vault import Vault
from limitkeeper.store.work import Work, work

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
ASKED, PAGE, NOTICES = 50, 20_000, 2
NOW_US = 1_790_000_000_000_000


def run() -> dict[str, Any]:
    """Measure both stores in folders of their own that are removed afterwards."""
    rows = []
    for kind, place in (("sqlite", sqlite_place), ("postgresql", postgresql_place)):
        with place() as url, tempfile.TemporaryDirectory(prefix="limitkeeper-bench-") as folder:
            rows += _measured(kind, url, Path(folder))
    each = f"a line, an opening entry, a contact and {NOTICES} sealed notices"
    notes = [
        f"{CUSTOMERS:,} customers, each {each}; {ASKED} of them by chance, each read whole and opened",
        "an event carries nothing that is sealed: no key is touched on its path",
    ]
    return {"name": "rights", "rows": rows, "notes": notes}


def _measured(kind: str, url: str, folder: Path) -> list[dict[str, Any]]:
    store, seal = Store(url), _seal(folder)
    store.take({})
    started, sealed = time.perf_counter(), 0
    for first in range(0, CUSTOMERS, PAGE):
        with work(store, SYSTEM, NOW_US) as w:
            sealed += _filled(w, seal, range(first, min(first + PAGE, CUSTOMERS)))
    filled_seconds = time.perf_counter() - started
    chance = random.Random(0)  # noqa: S311 - which ones, not a secret
    taken = []
    for number in chance.sample(range(CUSTOMERS), ASKED):
        started = time.perf_counter()
        with work(store, SYSTEM, NOW_US) as w:
            found = personal_copy(w, seal, f"c-{number}")
        taken.append(time.perf_counter() - started)
        assert len(found["data"]["notices"]) == NOTICES
        assert found["data"]["contacts"][0]["address"] == f"{number}@mail.test"
    store.close()
    taken.sort()
    return [
        {"what": f"a person's copy, {kind}", "median_ms": round(1_000 * statistics.median(taken), 1),
         "slowest_ms": round(1_000 * taken[-1], 1), "unit": "ms"},
        {"what": f"the store filled, {kind}", "rate": round(sealed / filled_seconds), "unit": "sealed values/s",
         "seconds": round(filled_seconds, 1)},
    ]  # fmt: skip


def _seal(folder: Path) -> Seal:
    return Seal(LocalMasterKeys(bytes(32)), Vault(f"sqlite:///{folder}/vault.db", lambda: NOW_US))


def _filled(w: Work, seal: Seal, numbers: range) -> int:
    names = [(f"a-{k}", f"c-{k}") for k in numbers]
    seal.prepare(customer for _, customer in names)
    _added(w, stated_accounts, ({"account_id": a, "customer_id": c, "segment": None} for a, c in names))
    _added(w, lines, ({"account_id": a, "customer_id": c, "limit_cents": 500_000, "is_frozen": False, "entries": 1,
                       "version": 1} for a, c in names))  # fmt: skip
    _added(w, limit_entries, ({
        "entry_id": f"{a}-e", "account_id": a, "number": 1, "action": "open", "state": "effective",
        "target_cents": 500_000, "delta_cents": 500_000, "planned_us": NOW_US, "effective_us": NOW_US,
        "is_assessed": True, "by_request": False, "why": "as found", "maker_id": "system", "made_us": NOW_US,
        "bank_state": "none", "version": 1} for a, _ in names))  # fmt: skip
    _added(w, contacts, ({
        "contact_id": f"{c}-m", "customer_id": c, "channel": "mail", "rank": 0,
        "address": seal.sealed(f"{c.removeprefix('c-')}@mail.test".encode(), f"contact:{c}-m", c), "consented": True,
        "is_broken": False, "version": 1} for _, c in names))  # fmt: skip
    _added(w, notices, ({
        "notice_id": f"{c}-{k}", "customer_id": c, "account_id": a, "kind": "limit_decreased", "language": "en",
        "content": seal.sealed(b'["Your limit", ["It changes."]]', f"notice:{c}-{k}", c), "made_us": NOW_US + k,
        "state": "out", "version": 1} for a, c in names for k in range(NOTICES)))  # fmt: skip
    return (1 + NOTICES) * len(names)


def _added(w: Work, table: sa.Table, rows: Any) -> None:  # noqa: ANN401 - of any columns
    listed = list(rows)
    names = tuple(listed[0])
    rows_added(w.connection, table, names, [tuple(row.values()) for row in listed])
