"""A customer's own pages: his lines, why they changed, his appeals, his messages, his data."""

import asyncio
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from starlette.datastructures import UploadFile
from starlette.responses import Response

from limitkeeper.connectors.evidence import EVIDENCE_BYTES_MAX
from limitkeeper.core.appeal.appeals import WITHDRAWN
from limitkeeper.core.compliance.requests import COPIED, KINDS
from limitkeeper.shells.console.asking import ProblemError
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import ROOT, quoted

LINES_SHOWN = 20

FILES_AT_ONCE = 5
"""Files that come with an appeal; more can be added to it afterwards."""


@cache
def time_zones() -> frozenset[str]:
    """Those that are named by a place."""
    others = ("Etc/", "SystemV/", "US/")
    return frozenset(zone for zone in available_timezones() if "/" in zone and not zone.startswith(others))


def zones_by_area(nearest: str) -> dict[str, list[str]]:
    """Time zones by the part of the world that they are named by, the nearest part first: a telephone shows few at once.

    Examples
    --------
    >>> found = zones_by_area("Asia/Shanghai")
    >>> next(iter(found)), "Asia/Shanghai" in found["Asia"], "Pacific/Auckland" in found["Pacific"]
    ('Asia', True, True)
    """
    near, found = nearest.partition("/")[0], dict[str, list[str]]()
    for zone in sorted(time_zones(), key=lambda zone: (not zone.startswith(f"{near}/"), zone)):
        found.setdefault(zone.partition("/")[0], []).append(zone)
    return found


def line_path(account_id: str) -> str:
    """Where the API has a line."""
    return f"/v1/lines/{quoted(account_id)}"


def last_appeals(found: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The appeal against each decision, by its case: the last, where one before it was withdrawn.

    Examples
    --------
    >>> last_appeals([{"case_id": "c", "submitted_at": "2026-11-02", "state": "submitted"},
    ...               {"case_id": "c", "submitted_at": "2026-11-01", "state": "withdrawn"}])["c"]["state"]
    'submitted'
    """
    return {appeal["case_id"]: appeal for appeal in sorted(found, key=lambda each: each["submitted_at"])}


async def my_lines(look: Look) -> Response:
    """All lines of one's own, some at once, each with what stands of it."""
    offset, found = look.asked_offset, await look.ask.get("/v1/lines")
    later = offset + LINES_SHOWN if len(found["items"]) > offset + LINES_SHOWN else None
    shown = found["items"][offset : offset + LINES_SHOWN]
    known = await asyncio.gather(
        *(look.found(f"{line_path(line['account_id'])}?language={look.language}") for line in shown)
    )
    notices = await look.ask.get("/v1/notices", limit=5)
    return look.page("my_lines", lines=[each or short for each, short in zip(known, shown, strict=True)],
                     notices=notices["items"], offset=offset, later=later)  # fmt: skip


async def my_line(look: Look) -> Response:
    """One line: limit, plan, what changed and why, what would help, what one may ask for."""
    account_id = look.request.path_params["account_id"]
    path = line_path(account_id)
    line, portrait, appeals = await asyncio.gather(
        look.ask.get(path, language=look.language),
        look.found(f"{path}/portrait?language={look.language}"),
        look.ask.get("/v1/appeals", account_id=account_id, customer_id=look.me["customer_id"]),
    )
    return look.page("my_line", line=line, portrait=portrait, appealed=last_appeals(appeals["items"]))


async def my_decision(look: Look) -> Response:
    """One decision explained, and the way to appeal against it."""
    account_id, case_id = (look.request.path_params[name] for name in ("account_id", "case_id"))
    explained, appeals = await asyncio.gather(
        look.ask.get(f"{line_path(account_id)}/decisions/{case_id}", language=look.language),
        look.ask.get("/v1/appeals", account_id=account_id, customer_id=look.me["customer_id"]),
    )
    appeal = last_appeals(appeals["items"]).get(case_id)
    return look.page("my_decision", explained=explained, appeal=appeal,
                     files_at_once=FILES_AT_ONCE, evidence_bytes_max=EVIDENCE_BYTES_MAX)  # fmt: skip


async def submit_appeal(look: Look) -> Response:
    """Submit an appeal with its files; a file that is not taken is told, and can be sent again to the appeal."""
    form = await look.request.form()
    given = {name: str(form.get(name, "")) for name in ("account_id", "case_id", "text")}
    try:
        made = await look.ask.answer(
            "POST", "/v1/appeals", json={name: text for name, text in given.items() if text},
            headers={"Idempotency-Key": str(form.get("_key", ""))},
        )  # fmt: skip
    except ProblemError as error:
        return look.refused(error.document)
    appeal_id = made.json()["appeal_id"]
    missed = []
    files = [each for each in form.getlist("file") if isinstance(each, UploadFile) and each.size]
    for file in files[:FILES_AT_ONCE]:
        sent = {"file": (file.filename or "file", await file.read(), file.content_type or "")}
        try:
            await look.ask.answer("POST", f"/v1/appeals/{appeal_id}/evidence", files=sent)
        except ProblemError as error:
            why = look.told(error.document)["detail"].rstrip(".。")
            missed.append(look.t(f"{file.filename}: {why}", f"{file.filename}：{why}"))
    missed += [f"{file.filename}" for file in files[FILES_AT_ONCE:]]
    said = look.t("Your appeal is submitted.", "您的申诉已提交。")
    if missed:
        said = look.t(
            f"Your appeal is submitted, without: {'; '.join(missed)}.",
            f"申诉已提交，但以下文件未收到：{'；'.join(missed)}。",
        )
    return look.onward(look.forth(f"{ROOT}/my/appeals/{appeal_id}", said))


async def my_appeals(look: Look) -> Response:
    """One's own appeals."""
    found = await look.ask.get("/v1/appeals", customer_id=look.me["customer_id"], cursor=look.asked("cursor"))
    return look.page("my_appeals", found=found)


async def my_appeal(look: Look) -> Response:
    """One appeal: by when it is answered, what was said and sent, what one may do."""
    appeal = await look.ask.get(f"/v1/appeals/{look.request.path_params['appeal_id']}")
    path = f"{line_path(appeal['account_id'])}/decisions/{appeal['case_id']}"
    decision = await look.found(appeal["state"] == WITHDRAWN and path)
    return look.page("my_appeal", appeal=appeal, decision=decision, evidence_bytes_max=EVIDENCE_BYTES_MAX)


async def my_inbox(look: Look) -> Response:
    """Everything that was written to one."""
    found = await look.ask.get("/v1/notices", cursor=look.asked("cursor"), limit=20)
    return look.page("my_inbox", found=found)


async def my_notice(look: Look) -> Response:
    """One notice; to open it is to have read it."""
    notice_id = look.request.path_params["notice_id"]
    await look.ask.answer("POST", f"/v1/notices/{notice_id}/read")
    return look.page("my_notice", notice=await look.ask.get(f"/v1/notices/{notice_id}"))


async def my_data(look: Look) -> Response:
    """How one is written to, what one consents to, and what one may ask of one's data."""
    customer_id = quoted(look.me["customer_id"])
    customer, consents, requests = await look.ask.each(
        f"/v1/customers/{customer_id}", f"/v1/customers/{customer_id}/consents", "/v1/rights-requests"
    )
    return look.page("my_data", customer=customer, consents=consents, requests=requests["items"],
                     zones=zones_by_area(look.console.time_zone), kinds=tuple(KINDS), copied=COPIED)  # fmt: skip


async def my_copy(look: Look) -> Response:
    """The copy of one's data as a file."""
    request_id = look.request.path_params["request_id"]
    form = "html" if look.asked("format") == "html" else "json"
    return await look.file(f"/v1/rights-requests/{request_id}/copy?format={form}&language={look.language}")


async def my_copys_part(look: Look) -> Response:
    """A part of the copy of one's data that is too long for it, as a file."""
    request_id, part = (look.request.path_params[name] for name in ("request_id", "part"))
    return await look.file(f"/v1/rights-requests/{request_id}/copy/{quoted(part)}")


PAGES = (
    PageRoute("/my", my_lines, act="line.request"),
    PageRoute("/my/lines/{account_id}", my_line, act="line.request"),
    PageRoute("/my/lines/{account_id}/decisions/{case_id}", my_decision, act="line.request"),
    PageRoute("/my/appeals", my_appeals, act="line.request"),
    PageRoute("/my/appeals", submit_appeal, method="POST", act="line.request"),
    PageRoute("/my/appeals/{appeal_id}", my_appeal, act="line.request"),
    PageRoute("/my/inbox", my_inbox, act="line.request"),
    PageRoute("/my/inbox/{notice_id}", my_notice, act="line.request"),
    PageRoute("/my/data", my_data, act="line.request"),
    PageRoute("/my/data/{request_id}/copy", my_copy),
    PageRoute("/my/data/{request_id}/copy/{part}", my_copys_part),
)
