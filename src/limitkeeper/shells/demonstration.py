"""A bank that is served to be looked at: people of each role, work that waits, and a stream that goes on."""

import datetime as dt
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.attributes import Attributes
from limitkeeper.app.decisions import effects
from limitkeeper.app.demo_bank import DemoBank
from limitkeeper.app.life import drafted
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.people import person_added
from limitkeeper.app.policy import market_parameters
from limitkeeper.app.release_figures import figures_kept, review_figures
from limitkeeper.app.review import Models, Review, reviewed_portfolio
from limitkeeper.app.strategy_document import document_text
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
    Actor,
)
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.actions import Action
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
from limitkeeper.shells.visitors import CUSTOMERS, PASSWORD, Visitors, left_out_if_it_fails
from limitkeeper.store.tables import proposals
from limitkeeper.store.vault import Vault
from limitkeeper.store.work import work

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
STRATEGY_AUTHOR, REVIEWER = "sue", "ivy"
"""Who drafts what decides, and who keeps its review."""

SPEED = 60.0
"""Seconds of the bank's time in one of ours."""

STREAM_SECONDS = 1.0
SLICE_EVENTS = 5_000
"""Events of the past in a micro-batch: each that alerts has a trace, and those of one micro-batch are held at once."""

ENGLISH = (
    "{real:,} real accounts (Taiwan 2005, dates moved, NT$4 as ¥1) and {simulated:,} simulated lives; "
    "time runs {speed:.0f} times as fast"
)
CHINESE = (
    "{real:,} 个真实账户（台湾 2005，日期已平移，4 新台币计 ¥1）"
    "与 {simulated:,} 个模拟账户；时间加速 {speed:.0f} 倍"
)


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
        with left_out_if_it_fails("review"):
            review_kept(engine, bank, strategy, model, progress)
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


def review_kept(
    engine: Engine, bank: DemoBank, strategy: Strategy, model: Model | None, progress: Progress = unseen
) -> None:
    """Draft what decides as a release, and keep with it what it does on the whole bank as it opens.

    What is on trial is found by its content as that release, so that the hits of each rule stand beside it.
    Without a model there is a draft alone, because a review needs one.
    """
    portfolio = bank.portfolio
    text, name = document_text(strategy.document), f"{strategy.name} {strategy.version}"
    with work(engine.store, Actor(STRATEGY_AUTHOR, frozenset({STRATEGIST})), engine.as_of_us()) as w:
        release_id = drafted(w, text, name, portfolio.market, model, None)
    if model is None:
        return
    parameters = market_parameters(portfolio.market, portfolio.as_of.date())
    found = reviewed_portfolio(portfolio, Models(model), strategy, parameters, progress=progress)
    with work(engine.store, Actor(REVIEWER, frozenset({COMPLIANCE})), engine.as_of_us()) as w:
        figures_kept(w, release_id, portfolio, review_figures(found, parameters))
    past_lapsed(engine, found)


def past_lapsed(engine: Engine, review: Review) -> None:
    """Let lapse what the past proposed and the review of the bank as it opens would not do.

    In its first weeks an account looks riskier than it is, and the monitor has no one who decides on what it proposes
    then: all of that would wait on the first day. Freezes act already, and end by their own clock.
    """
    effects = review.reviewed.assessment.proposals.effects.tolist()
    decided = {
        (account_id, Action(effect).code)
        for account_id, effect in zip(review.reviewed.account_ids, effects, strict=True)
    }
    waiting = sa.select(proposals.c.proposal_id, proposals.c.account_id, proposals.c.action).where(
        proposals.c.status == "open", proposals.c.action != Action.FREEZE.code
    )
    with work(engine.store, SYSTEM, engine.as_of_us()) as w:
        gone = [
            {"gone_id": row["proposal_id"]}
            for row in w.rows(waiting)
            if (row["account_id"], row["action"]) not in decided
        ]
        if gone:
            lapsed = proposals.update().where(proposals.c.proposal_id == sa.bindparam("gone_id"))
            w.connection.execute(lapsed.values(status="lapsed", status_us=w.now_us), gone)


def begin(server: Any, bank: DemoBank, engine: Engine, told: Callable[[str], None]) -> None:  # noqa: ANN401 - of the web server's library
    """Tell where the server is as soon as it is there, and do what people did before the visitor comes."""
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    told(f"{address}/console/")
    with Visitors(address) as visitors:
        visitors.work(engine, bank)
