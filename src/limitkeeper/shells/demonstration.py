"""A bank that is served to be looked at: people of each role, work that waits, and a stream that goes on."""

import datetime as dt
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import polars as pl
import structlog

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.attributes import Attributes
from limitkeeper.app.decisions import effects
from limitkeeper.app.demo_bank import DemoBank
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.people import person_added
from limitkeeper.connectors.events import read_events
from limitkeeper.connectors.sealing import LocalMasterKeys, Seal
from limitkeeper.core.access.actors import (
    COMMITTEE,
    COMPLIANCE,
    CUSTOMER,
    OFFICER,
    OPERATOR,
    STRATEGIST,
    SYSTEM,
)
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Decisive, Place
from limitkeeper.shells.console.look import Demonstration, Login
from limitkeeper.shells.feeds.loop import Loop
from limitkeeper.shells.feeds.submission import answered
from limitkeeper.shells.feeds.workflow import Workflow
from limitkeeper.shells.serving import (
    Ways,
    check_ended,
    now_us,
    open_ways,
    served,
    started_engine,
    web_server,
)
from limitkeeper.store.vault import Vault
from limitkeeper.store.work import work

log = structlog.get_logger()

PASSWORD = "limitkeeper demo"  # noqa: S105 - shown on the start page, of a server on this machine alone

PEOPLE = (
    ("sue", STRATEGIST),
    ("ann", OFFICER),
    ("bob", OFFICER),
    ("mia", COMMITTEE),
    ("max", COMMITTEE),
    ("moe", COMMITTEE),
    ("ivy", COMPLIANCE),
    ("oli", OPERATOR),
)
MANDATES = (("mia", "ann", 2), ("mia", "bob", 2), ("max", "mia", 3), ("mia", "max", 3), ("mia", "moe", 3))
"""Who gives whom a mandate of which tier."""

CUSTOMERS = ("kim", "lin")
"""Two whose lines were lowered: one looks, the other has appealed."""

SPEED = 60.0
"""Seconds of the bank's time in one of ours."""

STREAM_SECONDS = 1.0
SLICE_EVENTS = 5_000
"""Events of the past in a micro-batch: each that alerts has a trace, and those of one micro-batch are held at once."""

PATIENCE_SECONDS = 120.0

ENGLISH = (
    "{real:,} real accounts (Taiwan 2005, dates moved, shown as ¥) and {simulated:,} simulated lives; "
    "time runs {speed:.0f} times as fast"
)
CHINESE = "{real:,} 个真实账户（台湾 2005，日期已平移，以 ¥ 显示）与 {simulated:,} 个模拟账户；时间加速 {speed:.0f} 倍"


@dataclass
class Stream:
    """The coming events, sent as their time comes.

    Parameters
    ----------
    engine
        Takes them.
    bank
        Whose.
    speed
        Seconds of the bank's time in one of ours.
    clock
        Seconds that never go back.
    """

    engine: Engine
    bank: DemoBank
    speed: float = SPEED
    clock: Callable[[], float] = time.monotonic
    _since: float | None = field(default=None, repr=False)
    _sent: int = field(default=0, repr=False)

    @property
    def loop(self) -> Loop:
        """The thread that sends them."""
        found = Loop("stream", lambda: self.sent(found.stopping), STREAM_SECONDS)
        return found

    def sent(self, stopping: threading.Event) -> bool:
        """Send what has come since the last time; False, because the next is to be waited for."""
        self._since = self.clock() if self._since is None else self._since
        until = self.bank.opens_at + dt.timedelta(seconds=(self.clock() - self._since) * self.speed)
        due = int(self.bank.coming["arrived_at"].search_sorted(until, side="right"))
        events = self.bank.coming[self._sent : due].drop("arrived_at")
        if events.height:
            answered(self.engine, request_of(events), stopping)
            self._sent = due
        return False


def request_of(events: pl.DataFrame) -> Request:
    """A request of a table of events."""
    return Request("events", read_events(events), events.height, "stream")


def engine_of(
    bank: DemoBank, folder: Path, strategy: Strategy, model: Model | None, progress: Progress = unseen
) -> Engine:
    """An engine whose store holds the bank as it opens; what the folder held before is taken away."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = Settings(folder / "snapshots", 0.0, event_time=True)
    place = Place(
        f"sqlite:///{folder / 'limitkeeper.db'}", settings, Decisive(strategy, model, is_trial=True)
    )
    engine = started_engine(place, bank.accounts, progress)
    for begin in range(0, bank.past.height, SLICE_EVENTS):
        part = bank.past[begin : begin + SLICE_EVENTS]
        engine.submit(request_of(part)).result()
        progress("events", min(begin + SLICE_EVENTS, bank.past.height), bank.past.height)
    return engine


def demonstration_of(bank: DemoBank) -> Demonstration:
    """What the start page shows."""
    simulated = bank.accounts["account_id"].str.starts_with("sim-").sum()
    counts = {"real": bank.accounts.height - simulated, "simulated": simulated, "speed": SPEED}
    logins = (*(Login(name, role) for name, role in PEOPLE), Login(CUSTOMERS[0], CUSTOMER))
    return Demonstration(PASSWORD, logins, ENGLISH.format(**counts), CHINESE.format(**counts))


def serve_demonstration(
    bank: DemoBank, folder: Path, strategy: Strategy, model: Model | None, port: int, told: Callable[[str], None],
    progress: Progress = unseen,
) -> None:  # fmt: skip
    """Serve the bank on this machine until a signal ends it.

    Parameters
    ----------
    bank, strategy, model
        What is shown, and what decides there, on trial.
    folder
        For the store, which is made anew.
    port
        To listen on; 0 takes a free one.
    told
        Is told the address when it can be opened.
    progress
        Told of the events.

    Raises
    ------
    LimitkeeperError
        What made the engine fail.
    """
    engine = engine_of(bank, folder, strategy, model, progress)
    vault = Vault(f"sqlite:///{folder / 'vault.db'}", now_us)
    seal = Seal(LocalMasterKeys(secrets.token_bytes(32)), vault)  # as long as the demonstration lasts
    people = folder / "attributes.parquet"
    bank.attributes.write_parquet(people)
    attributes = Attributes(people, tuple(bank.attributes.columns[1:]))
    workflow = Workflow(
        approval_policy(), effects(seal, notice_policy("CN")), seal, {}, attributes=attributes
    )
    try:
        let_in(engine)
        server = web_server(engine, "127.0.0.1", port, workflow, demonstration_of(bank))
        begun = threading.Thread(target=begin, args=(server, bank, engine, told), daemon=True)
        stream = Stream(engine, bank).loop
        with open_ways(engine, Ways(workflow=workflow)):
            begun.start()
            stream.start()
            served(server, engine)
            stream.stop()
    finally:
        engine.stop()
    check_ended(engine)


def let_in(engine: Engine) -> None:
    """Let the people in who work there."""
    with work(engine.store, SYSTEM, engine.as_of_us()) as w:
        for name, role in PEOPLE:
            person_added(w, name, [role], PASSWORD)


def begin(server: Any, bank: DemoBank, engine: Engine, told: Callable[[str], None]) -> None:  # noqa: ANN401 - of the web server's library
    """Tell where the server is as soon as it is there, and do what people did before the visitor comes."""
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    told(f"{address}/console/")
    try:
        with Visitors(address) as visitors:
            visitors.work(engine, bank)
    except (httpx.HTTPError, RuntimeError) as error:
        log.warning("demonstration_incomplete", problem=f"{type(error).__name__}: {error}"[:500])


class Visitors:
    """People of the demonstration who act by the same HTTP routes as everybody.

    Parameters
    ----------
    address
        Of the server.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._clients: dict[str, httpx.Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def asked(self, name: str, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - of httpx
        """What somebody is answered.

        Raises
        ------
        RuntimeError
            When it is refused.
        """
        if name not in self._clients:
            client = self._clients[name] = httpx.Client(base_url=self._address, timeout=60)
            token = client.post("/v1/login", json={"person_id": name, "password": PASSWORD}).json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
        found = self._clients[name].request(method, path, **more)
        if found.is_error:
            raise RuntimeError(f"{method} {path}: {found.text[:300]}")
        return found.json()

    def acted(self, name: str, case_id: str, act: str, words: str = "") -> None:
        """Act on a case as it is."""
        version = self.asked(name, "GET", f"/v1/cases/{case_id}")["version"]
        headers = {"If-Match": f'"{version}"'}
        self.asked(name, "POST", f"/v1/cases/{case_id}/{act}", json={"words": words}, headers=headers)

    def work(self, engine: Engine, bank: DemoBank) -> None:
        """Give mandates, look at some cases, let two customers in, appeal, and propose a campaign."""
        for giver, name, tier in MANDATES:
            self.asked(giver, "POST", "/v1/mandates", json={"person_id": name, "tier": tier})
        waiting = self.until(
            lambda: self.asked("ann", "GET", "/v1/cases?tier=2&is_live=true&limit=20")["items"]
        )
        for case, act, words in zip(waiting, ("ask", "send-up", "comment"), (
            "Was the salary late, or is there more?", "More than a wrong day, I think.", "Called, no answer yet.",
        ), strict=False):  # fmt: skip
            self.acted("ann", case["case_id"], "claim")
            self.acted("ann", case["case_id"], act, words)
        lowered = self.until(lambda: self.asked(
            "ann", "GET", "/v1/cases?state=approved&kind=decision&limit=50")["items"])  # fmt: skip
        theirs = {
            case["customer_id"]: case
            for case in lowered
            if case["action"] == "decrease" and case["customer_id"]
        }
        for name, (customer_id, case) in zip(CUSTOMERS, theirs.items(), strict=False):
            with work(engine.store, SYSTEM, engine.as_of_us()) as w:
                person_added(w, name, [CUSTOMER], PASSWORD, customer_id)
            if name != CUSTOMERS[0]:
                self.appealed(name, case)
        self.asked("sue", "POST", "/v1/releases", json=self.asked("sue", "GET", "/v1/strategies/live/text"))
        csv = bank.campaign.write_csv()
        path = "/v1/campaigns?name=Idle%20lines&reasons=product_change"
        self.asked("sue", "POST", path, content=csv, headers={"Content-Type": "text/csv"})

    def appealed(self, name: str, case: dict[str, Any]) -> None:
        """Appeal against a case, with a file."""
        text = "发薪日从一号改到了五号，账单日没有改，所以晚了几天。请看附件。"
        given = {"account_id": case["account_id"], "case_id": case["case_id"], "text": text}
        appeal = self.asked(name, "POST", "/v1/appeals", json=given)
        letter = ("letter.txt", "证明：自本月起工资于每月五日发放。".encode(), "text/plain")
        self.asked(name, "POST", f"/v1/appeals/{appeal['appeal_id']}/evidence", files={"file": letter})

    def until(self, look: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """What is found as soon as something is.

        Raises
        ------
        RuntimeError
            When nothing comes.
        """
        for _ in range(int(PATIENCE_SECONDS)):
            if found := look():
                return found
            time.sleep(1.0)
        raise RuntimeError("nothing came")
