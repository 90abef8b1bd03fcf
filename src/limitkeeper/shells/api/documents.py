"""What the OpenAPI page says of each route: what it is sent, what it answers, with examples."""

import json
from typing import Any

from limitkeeper.connectors.messages import MESSAGES_MAX
from limitkeeper.shells.api import examples
from limitkeeper.shells.api.answer_schemas import ANSWER_SCHEMAS
from limitkeeper.shells.api.input_schemas import INPUT_SCHEMAS
from limitkeeper.shells.api.schemas import Schema, listed, ref
from limitkeeper.shells.api.trace_schemas import TRACE_SCHEMAS

SCHEMAS: dict[str, Schema] = {**INPUT_SCHEMAS, **ANSWER_SCHEMAS, **TRACE_SCHEMAS}
"""Every schema by its name."""

TAGS = [
    {"name": "events", "description": "What happens on lines goes in here."},
    {
        "name": "accounts",
        "description": "What is stated and known of lines, and freezes that wait for a person.",
    },
    {"name": "alerts", "description": "What was found, as a list and as it happens."},
    {
        "name": "proposals",
        "description": "What should be done to a line. Proposals are not acts, but for freezes.",
    },
    {"name": "outbox", "description": "Messages that go out, and those that nobody took."},
    {"name": "operation", "description": "The server seen from outside."},
]

JSON = "application/json"

Answers = dict[int | str, dict[str, Any]]

RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}

ERRORS: dict[int, dict[str, Any]] = {
    404: {
        "description": "There is no such thing.",
        "example": ("There is no such account.", "nobody", None, None),
    },
    413: {
        "description": "The body is too large.",
        "example": ("The body is too large.", "67108865 bytes", "67108864", None),
    },
    422: {
        "description": "What was sent cannot be read, or does not hold; the answer says what was allowed.",
        "example": ("The number of events is out of bounds.", "0", f"1 to {MESSAGES_MAX}", None),
    },
    429: {
        "description": "Too much waits, or too many listen: come again after the seconds of Retry-After.",
        "example": ("Too many events wait.", "262144", "262144", None),
        "headers": RETRY_AFTER,
    },
    503: {
        "description": "The engine has stopped, or its store does not answer: come again later.",
        "example": ("The engine has stopped.", None, None, "Try again when it runs."),
        "headers": RETRY_AFTER,
    },
}


def shown(example: object) -> dict[str, str]:
    """An example as text until the document is completed: the framework would leave its nulls out."""
    return {"x-example": json.dumps(example)}


def named(**cases: tuple[str, object]) -> dict[str, Any]:
    """Several examples, each with its title."""
    return {name: {"summary": title, **shown(example)} for name, (title, example) in cases.items()}


def error_answers(*statuses: int) -> Answers:
    """The answers that are errors, by status."""
    found: Answers = {}
    for status in statuses:
        about = dict(ERRORS[status])
        given = dict(zip(("problem", "value", "allowed", "advice"), about.pop("example"), strict=True))
        found[str(status)] = {**about, "content": {JSON: {"schema": ref("Error"), **shown(given)}}}
    return found


def answers(
    description: str, schema: Schema, example: object, *errors: int, media: str = JSON, status: int = 200
) -> Answers:
    """The answer of a route by its status, with an example, and the errors that it may give."""
    content = {media: {"schema": schema, **shown(example)}}
    return {str(status): {"description": description, "content": content}, **error_answers(*errors)}


def body(schemas: dict[str, Any]) -> dict[str, Any]:
    """A required body by media type."""
    return {"required": True, "content": schemas}


SEVERAL = "Several, with ?assess=true"

_MANY = [examples.PURCHASE, examples.FLAG, examples.NOT_AN_EVENT]

EVENTS: dict[str, Any] = {
    "parameters": [
        {
            "name": "assess",
            "in": "query",
            "required": False,
            "description": "Answer with each event's assessment.",
            "schema": {"type": "boolean", "default": False},
        }
    ],
    "requestBody": body(
        {
            JSON: {
                "schema": {
                    "oneOf": [
                        ref("Event"),
                        listed(ref("Event"), "In their order.") | {"minItems": 1, "maxItems": MESSAGES_MAX},
                    ]
                },
                "examples": named(one=("One event", examples.PURCHASE), many=(SEVERAL, _MANY)),
            },
            "application/x-ndjson": {"schema": {"type": "string", "description": "One event a line."}},
            "application/vnd.apache.arrow.stream": {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": "A table with the fields as columns.",
                }
            },
            "application/vnd.apache.parquet": {
                "schema": {"type": "string", "format": "binary", "description": "An event file as it is."}
            },
        }
    ),
    "responses": {
        "200": {
            "description": "Committed. Rows that are no events are in rejects.",
            "content": {
                JSON: {
                    "schema": ref("TakenEvents"),
                    "examples": named(
                        one=("One event", examples.TAKEN_ONE), many=(SEVERAL, examples.TAKEN_MANY)
                    ),
                }
            },
        },
        **error_answers(413, 422, 429, 503),
    },
}

ASSESS: dict[str, Any] = {
    "requestBody": body({JSON: {"schema": ref("Event"), **shown(examples.FLAG)}}),
    "responses": answers(
        "What would be decided; nothing was changed.", ref("Assessed"), examples.ASSESSED, 413, 422, 429, 503
    ),
}

ACCOUNTS: dict[str, Any] = {
    "requestBody": body(
        {
            JSON: {
                "schema": listed(ref("Account"), "Each once.") | {"minItems": 1, "maxItems": MESSAGES_MAX},
                **shown([examples.ACCOUNT]),
            }
        }
    ),
    "responses": answers("Committed.", ref("TakenAccounts"), examples.TAKEN_ACCOUNTS, 413, 422, 429, 503),
}

PORTRAIT = answers("The account as of now.", ref("Portrait"), examples.PORTRAIT, 404, 429, 503)

FREEZE_CONFIRMED = answers("Committed.", ref("SettledFreeze"), examples.CONFIRMED, 404, 422, 429, 503)

FREEZE_LIFTED = answers("Committed.", ref("SettledFreeze"), examples.LIFTED, 404, 422, 429, 503)

ALERTS = answers(
    "Alerts, the one seen last first.",
    listed(ref("Alert"), "As many as were asked for at most."),
    [examples.ALERT],
    422,
    503,
)

ONE_ALERT = answers("The alert.", ref("TracedAlert"), examples.ALERT | {"trace": examples.TRACE}, 404, 503)

ACKNOWLEDGED = answers(
    "The alert as it is now.",
    ref("TracedAlert"),
    examples.ALERT | {"status": "acknowledged", "trace": examples.TRACE},
    404,
    503,
)

PROPOSALS = answers(
    "Proposals, the newest first.",
    listed(ref("Proposal"), "As many as were asked for at most."),
    [examples.PROPOSAL],
    422,
    503,
)

ONE_PROPOSAL = answers(
    "The proposal.", ref("TracedProposal"), examples.PROPOSAL | {"trace": examples.TRACE}, 404, 503
)

STREAM = answers(
    "Messages as they are committed, until the listener leaves. The name of an event is its topic.",
    {
        "type": "string",
        "description": "Server-Sent Events; the data of each is JSON. Lines that begin with a colon are signs of life.",
        "contentMediaType": JSON,
        "contentSchema": {
            "anyOf": [
                ref(name)
                for name in (
                    "AlertMessage",
                    "ProposalMessage",
                    "PortfolioMessage",
                    "Alert",
                    "Proposal",
                    "PortfolioAlert",
                    "Lagged",
                )
            ]
        },
    },
    examples.STREAM,
    429,
    media="text/event-stream",
)

STREAM_PARAMETERS: dict[str, Any] = {
    "parameters": [
        {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "description": "The id of the last event heard: what changed since is told first.",
            "schema": {"type": "string", "pattern": "^[0-9]{1,15}$"},
            "example": "3",
        }
    ]
}

PORTFOLIO_ALERTS = answers(
    "Days, the last first.",
    listed(ref("PortfolioAlert"), "As many as were asked for at most."),
    [examples.PORTFOLIO_ALERT],
    422,
    503,
)

OUTBOX = answers(
    "Messages, the newest first.",
    listed(ref("OutgoingMessage"), "As many as were asked for at most."),
    [examples.DEAD_MESSAGE],
    422,
    503,
)

SENT_AGAIN = answers("It waits again.", ref("RevivedMessage"), examples.REVIVED_MESSAGE, 404, 422, 503)

METRICS = answers(
    "Text for Prometheus.",
    {"type": "string", "description": "Counters go on over a restart."},
    examples.METRICS,
    media="text/plain",
)

HEALTHY = answers("Alive.", ref("Health"), {"alive": True}) | answers(
    "The engine has failed; the log says why.", ref("Health"), {"alive": False}, status=503
)

READY = answers("Events are taken.", ref("Readiness"), examples.READY) | answers(
    "Not now: the engine stops, or its store has failed for a while.",
    ref("Readiness"),
    {"ready": False, "store_failing_seconds": 12.5, "sequence": 6},
    status=503,
)


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document of the framework with our schemas: first lines of descriptions as summaries, nothing made up."""
    document["components"] = {"schemas": SCHEMAS}
    for operations in document["paths"].values():
        for operation in operations.values():
            summary, _, rest = operation.pop("description", "").partition("\n\n")
            operation["summary"] = " ".join(summary.split())
            if rest:
                operation["description"] = rest
            parameters = operation.get("parameters", [])
            for parameter in parameters:
                parameter["schema"] = _plain(parameter["schema"])
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
                if any(parameter["schema"].keys() - {"type", "examples"} for parameter in parameters):
                    operation["responses"] |= error_answers(422)
            for part in (operation.get("requestBody", {}), *operation["responses"].values()):
                for content in part.get("content", {}).values():
                    _show(content)
    return document


def _show(content: dict[str, Any]) -> None:
    if "x-example" in content:
        content["example"] = json.loads(content.pop("x-example"))
    for each in content.get("examples", {}).values():
        if "x-example" in each:
            each["value"] = json.loads(each.pop("x-example"))


def _plain(schema: Schema) -> Schema:
    """A parameter's schema without a title, and without null, which a query cannot hold."""
    kinds = [each for each in schema.pop("anyOf", ()) if each != {"type": "null"}]
    found: Schema = schema | (kinds[0] if kinds else {})
    return {name: what for name, what in found.items() if name not in ("title", "description")}
