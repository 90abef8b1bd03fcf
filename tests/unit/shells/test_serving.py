"""What a server is told on its command line, and what only in its environment; how it comes to an end."""

import asyncio
import datetime as dt
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import polars as pl
import pytest
import uvicorn

from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.engines.embedded.requests import StoppedError
from limitkeeper.shells import demonstration
from limitkeeper.shells.serving import WebServer, check_ended, stated_mail_server, web_server
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
    for name, made in (("engine_of", lambda *_: work), ("begin", lose), ("demonstration_of", lambda _: None)):
        monkeypatch.setattr(demonstration, name, made)
    rules = loaded_strategy(strategy_path("standard"))
    try:
        with pytest.raises(StoreTakenError):
            demonstration.serve_demonstration(bank, tmp_path, rules, None, 0, print)  # type: ignore[arg-type]
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the server left it to the system
