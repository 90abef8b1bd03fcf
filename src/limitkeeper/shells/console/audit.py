"""The audit: what was done, found again, verified, and given out as a table."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from limitkeeper.app.evidence import KEPT
from limitkeeper.app.exports import COLUMN, Export
from limitkeeper.core.access.purposes import LOOKS
from limitkeeper.core.appeal import appeals
from limitkeeper.core.approval import cases
from limitkeeper.core.compliance import requests
from limitkeeper.shells.console.asking import ProblemError
from limitkeeper.shells.console.details import PAGES_OF, act_words, facts_of, in_one_cell, page_of
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.times import day_start

EXPORTED_ROWS_MAX = 100_000
"""Events of one export; the rest is found by a narrower search."""

ROWS_AT_ONCE = 500

COLUMNS = ("number", "at", "actor_id", "act", "subject", "detail", "hash", COLUMN)

KNOWN_ACTS = (
    *LOOKS,
    *(f"case.{act}" for act in cases.ACTS),
    *(f"appeal.{act}" for act in appeals.ACTS),
    *(f"rights.{act}" for act in requests.ACTS),
)
"""Acts that a search is offered beside those on the page."""

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""With these a cell begins that a spreadsheet would compute."""


def search_of(look: Look) -> dict[str, str]:
    """What the page's address searches for."""
    return {name: look.asked(name).strip() for name in ("actor_id", "subject", "act", "from", "to")}


def wanted(look: Look, search: dict[str, str]) -> dict[str, str | None]:
    """What the interface is asked for: days are those of who looks, the last one whole."""
    found = {name: search[name] for name in ("actor_id", "subject", "act")}
    first, last = (search[name] or None for name in ("from", "to"))
    return {
        **found,
        "from_at": first and day_start(first, look.time_zone),
        "to_at": last and day_start(last, look.time_zone, 1),
    }


async def events(look: Look) -> Response:
    """Events, the newest first."""
    search = search_of(look)
    found = await look.ask.get("/v1/audit", **wanted(look, search), cursor=look.asked("cursor"), limit=50)
    shown = [
        event
        | {"words": act_words(look.language, event["act"]), "page": page_of(event["subject"]),
           **parts_of(event["detail"])}
        for event in found["items"]
    ]  # fmt: skip
    names = sorted({each["act"] for each in shown}.union(KNOWN_ACTS))
    acts = {act: act_words(look.language, act) for act in names}
    is_bare = search["subject"] and ":" not in search["subject"]
    return look.page("audit", events=shown, following=found["next"], search=search, acts=acts,
                     kinds=tuple(PAGES_OF) if is_bare else (), exported_rows_max=EXPORTED_ROWS_MAX)  # fmt: skip


def parts_of(detail: dict[str, Any]) -> dict[str, Any]:
    """What an event says, and apart from it the fingerprints of the rows that it wrote, which are many and long.

    Examples
    --------
    >>> parts_of({"tier": 2, "kept": {"case:1": "9a31"}})
    {'facts': [Fact(name='tier', values=[2])], 'evidence': {'case:1': '9a31'}}
    """
    said = {name: each for name, each in detail.items() if name != KEPT}
    return {"facts": facts_of(said), "evidence": detail.get(KEPT, {})}


async def verified(look: Look) -> Response:
    """Whether the chain holds."""
    return look.page("audit_verified", found=await look.ask.get("/v1/audit/verify"))


def plain_cell(value: object) -> str:
    """A cell that a spreadsheet shows as it is.

    Examples
    --------
    >>> plain_cell("=1+1"), plain_cell(-7), plain_cell(None), plain_cell("case:x")
    ("'=1+1", "'-7", '', 'case:x')
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def table_rows(items: list[dict[str, Any]], mark: Export) -> str:
    """Events as lines of a CSV file, each with the file's mark."""
    text = io.StringIO()
    write = csv.writer(text)
    for item in items:
        cells = item | {"detail": in_one_cell(item["detail"]), COLUMN: mark.text()}
        write.writerow([plain_cell(cells[name]) for name in COLUMNS])
    return text.getvalue()


async def export(look: Look) -> Response:
    """All events of a search as CSV, page by page, up to a bound that the last line tells; each says who took it."""
    search = wanted(look, search_of(look))
    noted = await look.ask.answer("POST", "/v1/audit/exports")
    mark = Export(**noted.json())
    first = await look.ask.get("/v1/audit", **search, limit=ROWS_AT_ONCE)

    async def lines() -> AsyncIterator[str]:
        yield "\ufeff" + ",".join(COLUMNS) + "\r\n"
        page, count = first, 0
        while True:
            rows = page["items"][: EXPORTED_ROWS_MAX - count]
            count += len(rows)
            yield table_rows(rows, mark)
            if page["next"] is None:
                return
            if count >= EXPORTED_ROWS_MAX:
                yield look.t(
                    f"Only the newest {EXPORTED_ROWS_MAX} events are here: narrow the search for the others.\r\n",
                    f"仅含最新的 {EXPORTED_ROWS_MAX} 条记录：请缩小搜索范围以导出其余部分。\r\n",
                )
                return
            try:
                page = await look.ask.get("/v1/audit", **search, limit=ROWS_AT_ONCE, cursor=page["next"])
            except ProblemError as error:
                yield look.t("This export is not whole: ", "导出不完整：") + plain_cell(error) + "\r\n"
                return

    named = {"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(), headers=named, media_type="text/csv; charset=utf-8")


PAGES = (
    PageRoute("/audit", events),
    PageRoute("/audit/verify", verified),
    PageRoute("/audit/export", export),
)
