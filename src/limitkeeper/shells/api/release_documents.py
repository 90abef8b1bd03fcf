"""What the OpenAPI page says of the routes of releases and fairness reports."""

from typing import Any

from limitkeeper.shells.api.documents import JSON, answers, body, shown
from limitkeeper.shells.api.schemas import ref

RELEASE_ID = "4f2a9c01d7e85b3a6c1f0e2d4b5a6978"

HASH = "sha256:c61ed6facadb70134b815484a8726309c10f4cdff808fdeb964d82abfbc2d28f"

REPORT = "sha256:0b1f7a3d9e2c5846a7d0c3b2e1f4958677685940312fedcba0987654321fedcb"

WORDS = {"words": "Seen; the alternative would refuse more people."}

RELEASE: dict[str, Any] = {
    "release_id": RELEASE_ID,
    "market": "CN",
    "strategy_hash": HASH,
    "model_hash": None,
    "register_hash": None,
    "author_id": "sam",
    "state": "assessed",
    "justified_by": None,
    "bucket_from": 0,
    "version": 3,
    "strategy": "standard 2026-11",
    "model": None,
    "screens_failed": [],
    "approvals": [],
    "is_champion": False,
    "share": 0.0,
    "made_at": "2026-11-22T09:00:00+00:00",
}

DRAFT = RELEASE | {"state": "draft", "screens_failed": None, "version": 1}

ASSESSMENT = {
    "purpose": "Limits follow risk.",
    "necessity": "No milder means was found.",
    "effect_on_rights": "A limit may fall.",
    "safeguards": "Notice, appeal, a person who decides.",
}

FINDING = {
    "screen": "adverse_impact_ratio",
    "attribute": "sex",
    "group": "male",
    "value": 0.81,
    "low": 0.76,
    "high": 0.86,
    "bound": 0.8,
    "status": "small",
    "is_certain": False,
    "blocks": False,
}

SCREEN = {"report": REPORT, "kind": "strategy", "accounts": 9000, "failed": [], "not_passed": [FINDING]}

GATES = [
    {"gate": "draft", "standing": "passed", "roles": ["strategist"], "missing": []},
    {"gate": "validate", "standing": "passed", "roles": ["strategist", "compliance"], "missing": []},
    {"gate": "assess", "standing": "passed", "roles": ["strategist", "compliance"], "missing": []},
    {"gate": "justify", "standing": "not_needed", "roles": ["compliance"], "missing": []},
    {
        "gate": "approve",
        "standing": "open",
        "roles": ["committee", "compliance"],
        "missing": ["committee", "compliance"],
    },
    {"gate": "live", "standing": "later", "roles": ["committee"], "missing": []},
]

FINDING_OF_REGULATION = {
    "rule": "CN.pipl_55_assessed",
    "title": "An impact assessment is recorded before a strategy goes live.",
    "title_zh": "策略上线前须完成个人信息保护影响评估。",
    "source": "Personal Information Protection Law (PIPL), articles 55 and 56",
    "source_zh": "《中华人民共和国个人信息保护法》第五十五条、第五十六条",
    "severity": "block",
    "subject": f"strategy:{HASH}",
    "status": "unknown",
    "detail": "impact_assessed is not known",
    "detail_zh": "impact_assessed 尚未知悉",
    "on_failure": "Record purpose, necessity, effect on rights and safeguards.",
    "on_failure_zh": "记录处理目的、必要性、对个人权益的影响及保护措施。",
}

VALIDATED_ACT = {
    "at": "2026-11-22T09:30:00+00:00",
    "by": "sam",
    "act": "validate",
    "state": "validated",
    "version": 2,
    "detail": {"findings": [FINDING_OF_REGULATION]},
}

ASSESSED_ACT = {
    "at": "2026-11-22T10:12:00+00:00",
    "by": "sam",
    "act": "assess",
    "state": "assessed",
    "version": 3,
    "detail": {"assessment": ASSESSMENT, "screen": SCREEN},
}

REVIEW = {
    "portfolio": "november",
    "as_of": "2026-11-20T00:00:00+00:00",
    "at": "2026-11-22T09:40:00+00:00",
    "by": "sam",
    "accounts": 9000,
    "accounts_refused": 2,
    "actions": {"none": 8100, "alert": 200, "decrease": 520, "freeze": 110, "close": 20, "restore": 50},
    "value": {
        "accounts": 8998,
        "before": {"expected_loss_cents": 48210000.0, "raroc": 0.11},
        "after": {"expected_loss_cents": 45120000.0, "raroc": 0.12},
    },
}

HITS = {"hits": 31, "decided": 20}

WHOLE = RELEASE | {
    "gates": GATES,
    "review": REVIEW | {"rules": {"long_arrears": HITS}},
    "acts": [VALIDATED_ACT, ASSESSED_ACT],
}

RELEASES = answers(
    "Releases, the newest first.", ref("Releases"), {"items": [RELEASE], "next": None}, 422, 503
)

ONE_RELEASE = answers("The release.", ref("WholeRelease"), WHOLE, 404, 503)

DRAFT_RELEASE: dict[str, Any] = {
    "requestBody": body(
        {JSON: {"schema": ref("DraftedRelease"), **shown({"strategy": "name: mine\nversion: 2026-11\n..."})}}
    ),
    "responses": answers(
        "The draft.", ref("WholeRelease"), DRAFT | {"gates": GATES[:1], "review": None, "acts": []},
        404, 409, 413, 422, 429, 503, status=201,
    ),
}  # fmt: skip


def act(what: str, example: Any, schema: str, given: str | None = None, said: Any = None) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What is said of an act on a release.

    Parameters
    ----------
    what
        It answers.
    example, schema
        Of the answer.
    given, said
        The schema of the body and an example of it, None without one.
    """
    found: dict[str, Any] = {
        "responses": answers(what, ref(schema), example, 404, 409, 412, 413, 422, 428, 503)
    }
    if given is not None:
        found["requestBody"] = body({JSON: {"schema": ref(given), **shown(said)}})
    return found


LIVE = RELEASE | {"state": "live", "is_champion": True, "share": 1.0, "version": 6}

VALIDATE = act("The release after it.", WHOLE, "WholeRelease")

ASSESS = act(
    "The release after it.", WHOLE, "WholeRelease", "AssessedRelease",
    {"assessment": ASSESSMENT, "screen": {"kind": "strategy", "accounts": 9000, "failed": [], "findings": [FINDING]}},
)  # fmt: skip

SAY = act("The release after it.", WHOLE, "WholeRelease", "ReleaseWords", WORDS)

PUT_LIVE = act(
    "Which releases have changed.", {"items": [LIVE]}, "ChangedReleases", "LiveShare", {"share": 1}
)

ROLL_BACK = act("Which releases have changed.", {"items": [LIVE]}, "ChangedReleases", "ReleaseWords", WORDS)

FAIRNESS_REPORTS = answers(
    "Reports, the newest first.",
    ref("FairnessReports"),
    {
        "items": [
            {"release_id": RELEASE_ID, "market": "CN", "strategy": "standard 2026-11", "justified_by": None,
             "at": "2026-11-22T10:12:00+00:00", "by": "sam", **SCREEN}
        ],
        "next": None,
    },
    422, 503,
)  # fmt: skip
