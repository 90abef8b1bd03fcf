"""``limitkeeper top``: a running server on the terminal."""

import datetime as dt
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import httpx


def top(
    url: Annotated[str, typer.Option(help="Where the server listens.")] = "http://127.0.0.1:8750",
    once: Annotated[
        bool,
        typer.Option("--once", help="Look twice, --every seconds apart, print what is between, and end."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each look as a line of JSON; rates are null at the first.")
    ] = False,
    every: Annotated[float, typer.Option(min=0.1, max=3_600, help="Seconds between two looks.")] = 2.0,
    lang: Annotated[str, typer.Option(help="Language of the screen: en or zh.")] = "en",
) -> None:
    """Watch a running server: events, latency, queue, alerts, decisions, and the latest of what it found.

    Rates and latencies are of the time between two looks; times of micro-batches are read off their histogram,
    as Prometheus does. A server that is away is looked for again until Ctrl-C; with --once that is an error (1).

    Example: limitkeeper top --url http://127.0.0.1:8750 --every 5

    Example: limitkeeper top --once --json --every 1 | python -m json.tool
    """
    import httpx

    from limitkeeper.app.policy import checked_language
    from limitkeeper.core.kernel.errors import InputError
    from limitkeeper.shells.terminal.look import TIMEOUT

    checked_language(lang)
    try:
        client = httpx.Client(base_url=url, timeout=TIMEOUT)
    except httpx.InvalidURL as error:
        raise InputError("The URL cannot be read.", value=url, allowed="http://HOST:PORT") from error
    with client:
        if client.base_url.scheme not in ("http", "https") or not client.base_url.host:
            raise InputError("The URL is none of a server.", value=url, allowed="http://HOST:PORT")
        try:
            looks = iter([looked_once(client, every)]) if once else watched(client, every)
            if as_json:
                for document in looks:
                    typer.echo(json.dumps({"url": url, **document}, ensure_ascii=False, allow_nan=False))
            else:
                show(looks, url, None if once else every, lang)
        except KeyboardInterrupt:
            return


def looked_once(client: "httpx.Client", every_seconds: float) -> dict[str, Any]:
    """The figures of two looks.

    Raises
    ------
    ServerAwayError
        When the server does not answer.
    """
    from limitkeeper.shells.terminal.figures import figures
    from limitkeeper.shells.terminal.look import look

    before = look(client)
    time.sleep(every_seconds)
    return figures(before, look(client))


def watched(client: "httpx.Client", every_seconds: float) -> Iterator[dict[str, Any]]:
    """The figures of each look, without end; where the server is away, since when and why.

    After it was away rates begin anew: what happened meanwhile belongs to no interval.
    """
    from limitkeeper.shells.terminal.figures import figures
    from limitkeeper.shells.terminal.look import ServerAwayError, look

    before, since = None, None
    while True:
        try:
            now = look(client)
        except ServerAwayError as error:
            at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            before, since = None, since or at
            yield {"at": at, "answers": False, "since": since, "problem": str(error)}
        else:
            yield figures(before, now)
            before, since = now, None
        time.sleep(every_seconds)


def show(looks: Iterator[dict[str, Any]], url: str, every_seconds: float | None, language: str) -> None:
    """Show looks one in place of the other on a terminal, one after the other elsewhere."""
    from rich.console import Console
    from rich.live import Live

    from limitkeeper.shells.terminal.screen import screen, screen_words

    console, words = Console(highlight=False), screen_words(language)
    pages = (screen(document, url, every_seconds, words, console) for document in looks)
    if every_seconds is None or not console.is_terminal:
        for page in pages:
            console.print(page)
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for page in pages:
            live.update(page, refresh=True)
