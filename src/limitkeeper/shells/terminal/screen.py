"""The figures of a running server as a terminal shows them, in English or Chinese."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml
from rich.bar import Bar
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from limitkeeper.app.policy import POLICY, checked_language

NOTHING = "–"

BRIEF = "%m-%d %H:%M:%S"
"""The form of a time in a list."""

BAR_CELLS = 10

LIST_FRAME_LINES = 3
"""Lines of a list besides its rows: an empty one, title, head."""

ELASTIC = ("account_id", "trigger", "rules", "rule")
"""Columns that give way where the terminal is narrow."""

SPANS = (
    ("days", 2 * 86_400.0, 86_400.0),
    ("hours", 2 * 3_600.0, 3_600.0),
    ("minutes", 120.0, 60.0),
    ("seconds", 1.0, 1.0),
)
"""Units of a time span, each with the seconds from which it is used and its own seconds."""

SEVERITY_STYLES = {"moderate": "yellow", "severe": "red", "critical": "bold red"}


def screen_words(language: str) -> dict[str, str]:
    """The words of the screen; actions and triggers are those of the report.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    folder = POLICY / "wording" / checked_language(language)
    words: dict[str, str] = {}
    for name in ("report", "top"):
        words |= yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    return words


def span(seconds: float | None, words: Mapping[str, str]) -> str:
    """A time span to three figures, in the unit that suits it.

    Examples
    --------
    >>> words = screen_words("en")
    >>> span(0.00251, words), span(1.5, words), span(7_300.0, words), span(None, words)
    ('2.51 ms', '1.5 s', '2.03 h', '–')
    """
    if seconds is None:
        return NOTHING
    unit, in_unit = next(
        ((name, seconds / long) for name, least, long in SPANS if seconds >= least),
        ("milliseconds", seconds * 1e3),
    )
    return words[unit].format(n=f"{float(f'{in_unit:.3g}'):,g}")


def plain(value: object) -> str:
    r"""A value in one line that no terminal takes for a command: ids are what senders make of them.

    Examples
    --------
    >>> plain("a\x1b[2J-1"), plain(None)
    ('a�[2J-1', '–')
    """
    if value is None:
        return NOTHING
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(value))


def moment(text: str, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time of day with its date, to the second.

    Examples
    --------
    >>> moment("2026-06-30T08:00:00.250000+00:00"), moment("2026-06-30T08:00:00+00:00", BRIEF)
    ('2026-06-30 08:00:00', '06-30 08:00:00')
    """
    return dt.datetime.fromisoformat(text).strftime(form)


def screen(
    document: Mapping[str, Any],
    url: str,
    every_seconds: float | None,
    words: Mapping[str, str],
    console: Console,
) -> RenderableType:
    """A look as a terminal shows it.

    Parameters
    ----------
    document
        What `watched` gives: the figures of a look, or since when the server is away.
    url
        Of the server.
    every_seconds
        Between two looks that go on; the lists are then cut to the terminal's height. None: one look, all of it.
    words
        What `screen_words` gives.
    console
        The terminal.
    """
    live = every_seconds is not None
    head = Text.assemble(("Limitkeeper ", "bold"), plain(url), "  ", moment(document["at"]), " UTC  ")
    if not document["answers"]:
        head.append(words["away"].format(since=moment(document["since"]) + " UTC"), "bold red")
        again = words["away_next"].format(seconds=span(every_seconds, words)) if live else ""
        return Group(head, Text(plain(document["problem"])), Text(again, "dim"))
    head.append(*readiness(document, words))
    parts: list[RenderableType] = [
        head,
        state_rows(document, words),
        Text(),
        count_tables(document, words),
    ]
    rows = None
    if live:
        parts.insert(1, Text(words["ends"].format(seconds=span(every_seconds, words)), "dim"))
        above = len(console.render_lines(Group(*parts), pad=False))
        rows = max(1, (console.height - above) // 2 - LIST_FRAME_LINES)
    for name, cells_of, columns in (
        ("latest_alerts", alert_cells, ("seen_at", "account_id", "trigger", "severity", "rules", "hits")),
        ("latest_proposals", proposal_cells, ("made_at", "account_id", "action", "rule", "limit", "status")),
    ):
        parts.append(Text())
        if document[name] is None:
            parts.append(Text(f"{words[name]}: {words['store_silent']}"))
        else:
            cells = [cells_of(row, words) for row in document[name][:rows]]
            parts.append(listed(name, columns, cells, words, cut=live))
    return Group(*parts)


def readiness(document: Mapping[str, Any], words: Mapping[str, str]) -> tuple[str, str]:
    """Whether events are taken, in words, and the style of it."""
    if document["ready"]:
        return words["ready"], "bold green"
    failing = document["store_failing_seconds"]
    return (
        words["store_fails"].format(seconds=span(failing, words)) if failing else words["stops"]
    ), "bold red"


def state_rows(document: Mapping[str, Any], words: Mapping[str, str]) -> Table:
    """Latency, queue, lag, state and, with Workflow, notices, a line each."""
    queue, latency = document["queue"], document["latency"]
    share = queue["waiting_events"] / queue["bound_events"]
    told = words["queue_of"].format(
        waiting=f"{queue['waiting_events']:,}",
        bound=f"{queue['bound_events']:,}",
        share=f"{share:.1%}",
        seconds=span(queue["waiting_seconds"], words),
    )
    bar = Table.grid()
    bar.add_row(
        "│", Bar(queue["bound_events"], 0, queue["waiting_events"], width=BAR_CELLS), Text("│ " + told)
    )
    state = words["state_of"].format(
        accounts=f"{document['accounts']:,}",
        bytes=decimal(document["state_bytes"]),
        sequence=f"{document['sequence']:,}",
        listeners=f"{document['listeners']:,}",
    )
    shown = Table.grid(padding=(0, 2))
    shown.add_row(words["latency"], Text(latency_told("latency_start", latency["since_start"], words)))
    if latency["interval"] is not None:
        interval = span(document["interval_seconds"], words)
        shown.add_row("", Text(latency_told("latency_interval", latency["interval"], words, interval)))
    shown.add_row(words["queue"], bar)
    lag = words["behind"].format(seconds=span(document["event_time_lag_seconds"], words))
    shown.add_row(words["time_lag"], Text(lag))
    shown.add_row(words["state"], Text(state))
    if notices := document["notices"]:
        oldest = span(notices["waiting_seconds"], words)
        told = words["notices_of"].format(waiting=f"{notices['waiting']:,}", seconds=oldest)
        dead = words["notices_dead"].format(dead=f"{notices['dead']:,}")
        style = "bold red" if notices["dead"] else ""
        shown.add_row(words["notices"], Text.assemble(told, (dead, style)))
    if failing := document["campaigns_failing"]:
        told = words["campaigns_failing"].format(failing=f"{failing:,}")
        shown.add_row(words["campaigns"], Text(told, "bold red"))
    return shown


def latency_told(
    sentence: str, latency: Mapping[str, Any], words: Mapping[str, str], interval: str = ""
) -> str:
    """Half and 99 in 100 of the micro-batches, in words; the largest bound stands for that or longer."""

    def told(seconds: float | None) -> str:
        text = span(seconds, words)
        longer = seconds is not None and seconds == latency["largest_bound_seconds"]
        return words["or_longer"].format(seconds=text) if longer else text

    return words[sentence].format(
        p50=told(latency["p50_seconds"]),
        p99=told(latency["p99_seconds"]),
        count=f"{latency['micro_batches']:,}",
        seconds=interval,
    )


def count_tables(document: Mapping[str, Any], words: Mapping[str, str]) -> Columns:
    """What was counted, by label, side by side where there is room."""
    tables: list[RenderableType] = []
    for name, unit in (
        ("events", "per_second"), ("alerts", "per_minute"), ("decisions", "per_minute"), ("rejects", "per_minute"),
    ):  # fmt: skip
        shown = Table(box=None, padding=(0, 2, 0, 0))
        shown.add_column(words[name], no_wrap=True)
        for column in ("total", unit):
            shown.add_column(Text(words[column], "dim"), justify="right", no_wrap=True)
        for label, row in document[name].items():
            rate = NOTHING if row[unit] is None else f"{row[unit]:,.1f}"
            shown.add_row(Text(words.get(label, plain(label))), f"{row['total']:,}", rate)
        if not document[name]:
            shown.add_row(Text(words["none_yet"], "dim"))
        tables.append(shown)
    return Columns(tables, padding=(0, 2))


def alert_cells(row: Mapping[str, Any], words: Mapping[str, str]) -> tuple[str | Text, ...]:
    """An alert as a row of its list."""
    severity = row["severity"]
    return (
        moment(row["seen_at"], BRIEF),
        plain(row["account_id"]),
        words.get(row["trigger"], plain(row["trigger"])),
        Text(words.get(severity, plain(severity)), SEVERITY_STYLES.get(severity, "")),
        plain(", ".join(row["rules"])),
        f"{row['hits']:,}",
    )


def proposal_cells(row: Mapping[str, Any], words: Mapping[str, str]) -> tuple[str | Text, ...]:
    """A proposal as a row of its list; limits in major units."""
    before, after = (
        NOTHING if row[name] is None else f"{row[name] / 100:,.2f}"
        for name in ("limit_before_cents", "limit_after_cents")
    )
    return (
        moment(row["made_at"], BRIEF),
        plain(row["account_id"]),
        words.get(row["action"], plain(row["action"])),
        plain(row["rule"]),
        before if before == after else f"{before} → {after}",
        words.get(row["status"], plain(row["status"])),
    )


def listed(
    name: str,
    columns: Iterable[str],
    rows: Sequence[Sequence[str | Text]],
    words: Mapping[str, str],
    *,
    cut: bool,
) -> RenderableType:
    """A list under its title; where it is wider than the terminal its long cells are cut, or else folded."""
    if not rows:
        return Text(f"{words[name]}: {words['none_yet']}")
    shown = Table(title=words[name], title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in columns:
        shown.add_column(
            Text(words[column], "dim"),
            no_wrap=column not in ELASTIC,
            justify="right" if column == "hits" else "left",
        )
    for row in rows:
        cells = (cell if isinstance(cell, Text) else Text(cell) for cell in row)
        shown.add_row(
            *(Text.assemble(cell, no_wrap=cut, overflow="ellipsis" if cut else "fold") for cell in cells)
        )
    return shown
