"""The schemas of what the server is sent: events and accounts, as they are decoded."""

import msgspec

from limitkeeper.connectors.events import REQUIRED
from limitkeeper.connectors.messages import EventMessage
from limitkeeper.core.behaviour.events import AMOUNT_CENTS_MAX, KINDS
from limitkeeper.core.behaviour.validity import DAYS_PAST_DUE_MAX
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.shells.api.schemas import REFERENCE, Schema, cents, one_of, record, ref, value

EVENT_FIELDS = {
    "event_id": "Unique for its account: an event sent again with this id is a duplicate.",
    "account_id": "Whose line it is about.",
    "merchant_id": "Where it happened.",
    "device_id": "From which device.",
    "city": "In which city.",
    "counterparty_id": "Who was on the other side.",
    "reason": "Of a flag or a declined event, for your own reading.",
}

FIGURES = {
    "amount": ("How much, or the new limit or balance. Minor units.", AMOUNT_CENTS_MAX),
    "paid": ("Of a bill: how much was repaid. Minor units.", AMOUNT_CENTS_MAX),
    "minimum_due": ("Of a bill: the least that was due. Minor units.", AMOUNT_CENTS_MAX),
    "days_past_due": ("Of a bill: days late, 0 if on time.", DAYS_PAST_DUE_MAX),
}


def event_schema() -> Schema:
    """One event; its fields are those of the message that is decoded."""
    (_, parts) = msgspec.json.schema_components([EventMessage], ref_template=REFERENCE + "{name}")
    schema: Schema = parts["EventMessage"]
    fields = schema["properties"]
    for name in REQUIRED:
        del fields[name]["default"]
        fields[name]["anyOf"].remove({"type": "null"})
    for name, text in EVENT_FIELDS.items():
        fields[name]["description"] = text
    for name, (text, most) in FIGURES.items():
        fields[name] = value("integer null", text, minimum=0, maximum=most, default=None)
    fields["kind"] = ref("EventKind")
    fields["ts"] = value("string", "When it happened: ISO 8601; UTC where no offset is given.")
    text = "Something that happened on a line. A missing field is not known; see docs/reference/events.md."
    return schema | {"title": "Event", "required": list(REQUIRED), "description": text}


INPUT_SCHEMAS: dict[str, Schema] = {
    "EventKind": one_of(KINDS, "What kind of thing happened."),
    "Event": event_schema(),
    "Account": record(
        "What is known of an account before its events. A missing field is not known.",
        {
            "account_id": value("string integer", "The line."),
            "customer_id": value("string integer null", "Whose line it is; a customer may have several."),
            "product": value("string null", "What the line is for.", enum=[*PRODUCT_CODES, None]),
            "segment": value(
                "string null", "What the lender calls customers of this kind; tiers may ask of it."
            ),
            "opened_at": value("string null", "When the line was opened: ISO 8601, a date or a time."),
            "first_credit_at": value(
                "string null", "The customer's first credit: ISO 8601, a date or a time."
            ),
            "opening_balance_cents": cents("The balance before the first event."),
            "limit_cents": cents("The limit in force.") | {"minimum": 0},
        },
        optional=(
            "customer_id",
            "product",
            "segment",
            "opened_at",
            "first_credit_at",
            "opening_balance_cents",
            "limit_cents",
        ),
    )
    | {"additionalProperties": False},
}
