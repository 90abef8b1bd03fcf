"""The composition of a running server: store, policy, engine, clock, web application."""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import structlog
import uvicorn

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.attributes import Attributes
from limitkeeper.app.decisions import effects
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.oidc_login import SECRET_VARIABLE, oidc_from_file
from limitkeeper.app.vault import seal_at
from limitkeeper.connectors.channels import MAIL, channels_from_file
from limitkeeper.connectors.kafka import KafkaSource
from limitkeeper.connectors.mail import MailServer, has_password, mail_server
from limitkeeper.connectors.webhook import Webhook
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError, trace_in_log
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.findings import TOLD_TOPICS
from limitkeeper.engines.embedded.requests import Request, StoppedError
from limitkeeper.engines.embedded.start import Place, running_engine
from limitkeeper.engines.embedded.warming import warming
from limitkeeper.shells.api.application import application
from limitkeeper.shells.console.look import Demonstration, load_templates
from limitkeeper.shells.feeds.bank import AnswerFeed, BankTopics
from limitkeeper.shells.feeds.folder import FolderFeed
from limitkeeper.shells.feeds.kafka import DEAD_TOPIC, KafkaFeed
from limitkeeper.shells.feeds.loop import Loop
from limitkeeper.shells.feeds.outbox import outbox_loops
from limitkeeper.shells.feeds.releases import releases_loop
from limitkeeper.shells.feeds.workflow import Workflow, appeals_loop, workflow_loop
from limitkeeper.shells.telemetry import add_traces

CLOCKS = ("wall", "event")

MAIL_VARIABLE, PASSWORD_VARIABLE = "LIMITKEEPER_MAIL", "LIMITKEEPER_MAIL_PASSWORD"
"""Of the environment: the mail server's URL where it is not on the command line, and its user's password."""

TICK_SECONDS = 30.0
"""Between two looks at the clock."""

HOLD_SECONDS = 5.0
"""Between two looks at whether the store is still ours, where a database can lose that."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

STOP_SECONDS = 10
"""Requests that are under way get this long at a stop."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways in and out besides HTTP; None where there is none."""

    kafka: KafkaSource | None = None
    watch: Path | None = None
    webhook: Webhook | None = None
    workflow: Workflow | None = None
    bank: BankTopics | None = None

    def topics(self) -> frozenset[str]:
        """What goes to the outbox."""
        found = TOLD_TOPICS if self.webhook else frozenset()
        return found | {DEAD_TOPIC} if self.kafka else found


def now_us() -> int:
    """The clock, UTC microseconds."""
    return time.time_ns() // 1_000


def workflow_of(
    data: Path, market: str, mail: str | None, channels_file: Path | None = None, oidc: Path | None = None,
    attributes: Attributes | None = None,
) -> Workflow:  # fmt: skip
    """What Workflow needs: the vault of a server's folder, a market's policy, where notices go, who lets people in.

    Raises
    ------
    LimitkeeperError
        When there is no key, no policy of the market, or a channel or the provider cannot be used.
    """
    logins = oidc_from_file(oidc, os.environ.get(SECRET_VARIABLE, "")) if oidc else None
    seal, policy = seal_at(data), notice_policy(market)
    channels = {MAIL: stated_mail_server(mail).send} if mail else {}
    if channels_file:
        channels |= channels_from_file(channels_file)
    return Workflow(approval_policy(), effects(seal, policy), seal, channels, logins, attributes)


def stated_mail_server(url: str, environment: Mapping[str, str] = os.environ) -> MailServer:
    """The mail server of ``--mail``, its password from the environment.

    Raises
    ------
    InputError
        When the URL cannot be read, or has a password and was written on the command line.
    """
    if has_password(url) and url != environment.get(MAIL_VARIABLE):
        raise InputError(
            "The mail server's URL has a password, and whoever may list processes on this machine can read it.",
            value=f"--mail smtp://...@{urlsplit(url).hostname}",
            advice=f"Leave it out of --mail, and set {PASSWORD_VARIABLE} to it.",
        )
    return mail_server(url, environment.get(PASSWORD_VARIABLE, ""))


def is_event_time(clock: str) -> bool:
    """Whether a clock is that of events.

    Raises
    ------
    InputError
        When there is no such clock.
    """
    if clock not in CLOCKS:
        raise InputError("There is no such clock.", value=clock, allowed=", ".join(CLOCKS))
    return clock == "event"


def started_engine(place: Place, accounts: pl.DataFrame | None, progress: Progress = unseen) -> Engine:
    """An engine that has recovered and runs, and the accounts that are stated.

    Raises
    ------
    LimitkeeperError
        When the store, the strategy, the model, the accounts or an option does not hold.
    """
    set_up_logs()
    engine = running_engine(place, now_us, progress)
    try:
        if accounts is not None:
            engine.submit(Request("accounts", accounts)).result()
    except BaseException:
        engine.stop()
        raise
    return engine


def clock_loop(engine: Engine) -> Loop:
    """The thread that tells the engine what time it is, so that what is due happens where no events come."""

    def work() -> bool:
        if engine.tick_is_due():
            engine.submit(Request("tick", pl.DataFrame({"as_of_us": [engine.now_us()]})))
        return False

    return Loop("clock", work, TICK_SECONDS)


def hold_loop(engine: Engine) -> Loop:
    """The thread that holds the store, so that a server without work knows too when another has taken it."""

    def work() -> bool:
        engine.store.hold()
        return False

    return Loop("hold", work, HOLD_SECONDS)


def warming_loop(engine: Engine) -> Loop:
    """The thread that has kernels compiled, or loaded, so that nobody who looks waits for it; then it is done."""
    steps = warming(engine)
    return Loop("warming", lambda: next(steps, None) is not None, threading.TIMEOUT_MAX)


@contextlib.contextmanager
def open_ways(engine: Engine, ways: Ways) -> Iterator[None]:
    """Let events in, and messages and traces out, by other ways than HTTP, until the end of the block.

    Raises
    ------
    LimitkeeperError
        When one of them cannot be opened.
    """
    loops = [
        warming_loop(engine),
        releases_loop(engine),
        *([] if engine.settings.event_time else [clock_loop(engine)]),
        *([] if engine.store.is_sqlite else [hold_loop(engine)]),
    ]
    end_traces = add_traces(engine)
    try:
        if ways.watch:
            loops.append(FolderFeed(engine, ways.watch).loop)
        if ways.workflow:
            loops += [workflow_loop(engine, ways.workflow), appeals_loop(engine, ways.workflow)]
        if ways.topics() or ways.workflow or ways.bank:
            tells_engine = ways.workflow is not None
            loops += outbox_loops(engine, ways.webhook, ways.kafka, tells_engine=tells_engine, bank=ways.bank)
        if ways.bank and ways.bank.answers:
            loops.append(AnswerFeed(engine, ways.bank.answers).loop)
        if ways.kafka:
            loops.append(KafkaFeed(engine, ways.kafka).loop)
        for loop in loops:
            loop.start()
        yield
    finally:
        engine.hurry()  # a feed may wait for an answer
        for loop in reversed(loops):
            loop.stop()
        end_traces()


class WebServer(uvicorn.Server):
    """A web server that a second signal of any kind ends at once: what is under way gets no answer."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, at a first signal when what is under way has its answer."""
        self.force_exit = self.force_exit or self.should_exit
        super().handle_exit(sig, frame)
        if self.force_exit:
            for server in self.servers:
                server.get_loop().call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        """End the connections: a socket is not closed before them, from Python 3.12 on."""
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()


def web_server(
    engine: Engine,
    host: str,
    port: int,
    workflow: Workflow | None = None,
    demonstration: Demonstration | None = None,
) -> uvicorn.Server:
    """The web server over an engine; ``run`` serves until it is told to stop, or the engine has failed."""

    async def look() -> None:
        server.should_exit = server.should_exit or engine.failure is not None

    config = uvicorn.Config(
        application(engine, workflow, demonstration),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=STOP_SECONDS,
        callback_notify=look,
        timeout_notify=0,
        lifespan="off",
        server_header=False,
    )
    server = WebServer(config)
    return server


def served(server: uvicorn.Server, engine: Engine) -> None:
    """Serve until a signal asks to stop; a second one ends what is under way, and one more the process at once.

    The web server raises what it got again when it has stopped: it means nothing more then.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: None)
    threading.Thread(target=load_templates, name="templates", daemon=True).start()
    try:
        server.run()
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        if server.force_exit:
            engine.writer.hurry(patience_seconds=0.0)


def check_ended(engine: Engine) -> None:
    """Nothing, where an engine that was stopped has ended in order.

    Raises
    ------
    LimitkeeperError
        What made it fail.
    """
    failure = engine.failure
    if isinstance(failure, LimitkeeperError):
        raise failure
    if failure is not None:
        raise StoppedError(
            f"The engine has failed: {type(failure).__name__}.", advice="The log tells why. Start again."
        ) from failure


class TraceFormatter(logging.Formatter):
    """Lines of libraries' logs, which tell an error as ours do."""

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802 - of the standard library
        """Where the error came from, without what it quotes."""
        return trace_in_log(ei[1])


def set_up_logs() -> None:
    """Logs as JSON lines on the error stream, without personal data: of an error its kind and place, no value."""
    if logging.lastResort is not None:  # what libraries tell, as the web server of a request that failed
        logging.lastResort.setFormatter(TraceFormatter())
    level = logging.getLevelName(os.environ.get("LIMITKEEPER_LOG", "INFO").upper())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(lambda info: trace_in_log(info[1])),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            level if isinstance(level, int) else logging.INFO
        ),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
