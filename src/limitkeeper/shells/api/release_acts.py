"""Acts on releases by HTTP: each gate of its life, and the share of accounts on which it decides."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from limitkeeper.app import life
from limitkeeper.app.answers import Acted
from limitkeeper.app.life_documents import release_documents_of
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.compliance.buckets import BUCKETS
from limitkeeper.core.compliance.life import Assessment, Release
from limitkeeper.shells.api import release_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, IfMatch, acted_answer, body_as, seen_version
from limitkeeper.shells.api.answers import body_of
from limitkeeper.shells.api.names import plain
from limitkeeper.shells.api.release_schemas import WORDS_LETTERS
from limitkeeper.shells.api.releases import ReleaseId, whole
from limitkeeper.store.work import Work, reading

ASSESSMENT_BYTES_MAX = 4 * 1024 * 1024
"""Of an assessment with its fairness report; the report on the Taiwan set has 0.14 million."""

DryRun = Annotated[bool, Query(description="Tell what would change, and change nothing.")]

Said = Annotated[str, msgspec.Meta(max_length=WORDS_LETTERS)]


class Impact(msgspec.Struct, forbid_unknown_fields=True):
    """An impact assessment."""

    purpose: Said
    necessity: Said
    effect_on_rights: Said
    safeguards: Said


class Assessed(msgspec.Struct, forbid_unknown_fields=True):
    """What a release is assessed by."""

    assessment: Impact
    screen: dict[str, Any]


class Words(msgspec.Struct, forbid_unknown_fields=True):
    """What is said with an act."""

    words: Said = ""


class Share(msgspec.Struct, forbid_unknown_fields=True):
    """On how many accounts a release is to decide."""

    share: Annotated[float, msgspec.Meta(ge=0.0001, le=1.0)] = 1.0


def release_gates_router(desk: Desk) -> APIRouter:
    """The routes of the gates of releases, each with the act that its doer must have."""
    router = APIRouter(tags=["releases"])

    @router.post("/v1/releases/{release_id}/validate", openapi_extra=documents.VALIDATE)
    async def validate_release(
        request: Request, release_id: ReleaseId, actor: Annotated[Actor, Depends(May("release.validate"))],
        if_match: IfMatch = None, key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Hold a draft against the register of features and the regulation of its market."""
        seen = seen_version(if_match)
        await body_of(request)

        def acted(w: Work) -> Acted:
            life.release_validated(w, release_id, seen)
            return whole(w, release_id)

        return await desk.performed(request, actor, acted, key)

    @router.post("/v1/releases/{release_id}/assess", openapi_extra=documents.ASSESS)
    async def assess_release(
        request: Request, release_id: ReleaseId, actor: Annotated[Actor, Depends(May("release.assess"))],
        if_match: IfMatch = None, key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Record the impact assessment of a validated release, and its screens of fairness.

        The screen is the JSON of `limitkeeper fairness`, which reads the portfolio's files.
        """
        seen = seen_version(if_match)
        await body_of(request, ASSESSMENT_BYTES_MAX)
        said = await body_as(request, Assessed)
        assessment = Assessment(**msgspec.structs.asdict(said.assessment))

        def acted(w: Work) -> Acted:
            life.release_assessed(w, release_id, seen, assessment, said.screen)
            return whole(w, release_id)

        return await desk.performed(request, actor, acted, key)

    @router.post("/v1/releases/{release_id}/justify", openapi_extra=documents.SAY)
    async def justify_release(
        request: Request, release_id: ReleaseId, actor: Annotated[Actor, Depends(May("release.justify"))],
        if_match: IfMatch = None, key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Say, for compliance, why a release may go on whose screens of fairness failed; its author may not."""
        return await _said(desk, request, actor, key, if_match, release_id, life.release_justified)

    @router.post("/v1/releases/{release_id}/approve", openapi_extra=documents.SAY)
    async def approve_release(
        request: Request, release_id: ReleaseId, actor: Annotated[Actor, Depends(May("release.approve"))],
        if_match: IfMatch = None, key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Approve an assessed release: one of the committee and one of compliance, neither its author."""
        return await _said(desk, request, actor, key, if_match, release_id, life.release_approved)

    return router


def release_shares_router(desk: Desk) -> APIRouter:
    """The routes by which releases come to decide, and cease to."""
    router = APIRouter(tags=["releases"])

    @router.post("/v1/releases/{release_id}/live", openapi_extra=documents.PUT_LIVE)
    async def put_release_live(
        request: Request, release_id: ReleaseId, actor: Annotated[Actor, Depends(May("release.live"))],
        if_match: IfMatch = None, key: IdempotencyKey = None, *, dry_run: DryRun = False,
    ) -> Response:  # fmt: skip
        """Let an approved release decide: on all accounts as the champion, or on a share as a challenger.

        A running server takes it up within seconds, between two micro-batches.
        """
        seen, said = seen_version(if_match), await body_as(request, Share)

        def acted(w: Work) -> Acted:
            return _changed(
                w, release_id, life.release_put_live(w, release_id, seen, round(said.share * BUCKETS))
            )

        def look() -> Acted:
            with reading(desk.store, actor, desk.now_us()) as w:
                return acted(w)

        if dry_run:
            return acted_answer(await run_in_threadpool(look))
        return await desk.performed(request, actor, acted, key)

    @router.post("/v1/releases/{release_id}/retire", openapi_extra=documents.SAY)
    async def retire_release(
        request: Request, release_id: ReleaseId, actor: Annotated[Actor, Depends(May("release.live"))],
        if_match: IfMatch = None, key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Retire a challenger; its accounts are the champion's again."""
        return await _said(desk, request, actor, key, if_match, release_id, life.challenger_ended)

    @router.post("/v1/releases/{release_id}/rollback", openapi_extra=documents.ROLL_BACK)
    async def roll_release_back(
        request: Request, release_id: ReleaseId, actor: Annotated[Actor, Depends(May("release.rollback"))],
        if_match: IfMatch = None, key: IdempotencyKey = None,
    ) -> Response:  # fmt: skip
        """Let the champion before this one decide on everything again; a running server takes it up within seconds."""
        seen, said = seen_version(if_match), await body_as(request, Words)

        def acted(w: Work) -> Acted:
            return _changed(w, release_id, life.release_rolled_back(w, release_id, seen, plain(said.words)))

        return await desk.performed(request, actor, acted, key)

    return router


async def _said(
    desk: Desk,
    request: Request,
    actor: Actor,
    key: str | None,
    if_match: str | None,
    release_id: str,
    act: Callable[[Work, str, int, str], object],
) -> Response:
    """What an act with words is answered."""
    seen, said = seen_version(if_match), await body_as(request, Words)

    def acted(w: Work) -> Acted:
        act(w, release_id, seen, plain(said.words))
        return whole(w, release_id)

    return await desk.performed(request, actor, acted, key)


def _changed(w: Work, release_id: str, changed: Iterable[Release]) -> Acted:
    items = release_documents_of(w, [each.release_id for each in changed])
    version = next(each["version"] for each in items if each["release_id"] == release_id)
    return Acted({"items": items}, version=version)
