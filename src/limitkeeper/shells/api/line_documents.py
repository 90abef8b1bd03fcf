"""What the OpenAPI page says of the routes of lines, customers and notices."""

from typing import Any

from limitkeeper.shells.api.case_documents import CASE, CASE_ID
from limitkeeper.shells.api.documents import JSON, answers, body, shown
from limitkeeper.shells.api.schemas import ref

ENTRY_ID = "5d1c3f0d0b6c4a7e9f00d1a2b3c4d5e6"
CONTACT_ID = "7c1c3f0d0b6c4a7e9f00d1a2b3c4d5e6"
NOTICE_ID = "8e1c3f0d0b6c4a7e9f00d1a2b3c4d5e6"

LINE = {
    "account_id": "a-7",
    "shown_as": "**** a-7",
    "limit_cents": 750000,
    "is_frozen": False,
    "is_closed": False,
    "old_limit_cents": 1000000,
    "version": 4,
}

ENTRY: dict[str, Any] = {
    "entry_id": ENTRY_ID,
    "action": "decrease",
    "state": "effective",
    "target_cents": 750000,
    "delta_cents": -250000,
    "case_id": CASE_ID,
    "decision_id": "77aa3a4b8f4a5fb6d2f3c1a091827300",
    "why": "late_recent",
    "cancelled_why": None,
    "version": 2,
    "by_request": False,
    "planned_at": "2026-11-22T09:00:00+00:00",
    "effective_at": "2026-11-22T09:00:01+00:00",
    "until_at": None,
    "is_looked_at_again": False,
}

REQUEST = {
    "case_id": CASE_ID,
    "account_id": "a-7",
    "action": "decrease",
    "state": "approved",
    "limit_before_cents": 750000,
    "limit_after_cents": 500000,
    "takes_effect_at": "2026-11-25T09:00:00+00:00",
    "can_be_taken_back": True,
}

REASON = {
    "code": "late_recent",
    "text": "Recent payments here were late",
    "help": "Pay the next bills on time.",
}

DECISION = {
    "case_id": CASE_ID,
    "decision_id": "77aa3a4b8f4a5fb6d2f3c1a091827300",
    "kind": "decision",
    "action": "decrease",
    "limit_before_cents": 1000000,
    "limit_after_cents": 750000,
    "is_own_request": False,
    "decided_by": "system",
    "at": "2026-11-15T09:00:00+00:00",
    "appeal_until": "2026-12-15T09:00:00+00:00",
    "reasons": [REASON],
}

PATH = {
    "old_limit_cents": 1000000,
    "earliest_at": "2027-01-21T09:00:01+00:00",
    "needs": [{"text": "Pay 3 bills on time in a row; so far you have paid 1.", "is_met": False}],
    "planned": [],
    "words": ["Your limit can rise again up to ¥10,000.00, where it was before it was lowered."],
}

WHOLE_LINE = LINE | {
    "balance_cents": 120000,
    "ledger": [ENTRY],
    "planned": [],
    "requests": [],
    "decisions": [DECISION],
    "restoration": PATH,
}

LINES = answers("The lines.", ref("CustomerLines"), {"items": [LINE], "next": None}, 422, 503)

ONE_LINE = answers("The line.", ref("WholeLine"), WHOLE_LINE, 404, 422, 503)

PORTRAIT_IN_WORDS = answers(
    "What is known.",
    ref("PortraitInWords"),
    {"account_id": "a-7", "customer_id": "c-3", "language": "en", "words": ["You use 16% of your limit."]},
    404, 422, 503,
)  # fmt: skip

EXPLANATION = answers(
    "The explanation.",
    ref("Explanation"),
    {
        "case_id": CASE_ID,
        "decision_id": "77aa3a4b8f4a5fb6d2f3c1a091827300",
        "account_id": "a-7",
        "language": "en",
        "state": "approved",
        "at": "2026-11-15T09:00:00+00:00",
        "appeal_until": "2026-12-15T09:00:00+00:00",
        "action": "decrease",
        "limit_before_cents": 1000000,
        "limit_after_cents": 750000,
        "decided_by": "system",
        "tier": 1,
        "rules": [
            {
                "rule": "late_repeatedly",
                "text": "Half of the last six bills, the newest included or the one before, were late.",
                "values": [
                    {
                        "name": "late_share_6",
                        "label": "Share of the last 6 bills paid late",
                        "value": 0.5,
                        "text": "50%",
                    }
                ],
            }
        ],
        "counted_against": [],
        "score": None,
        "reasons": [REASON],
        "versions": {"strategy": "1f0c", "model": "none", "parameters": "9a31", "regulation": "5c07", "program": "0.3.0"},
        "subject": "Explanation of a decision about your line **** a-7",
        "paragraphs": ["On 2026-11-15 it was decided: the limit is lowered."],
    },
    404, 422, 503,
)  # fmt: skip


def sent(schema: str, example: object) -> dict[str, Any]:
    """A body of one schema."""
    return body({JSON: {"schema": ref(schema), **shown(example)}})


ASK_FOR_LIMIT: dict[str, Any] = {
    "requestBody": sent("WantedLimit", {"limit_cents": 500000}),
    "responses": answers("The request.", ref("LineRequest"), REQUEST, 409, 413, 422, 503, status=201),
}

TAKE_BACK = answers(
    "What was taken back.",
    ref("TakenBack"),
    {"account_id": "a-7", "requests": [REQUEST | {"can_be_taken_back": False}]},
    409, 422, 503,
)  # fmt: skip

RESTORE: dict[str, Any] = {
    "requestBody": sent("WantedRestoration", {"limit_cents": 900000}),
    "responses": answers(
        "The case.",
        ref("Case"),
        CASE | {"kind": "restoration", "action": "restore", "limit_before_cents": 750000,
                "limit_after_cents": 900000, "proposal_id": None, "decision_id": None, "maker_id": "ann",
                "tier_rules": ["raise"], "facts": {"kind": "restoration", "trigger": "review"}},
        409, 413, 422, 503, status=201,
    ),
}  # fmt: skip

LIFT_PROPOSED = answers(
    "The case of the end of a freeze that people confirmed: somebody else decides on it.",
    ref("Case"),
    CASE | {"kind": "restoration", "action": "thaw", "limit_before_cents": 750000, "limit_after_cents": 750000,
            "proposal_id": None, "decision_id": None, "maker_id": "ann", "tier_rules": ["thaw"],
            "facts": {"kind": "restoration", "trigger": "review"}},
    status=201,
)  # fmt: skip

CANCEL_ENTRY: dict[str, Any] = {
    "requestBody": sent("Why", {"why": "The bill was paid."}),
    "responses": answers(
        "The entry.",
        ref("LedgerEntry"),
        ENTRY | {"state": "cancelled", "delta_cents": 0, "cancelled_why": "The bill was paid."},
        404, 409, 413, 422, 503,
    ),
}  # fmt: skip

SAID = {
    "subject": "Your credit limit changes on 2026-11-22",
    "paragraphs": ["Dear customer,", "From 2026-11-22 the limit of your line **** a-7 is ¥7,500.00."],
}

PREVIEW = answers(
    "The notice as it would be.",
    ref("NoticePreview"),
    {"case_id": CASE_ID, "notices": {"en": SAID, "zh": None}},
    404, 503,
)  # fmt: skip

CONTACT = {
    "contact_id": CONTACT_ID,
    "channel": "mail",
    "address": "k***@mail.test",
    "consented": True,
    "is_broken": False,
}

ONE_CUSTOMER = {
    "customer_id": "c-3",
    "language": "en",
    "time_zone": "Asia/Shanghai",
    "quiet_from_hour": 22,
    "quiet_to_hour": 8,
    "refuses_automation": False,
    "contacts": [CONTACT],
    "version": 2,
}

CUSTOMER = answers("The customer.", ref("Customer"), ONE_CUSTOMER, 503)

PREFER: dict[str, Any] = {
    "requestBody": sent("Preferences", {"refuses_automation": True}),
    "responses": answers(
        "The customer after it.", ref("Customer"), ONE_CUSTOMER | {"refuses_automation": True, "version": 3},
        409, 412, 413, 422, 428, 503,
    ),
}  # fmt: skip

ADD_CONTACT: dict[str, Any] = {
    "requestBody": sent("NewContact", {"channel": "mail", "address": "kim@mail.test", "consents": True}),
    "responses": answers("The customer after it.", ref("Customer"), ONE_CUSTOMER, 409, 413, 422, 503),
}

CONSENT: dict[str, Any] = {
    "requestBody": sent("Consent", {"consents": False}),
    "responses": answers(
        "The customer after it.", ref("Customer"), ONE_CUSTOMER | {"contacts": [CONTACT | {"consented": False}]},
        404, 409, 413, 422, 503,
    ),
}  # fmt: skip

FORGET = answers(
    "The customer after it.", ref("Customer"), ONE_CUSTOMER | {"contacts": []}, 404, 409, 422, 503
)

NOTICE_STATE: dict[str, Any] = {
    "notice_id": NOTICE_ID,
    "customer_id": "c-3",
    "account_id": "a-7",
    "kind": "limit_decreased",
    "language": "en",
    "state": "out",
    "version": 2,
    "made_at": "2026-11-15T09:00:00+00:00",
    "out_at": "2026-11-15T09:00:02+00:00",
    "read_at": None,
}

NOTICES = answers("Notices.", ref("Notices"), {"items": [NOTICE_STATE | SAID], "next": None}, 422, 503)

STATES = answers(
    "Notices of a state.",
    ref("NoticeStates"),
    {"items": [NOTICE_STATE | {"state": "dead", "out_at": None}], "next": None},
    422, 503,
)  # fmt: skip

ONE_NOTICE = answers(
    "The notice.",
    ref("WholeNotice"),
    NOTICE_STATE
    | SAID
    | {
        "deliveries": [
            {
                "channel": "mail",
                "state": "sent",
                "attempts": 1,
                "problem": None,
                "tried_at": "2026-11-15T09:00:01+00:00",
            }
        ]
    },
    404, 503,
)  # fmt: skip

READ = answers(
    "The notice, which is read.",
    ref("NoticeState"),
    NOTICE_STATE | {"read_at": "2026-11-15T10:00:00+00:00", "version": 3},
    404, 409, 422, 503,
)  # fmt: skip

RETRY = answers(
    "The notice, which waits.",
    ref("NoticeState"),
    NOTICE_STATE | {"state": "waiting", "out_at": None, "version": 3},
    404, 409, 422, 503,
)  # fmt: skip
