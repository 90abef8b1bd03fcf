"""What the OpenAPI page says of the routes of strategies and regulation."""

from typing import Any

from limitkeeper.shells.api.documents import JSON, answers, body, shown
from limitkeeper.shells.api.release_documents import HASH, HITS, RELEASE_ID, REVIEW
from limitkeeper.shells.api.schemas import ref

NAMED = {
    "name": "standard",
    "version": "2026-11",
    "hash": HASH,
    "description": "Lowers gradually when risk rises mildly.",
    "description_zh": "风险小幅上升时逐步降额。",
}

RULE = {
    "place": 2,
    "id": "long_arrears",
    "trigger": "declining_repayment_capacity",
    "when": "pd >= pd_close and on_time_streak == 0",
    "release": None,
    "action": "close",
    "severity": "critical",
    "description": "Late now, and default is likely.",
    "description_zh": "当前逾期且违约可能性很高。",
    "products": ["purchase", "cash"],
    "reasons": [{"code": "late_recent", "text": "Recent payments here were late", "text_zh": "近期在本平台还款逾期"}],
    "uses_score": True,
    "thresholds": [
        {"name": "pd_close", "value": 0.7, "unit": "share", "description": "PD at which a line is closed",
         "description_zh": "关闭阈值", "is_of_market": False}
    ],
    "reads": [
        {"name": "pd", "unit": "share", "missing": "never", "description": "Calibrated probability of default.",
         "description_zh": "校准后的违约概率。"},
    ],
    "review": HITS,
}  # fmt: skip

STRATEGY = {
    "standing": "live",
    "release_id": RELEASE_ID,
    "champion_id": RELEASE_ID,
    "challengers": [{"release_id": "9c" * 16, "name": "cautious", "version": "2026-11", "share": 0.1}],
    "market": "CN",
    "model_hash": None,
    **NAMED,
    "products": ["purchase", "cash"],
    "markets": ["CN"],
    "precedence": ["close", "freeze", "decrease", "restore", "alert"],
    "rules": [RULE],
    "review": REVIEW,
    "terms": [{"name": "cool_down_days", "value": 14}],
}

ONE_STRATEGY = answers("The strategy.", ref("Strategy"), STRATEGY, 404, 409, 503)

TEXT = answers(
    "The text.", ref("StrategyText"), {"strategy": "name: mine\nversion: 2026-11\n..."}, 404, 409, 503
)

CHANGES = answers(
    "What differs.",
    ref("StrategyChanges"),
    {
        "before": NAMED,
        "after": NAMED | {"version": "2026-12"},
        "is_same": False,
        "rules": [
            {"rule": "long_arrears", "kind": "changed", "fields": [],
             "thresholds": [{"name": "pd_close", "before": 0.7, "after": 0.6}]}
        ],
        "parameters": [{"name": "pd_close", "before": 0.7, "after": 0.6}],
        "terms": [{"name": "version", "before": "2026-11", "after": "2026-12"}],
    },
    404, 409, 422, 503,
)  # fmt: skip

PROBLEM = {
    "file": "strategy",
    "line": 12,
    "column": 11,
    "problem": "There is no quantity or parameter 'utilization'.",
    "value": "utilization",
    "allowed": None,
    "advice": "Did you mean 'utilisation'?",
    "problem_zh": "没有名为“utilization”的变量或参数。",
    "advice_zh": "是否指“utilisation”？",
}

CHECK: dict[str, Any] = {
    "requestBody": body({JSON: {"schema": ref("StrategyText"), **shown({"strategy": "name: mine\n..."})}}),
    "responses": answers(
        "What is wrong with it, and where; nothing was kept.",
        ref("CheckedStrategy"),
        {"valid": False, "hash": None, "problem_count": 1, "problems": [PROBLEM], "findings": None},
        413, 422, 429, 503,
    ),
}  # fmt: skip

REGULATION_RULE = {
    "id": "CN.pipl_24_explanation",
    "title": "A person can have a decision explained.",
    "title_zh": "个人有权要求说明决定。",
    "source": "Personal Information Protection Law (article not verified)",
    "source_zh": "《中华人民共和国个人信息保护法》（条款未核实）",
    "law": "Personal Information Protection Law",
    "law_zh": "《中华人民共和国个人信息保护法》",
    "article": None,
    "article_zh": None,
    "stage": "decision",
    "severity": "block",
    "check": "reasons_given",
    "values": {"reasons": 1.0},
    "on_failure": "Give the reasons.",
    "on_failure_zh": "补充理由。",
    "from": "2021-11-01",
    "to": None,
}

REGISTERED: dict[str, Any] = {
    "class": "relations",
    "description": "Links to other accounts",
    "description_zh": "与其他账户的关联",
    "source": "events of the account; declarations",
    "purposes": ["fraud_prevention"],
    "basis": "consent",
    "sensitivity": "sensitive",
    "retention_days": 365,
    "forbidden": [{"market": "EU", "rule": "EU.ccd2_18_no_social_data"}],
    "is_forbidden": False,
    "names": [{"name": "contagion", "unit": "share", "description": "Risk that comes from linked accounts.",
               "description_zh": "关联账户传导的风险。"}],
}  # fmt: skip

REGISTER = answers(
    "The register.",
    ref("Register"),
    {
        "market": "CN", "day": "2026-11-22", "hash": HASH,
        "purposes": [{"purpose": "fraud_prevention", "description": "Find misuse of a line.",
                      "description_zh": "识别额度滥用。"}],
        "items": [REGISTERED],
    },
    422,
    503,
)  # fmt: skip

REGULATION = answers(
    "The rules in force.",
    ref("Regulation"),
    {"market": "CN", "day": "2026-11-22", "hash": HASH, "items": [REGULATION_RULE]},
    422,
    503,
)
