"""What the OpenAPI page says of the routes of appeals."""

from typing import Any

from limitkeeper.connectors.evidence import MEDIA_TYPES, TEXT
from limitkeeper.shells.api.case_documents import CASE_ID, WORDS
from limitkeeper.shells.api.documents import JSON, answers, body, shown
from limitkeeper.shells.api.schemas import ref, value

APPEAL_ID, EVIDENCE_ID = "1b7d3f0d0b6c4a7e9f00d1a2b3c4d5e6", "2c8e3f0d0b6c4a7e9f00d1a2b3c4d5e6"

APPEAL: dict[str, Any] = {
    "appeal_id": APPEAL_ID,
    "case_id": CASE_ID,
    "account_id": "a-7",
    "customer_id": "c-3",
    "action": "decrease",
    "limit_before_cents": 1000000,
    "limit_after_cents": 400000,
    "exposure_cents": 1000000,
    "decision_id": "77aa3a4b8f4a5fb6d2f3c1a091827300",
    "rule": "late_repeatedly",
    "model": None,
    "reasons": ["late_recent"],
    "state": "in_review",
    "tier": 2,
    "instance": 1,
    "clock": "remind",
    "claimed_by": "bob",
    "parties": ["ann", "c-3"],
    "asks": 0,
    "outcome": None,
    "is_provisional": False,
    "is_erased": False,
    "granted_limit_cents": None,
    "new_case_id": None,
    "version": 2,
    "is_live": True,
    "submitted_at": "2026-11-22T09:00:01+00:00",
    "opened_at": "2026-11-22T09:00:01+00:00",
    "answer_until": "2026-12-12T09:00:01+00:00",
    "due_at": "2026-11-27T09:00:01+00:00",
    "asked_at": None,
    "again_until": None,
    "answered_at": None,
}

ACT = {
    "at": "2026-11-22T09:00:01+00:00",
    "by": "kim",
    "act": "submit",
    "words": "I paid on 3 June.",
    "state": "submitted",
    "tier": 2,
    "version": 1,
}

FILE = {
    "evidence_id": EVIDENCE_ID,
    "kind": "pdf",
    "size_bytes": 48213,
    "sha256": "2f6a0c6f3f0bb5c1cbb4d7e7b7e0f8d1a2c3b4d5e6f708192a3b4c5d6e7f8091",
    "name": "receipt.pdf",
    "added_at": "2026-11-22T09:01:00+00:00",
}

TALLY = {
    "answered": 10,
    "upheld": 6,
    "partly_granted": 1,
    "granted": 1,
    "withdrawn": 1,
    "provisional": 1,
    "overturned_share": 0.25,
    "days_mean": 6.5,
}

ACT_ERRORS = (404, 409, 412, 413, 422, 428, 503)

APPEALS = answers(
    "Appeals, those that must be answered first on top.",
    ref("Appeals"),
    {"items": [APPEAL], "next": None},
    422, 503,
)  # fmt: skip

ONE_APPEAL = answers(
    "The appeal.", ref("WholeAppeal"), APPEAL | {"acts": [ACT], "evidence": [FILE]}, 404, 503
)

SUBMIT_APPEAL: dict[str, Any] = {
    "requestBody": body(
        {JSON: {"schema": ref("SubmittedAppeal"), **shown({"account_id": "a-7", "text": "I paid on 3 June."})}}
    ),
    "responses": answers(
        "The appeal.",
        ref("Appeal"),
        APPEAL | {"state": "submitted", "claimed_by": None, "version": 1},
        404, 409, 413, 422, 503,
        status=201,
    ),
}  # fmt: skip

ACT_OF_CUSTOMER: dict[str, Any] = {
    "requestBody": body(WORDS),
    "responses": answers("The appeal after it.", ref("Appeal"), APPEAL, 404, 409, 413, 422, 503),
}

WITHDRAW_APPEAL: dict[str, Any] = {
    "responses": answers(
        "The appeal, which is withdrawn.",
        ref("Appeal"),
        APPEAL | {"state": "withdrawn", "outcome": "customer", "is_live": False, "claimed_by": None, "clock": "end"},
        404, 409, 413, 422, 503,
    )
}  # fmt: skip

ACT_ON_APPEAL: dict[str, Any] = {
    "requestBody": body(WORDS) | {"required": False},
    "responses": answers("The appeal after it.", ref("Appeal"), APPEAL, *ACT_ERRORS),
}

DECIDE_APPEAL: dict[str, Any] = {
    "requestBody": body(
        {
            JSON: {
                "schema": ref("AppealAnswer"),
                **shown(
                    {
                        "outcome": "granted",
                        "words": "The bill was paid on time.",
                        "corrections": [
                            {
                                "kind": "bill_corrected",
                                "ts": "2026-11-01T00:00:00Z",
                                "amount": 25800,
                                "paid": 25800,
                                "days_past_due": 0,
                            }
                        ],
                    }
                ),
            }
        }
    ),
    "responses": answers(
        "The appeal, which is answered.",
        ref("Appeal"),
        APPEAL | {"state": "granted", "outcome": "bob", "is_live": False, "claimed_by": None, "clock": "end",
                  "new_case_id": CASE_ID, "answered_at": "2026-11-24T10:00:00+00:00"},
        *ACT_ERRORS,
    ),
}  # fmt: skip

ADD_EVIDENCE: dict[str, Any] = {
    "requestBody": body({"multipart/form-data": {"schema": ref("UploadedFile"), **shown({"file": "receipt.pdf"})}}),
    "responses": answers(
        "The file, which is kept.",
        ref("AddedEvidence"),
        {name: FILE[name] for name in ("evidence_id", "kind", "size_bytes")},
        404, 409, 413, 422, 503,
        status=201,
    ),
}  # fmt: skip

EVIDENCE = answers(
    "The file, under its kind's media type.",
    value("string", "A plain text."),
    "Paid on 3 June.",
    404, 409, 422, 503,
    media=MEDIA_TYPES[TEXT].partition(";")[0],
)  # fmt: skip
for _media in sorted(set(MEDIA_TYPES.values())):
    _plain = _media.partition(";")[0]
    EVIDENCE["200"]["content"].setdefault(
        _plain, {"schema": value("string", "The file.", format="binary"), **shown("(the bytes of the file)")}
    )

STATISTICS = answers(
    "The counts.",
    ref("AppealStatistics"),
    {
        "waiting": 3,
        "all": TALLY,
        "by_rule": [{"rule": "late_repeatedly"} | TALLY],
        "by_reason": [{"reason": "late_recent"} | TALLY],
        "by_model": [{"model": "none"} | TALLY],
    },
    422, 503,
)  # fmt: skip
