"""The long form of the outage tests: ``make soak``. Half a minute without a database, and with a full disk."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash.killed_server import KilledServer
from tests.crash.outages import Sending, database, disk
from tests.crash.soak import written
from tests.live_engines import life

ACCOUNTS, EVENTS, BATCH = 714, 100_000, 1_000
GONE_SECONDS = 30.0


def run(
    server: KilledServer, leave: Callable[[], None] | None = None, come_back: Callable[[], None] | None = None
) -> tuple[Any, float]:
    """What a run leaves behind, and how long it took; in its midst something is gone for a while."""
    server.folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with Sending(server, life(ACCOUNTS, 180, 5).events[:EVENTS], BATCH) as sending:
        sending.await_some()
        if leave and come_back:
            leave()
            sending.await_not_ready()
            time.sleep(GONE_SECONDS)
            if sending.acknowledged:
                raise RuntimeError("events were acknowledged that nobody could write")
            come_back()
        return sending.ended(), time.perf_counter() - started


def main() -> None:
    """Compare servers that lost something for a while with one that did not, and keep the result."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="limitkeeper-outage-") as name:
        folder = Path(name)
        accounts = folder / "accounts.parquet"
        life(ACCOUNTS, 180, 5).accounts.write_parquet(accounts)
        expected, seconds = run(KilledServer(f"sqlite:///{folder}/store.db", folder / "alone", accounts))
        rows.append(
            {"what": "undisturbed, sqlite", "gone_seconds": 0, "seconds": round(seconds), "same": True}
        )

        def compared(what: str, found: Any, seconds: float) -> None:
            same = json.dumps(found[0]) == json.dumps(expected[0]) and found[1] == expected[1]
            rows.append({"what": what, "gone_seconds": GONE_SECONDS, "seconds": round(seconds), "same": same})
            print(rows[-1], flush=True)

        with database(folder / "postgres") as gone:
            server = KilledServer(gone.url, folder / "gone", accounts)
            compared("PostgreSQL stopped at once and started again", *run(server, gone.leave, gone.come_back))
        with disk(folder / "disk") as full:
            server = KilledServer(f"sqlite:///{full.folder}/store.db", full.folder / "data", accounts)
            compared("disk full to the last byte, sqlite", *run(server, full.fill, full.free))
    written("outages", rows, f"SIMULATED lives; {EVENTS:,} events in batches of {BATCH:,}")
    if not all(row["same"] for row in rows):
        raise SystemExit("a server that lost something did not end as the one that did not")


if __name__ == "__main__":
    main()
