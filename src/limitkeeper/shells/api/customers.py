"""Customers by HTTP: how they are written to, and whether they refuse automated decisions."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from limitkeeper.app.answers import Acted
from limitkeeper.app.customer_preferences import customer_row
from limitkeeper.app.customers import (
    consent_set,
    contact_forgotten,
    contact_given,
    customer_document,
    preferences_changed,
)
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import Actor
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.shells.api import line_documents as documents
from limitkeeper.shells.api.access import May
from limitkeeper.shells.api.acts import Desk, IdempotencyKey, IfMatch, body_as, seen_version
from limitkeeper.shells.api.names import WITHOUT_NUL
from limitkeeper.store.work import Work

CustomerId = Annotated[
    str, Path(max_length=200, description="The id of a customer.", examples=["c-3"]), WITHOUT_NUL
]
ContactId = Annotated[
    str, Path(max_length=64, description="The id of a contact.", examples=[documents.CONTACT_ID]), WITHOUT_NUL
]
Reader = Annotated[Actor, Depends(May("customer.read"))]
Changer = Annotated[Actor, Depends(May("customer.prefer"))]


class Preferences(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed; what is not said stays."""

    language: str | msgspec.UnsetType = msgspec.UNSET
    time_zone: str | msgspec.UnsetType = msgspec.UNSET
    quiet_from_hour: int | msgspec.UnsetType = msgspec.UNSET
    quiet_to_hour: int | msgspec.UnsetType = msgspec.UNSET
    refuses_automation: bool | msgspec.UnsetType = msgspec.UNSET


class NewContact(msgspec.Struct, forbid_unknown_fields=True):
    """A way to be reached."""

    channel: str
    address: Annotated[str, msgspec.Meta(max_length=300)]
    consents: bool


class Consent(msgspec.Struct, forbid_unknown_fields=True):
    """Whether somebody agrees to be written to."""

    consents: bool


def after(w: Work, seal: Seal, customer_id: str) -> Acted:
    """The customer as he is after an act, without his addresses: the answer may be kept."""
    found = customer_document(w, seal, customer_id, shows_addresses=False)
    return Acted(found, version=found["version"])


def customers_router(desk: Desk, seal: Seal) -> APIRouter:
    """The routes of customers."""
    router = APIRouter(tags=["customers"])

    @router.get("/v1/customers/{customer_id}", responses=documents.CUSTOMER)
    async def one_customer(customer_id: CustomerId, actor: Reader) -> Response:
        """Tell a customer's preferences and contacts; addresses whole to himself alone."""

        def look(w: Work) -> Acted:
            check_customers_right(w.actor, "customer.read", customer_id)
            found = customer_document(w, seal, customer_id, shows_addresses=actor.customer_id == customer_id)
            return Acted(found, version=found["version"])

        return await desk.read(actor, look)

    @router.patch("/v1/customers/{customer_id}", openapi_extra=documents.PREFER)
    async def change_preferences(
        request: Request,
        customer_id: CustomerId,
        actor: Changer,
        if_match: IfMatch = None,
        key: IdempotencyKey = None,
    ) -> Response:
        """Set language, time zone, quiet hours, or refuse or accept decisions that are solely automated."""
        version, given = seen_version(if_match), await body_as(request, Preferences)
        values: dict[str, Any] = {
            name: value for name, value in msgspec.structs.asdict(given).items() if value is not msgspec.UNSET
        }

        def act(w: Work) -> Acted:
            check_customers_right(w.actor, "customer.prefer", customer_id)
            known = customer_row(w, customer_id)["version"]
            if known != version:
                raise RefusedError(
                    "version", value=f"version {version}; it is {known}", advice="Read it again."
                )
            preferences_changed(w, customer_id, values)
            return after(w, seal, customer_id)

        return await desk.performed(request, actor, act, key)

    return router


def contacts_router(desk: Desk, seal: Seal) -> APIRouter:
    """The routes of contacts."""
    router = APIRouter(tags=["customers"])

    @router.post("/v1/customers/{customer_id}/contacts", openapi_extra=documents.ADD_CONTACT)
    async def add_contact(
        request: Request, customer_id: CustomerId, actor: Changer, key: IdempotencyKey = None
    ) -> Response:
        """Add a way to be reached, with consent to it or without."""
        given = await body_as(request, NewContact)

        def act(w: Work) -> Acted:
            check_customers_right(w.actor, "customer.prefer", customer_id)
            contact_given(w, seal, customer_id, given.channel, given.address, consents=given.consents)
            return after(w, seal, customer_id)

        return await desk.performed(request, actor, act, key)

    @router.post("/v1/customers/{customer_id}/contacts/{contact_id}/consent", openapi_extra=documents.CONSENT)
    async def consent_to_contact(
        request: Request,
        customer_id: CustomerId,
        contact_id: ContactId,
        actor: Changer,
        key: IdempotencyKey = None,
    ) -> Response:
        """Agree to be written to by a contact, or withdraw that."""
        given = await body_as(request, Consent)

        def act(w: Work) -> Acted:
            check_customers_right(w.actor, "customer.prefer", customer_id)
            consent_set(w, customer_id, contact_id, consents=given.consents)
            return after(w, seal, customer_id)

        return await desk.performed(request, actor, act, key)

    @router.delete("/v1/customers/{customer_id}/contacts/{contact_id}", responses=documents.FORGET)
    async def forget_contact(
        request: Request,
        customer_id: CustomerId,
        contact_id: ContactId,
        actor: Changer,
        key: IdempotencyKey = None,
    ) -> Response:
        """Forget the address of a contact."""

        def act(w: Work) -> Acted:
            check_customers_right(w.actor, "customer.prefer", customer_id)
            contact_forgotten(w, seal, customer_id, contact_id)
            return after(w, seal, customer_id)

        return await desk.performed(request, actor, act, key)

    return router
