"""What the OpenAPI page says of bodies and answers: schemas of what is decoded, and examples."""

from typing import Any

import msgspec

from limitkeeper.connectors.messages import EventMessage
from limitkeeper.core.behaviour.events import KINDS

EVENT_EXAMPLE = {
    "event_id": "e-1001",
    "account_id": "a-7",
    "ts": "2026-11-23T08:30:00Z",
    "kind": "purchase",
    "amount": 25_000,
    "merchant_id": "m-12",
    "device_id": "d-3",
    "city": "Hangzhou",
}

ACCOUNT_EXAMPLE = {
    "account_id": "a-7",
    "customer_id": "c-3",
    "product": "purchase",
    "opened_at": "2024-05-01",
    "limit_cents": 1_000_000,
}


def event_schema() -> dict[str, Any]:
    """The JSON schema of one event."""
    (_, parts) = msgspec.json.schema_components([EventMessage], ref_template="#/components/schemas/{name}")
    schema: dict[str, Any] = parts["EventMessage"]
    schema["required"] = ["event_id", "account_id", "ts", "kind"]
    schema["properties"]["kind"] = {"type": "string", "enum": list(KINDS)}
    schema["properties"]["ts"] = {"type": "string", "description": "ISO 8601; UTC where no offset is given"}
    for name in ("amount", "paid", "minimum_due"):
        schema["properties"][name]["description"] = "minor units, whole, 0 or more"
    return schema


def error_answers(*statuses: int) -> dict[str, Any]:
    """The answers that are errors, by status."""
    words = {
        404: "There is no such thing.",
        413: "The body is too large.",
        422: "What was sent cannot be read; the answer says what was allowed.",
        429: "Too much waits: come again after the seconds of Retry-After.",
        503: "The engine has stopped or starts.",
    }
    schema = {
        "type": "object",
        "properties": {
            "problem": {"type": "string"},
            **{name: {"type": ["string", "null"]} for name in ("value", "allowed", "advice")},
        },
    }
    return {
        str(status): {"description": words[status], "content": {"application/json": {"schema": schema}}}
        for status in statuses
    }


def body(schemas: dict[str, Any]) -> dict[str, Any]:
    """A required body by media type."""
    return {"required": True, "content": schemas}


def found(description: str, example: object) -> dict[str, Any]:
    """An answer that is no error."""
    return {"description": description, "content": {"application/json": {"example": example}}}


TAKEN_EXAMPLE = {
    "sequence": 12,
    "read": 2,
    "accepted": 1,
    "rejected": 1,
    "duplicate": 0,
    "rejects": [{"row": 1, "event_id": "e-1002", "account_id": "a-7", "reason": "amount_negative"}],
}

EVENTS: dict[str, Any] = {
    "parameters": [
        {"name": "assess", "in": "query", "required": False, "schema": {"type": "boolean", "default": False},
         "description": "Answer with each event's assessment."}
    ],
    "requestBody": body(
        {
            "application/json": {
                "schema": {"oneOf": [event_schema(), {"type": "array", "minItems": 1, "items": event_schema()}]},
                "examples": {"one": {"value": EVENT_EXAMPLE}, "many": {"value": [EVENT_EXAMPLE]}},
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
            "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}},
        }
    ),
    "responses": {
        "200": found("Committed. Rows that are no events are in rejects.", TAKEN_EXAMPLE),
        **error_answers(413, 422, 429, 503),
    },
}  # fmt: skip

ASSESS: dict[str, Any] = {
    "requestBody": body({"application/json": {"schema": event_schema(), "example": EVENT_EXAMPLE}}),
    "responses": {
        "200": found(
            "What would be decided; nothing was changed.",
            {"account_id": "a-7", "status": "accepted", "assessment": {"action": "none"}, "trace": {}},
        ),
        **error_answers(413, 422, 429, 503),
    },
}

ACCOUNTS: dict[str, Any] = {
    "requestBody": body(
        {
            "application/json": {
                "schema": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["account_id"],
                        "additionalProperties": False,
                        "properties": {
                            "account_id": {"type": ["string", "integer"]},
                            "customer_id": {"type": ["string", "integer", "null"]},
                            "product": {"enum": ["purchase", "cash", None]},
                            "opened_at": {"type": ["string", "null"]},
                            "first_credit_at": {"type": ["string", "null"]},
                            "opening_balance_cents": {"type": ["integer", "null"]},
                            "limit_cents": {"type": ["integer", "null"], "minimum": 0},
                        },
                    },
                },
                "example": [ACCOUNT_EXAMPLE],
            }
        }
    ),
    "responses": {
        "200": found("Committed.", {"sequence": 1, "accounts": 1}),
        **error_answers(413, 422, 429, 503),
    },
}
