"""Consents by HTTP: what stands, the ledger with its words, and what is given or withdrawn."""

from typing import Annotated

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from limitkeeper.app.answers import Acted
from limitkeeper.app.consents import consent_act_document, consent_changed, scope_documents
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.api import rights_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, body_as
from limitkeeper.shells.api.cursors import PAGE_ROWS, By, Cursor, PageSize, page
from limitkeeper.shells.api.customers import CustomerId
from limitkeeper.store.rights_tables import consent_acts
from limitkeeper.store.work import Work

Reader = Annotated[Actor, Depends(May("consent.read"))]
Changer = Annotated[Actor, Depends(May("consent.change"))]

NEWEST_FIRST = (By(consent_acts.c.number, is_descending=True),)


class ChangedConsent(msgspec.Struct, forbid_unknown_fields=True):
    """A consent that is given, in the words that were shown, or withdrawn."""

    scope: Annotated[str, msgspec.Meta(max_length=40)]
    gives: bool
    text_version: Annotated[str, msgspec.Meta(max_length=40)] | None = None


def consents_router(desk: Desk) -> APIRouter:
    """The routes of consents."""
    router = APIRouter(tags=["rights"])

    @router.get("/v1/customers/{customer_id}/consents", responses=documents.CONSENTS)
    async def list_consents(
        customer_id: CustomerId, actor: Reader, limit: PageSize = PAGE_ROWS, cursor: Cursor = None
    ) -> Response:
        """Tell what a customer may consent to and what stands, and list the ledger of it, the newest first."""

        def look(w: Work) -> Acted:
            check_customers_right(w.actor, "consent.read", customer_id)
            query = sa.select(consent_acts).where(consent_acts.c.customer_id == customer_id)
            ledger = page(desk.store, query, NEWEST_FIRST, limit, cursor, consent_act_document)
            w.note("consent.look", f"customer:{customer_id}")
            return Acted({"customer_id": customer_id, "scopes": scope_documents(w, customer_id), **ledger})

        return await desk.read(actor, look)

    @router.post(
        "/v1/customers/{customer_id}/consents", status_code=201, openapi_extra=documents.CHANGE_CONSENT
    )
    async def change_consent(
        request: Request, customer_id: CustomerId, actor: Changer, key: IdempotencyKey = None
    ) -> Response:
        """Consent in the words of a version that was shown, or withdraw a consent.

        Each is an entry of the ledger; none is ever changed.
        """
        given = await body_as(request, ChangedConsent)
        if given.gives and given.text_version is None:
            raise InputError(
                "Say which words were shown.", allowed="text_version=...", advice="Read the consents first."
            )

        def changed(w: Work) -> Acted:
            check_customers_right(w.actor, "consent.change", customer_id)
            consent_changed(w, customer_id, given.scope, gives=given.gives, text_version=given.text_version)
            return Acted({"customer_id": customer_id, "scopes": scope_documents(w, customer_id)}, 201)

        return await desk.performed(request, actor, changed, key)

    return router
