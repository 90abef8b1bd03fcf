"""Letters that came back, as a provider of mail or of short messages tells by HTTP."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from limitkeeper.app.answers import Acted
from limitkeeper.app.bounces import OUTCOMES, returned
from limitkeeper.connectors.bounces import DELAYED, FAILED, STATUS, Bounce, bounce_of
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, body_as
from limitkeeper.shells.api.answers import body_of
from limitkeeper.shells.api.documents import JSON, answers, body, shown
from limitkeeper.shells.api.schemas import Schema, listed, record, ref, value
from limitkeeper.store.work import Work

REPORTS_MAX = 1_000

MESSAGE = "message/rfc822"

BOUNCE_SCHEMAS: dict[str, Schema] = {
    "Bounce": record(
        "A letter that came back, or is delayed.",
        {
            "letter_id": value(
                "string", "Of the letter, as the channel was given it.", pattern="^[0-9a-f]{64}$"
            ),
            "action": value("string", "Whether it failed or is delayed.", enum=[FAILED, DELAYED]),
            "status": value(
                "string", "Of RFC 3463; 5 at its beginning: for good.", pattern=f"^{STATUS.pattern}$"
            ),
        },
    ),
    "Bounces": record(
        "Letters that came back.",
        {
            "bounces": listed(ref("Bounce"), "What is known of each.")
            | {"minItems": 1, "maxItems": REPORTS_MAX}
        },
    ),
    "BounceOutcomes": record(
        "How many reports led to what.",
        {name: value("integer", says, minimum=0) for name, says in OUTCOMES.items()},
    ),
}

REPORT_BOUNCES: dict[str, Any] = {
    "requestBody": body(
        {
            JSON: {
                "schema": ref("Bounces"),
                **shown({"bounces": [{"letter_id": "6f" * 32, "action": FAILED, "status": "5.1.1"}]}),
            },
            MESSAGE: {
                "schema": value("string", "A report as it came by mail (RFC 3464)."),
                **shown("Content-Type: multipart/report; report-type=delivery-status; boundary=b ..."),
            },
        }
    ),
    "responses": answers(
        "What they led to.",
        ref("BounceOutcomes"),
        dict.fromkeys(OUTCOMES, 0) | {"broken": 1},
        409, 413, 422, 503,
    ),
}  # fmt: skip

Reporter = Annotated[Actor, Depends(May("notice.bounce"))]


class ReportedBounce(msgspec.Struct, forbid_unknown_fields=True):
    """A letter that came back, or is delayed."""

    letter_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    action: Annotated[str, msgspec.Meta(pattern=f"^({FAILED}|{DELAYED})$")]
    status: Annotated[str, msgspec.Meta(pattern=f"^{STATUS.pattern}$")]


class ReportedBounces(msgspec.Struct, forbid_unknown_fields=True):
    """Letters that came back."""

    bounces: Annotated[list[ReportedBounce], msgspec.Meta(min_length=1, max_length=REPORTS_MAX)]


def bounces_router(desk: Desk) -> APIRouter:
    """The route of letters that came back."""
    router = APIRouter(tags=["notices"])

    @router.post("/v1/notices/bounces", openapi_extra=REPORT_BOUNCES)
    async def report_bounces(request: Request, actor: Reporter, key: IdempotencyKey = None) -> Response:
        """Tell of letters that came back.

        A failure for good breaks the contact, and the customer's next one is tried. Telling twice changes nothing
        more.
        """
        reports = await _reports(request)
        return await desk.performed(request, actor, lambda w: _acted(w, reports), key)

    return router


def _acted(w: Work, reports: list[Bounce]) -> Acted:
    return Acted(returned(w, reports))


async def _reports(request: Request) -> list[Bounce]:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != MESSAGE:
        said = await body_as(request, ReportedBounces)
        return [Bounce(each.letter_id, each.action, each.status) for each in said.bounces]
    report = bounce_of(await body_of(request))
    if report is None:
        raise InputError(
            "The message is no report on a letter of ours.",
            allowed="RFC 3464, with the headers of the letter",
        )
    return [report]
