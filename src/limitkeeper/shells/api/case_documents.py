"""What the OpenAPI page says of the routes of cases, mandates, the audit and logins."""

from typing import Any

from limitkeeper.core.approval.cases import ACTS
from limitkeeper.shells.api.documents import JSON, answers, body, error_answers, shown
from limitkeeper.shells.api.schemas import ref

CASE_ID = "6f1c3f0d0b6c4a7e9f00d1a2b3c4d5e6"

CASE: dict[str, Any] = {
    "case_id": CASE_ID,
    "kind": "decision",
    "account_id": "a-7",
    "customer_id": "c-3",
    "action": "freeze",
    "limit_before_cents": 1000000,
    "limit_after_cents": None,
    "exposure_cents": 1000000,
    "proposal_id": "0d6e5a3a4b8f4a5fb6d2f3c1a0918273",
    "decision_id": "77aa3a4b8f4a5fb6d2f3c1a091827300",
    "state": "open",
    "tier": 2,
    "required_tier": 2,
    "tier_rules": ["freeze"],
    "maker_id": "system",
    "claimed_by": None,
    "clock": "remind",
    "outcome": None,
    "version": 1,
    "is_live": True,
    "facts": {"kind": "decision", "action": "freeze", "trigger": "suspected_violation"},
    "recused": [],
    "votes": [],
    "opened_at": "2026-11-22T09:00:01+00:00",
    "due_at": "2026-11-22T13:00:01+00:00",
}

ACT = {
    "at": "2026-11-22T10:12:00+00:00",
    "by": "ann",
    "act": "claim",
    "words": "",
    "state": "claimed",
    "tier": 2,
    "version": 2,
}

CLAIMED = CASE | {"state": "claimed", "claimed_by": "ann", "version": 2}

CASES = answers(
    "Cases, those whose clock comes first on top.", ref("Cases"), {"items": [CASE], "next": None}, 422, 503
)

ONE_CASE = answers("The case.", ref("WholeCase"), CLAIMED | {"acts": [ACT]}, 404, 503)

CASE_OFFERS = answers(
    "What fits its state, with the rule that keeps one from it.",
    ref("CaseOffers"),
    {
        "case_id": CASE_ID,
        "deciders": [{"person_id": "ann", "mandate_of": "ann"}],
        "quorum": 3,
        "acts": [
            {
                "act": "claim",
                "needs_words": False,
                "is_allowed": False,
                "rule": "mandate",
                "why_not": "A person decides only within a mandate of his own or of somebody absent whose deputy he is.",
                "why_not_zh": "人员只能在本人或其代理的缺席人员的授权范围内作出决定。",
            }
        ],
    },
    404,
    503,
)

WORDS = {JSON: {"schema": ref("Words"), **shown({"words": "Confirmed with the merchant."})}}

NEEDS_WORDS = tuple(act.replace("_", "-") for act, (_, _, needs_words) in ACTS.items() if needs_words)

ACT_ON_CASE: dict[str, Any] = {
    "requestBody": body(WORDS) | {"required": False},
    "responses": answers("The case after it.", ref("Case"), CLAIMED, 404, 409, 412, 413, 422, 428, 503),
}

MANDATE = {
    "mandate_id": "9b0b3f0d0b6c4a7e9f00d1a2b3c4d5e6",
    "person_id": "ann",
    "tier": 2,
    "actions": [],
    "cut_cents_max": 5000000,
    "exposure_cents_max": None,
    "version": 1,
    "from_at": "2026-11-01T08:00:00+00:00",
    "to_at": None,
    "pending": None,
    "asked_by": None,
    "may_confirm": [],
}

SEAT = MANDATE | {"person_id": "moe", "tier": 3, "cut_cents_max": None, "version": 2}

MANDATES = answers(
    "Mandates in force, and that wait.", ref("Mandates"), {"items": [MANDATE], "next": None}, 422, 503
)

GIVE_MANDATE: dict[str, Any] = {
    "requestBody": body(
        {
            JSON: {
                "schema": ref("GivenMandate"),
                **shown({"person_id": "ann", "tier": 2, "cut_cents_max": 5000000}),
            }
        }
    ),
    "responses": answers("The mandate.", ref("Mandate"), MANDATE, 409, 413, 422, 503, status=201),
}

END_MANDATE = answers(
    "The mandate, which has ended.",
    ref("Mandate"),
    MANDATE | {"to_at": "2026-11-22T10:00:00+00:00", "version": 2},
    404, 409, 422, 503,
)  # fmt: skip

SETTLE_MANDATE = answers(
    "The mandate as it is now: one that was to begin and was declined is over.",
    ref("Mandate"),
    SEAT,
    404,
    409,
    422,
    503,
)

ABSENCE = {
    "absence_id": "1c0b3f0d0b6c4a7e9f00d1a2b3c4d5e6",
    "person_id": "ann",
    "deputy_id": "bob",
    "version": 1,
    "from_at": "2026-11-22T10:00:00+00:00",
    "to_at": "2026-12-02T10:00:00+00:00",
    "pending": None,
    "asked_by": None,
    "may_confirm": [],
}

ABSENCES = answers(
    "Absences of now, and that wait.", ref("Absences"), {"items": [ABSENCE], "next": None}, 422, 503
)

NOTE_ABSENCE: dict[str, Any] = {
    "requestBody": body(
        {JSON: {"schema": ref("NotedAbsence"), **shown({"person_id": "ann", "deputy_id": "bob", "days": 10})}}
    ),
    "responses": answers("The absence.", ref("Absence"), ABSENCE, 409, 413, 422, 503, status=201),
}

END_ABSENCE = answers(
    "The absence, which has ended.",
    ref("Absence"),
    ABSENCE | {"to_at": "2026-11-24T10:00:00+00:00", "version": 2},
    404, 409, 422, 503,
)  # fmt: skip

SETTLE_ABSENCE = answers(
    "The absence as it is now: one that was declined is over.",
    ref("Absence"),
    ABSENCE | {"version": 2},
    404,
    409,
    422,
    503,
)

EVENT = {
    "number": 12,
    "at": "2026-11-22T10:12:00+00:00",
    "actor_id": "ann",
    "act": "case.claim",
    "subject": f"case:{CASE_ID}",
    "detail": {"state": "claimed", "tier": 2, "version": 2},
    "hash": "2f6a0c6f3f0bb5c1cbb4d7e7b7e0f8d1a2c3b4d5e6f708192a3b4c5d6e7f8091",
}

AUDIT = answers(
    "Events, the newest first.", ref("AuditEvents"), {"items": [EVENT], "next": "WzEyXQ"}, 422, 503
)

EXPORT_AUDIT: dict[str, Any] = {
    "responses": answers(
        "The mark of the file.",
        ref("Export"),
        {"what": "audit", "by": "ivy", "at": "2026-11-22T10:12:00+00:00", "purpose": "oversight", "audit_number": 12,
         "audit_hash": EVENT["hash"]},
        413, 422, 503, status=201,
    ),
}  # fmt: skip

VERIFIED = answers(
    "Whether it holds.",
    ref("VerifiedAudit"),
    {"events": 12, "holds": True, "broken_at": None, "problem": None},
    503,
)

LOG_IN: dict[str, Any] = {
    "requestBody": body(
        {JSON: {"schema": ref("Login"), **shown({"person_id": "ann", "password": "correct horse battery"})}}
    ),
    "responses": answers(
        "A session.",
        ref("LoggedIn"),
        {"token": "k3Jt...", "ends_at": "2026-11-22T21:00:00+00:00", "idle_seconds": 3600},
        401, 413, 422, 429, 503,
    ),
}  # fmt: skip

OIDC_OUT: dict[int | str, dict[str, Any]] = {
    "303": {
        "description": "To the provider.",
        "headers": {
            name: {"description": what, "required": True, "schema": {"type": "string"}}
            for name, what in {
                "Location": "Where the person logs in.",
                "Set-Cookie": "What the login is known by, sealed; it comes back with the person.",
            }.items()
        },
    },
    **error_answers(502),
}

OIDC_BACK = answers(
    "A session.",
    ref("LoggedIn"),
    {"token": "k3Jt...", "ends_at": "2026-11-22T21:00:00+00:00", "idle_seconds": 3600},
    401, 403, 429, 502, 503,
) | {
    "303": {
        "description": "Into the console, whether or not there is a session, where the login began there.",
        "headers": {
            "Location": {"description": "Its page.", "required": True, "schema": {"type": "string"}},
        },
    }
}  # fmt: skip

LOG_OUT = answers("The session is over.", ref("Me"), {"person_id": "ann", "roles": ["officer"], "customer_id": None,
                                                       "acts": []}, 503)  # fmt: skip

ME = answers(
    "Who is logged in.",
    ref("Me"),
    {"person_id": "ann", "roles": ["officer"], "customer_id": None, "acts": ["case.act", "case.read"]},
    503,
)
