"""Campaigns by HTTP: proposed by an uploaded table, looked at, split, cancelled."""

from typing import Annotated, Any

import msgspec
import polars as pl
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app.answers import Acted
from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.campaign_conditions import condition
from limitkeeper.app.campaign_documents import (
    campaign_document,
    campaign_query,
    proposal_document,
    whole_campaign_document,
)
from limitkeeper.app.campaign_rows import ACTIONS
from limitkeeper.app.campaigns import (
    NAME_LETTERS_MAX,
    Proposal,
    Treated,
    cancelled,
    proposed,
    split,
    taken_rows,
    turn_to_propose,
    unmeasured,
)
from limitkeeper.app.looks import shown
from limitkeeper.connectors.portfolio import instant
from limitkeeper.connectors.tables import csv_table, parquet_table
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api import campaign_schemas as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, IfMatch, acted_answer, body_as, seen_version
from limitkeeper.shells.api.answers import answer, body_of
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page
from limitkeeper.shells.api.documents import JSON
from limitkeeper.shells.api.names import WITHOUT_NUL, plain
from limitkeeper.store.campaign_tables import campaigns
from limitkeeper.store.work import Work, reading

UPLOADED_ROWS_MAX = 1_000_000
"""Rows of a table that comes by HTTP; longer ones go by the command line."""

CampaignId = Annotated[
    str, Path(max_length=64, description="The id of a campaign.", examples=[documents.CASE_ID]), WITHOUT_NUL
]
Reader = Annotated[Actor, Depends(May("campaign.read"))]
Proposer = Annotated[Actor, Depends(May("campaign.propose"))]
Splitter = Annotated[Actor, Depends(May("campaign.split"))]
Canceller = Annotated[Actor, Depends(May("campaign.cancel"))]

NEWEST_FIRST = (By(campaigns.c.made_us, is_descending=True), By(campaigns.c.campaign_id))

Name = Annotated[
    str,
    Query(min_length=1, max_length=NAME_LETTERS_MAX, description="What it is called.", examples=["autumn"]),
    WITHOUT_NUL,
]
ActionName = Annotated[
    str | None,
    Query(pattern=f"^({'|'.join(ACTIONS)})$", description="Of rows that name none; default: by limits.",
          json_schema_extra={"enum": list(ACTIONS)}),
]  # fmt: skip
Reasons = Annotated[
    str | None,
    Query(max_length=500, description="Codes with commas, told to customers of rows that give none.",
          examples=["product_change"]),
]  # fmt: skip
Effective = Annotated[str | None, Query(max_length=40, description="Nothing takes effect before, ISO 8601.")]
DryRun = Annotated[bool, Query(description="Tell the impact and change nothing.")]


class CampaignRow(msgspec.Struct, forbid_unknown_fields=True):
    """A change of one account."""

    account_id: str
    limit_after_cents: int | None = None
    limit_before_cents: int | None = None
    action: str | None = None
    customer_id: str | None = None
    balance_cents: int | None = None
    segment: str | None = None
    trigger: str | None = None
    reasons: str | None = None


class Parting(msgspec.Struct, forbid_unknown_fields=True):
    """The one part of a split."""

    where: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    accounts: (
        Annotated[list[str], msgspec.Meta(min_length=1, max_length=documents.ACCOUNTS_LISTED_MAX)] | None
    ) = None


class Cancellation(msgspec.Struct, forbid_unknown_fields=True):
    """Why a campaign is cancelled."""

    why: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


_rows = msgspec.json.Decoder(list[CampaignRow])

SCHEMA = {
    name: pl.Float64() if name.endswith("_cents") else pl.String() for name in CampaignRow.__struct_fields__
}

TEXTS = tuple(name for name, kind in SCHEMA.items() if kind == pl.String())


def uploaded_table(content: bytes, media: str) -> pl.DataFrame:
    """The table of a body: JSON rows, CSV or Parquet.

    Raises
    ------
    InputError
        When it is of another kind, cannot be read, or has more than :data:`UPLOADED_ROWS_MAX` rows.
    """
    if media == documents.CSV:
        found = csv_table(content, TEXTS)
    elif media == documents.PARQUET:
        found = parquet_table(content, UPLOADED_ROWS_MAX)
    elif media == JSON:
        try:
            rows = _rows.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            allowed = "a list of objects with " + ", ".join(SCHEMA)
            raise InputError(f"The body cannot be read: {error}.", allowed=allowed) from error
        columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA}
        try:
            found = pl.DataFrame(columns, SCHEMA)
        except (OverflowError, pl.exceptions.PolarsError) as error:
            raise InputError("A number is too large.", allowed="1e308") from error
    else:
        allowed = f"{JSON}, {documents.CSV}, {documents.PARQUET}"
        raise InputError("A campaign is proposed by no such body.", value=media[:100], allowed=allowed)
    if found.height > UPLOADED_ROWS_MAX:
        raise InputError(
            "The table is too long.", value=found.height, allowed=UPLOADED_ROWS_MAX,
            advice="limitkeeper campaign propose takes longer ones.",
        )  # fmt: skip
    return found


def _told(w: Work, campaign_id: str | None, proposal: Proposal, policy: ApprovalPolicy) -> dict[str, object]:
    left_out = proposal.taken.left_out.head(documents.LEFT_OUT_SHOWN).to_dicts()
    return proposal_document(w, campaign_id, proposal, policy) | {"left_out": left_out}


async def _uploaded(request: Request) -> pl.DataFrame:
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return await run_in_threadpool(uploaded_table, await body_of(request), media)


def _one_part(said: Parting) -> pl.Expr:
    """Which accounts the one part of a split has.

    Raises
    ------
    InputError
        When it is not said, or twice.
    """
    if said.accounts is not None and said.where is None:
        return pl.col("account_id").is_in(said.accounts)
    if said.where is None or said.accounts is not None:
        raise InputError("It is not said which accounts are parted.", allowed="where, or accounts")
    return condition(said.where)


def campaigns_router(desk: Desk, policy: ApprovalPolicy, treated: Treated = unmeasured) -> APIRouter:
    """The routes of campaigns."""
    router = APIRouter(tags=["campaigns"])

    @router.get("/v1/campaigns", responses=documents.CAMPAIGNS, dependencies=[Depends(May("campaign.read"))])
    async def list_campaigns(limit: PageSize = PAGE_ROWS, cursor: Cursor = None) -> Response:
        """List campaigns and how far they are, the newest first."""
        query = campaign_query()
        found = await run_in_threadpool(
            page, desk.store, query, NEWEST_FIRST, limit, cursor, campaign_document
        )
        return answer(found)

    @router.get("/v1/campaigns/{campaign_id}", responses=documents.ONE_CAMPAIGN)
    async def one_campaign(campaign_id: CampaignId, actor: Reader) -> Response:
        """Tell one campaign with its impact and how far it is; its ETag is what a split is decided on."""

        def look() -> dict[str, Any]:
            with reading(desk.store, actor, desk.now_us()) as w:
                return whole_campaign_document(w, campaign_id)

        found = await run_in_threadpool(look)
        await desk.listed(
            actor, "campaign.look", shown(found["impact"]["largest"]), f"campaign:{campaign_id}"
        )
        return acted_answer(Acted(found, version=found["version"]))

    @router.post("/v1/campaigns", status_code=201, openapi_extra=documents.PROPOSE)
    async def propose_campaign(
        request: Request, actor: Proposer, name: Name, action: ActionName = None, reasons: Reasons = None,
        effective: Effective = None, *, dry_run: DryRun = False, key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Propose a campaign by a table of accounts and limits: one case with its impact.

        Each row is taken, set aside or refused, and counted. With dry_run the impact is told and nothing is changed.
        """
        frame = await _uploaded(request)
        earliest_us = int(instant(effective).timestamp()) * 1_000_000 if effective else 0
        codes = [code.strip() for code in (reasons or "").split(",") if code.strip()]

        def look() -> Acted:
            with reading(desk.store, actor, desk.now_us()) as w:
                taken = taken_rows(w, frame, action, codes)
                return Acted(_told(w, None, Proposal(name, taken, 0, treated(w, name, taken.items)), policy))

        def act(w: Work) -> Acted:
            turn_to_propose(w)
            taken = taken_rows(w, frame, action, codes)
            proposal = Proposal(name, taken, earliest_us, treated(w, name, taken.items))
            return Acted(_told(w, proposed(w, proposal, policy), proposal, policy), 201)

        if dry_run:
            return acted_answer(await run_in_threadpool(look))
        return await desk.performed(request, actor, act, key)

    return router


def campaign_acts_router(desk: Desk, policy: ApprovalPolicy, treated: Treated = unmeasured) -> APIRouter:
    """The routes of what is done to campaigns."""
    router = APIRouter(tags=["campaigns"])

    @router.post("/v1/campaigns/{campaign_id}/split", openapi_extra=documents.SPLIT_CAMPAIGN)
    async def split_campaign(
        request: Request, campaign_id: CampaignId, actor: Splitter, if_match: IfMatch = None,
        key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Split a campaign that waits into two, each of which needs its own approval.

        Who proposed it does, or one who has a mandate for it on its tier and no part in it, while nobody has voted.
        """
        seen, said = seen_version(if_match), await body_as(request, Parting)
        chosen = _one_part(said)

        def act(w: Work) -> Acted:
            parts = split(w, campaign_id, chosen, policy, seen, treated)
            return Acted({"campaign_id": campaign_id, "parts": list(parts)})

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/campaigns/{campaign_id}/cancel", openapi_extra=documents.CANCEL_CAMPAIGN)
    async def cancel_campaign(
        request: Request, campaign_id: CampaignId, actor: Canceller, key: IdempotencyKey = None
    ) -> Response:
        """Withdraw a campaign that waits, or cancel what is still planned of one that was approved.

        What has taken effect stays. It is cancelled however far it has come meanwhile. Who proposed it withdraws it while
        it waits; else, and once it was approved, whoever cancels it has a mandate for it on its tier and no part in
        it: on the third tier one seat is enough. Nobody lets it go on; it may be proposed again.
        """
        said = await body_as(request, Cancellation)

        def act(w: Work) -> Acted:
            cancelled(w, policy, campaign_id, plain(said.why))
            found = whole_campaign_document(w, campaign_id)
            return Acted(found, version=found["version"])

        return await desk.performed(request, actor, act, key)

    return router
