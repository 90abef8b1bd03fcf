"""What a server is told on its command line, and what only in its environment; how it comes to an end."""

import asyncio
import datetime as dt
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import polars as pl
import pytest
import sqlalchemy as sa
import structlog
import uvicorn

from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.engines.embedded.requests import StoppedError
from limitkeeper.shells import demonstration
from limitkeeper.shells.feeds.loop import Loop
from limitkeeper.shells.serving import WebServer, check_ended, set_up_logs, stated_mail_server, web_server
from limitkeeper.store.database import database_at
from limitkeeper.store.lock import StoreTakenError, store_lost
from tests.live_engines import engine

OPEN_URL = "smtp://kim:s3cret@mail.lender.test?from=credit@lender.test"
URL = "smtp://kim@mail.lender.test?from=credit@lender.test"


def test_password_of_the_mail_server_on_the_command_line_is_refused_and_not_told() -> None:
    with pytest.raises(InputError, match="LIMITKEEPER_MAIL_PASSWORD") as error:
        stated_mail_server(OPEN_URL, {})
    assert "s3cret" not in str(error.value)
    assert "mail.lender.test" in str(error.value)


def test_password_of_the_mail_server_comes_from_the_environment() -> None:
    server = stated_mail_server(URL, {"LIMITKEEPER_MAIL_PASSWORD": "s3cret"})
    assert (server.user, server.password) == ("kim", "s3cret")
    assert stated_mail_server(URL, {}).password == ""
    assert stated_mail_server(OPEN_URL, {"LIMITKEEPER_MAIL": OPEN_URL}).password == "s3cret"  # noqa: S105


@contextmanager
def running(server: uvicorn.Server) -> Iterator[threading.Thread]:
    """A server in a thread of its own."""
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield thread
    server.should_exit = server.force_exit = True
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_cuts_off_what_is_under_way(number: int) -> None:
    asked, answers = threading.Event(), list[Any]()

    async def never(_scope: Any, _receive: Any, _send: Any) -> None:
        asked.set()
        await asyncio.sleep(3_600)

    def ask(port: int) -> None:
        try:
            answers.append(httpx.get(f"http://127.0.0.1:{port}/", timeout=600))
        except httpx.HTTPError as error:
            answers.append(error)

    server = WebServer(
        uvicorn.Config(never, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=3_600)
    )
    with running(server) as thread:
        client = threading.Thread(target=ask, args=(server.servers[0].sockets[0].getsockname()[1],))
        client.start()
        assert asked.wait(60)
        server.handle_exit(number, None)
        thread.join(0.3)
        assert thread.is_alive(), "after one signal, what is under way goes on"
        server.handle_exit(number, None)
        thread.join(60)
        assert not thread.is_alive()
    client.join(60)
    assert isinstance(answers[0], httpx.HTTPError)


def test_server_whose_store_was_taken_over_ends_and_says_so(tmp_path: Path) -> None:
    work = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "snapshots")
    with running(web_server(work, "127.0.0.1", 0)) as thread:
        work.store.lost = store_lost("postgresql://store")
        thread.join(60)
        assert not thread.is_alive()
    work.stop()
    with pytest.raises(StoreTakenError, match="has taken this store over"):
        check_ended(work)


def failures_of_every_kind(folder: Path) -> list[Callable[[], None]]:
    """What fails with an account or a customer in its words: by our errors, the language's, and the database's."""
    database = database_at(f"sqlite:///{folder}/kept.db")
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (account_id TEXT CHECK (account_id <> 'acct-kim'))")

    def raised(error: Exception) -> None:
        raise error

    def caused() -> None:
        try:
            raised(ValueError("cust-kim"))
        except ValueError as error:
            raise InputError("It cannot be read.", value="acct-kim") from error

    def written(**values: str) -> None:
        with database.begin() as connection:
            connection.execute(sa.table("kept", *map(sa.column, values)).insert().values(**values))

    errors = (
        InputError("There is no such line.", value="acct-kim"),
        KeyError("acct-kim"),
        OSError(28, "No space left on device", "/cust-kim"),
    )
    return [
        *(partial(raised, each) for each in errors),
        partial(written, account_id="acct-kim"),
        partial(written, no_such="cust-kim"),
        caused,
    ]


def test_log_of_an_error_tells_its_kind_and_place_and_names_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    set_up_logs()
    failing = failures_of_every_kind(tmp_path)
    rounds = iter(failing)
    last = threading.Event()

    def work() -> bool:
        try:
            next(rounds, last.set)()
        except Exception:
            structlog.get_logger().exception("page_failed")
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
            raise
        return False

    monkeypatch.setattr("limitkeeper.shells.feeds.loop.FAILURE_SECONDS", 0.0)
    loop = Loop("failing", work, 0.0)
    loop.start()
    assert last.wait(10)
    loop.stop()
    structlog.reset_defaults()
    logged = capfd.readouterr().err
    assert [mark for mark in ("acct-kim", "cust-kim") if mark in logged] == []
    assert [logged.count(event) for event in ("round_failed", "page_failed", "ASGI")] == [len(failing)] * 3
    for said in ("InputError: There is no such line.", "KeyError", "OSError: No space left on device",
                 "IntegrityError of IntegrityError", "OperationalError", "ValueError", "test_serving.py:"):  # fmt: skip
        assert said in logged, said


def test_engine_that_failed_by_a_mistake_in_the_code_is_an_error_that_names_it(tmp_path: Path) -> None:
    work = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "snapshots")
    work.stop()
    check_ended(work)
    work.writer.failure = ZeroDivisionError()
    with pytest.raises(StoppedError, match="ZeroDivisionError"):
        check_ended(work)


def test_engine_that_fails_ends_the_demonstration_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = engine(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "snapshots")

    def lose(server: uvicorn.Server, *_: Any) -> None:
        while not server.started:
            time.sleep(0.01)
        work.store.lost = store_lost("demonstration")

    nobody = pl.DataFrame({"account_id": ["a"], "sex": ["f"]})
    bank = SimpleNamespace(attributes=nobody, opens_at=dt.datetime.now(dt.UTC), coming=pl.DataFrame(
        {"arrived_at": []}, {"arrived_at": pl.Datetime("us", "UTC")}))  # fmt: skip
    for name in ("demonstration_of", "review_kept"):
        monkeypatch.setattr(demonstration, name, lambda *_: None)
    for name, made in (("engine_of", lambda *_: work), ("begin", lose)):
        monkeypatch.setattr(demonstration, name, made)
    rules = loaded_strategy(strategy_path("standard"))
    try:
        with pytest.raises(StoreTakenError):
            demonstration.serve_demonstration(bank, tmp_path, rules, None, 0, print)  # type: ignore[arg-type]
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the server left it to the system
