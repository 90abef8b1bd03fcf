"""What the OpenAPI page says of each route: what it is sent, what it answers, with examples."""

import json
from typing import Any

from limitkeeper.connectors.messages import MESSAGES_MAX
from limitkeeper.shells.api import examples
from limitkeeper.shells.api.answers import KINDS, PROBLEM, PROBLEM_TYPE
from limitkeeper.shells.api.schemas import Schema, listed, ref

JSON = "application/json"

Answers = dict[int | str, dict[str, Any]]

RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}

PROBLEM_FIELDS = ("type", "title", "status", "detail", "value", "allowed", "advice")

_KINDS = {412: (PROBLEM_TYPE + "refused", "Refused by a rule")} | {
    status: (PROBLEM_TYPE + kind, title) for _, status, kind, title in reversed(KINDS)
}
"""Type and title of the examples of each status."""

ERRORS: dict[int, dict[str, Any]] = {
    401: {
        "description": "Nobody is logged in, or his session is over.",
        "example": ("The session is over.", None, None, "Log in again."),
        "headers": {
            "WWW-Authenticate": {"description": "How.", "required": True, "schema": {"const": "Bearer"}}
        },
    },
    403: {
        "description": "This is not for whoever asks to do.",
        "example": ("This is not yours to do.", "case.act", "committee, officer", None),
    },
    409: {
        "description": "A rule does not allow it, or it was changed in the meantime: nothing is changed.",
        "example": ("A case is decided by the one who has claimed it.", "ann; claimed by bob", None, None),
    },
    412: {
        "description": "It has changed since it was seen.",
        "example": ("A case is decided on as it is now.", "version 1; it is 2", None, "Read it again."),
    },
    428: {
        "description": "It is not said what was seen.",
        "example": ("Say what you saw.", None, 'If-Match: "VERSION"', "Read it, and send its ETag back."),
    },
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
    502: {
        "description": "The provider of logins does not answer, or its token does not hold.",
        "example": (
            "The provider cannot be reached: ConnectError.",
            "https://login.lender.example",
            None,
            None,
        ),
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
        given = dict(zip(PROBLEM_FIELDS, (*_KINDS[status], status, *about.pop("example")), strict=True))
        found[str(status)] = {**about, "content": {PROBLEM: {"schema": ref("Problem"), **shown(given)}}}
    return found


def answers(
    description: str, schema: Schema, example: object, *errors: int, media: str = JSON, status: int = 200
) -> Answers:
    """The answer of a route by its status, with an example, and the errors that it may give."""
    content = {media: {"schema": schema, **shown(example)}}
    return {str(status): {"description": description, "content": content}, **error_answers(*errors)}


def paged(description: str, schema: Schema, example: object, *errors: int) -> Answers:
    """The answers of a list whose header names the next page."""
    found = answers(description, schema, example, *errors)
    found["200"]["headers"] = {"Link": {
        "description": 'The next page, as `<PATH?QUERY>; rel="next"` (RFC 8288); none at the end.',
        "schema": {"type": "string"},
    }}  # fmt: skip
    return found


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

SETTLE_FREEZE: dict[str, Any] = {
    "requestBody": body({JSON: {"schema": ref("Words"), **shown({"words": "Spoken with the customer."})}})
    | {"required": False}
}

FREEZE_CONFIRMED = answers(
    "Committed.", ref("SettledFreeze"), examples.CONFIRMED, 404, 409, 413, 422, 429, 503
)

FREEZE_LIFTED = answers("Committed.", ref("SettledFreeze"), examples.LIFTED, 404, 409, 413, 422, 429, 503)

ALERTS = paged(
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

PROPOSALS = paged(
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
