"""The schemas of a decision's trace; ``docs/reference/trace.md`` tells it in words."""

from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.constraints import CONSTRAINT_WORDING, Constraint
from limitkeeper.core.value.economics import VALUE_NAMES
from limitkeeper.shells.api.schemas import Schema, cents, listed, mapping, moment, one_of, record, ref, value

KNOWN = "number string null"
"""A number; infinity by its name; null where it is not known."""

CONSTRAINTS = {str(each.name).lower(): CONSTRAINT_WORDING[each][0] for each in Constraint}

VERSIONS = record(
    "What decided, by content.",
    {
        "strategy": ref("ContentHash"),
        "model": ref("ContentHash"),
        "parameters": ref("ContentHash"),
        "regulation": ref("ContentHash"),
        "program": value("string", "The program's version."),
    },
    optional=("regulation",),
)

SCORE = record(
    "The score, and where its points come from.",
    {
        "points": value("number", "The score's points."),
        "pd": value("number null", "Probability of default; null without a model."),
        "pd_low": value(
            "number null",
            "Least default rate that accounts of such a PD may have (95 %); null where not known.",
        ),
        "pd_high": value("number null", "Highest such rate."),
        "characteristics": listed(
            record(
                "One characteristic.",
                {
                    "name": value("string", "Its name."),
                    "value": value(KNOWN, "Its value."),
                    "points": value("number", "Its points."),
                },
            ),
            "What was scored.",
        ),
        "lost_most": listed(
            record(
                "A characteristic that cost points.",
                {
                    "name": value("string", "Its name."),
                    "label": value("string", "Its name in words."),
                    "reason": value("string null", "The code of the reason that it gives."),
                    "points_lost": value("number", "Points below its best."),
                },
            ),
            "What cost most points.",
        ),
    },
)

ACTION = record(
    "What was asked and what was done.",
    {
        "asked": ref("Action", "By the deciding rule."),
        "taken": ref("Action", "After steps, waits, floors and caps."),
        "rule": value("string null", "The rule that decided."),
        "constraints": listed(ref("Constraint"), "What kept the action from its full effect."),
        "drawing_stopped": value("boolean", "Whether the line may not be drawn on."),
    },
)

REASON = record(
    "A reason.",
    {
        "code": value("string", "See docs/reference/reasons.md."),
        "en": value("string", "In English."),
        "zh": value("string", "In Chinese."),
        "help_en": value("string", "What helps, in English."),
        "help_zh": value("string", "What helps, in Chinese."),
    },
)

TRACE_SCHEMAS: dict[str, Schema] = {
    "Trigger": one_of([str(each) for each in Trigger], "Why a line is looked at."),
    "Severity": one_of([each.code for each in Severity], "How bad it is."),
    "Action": one_of([each.code for each in Action], "What is done to a line."),
    "Constraint": one_of(CONSTRAINTS, "What kept an action from its full effect.", CONSTRAINTS),
    "Id": value("string", "A hash of what it is about, 128 bits.", pattern="^[0-9a-f]{32}$"),
    "ContentHash": value("string", "A hash of the content, or none.", pattern="^(sha256:[0-9a-f]{64}|none)$"),
    "Trace": record(
        "Everything that led to a decision.",
        {
            "decision_id": ref("Id", "Of account, as-of time, strategy and model."),
            "account_id": value("string", "Whose line it is."),
            "as_of": moment("Nothing after this was used."),
            "versions": VERSIONS,
            "inputs": mapping(KNOWN, "Every column that rules, steps and formulas read."),
            "score": SCORE,
            "rules": listed(ref("JudgedRule"), "Each rule as it was judged, in order of precedence."),
            "action": ACTION,
            "limit": record(
                "The limit.",
                {"before_cents": cents("Before."), "after_cents": cents("After; null where it is not known.")},
            ),
            "value": record(
                "What the change is worth.",
                {
                    "before": ref("LimitValue"),
                    "after": ref("LimitValue"),
                    "marginal_profit_cents": value(KNOWN, "Profit gained, less the cost of the change. Minor units."),
                },
            ),
            "reasons": listed(REASON, "At most four, in order of weight."),
        },
    ),
    "JudgedRule": record(
        "A rule as it was judged.",
        {
            "id": value("string", "The rule's name."),
            "trigger": ref("Trigger"),
            "action": ref("Action", "What it asks for."),
            "severity": ref("Severity"),
            "hit": value("boolean", "Whether it hit."),
            "hit_before": value("boolean", "Whether it hit at the last look."),
            "when": value("string", "Its condition."),
            "release": value("string null", "The condition that lets go."),
            "values": mapping(KNOWN, "What the conditions read."),
            "parameters": mapping("number", "The parameters that they use."),
            "reasons": listed(value("string", "A code."), "The reasons that it gives."),
            "uses_score": value("boolean", "Whether it reads the score."),
        },
    ),
    "LimitValue": record(
        "What a limit is worth over a year.",
        {
            name: value(KNOWN, f"{name.removesuffix('_cents').replace('_', ' ').capitalize()}."
                        + (" Minor units." if name.endswith("_cents") else ""))
            for name in VALUE_NAMES
        },
    ),
}  # fmt: skip
