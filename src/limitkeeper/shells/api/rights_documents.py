"""What the OpenAPI page says of the routes of persons' requests, consents and aggregates."""

from typing import Any

from limitkeeper.shells.api.documents import JSON, answers, body, shown
from limitkeeper.shells.api.schemas import ref, value

REQUEST_ID = "3d9f3f0d0b6c4a7e9f00d1a2b3c4d5e6"

REQUEST: dict[str, Any] = {
    "request_id": REQUEST_ID,
    "kind": "copy",
    "customer_id": "c-3",
    "state": "verified",
    "verified_by": "login",
    "version": 1,
    "is_live": True,
    "received_at": "2026-11-22T09:00:00+00:00",
    "answer_until_at": "2026-12-07T09:00:00+00:00",
    "extended_days": 0,
    "answered_at": None,
    "is_overdue": False,
}

ENDED = REQUEST | {
    "state": "done",
    "version": 2,
    "is_live": False,
    "answered_at": "2026-11-22T09:01:00+00:00",
}

ACT = {
    "at": "2026-11-22T09:00:00+00:00",
    "by": "kim",
    "act": "make",
    "words": "",
    "state": "verified",
    "outcome": {"kind": "erase"},
    "version": 1,
}

BAR = {"code": "line_open", "en": "A line is still open.", "zh": "仍有额度未关闭。"}

ACT_ERRORS = (404, 409, 412, 413, 422, 428, 503)

REQUESTS = answers(
    "Requests, those that must be answered first on top.", ref("RightsRequests"), {"items": [REQUEST], "next": None},
    422, 503,
)  # fmt: skip

ONE_REQUEST = answers(
    "The request.",
    ref("WholeRightsRequest"),
    REQUEST | {"kind": "erase", "acts": [ACT], "bars": [BAR], "extensible_days": 30, "known_accounts": 1},
    404,
    503,
)

MAKE_REQUEST: dict[str, Any] = {
    "requestBody": body({JSON: {"schema": ref("MadeRightsRequest"), **shown({"kind": "copy"})}}),
    "responses": answers("The request.", ref("RightsRequest"), REQUEST, 409, 413, 422, 503, status=201),
}

WITHDRAW_REQUEST: dict[str, Any] = {
    "responses": answers(
        "The request, which is withdrawn.", ref("RightsRequest"), ENDED | {"state": "withdrawn"}, *ACT_ERRORS
    )
}

EXTENDED = REQUEST | {
    "kind": "explain",
    "version": 2,
    "answer_until_at": "2027-01-06T09:00:00+00:00",
    "extended_days": 30,
}

EXTENSION = {"days": 30, "words": "You ask about forty decisions of three years."}

EXTEND_REQUEST: dict[str, Any] = {
    "requestBody": body({JSON: {"schema": ref("RightsExtension"), **shown(EXTENSION)}}),
    "responses": answers("The request with its longer clock.", ref("RightsRequest"), EXTENDED, *ACT_ERRORS),
}

IN_PART = {
    "words": "Your address is corrected.",
    "rest": "Your income stays: the employer confirmed it.",
}

WORDS = {JSON: {"schema": ref("RightsWords"), **shown(IN_PART)}}

ACT_ON_REQUEST: dict[str, Any] = {
    "requestBody": body(WORDS) | {"required": False},
    "responses": answers(
        "The request after it.",
        ref("RightsRequest"),
        ENDED | {"kind": "correct", "state": "partly"},
        *ACT_ERRORS,
    ),
}

COPY = answers(
    "The copy, as a file.",
    ref("PersonalCopy"),
    {
        "customer_id": "c-3",
        "made_at": "2026-11-22T09:01:00+00:00",
        "made_by": "kim",
        "request_id": REQUEST_ID,
        "export": None,
        "data": {"contacts": [{"channel": "mail", "address": "kim@mail.test"}]},
        "left_out": [
            {"part": "journal", "rows_here": 0, "at": f"/v1/rights-requests/{REQUEST_ID}/copy/journal"}
        ],
        "who_looked": [{
                "at": "2026-11-22T09:01:00+00:00",
                "act": "case.look",
                "subject": "case:5d1c",
                "roles": ["officer"],
                "purpose": "case_handling",
            }],
    },
    404, 409, 422, 503,
)  # fmt: skip

COPY["200"]["content"]["text/html"] = {"schema": value("string", "The page."), **shown("<!doctype html>...")}

COPY_PART = answers(
    "The part: what it is, a row a line, and how many there were.",
    value("string", "JSON, an object a line."),
    '{"part":"journal","customer_id":"c-3"}\n{"sequence":7,"entry":"events"}\n{"is_whole":true,"rows":1}\n',
    404, 409, 422, 429, 503,
    media="application/jsonl",
)  # fmt: skip

SCOPE = {
    "scope": "bureau",
    "holds": True,
    "text_version": "2026-11",
    "since_at": "2026-11-22T09:00:00+00:00",
    "texts": [
        {
            "version": "2026-11",
            "en": "I agree that my credit report is read to assess my line.",
            "zh": "我同意查询本人信用报告用于评估额度。",
        }
    ],
}

CONSENT_ACT = {
    "scope": "bureau",
    "act": "given",
    "text_version": "2026-11",
    "text_hash": "2f6a0c6f3f0bb5c1cbb4d7e7b7e0f8d1a2c3b4d5e6f708192a3b4c5d6e7f8091",
    "at": "2026-11-22T09:00:00+00:00",
}

CONSENTS = answers(
    "What stands, and the ledger.",
    ref("Consents"),
    {"customer_id": "c-3", "scopes": [SCOPE], "items": [CONSENT_ACT], "next": None},
    422, 503,
)  # fmt: skip

CHANGE_CONSENT: dict[str, Any] = {
    "requestBody": body(
        {
            JSON: {
                "schema": ref("ChangedConsent"),
                **shown({"scope": "bureau", "gives": True, "text_version": "2026-11"}),
            }
        }
    ),
    "responses": answers(
        "What stands after it.",
        ref("StandingConsents"),
        {"customer_id": "c-3", "scopes": [SCOPE]},
        413, 422, 503,
        status=201,
    ),
}  # fmt: skip

DAYS = {"from": "2026-10-01", "to": "2026-10-31"}

GIVE_AGGREGATE: dict[str, Any] = {
    "requestBody": body(
        {JSON: {"schema": ref("WantedAggregate"), **shown(DAYS | {"epsilon": 0.5, "segments": ["salaried"]})}}
    ),
    "responses": answers(
        "The counts.",
        ref("Aggregate"),
        DAYS
        | {
            "made_at": "2026-11-22T09:00:00+00:00",
            "epsilon": 0.5,
            "budget_left": 3.5,
            "confidence": 0.95,
            "off_by_at_most": 6,
            "counts": [{"action": "decrease", "segment": "salaried", "customers": 412}],
        },
        413, 422, 503,
        status=201,
    ),
}  # fmt: skip

BUDGET = answers(
    "The budget.",
    ref("PrivacyBudget"),
    {
        "budget": 4,
        "spent": 0.5,
        "budget_left": 3.5,
        "items": [DAYS | {"at": "2026-11-22T09:00:00+00:00", "by": "ivy", "epsilon": 0.5}],
    },
    503,
)
