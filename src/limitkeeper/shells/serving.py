"""The composition of a running server: store, policy, engine, clock, web application."""

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import structlog
import uvicorn

from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.connectors.models import model_from_folder
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.engines.embedded.boundaries import SHARDS
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.policy import policy_of_day
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.shells.api.application import application
from limitkeeper.store.sql import Store

CLOCKS = ("wall", "event")

TICK_SECONDS = 30.0
"""Between two looks at the clock."""

STOP_SECONDS = 10
"""Requests that are under way get this long at a stop."""


@dataclass(frozen=True, slots=True)
class Options:
    """What ``limitkeeper serve`` was asked for."""

    data: Path
    store_url: str
    model: Path | None = None
    strategy: str = "standard"
    market: str = "CN"
    time_zone: str = "Asia/Shanghai"
    parameters: Path | None = None
    clock: str = "wall"
    snapshot_seconds: float = 600.0
    journal_days: float = 7.0

    @staticmethod
    def state_accounts(engine: Engine, accounts: pl.DataFrame) -> None:
        """State accounts to a running engine, and wait until they are committed."""
        engine.submit(Request("accounts", accounts)).result()


def now_us() -> int:
    """The clock, UTC microseconds."""
    return time.time_ns() // 1_000


def started_engine(options: Options, progress: Progress = unseen) -> Engine:
    """An engine that has recovered and runs, with its clock.

    Raises
    ------
    LimitkeeperError
        When the store, the strategy, the model or an option does not hold.
    """
    if options.clock not in CLOCKS:
        raise InputError("There is no such clock.", value=options.clock, allowed=", ".join(CLOCKS))
    set_up_logs()
    model = model_from_folder(options.model) if options.model else None
    policy_of = policy_of_day(
        loaded_strategy(strategy_path(options.strategy)),
        model,
        options.market,
        options.time_zone,
        options.parameters,
    )
    settings = Settings(options.data / "snapshots", options.snapshot_seconds, options.journal_days)
    engine = Engine(Store(options.store_url), policy_of, settings, now_us)
    store_settings = {"market": options.market, "time_zone": options.time_zone, "shards": SHARDS}
    engine.recover(store_settings, progress)
    engine.start()
    if options.clock == "wall":
        threading.Thread(target=_tell_time, args=(engine,), name="clock", daemon=True).start()
    return engine


def _tell_time(engine: Engine) -> None:
    """Tell the engine what time it is, so that what is due happens where no events come."""
    while not engine.stopping:
        time.sleep(TICK_SECONDS)
        if engine.tick_is_due():
            engine.submit(Request("tick", pl.DataFrame({"as_of_us": [engine.now_us()]})))


def web_server(engine: Engine, host: str, port: int) -> uvicorn.Server:
    """The web server over an engine; ``run`` serves until it is told to stop."""
    config = uvicorn.Config(
        application(engine),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=STOP_SECONDS,
        lifespan="off",
        server_header=False,
    )
    return uvicorn.Server(config)


def served(server: uvicorn.Server) -> None:
    """Serve until a signal asks to stop; the web server raises it again afterwards, when it means nothing more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run()


def set_up_logs() -> None:
    """Logs as JSON lines on the error stream, without personal data."""
    level = logging.getLevelName(os.environ.get("LIMITKEEPER_LOG", "INFO").upper())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            level if isinstance(level, int) else logging.INFO
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
