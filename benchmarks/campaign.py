"""A campaign over a million accounts: from its file to planned ledger entries and sealed notices, on each store."""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from benchmarks.cases import postgresql_place, sqlite_place
from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.campaign_rows import rows_taken
from limitkeeper.app.campaign_work import campaigns_worked
from limitkeeper.app.campaigns import Proposal, begun, proposed, standing_of
from limitkeeper.app.decisions import effects
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.connectors.sealing import LocalMasterKeys, Seal
from limitkeeper.connectors.tables import table, table_written
from limitkeeper.core.access.actors import STRATEGIST, SYSTEM, Actor
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.sql import Store
from limitkeeper.store.vault import Vault
from limitkeeper.store.work import work

ACCOUNTS = int(os.environ.get("BENCH_CAMPAIGN_ACCOUNTS", "1000000"))
NOW_US = 1_790_000_000_000_000


def run() -> dict[str, Any]:
    """Measure both stores in folders of their own that are removed afterwards."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="limitkeeper-bench-") as folder:
        path = Path(folder) / "campaign.parquet"
        table_written(_accounts(), path)
        for kind, place in (("sqlite", sqlite_place), ("postgresql", postgresql_place)):
            with place() as url:
                rows.append(_measured(kind, url, path))
    notes = [
        "from the file to planned entries and sealed notices; no account has a ledger before, so each gets its own"
    ]
    return {"name": "campaign", "rows": rows, "notes": notes}


def _accounts() -> pl.DataFrame:
    number = pl.int_range(ACCOUNTS, eager=True)
    return pl.DataFrame({
        "account_id": "acct-" + number.cast(pl.String).str.zfill(9),
        "limit_before_cents": 500_000 + number % 7 * 100_000,
        "limit_after_cents": 400_000 + number % 7 * 50_000,
        "segment": ("segment-" + (number % 5).cast(pl.String)),
    })  # fmt: skip


def _measured(kind: str, url: str, path: Path) -> dict[str, Any]:
    store, policy = Store(url), approval_policy()
    vault = Vault(f"sqlite:///{path.with_name(f'vault_{kind}.db')}", lambda: NOW_US)
    store.take({})
    done = effects(Seal(LocalMasterKeys(bytes(32)), vault), notice_policy("CN"))
    started = time.perf_counter()
    with work(store, Actor("sue", frozenset({STRATEGIST})), NOW_US) as w:
        frame = table(path)
        taken = rows_taken(frame, standing_of(w, frame["account_id"]), reasons=["product_change"])
        campaign_id = proposed(w, Proposal("all", taken), policy)
    proposed_seconds = time.perf_counter() - started
    with work(store, SYSTEM, NOW_US) as w:  # people's time is not measured
        begun(w, campaign_id)
    started_plan = time.perf_counter()
    campaigns_worked(store, done, lambda: NOW_US + 1)
    planned_seconds = time.perf_counter() - started_plan
    count = sa.select(sa.func.count()).select_from(limit_entries).where(limit_entries.c.state == "planned")
    with store.database.connect() as connection:
        entries = int(connection.scalar(count) or 0)
    assert entries == ACCOUNTS
    store.close()
    seconds = proposed_seconds + planned_seconds
    return {"what": f"{entries:,} accounts from file to planned entries, {kind}", "rate": round(entries / seconds),
            "unit": "accounts/s", "seconds": round(seconds, 1), "proposed_seconds": round(proposed_seconds, 1),
            "planned_seconds": round(planned_seconds, 1)}  # fmt: skip
