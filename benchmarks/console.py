"""The console with a large bank behind it: until a page shows its first data in a browser, and what watchers cost.

The server runs in a process of its own, over SQLite, with a model. The browser and whoever sends events sit on the
same cores.
"""

import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
import polars as pl

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.decisions import effects
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.shells.console.session import SESSION_COOKIE
from limitkeeper.shells.feeds.workflow import Workflow
from limitkeeper.shells.serving import Ways, open_ways, served, web_server
from tests.large_bank import ACCOUNTS, ALERTS, APPEALS, CASES, Bank, filled, seal_of, served_engine

LOOKS = 10
TARGET_SECONDS = 1.5
WATCHERS = int(os.environ.get("BENCH_WATCHERS", "50"))
TARGET_COST = 0.10
ROUNDS, BATCHES, BATCH_EVENTS = 15, 10, 20_000
FLAGGED_SHARE = 0.0005
"""Of the events: each flags an account, and raises an alert."""

PORT = 8_753
ADDRESS = f"http://127.0.0.1:{PORT}"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def run() -> dict[str, Any]:
    """Measure in a folder of its own that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="limitkeeper-bench-") as name:
        folder = Path(name)
        bank = filled(folder)
        with server(folder):
            rows = [*pages(bank), *ingestion(bank)]
    return {
        "name": "console",
        "rows": rows,
        "notes": [
            (
                f"{ACCOUNTS:,} accounts with two events each, {CASES:,} live cases, {ALERTS:,} alerts, "
                f"{APPEALS:,} live appeals."
            ),
            (
                f"Pages: from navigation until the first data of the page is visible; {LOOKS} looks, each at another "
                f"case or account. Cold: a new browser context each; warm: the same one. Target {TARGET_SECONDS} s."
            ),
            (
                f"Events: {ROUNDS} pairs of rounds of {BATCHES * BATCH_EVENTS:,} over HTTP as Arrow; target of the cost "
                f"{TARGET_COST:.0%}. One event in {1 / FLAGGED_SHARE:,.0f} raises an alert."
            ),
            "Server, browser, watchers and sender share the machine's cores.",
        ],
    }


def _serve(folder: str) -> None:
    seal, policy = seal_of(Path(folder)), notice_policy("CN")
    engine = served_engine(Path(folder))
    workflow = Workflow(approval_policy(), effects(seal, policy), seal, {})
    web = web_server(engine, "127.0.0.1", PORT, workflow)
    try:
        with open_ways(engine, Ways(workflow=workflow)):
            served(web, engine)
    finally:
        engine.stop()


@contextmanager
def server(folder: Path) -> Iterator[None]:
    """The server, until the end of the block."""
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(str(folder),))
    process.start()
    try:
        for _ in range(1_200):
            try:
                if httpx.get(f"{ADDRESS}/readyz").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            raise TimeoutError("the server did not start")
        yield
    finally:
        process.terminate()
        process.join(120)


# -- pages ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """A page, and what of it is data.

    Parameters
    ----------
    name
        As it is told.
    paths
        Of the looks in turn.
    data
        Selector of the first data.
    token
        Of who looks.
    """

    name: str
    paths: list[str]
    data: str
    token: str


def looked_at(bank: Bank) -> list[Page]:
    """The pages that are measured."""
    officer, rows = bank.officer, "main tbody tr"
    return [
        Page("overview", ["/console/"], "main .tile", officer),
        Page("alerts", ["/console/alerts"], rows, officer),
        Page("alerts of one trigger", [f"/console/alerts?trigger={bank.rare_trigger}&status=open"], rows, officer),
        Page("alerts, a deep page", [f"/console/alerts?cursor={bank.deep_cursor}"], rows, officer),
        Page("cases", ["/console/cases"], rows, officer),
        Page("one case", [f"/console/cases/{each}" for each in bank.cases], "main dl.facts", officer),
        Page("one account", [f"/console/accounts/{each}" for each in bank.accounts], "main .tile", officer),
        Page("appeals", ["/console/appeals"], rows, officer),
        Page("a customer's line", [f"/console/my/lines/{bank.line}"], "main .tile", bank.customer),
    ]  # fmt: skip


def pages(bank: Bank) -> list[dict[str, Any]]:
    """How long each page takes in a real browser."""
    from playwright.sync_api import sync_playwright

    place = next(path for path in map(Path, CHROMIUM) if path.exists())
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(place), args=SWITCHES)
        for page in looked_at(bank):
            first, *cold = [_seconds(browser, page, [k])[0] for k in range(LOOKS + 1)]
            warm = _seconds(browser, page, range(LOOKS + 1))[1:]
            rows.append(
                {"what": page.name, "first_s": round(first, 3),
                 "cold_median_s": round(median(cold), 3), "cold_max_s": round(max(cold), 3),
                 "warm_median_s": round(median(warm), 3), "warm_max_s": round(max(warm), 3),
                 "within_target": max(first, *cold, *warm) < TARGET_SECONDS}
            )  # fmt: skip
        browser.close()
    return rows


def _seconds(browser: Any, page: Page, looks: Any) -> list[float]:  # noqa: ANN401 - of Playwright
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    cookie = {"name": SESSION_COOKIE, "value": page.token, "url": f"{ADDRESS}/console"}
    context.add_cookies(
        [cookie, {"name": "limitkeeper_language", "value": "en", "url": f"{ADDRESS}/console"}]
    )
    tab, found = context.new_page(), []
    for look in looks:
        path = page.paths[look % len(page.paths)]
        started = time.perf_counter()
        tab.goto(ADDRESS + path, wait_until="commit")
        tab.wait_for_selector(page.data, state="visible")
        found.append(time.perf_counter() - started)
    context.close()
    return found


# -- events while the console is watched ----------------------------------------------------------------------


def ingestion(bank: Bank) -> list[dict[str, Any]]:
    """Events a second alone, and while the live feed is watched."""
    _sent(bank, 0)
    alone, watched, told = [], [], 0
    for number in range(ROUNDS):
        alone.append(_sent(bank, 1 + 2 * number))
        with _watching(bank) as heard:
            watched.append(_sent(bank, 2 + 2 * number))
        told += heard.value
    ratio = median(b / a for a, b in zip(alone, watched, strict=True))
    return [
        {"what": "events over HTTP, nobody watches", "rate": round(median(alone)), "unit": "events/s"},
        {"what": f"events over HTTP, {WATCHERS} consoles watch", "rate": round(median(watched)), "unit": "events/s",
         "alerts_told": told},
        {"what": "ratio, median of pairs", "rate": round(ratio, 3), "unit": "of the rate alone",
         "within_target": ratio > 1 - TARGET_COST},
    ]  # fmt: skip


def _sent(bank: Bank, number: int) -> float:
    """Events a second of a round."""
    bodies = [_body(number * BATCHES + k) for k in range(BATCHES)]
    headers = {
        "content-type": "application/vnd.apache.arrow.stream",
        "authorization": f"Bearer {bank.service}",
    }

    async def send() -> float:
        async with httpx.AsyncClient(timeout=120, headers=headers) as client:
            gate = asyncio.Semaphore(4)

            async def one(body: bytes) -> None:
                async with gate:
                    answer = (
                        (await client.post(f"{ADDRESS}/v1/events", content=body)).raise_for_status().json()
                    )
                    assert answer["accepted"] == BATCH_EVENTS, answer

            started = time.perf_counter()
            await asyncio.gather(*(one(body) for body in bodies))
            return BATCHES * BATCH_EVENTS / (time.perf_counter() - started)

    return asyncio.run(send())


def _body(number: int) -> bytes:
    """A batch of events of now."""
    import io

    draws = np.random.default_rng(number)
    account = draws.integers(0, ACCOUNTS, BATCH_EVENTS)
    kinds = draws.choice(["purchase", "purchase", "login", "repayment"], BATCH_EVENTS)
    kinds[draws.random(BATCH_EVENTS) < FLAGGED_SHARE] = "flag"
    first = 10**9 + number * BATCH_EVENTS
    times = time.time_ns() // 1_000 + np.arange(BATCH_EVENTS)
    content = io.BytesIO()
    pl.DataFrame(
        {
            "event_id": pl.Series(np.arange(first, first + BATCH_EVENTS)).cast(pl.String),
            "account_id": "a" + pl.Series(account).cast(pl.String),
            "ts": pl.Series(times).cast(pl.Datetime("us", "UTC")),
            "kind": kinds,
            "amount": draws.integers(100, 50_000, BATCH_EVENTS),
            "merchant_id": pl.Series(draws.integers(0, 10_000, BATCH_EVENTS)).cast(pl.String),
            "device_id": pl.Series(account).cast(pl.String),
            "reason": pl.Series(np.where(kinds == "flag", "cash-out", "")).replace("", None),
        }
    ).write_ipc_stream(content)
    return content.getvalue()


@contextmanager
def _watching(bank: Bank) -> Iterator[Any]:
    """Consoles open on the live feed, in a process of their own; counts the alerts that they are told."""
    context = multiprocessing.get_context("spawn")
    ready, over, heard = context.Event(), context.Event(), context.Value("q", 0)
    process = context.Process(target=_watch, args=(bank.watchers, ready, over, heard))
    process.start()
    assert ready.wait(60)
    try:
        yield heard
    finally:
        over.set()
        process.join(60)


def _watch(tokens: list[str], ready: Any, over: Any, heard: Any) -> None:  # noqa: ANN401 - of multiprocessing
    async def one(token: str, places: asyncio.Semaphore) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        cookie = f"{SESSION_COOKIE}={token}; limitkeeper_language=en"
        writer.write(f"GET /console/stream HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        places.release()
        told = False
        async for line in reader:
            if told and line.startswith(b"data: "):
                heard.value += len(json.loads(line[6:]))
            told = line.startswith(b"event: alerts")

    async def all_of_them() -> None:
        places = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(one(token, places)) for token in tokens]
        for _ in tasks:
            await places.acquire()
        ready.set()
        await asyncio.to_thread(over.wait)
        for task in tasks:
            task.cancel()

    asyncio.run(all_of_them())
