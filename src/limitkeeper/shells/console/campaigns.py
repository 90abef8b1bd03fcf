"""Campaigns: the list, a new one from a table by way of a dry run, and one with its impact."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from limitkeeper.app.campaign_conditions import OPERATORS
from limitkeeper.app.campaign_rows import ACTIONS
from limitkeeper.app.campaign_states import DONE, WORKING
from limitkeeper.app.campaigns import NAME_LETTERS_MAX
from limitkeeper.app.policy import reason_wording
from limitkeeper.core.approval.cases import LIVE_STATES
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.notice.reasons import REASONS_MAX
from limitkeeper.shells.api.campaign_schemas import CSV, LEFT_OUT_SHOWN
from limitkeeper.shells.console.asking import ProblemError, problem_of_input
from limitkeeper.shells.console.fairness import placed_findings
from limitkeeper.shells.console.forms import content_of
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import ROOT

CAMPAIGNS_SHOWN = 20
"""Campaigns on a page: of each its impact is asked."""

TABLE_LETTERS_MAX = 4_000_000
"""Letters of a table that a form takes, about 100,000 rows; longer ones go by the API or the command line."""

CANCELLABLE = (*LIVE_STATES, WORKING, DONE)

FIELDS = ("name", "action", "effective")


async def campaign_list(look: Look) -> Response:
    """Campaigns with their impact and how far they are, the newest first."""
    found = await look.ask.get("/v1/campaigns", cursor=look.asked("cursor"), limit=CAMPAIGNS_SHOWN)
    whole = await look.ask.each(*(f"/v1/campaigns/{each['campaign_id']}" for each in found["items"]))
    return look.page("campaigns", campaigns=whole, following=found["next"])


async def one_campaign(look: Look) -> Response:
    """One campaign: its impact, how far it is, and what may be done with it."""
    campaign_id = look.request.path_params["campaign_id"]
    campaign = await look.ask.get(f"/v1/campaigns/{campaign_id}")
    return look.page(
        "campaign",
        campaign=campaign,
        placed_findings=placed_findings,
        waits=campaign["state"] in LIVE_STATES,
        may_end=campaign["state"] in CANCELLABLE,
        examples=split_examples(campaign["impact"]),
        operators=OPERATORS,
    )


def split_examples(impact: dict[str, Any]) -> list[str]:
    """Conditions by which a campaign could be split: its own groups.

    Examples
    --------
    >>> group = [{"name": "gold"}, {"name": None}]
    >>> split_examples({"by_action": [], "by_segment": group, "by_trigger": []})
    ['segment = gold']
    """
    return [
        f"{name} = {group['name']}"
        for name in ("segment", "action", "trigger")
        for group in impact[f"by_{name}"]
        if group["name"] is not None and len(impact[f"by_{name}"]) > 1
    ]


async def new_campaign(look: Look) -> Response:
    """A campaign to be proposed."""
    return look.page("campaign_new", **_filled(look, FormData()))


def _filled(look: Look, form: FormData, **more: object) -> dict[str, Any]:
    """What the page of a new campaign shows: what was filled in stays."""
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    reasons = [str(each) for each in form.getlist("reasons")]
    return {
        "rows": "",
        "dry": None,
        "none_chosen": False,
        "placed_findings": placed_findings,
        "selection": {name: str(form.get(name, "")).strip() for name in SELECTION},
        "problem": None,
        "given": given,
        "chosen": reasons,
        "actions": ACTIONS,
        "reasons": reason_wording(look.language),
        "reasons_max": REASONS_MAX,
        "name_letters_max": NAME_LETTERS_MAX,
        "left_out_shown": LEFT_OUT_SHOWN,
        **more,
    }


async def table_of(form: FormData) -> str:
    """The table of a form, as CSV: a file that was chosen, else what was pasted.

    Raises
    ------
    InputError
        When there is none, it is no text, or it is too long.
    """
    file = form.get("table")
    if isinstance(file, UploadFile) and file.size:
        content = await file.read()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:  # as Chinese spreadsheets write it
            try:
                text = content.decode("gb18030")
            except UnicodeDecodeError as error:
                raise InputError(
                    "The file is no text.", value=file.filename, allowed="CSV in UTF-8 or GB 18030"
                ) from error
    else:
        text = str(form.get("rows", ""))
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise InputError(
            "There is no table.", allowed="a CSV file, or rows with a line of names, pasted into the field"
        )
    if len(text) > TABLE_LETTERS_MAX:
        raise InputError(
            "The table is too long for a form.", value=f"{len(text)} letters", allowed=TABLE_LETTERS_MAX,
            advice="limitkeeper campaign propose takes longer ones, and POST /v1/campaigns as well.",
        )  # fmt: skip
    return text + "\n"


SELECTION = ("where", "share_percent", "least_cents")


async def select_accounts(look: Look) -> Response:
    """Choose accounts by an expression; their table is filled into the form, and its impact shown."""
    form = await look.request.form()
    given = {name: str(form.get(name, "")).strip() for name in SELECTION}
    try:
        said = {"where": given["where"], "share:percent": given["share_percent"] or "80"}
        asked = content_of((said | {"least_cents:cents?": given["least_cents"]}).items())
        rows = (await look.ask.answer("GET", "/v1/campaigns/selection", params=asked)).text
        dry = await _asked(look, form, rows, dry_run=True) if rows.count("\n") > 1 else None
    except InputError as error:
        return _not_taken(look, form, problem_of_input(error))
    except ProblemError as error:
        return _not_taken(look, form, error.document)
    return look.page("campaign_new", **_filled(look, form, rows=rows, dry=dry, none_chosen=dry is None))


def _not_taken(look: Look, form: FormData, problem: dict[str, Any], rows: str = "") -> Response:
    """The page again with what is wrong, and with what was filled in; but nobody stays who may not be there."""
    if problem["status"] in (401, 403):
        return look.refused(problem)
    return look.page("campaign_new", problem["status"], **_filled(look, form, rows=rows, problem=problem))


async def propose_campaign(look: Look) -> Response:
    """Tell the impact of a table, or propose it as it was told: by the same rows and under the key of the form."""
    form = await look.request.form()
    rows = str(form.get("rows", ""))
    try:
        rows = await table_of(form)
        if form.get("do") != "propose":
            dry = await _asked(look, form, rows, dry_run=True)
            return look.page("campaign_new", **_filled(look, form, rows=rows, dry=dry))
        made = await _asked(look, form, rows, dry_run=False)
    except InputError as error:
        return _not_taken(look, form, problem_of_input(error), rows)
    except ProblemError as error:
        return _not_taken(look, form, error.document, rows)
    count = made["impact"]["accounts"]
    said = look.t("Submitted with one account." if count == 1 else "Submitted with {n} accounts.",
                  "已提交，共 {n} 个账户。", n=look.number(count))  # fmt: skip
    said += look.t(" One case waits for somebody else.", "已建立一个案件，等待他人决定。")
    return look.forth(f"{ROOT}/campaigns/{made['campaign_id']}", said)


def beginning_of(day: str, time_zone: str) -> str:
    """When a day begins in the market; what is no day is left to the API to refuse.

    Examples
    --------
    >>> beginning_of("2026-12-01", "Asia/Shanghai"), beginning_of("soon", "UTC")
    ('2026-12-01T00:00:00+08:00', 'soon')
    """
    try:
        begins = dt.datetime.combine(dt.date.fromisoformat(day), dt.time.min, ZoneInfo(time_zone))
    except ValueError:
        return day
    return begins.isoformat()


async def _asked(look: Look, form: FormData, rows: str, *, dry_run: bool) -> dict[str, Any]:
    asked = {
        "name": str(form.get("name", "")).strip(),
        "action": str(form.get("action", "")),
        "reasons": ",".join(str(each) for each in form.getlist("reasons")),
        "effective": beginning_of(str(form.get("effective", "")).strip(), look.console.time_zone),
        "dry_run": "true" if dry_run else "",
    }
    headers = {"content-type": CSV} | (
        {} if dry_run else {"idempotency-key": str(form.get("_key", ""))[:200]}
    )
    found = await look.ask.answer(
        "POST",
        "/v1/campaigns",
        params={name: value for name, value in asked.items() if value},
        content=rows.encode(),
        headers=headers,
    )
    answer: dict[str, Any] = msgspec.json.decode(found.content)
    return answer


PAGES = (
    PageRoute("/campaigns", campaign_list),
    PageRoute("/campaigns/new", new_campaign),
    PageRoute("/campaigns/new", propose_campaign, method="POST"),
    PageRoute("/campaigns/select", new_campaign),
    PageRoute("/campaigns/select", select_accounts, method="POST"),
    PageRoute("/campaigns/{campaign_id}", one_campaign),
)
