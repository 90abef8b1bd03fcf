"""``limitkeeper reconcile`` on a million lines and a bank's file of as many: time, memory, and what was planted found."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.cases import postgresql_place, sqlite_place
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.behaviour.events import HOUR_US
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work

LINES = int(os.environ.get("BENCH_LINES", "1000000"))
WRITTEN = 50_000
CHANGED = LINES // 10
"""Lines that the bank was told of a change of."""

PLANTED = {
    "other_limit": LINES // 100,
    "frozen_there_only": LINES // 1_000,
    "missing_there": LINES // 500,
    "missing_here": LINES // 400,
    "repeated": LINES // 2_000,
    "unreadable": LINES // 4_000,
    "unacknowledged": LINES // 5_000,
    "failed": LINES // 8_000,
}
"""Differences of each kind between the two."""

DIFFERENT = 3


def run() -> dict[str, Any]:
    """Measure the command in a process of its own, on each store and each kind of file."""
    rows = []
    for kind, place in (("sqlite", sqlite_place), ("postgresql", postgresql_place)):
        with place() as url:
            store = Store(url)
            _filled(store, time.time_ns() // 1_000)
            store.close()
            rows += [_measured(kind, url, ending) for ending in ("parquet", "csv")]
    notes = [
        "the command in a process of its own, its start with it; the differences are written to a CSV file",
        f"planted, and found to the last: {json.dumps(PLANTED)}; of {CHANGED:,} lines the bank was told of a change",
    ]
    return {"name": "reconciliation", "rows": rows, "notes": notes}


def _name(number: int) -> str:
    return f"account-{number:08d}"


def _filled(store: Store, now_us: int) -> None:
    """Lines with a limit, and changes of some that the bank was told of two days ago."""
    states = ["told"] * PLANTED["unacknowledged"] + ["failed"] * PLANTED["failed"]
    with work(store, SYSTEM, now_us) as w:
        for first in range(0, LINES, WRITTEN):
            part = range(first, min(first + WRITTEN, LINES))
            w.add(lines, *({"account_id": _name(k), "customer_id": None, "limit_cents": 100_000 + k, "is_frozen": False,
                            "entries": 1, "version": 1} for k in part))  # fmt: skip
        for first in range(0, CHANGED, WRITTEN):
            part = range(first, min(first + WRITTEN, CHANGED))
            _changed(w, part, states, now_us - 48 * HOUR_US)


def _changed(w: Work, part: range, states: list[str], when_us: int) -> None:
    entry = {
        "number": 1, "action": "decrease", "state": "effective", "target_cents": None, "delta_cents": -100,
        "planned_us": when_us, "look_us": None, "effective_us": when_us, "until_us": None, "wait_us": None,
        "is_assessed": True, "by_request": False, "reverses": None, "case_id": None, "decision_id": None,
        "notice_id": None, "why": "", "cancelled_why": None, "maker_id": "system", "made_us": when_us,
        "bank_detail": None, "version": 1,
    }  # fmt: skip
    w.add(limit_entries, *(
        entry | {"entry_id": f"e-{k}", "account_id": _name(k), "bank_state": states[k] if k < len(states) else "done"}
        for k in part
    ))  # fmt: skip


def _bank_file(path: Path) -> None:
    """The bank's file: as the ledger, but for what is planted, in the bank's own order."""
    at, whose = 0, {}
    for kind in ("other_limit", "frozen_there_only", "missing_there", "repeated"):
        whose[kind] = (at, at + PLANTED[kind])
        at += PLANTED[kind]
    number = pl.col("number")
    frame = pl.DataFrame({"number": range(LINES + PLANTED["missing_here"])}).select(
        number,
        pl.format("account-{}", number.cast(pl.String).str.zfill(8)).alias("account_id"),
        (100_000 + number + number.is_between(*whose["other_limit"], closed="left")).alias("limit_cents"),
        number.is_between(*whose["frozen_there_only"], closed="left").alias("frozen"),
    )
    kept = frame.filter(~number.is_between(*whose["missing_there"], closed="left"))
    again = frame.filter(number.is_between(*whose["repeated"], closed="left"))
    broken = again.head(PLANTED["unreadable"]).with_columns(pl.lit(-1, pl.Int64).alias("limit_cents"))
    rows = pl.concat([kept, again, broken]).drop("number").sample(fraction=1.0, shuffle=True, seed=7)
    rows.write_parquet(path) if path.suffix == ".parquet" else rows.write_csv(path)


def _measured(kind: str, url: str, ending: str) -> dict[str, Any]:
    with sqlite_place() as other:  # a folder that is removed
        bank = Path(other.removeprefix("sqlite:///")).with_name(f"bank.{ending}")
        _bank_file(bank)
        out = bank.with_name("differences.csv")
        command = [sys.executable, "-m", "limitkeeper.shells.cli.main", "reconcile", str(bank), "--store", url,
                   "--out", str(out), "--json"]  # fmt: skip
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        found = json.loads(said)["differences"]
        if process.returncode != DIFFERENT or found != PLANTED:
            raise AssertionError((process.returncode, found, PLANTED))
        written = sum(1 for _ in out.open()) - 1
        if written != sum(PLANTED.values()):
            raise AssertionError((written, PLANTED))
    return {"what": f"{LINES:,} lines against a bank's {ending} file, {kind}", "rate": round(LINES / seconds),
            "unit": "lines/s", "seconds": round(seconds, 1), "peak memory MiB": used.ru_maxrss // 1024}  # fmt: skip
