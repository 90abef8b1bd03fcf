"""The schemas of strategies as people read them, and of regulation."""

from limitkeeper.app.live import SERVER_STANDINGS
from limitkeeper.app.strategy_document import FILE_BYTES_MAX
from limitkeeper.app.strategy_reading import PROBLEMS_TOLD_MAX
from limitkeeper.core.compliance.checks import FAILED, MET, OUTSIDE, STAGES, UNKNOWN
from limitkeeper.core.compliance.life import STATES
from limitkeeper.core.compliance.register import BASES, PURPOSES, SENSITIVITIES
from limitkeeper.core.compliance.regulation import SEVERITIES
from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.changes import ADDED, CHANGED, REMOVED
from limitkeeper.shells.api.schemas import (
    Schema,
    listed,
    mapping,
    moment,
    one_of,
    or_null,
    record,
    ref,
    value,
)

IN_CHINESE_SINCE = "The same in Chinese; not there in what was kept before it was told."

ACTIONS = tuple(action.code for action in Action)
SEVERITY_CODES = tuple(severity.code for severity in Severity)
PLAIN = "string number boolean null"

NAMED: dict[str, Schema] = {
    "name": value("string", "Its name."),
    "version": value("string", "Its version."),
    "hash": value("string", "Of its content."),
    "description": value("string", "What it is for."),
    "description_zh": value("string", "The same in Chinese."),
}

MEANT: dict[str, Schema] = {
    "description": value("string", "What it means."),
    "description_zh": value("string", "The same in Chinese."),
}

RULE: dict[str, Schema] = {
    "place": value("integer", "In the order of precedence, from 1; the first that hits decides.", minimum=1),
    "id": value("string", "Its name."),
    "trigger": one_of(map(str, Trigger), "Why a line is looked at."),
    "when": value("string", "The condition, as written."),
    "release": value("string null", "Until when it keeps hitting, as written; null: while it hits."),
    "action": one_of(ACTIONS, "What is done to the line."),
    "severity": one_of(SEVERITY_CODES, "How bad it is."),
    "description": value("string", "When it hits, in words."),
    "description_zh": value("string", "The same in Chinese."),
    "products": listed(value("string", "A product."), "Of these lines."),
    "reasons": listed(ref("StrategyReason"), "What the customer is told; empty: the reasons of the score."),
    "uses_score": value("boolean", "Whether the score, or what follows from it, has a part in it."),
    "thresholds": listed(ref("StrategyThreshold"), "Parameters that it reads."),
    "reads": listed(ref("StrategyQuantity"), "Quantities that it reads."),
    "review": or_null(ref("RuleHits"), "On the last portfolio; null where no review was kept."),
}

REVIEW: dict[str, Schema] = {
    "portfolio": value("string", "Its name."),
    "as_of": moment("As of when."),
    "at": moment("When it was kept."),
    "by": value("string", "By whom."),
    "accounts": value("integer", "Reviewed.", minimum=0),
    "accounts_refused": value("integer", "Rows that could not be read.", minimum=0),
    "actions": mapping("integer", "How many accounts came to each action."),
    "value": ref("ReviewValue"),
}

SHARE: dict[str, Schema] = {
    "release_id": value("string", "The release."),
    "name": value("string", "Of its strategy."),
    "version": value("string", "Of its strategy."),
    "share": value("number", "Of the accounts, by a hash of their ids.", minimum=0, maximum=1),
}

STRATEGY: dict[str, Schema] = {
    "standing": one_of(
        (*SERVER_STANDINGS, *(state for state in STATES if state not in SERVER_STANDINGS)),
        "Of `live`: by what right the server decides by it. Of a release: its state.",
        SERVER_STANDINGS,
    ),
    "release_id": value("string null", "Its release; null where it has none in this market."),
    "champion_id": value("string null", "The release that is the market's champion."),
    "challengers": listed(
        ref("StrategyShare"), "Of `live`: what decides in its place about a share of the accounts."
    ),
    "market": value("string", "Whose parameters its rules read."),
    "model_hash": value("string null", "Of the model; null: no rule that reads the score hits."),
    **NAMED,
    "products": listed(value("string", "A product."), "Of these lines."),
    "markets": listed(value("string", "A market."), "Where it may be used."),
    "precedence": listed(one_of(ACTIONS, "An action."), "Which action goes before which."),
    "rules": listed(ref("StrategyRule"), "In order of precedence."),
    "review": or_null(ref("ReleaseReview"), "Its figures on the last portfolio; null where none were kept."),
    "terms": listed(ref("StrategyTerm"), "Steps, floors, caps and waits."),
}

REGULATION_RULE: dict[str, Schema] = {
    "id": value("string", "MARKET.name."),
    "title": value("string", "What is asked."),
    "title_zh": value("string", "The same in Chinese."),
    "source": value("string", "The law with its article, or with the word that none was verified."),
    "source_zh": value("string", "The same in Chinese."),
    "law": value("string", "The law."),
    "law_zh": value("string", "The same in Chinese, by its official name where it has one."),
    "article": value("string null", "Null: no verified article. Empty: a rule of the house."),
    "article_zh": value("string null", "The same in Chinese."),
    "stage": one_of(STAGES, "On what it is evaluated."),
    "severity": one_of(SEVERITIES, "Whether what fails may not go on, or goes on and is told."),
    "check": value("string", "What is checked; outside: kept by the lender without this system."),
    "values": mapping("number", "Its numbers on the day, such as the days of its clock."),
    "on_failure": value("string", "What is to be done."),
    "on_failure_zh": value("string", "The same in Chinese."),
    "from": value("string", "The first day on which it holds.", format="date"),
    "to": value("string null", "The first day on which it holds no more; null without an end.", format="date"),
}  # fmt: skip

REGISTERED_CLASS: dict[str, Schema] = {
    "class": value("string", "Its name."),
    **MEANT,
    "source": value("string", "Where the data comes from."),
    "purposes": listed(one_of(PURPOSES, "A purpose."), "For what it may be used."),
    "basis": {
        "anyOf": [one_of(BASES, "Which."), {"type": "null"}],
        "description": "The legal basis in the server's market; null: none, it is not used.",
    },
    "sensitivity": one_of(SENSITIVITIES, "How sensitive it is."),
    "retention_days": value("integer", "How long it is kept, from the end of the line.", minimum=1),
    "forbidden": listed(ref("ForbiddenUse"), "Where no decision may use it."),
    "is_forbidden": value("boolean", "Whether the server's market is among these."),
    "names": listed(ref("RegisteredName"), "What strategies and models call it."),
}

STRATEGY_SCHEMAS: dict[str, Schema] = {
    "ForbiddenUse": record(
        "A market that forbids a use.",
        {"market": value("string", "Which."), "rule": value("string", "Of its regulation.")},
    ),
    "RegisteredName": record(
        "A quantity of the register.",
        {
            "name": value("string", "As a rule writes it."),
            "unit": value("string null", "Its unit; null of what no rule reads."),
            "description": value("string null", "What it means; null of what no rule reads."),
            "description_zh": value("string null", "The same in Chinese."),
        },
    ),
    "RegisteredPurpose": record("A purpose.", {"purpose": one_of(PURPOSES, "Its name."), **MEANT}),
    "RegisteredClass": record("Quantities of one source and one set of purposes.", REGISTERED_CLASS),
    "Register": record(
        "What strategies and models may know of customers.",
        {
            "market": value("string", "The server's."),
            "day": value("string", "On which the retention holds.", format="date"),
            "hash": value("string", "Of its content."),
            "purposes": listed(ref("RegisteredPurpose"), "What each means."),
            "items": listed(ref("RegisteredClass"), "Class by class."),
        },
    ),
    "StrategyReason": record(
        "A reason that customers are told.",
        {
            "code": value("string", "Its code."),
            "text": value("string", "In words."),
            "text_zh": value("string", "In Chinese."),
        },
    ),
    "StrategyThreshold": record(
        "A parameter that a rule reads.",
        {
            "name": value("string", "As the condition writes it."),
            "value": value("number", "In force now."),
            "unit": value("string", "Its unit."),
            **MEANT,
            "is_of_market": value("boolean", "Whether it is the market's, and not the strategy's own."),
        },
    ),
    "StrategyQuantity": record(
        "A quantity that a rule reads.",
        {
            "name": value("string", "As the condition writes it."),
            "unit": value("string", "Its unit."),
            "missing": value("string", "When it is missing; no rule hits on a missing one."),
            **MEANT,
        },
    ),
    "RuleHits": record(
        "How often a rule hit on a portfolio.",
        {
            "hits": value("integer", "Accounts on which it hit.", minimum=0),
            "decided": value("integer", "Accounts on which it decided.", minimum=0),
        },
    ),
    "ReviewValue": record(
        "The sums of a portfolio whose values are known.",
        {
            "accounts": value("integer", "How many.", minimum=0),
            "before": mapping("number null", "By name, minor units; RAROC is that of the sums."),
            "after": mapping("number null", "The same, with every proposal taken into effect."),
        },
    ),
    "ReleaseReview": record("What a release did on a whole portfolio.", REVIEW),
    "StrategyRule": record("A rule of a strategy.", RULE),
    "StrategyShare": record("A challenger and its share of the accounts.", SHARE),
    "StrategyTerm": record(
        "A term beside the rules.",
        {"name": value("string", "Its path with dots."), "value": value(PLAIN, "Its value.")},
    ),
    "Strategy": record("A strategy as people read it.", STRATEGY),
    "StrategyName": record("What a strategy is called.", NAMED),
    "StrategyChange": record(
        "A value that differs.",
        {
            "name": value("string", "Which."),
            "before": value(PLAIN, "Null where it was not there."),
            "after": value(PLAIN, "Null where it is no more."),
        },
    ),
    "StrategyRuleChange": record(
        "A rule that differs.",
        {
            "rule": value("string", "Which."),
            "kind": one_of((ADDED, REMOVED, CHANGED), "How."),
            "fields": listed(ref("StrategyChange"), "Of the rule itself."),
            "thresholds": listed(ref("StrategyChange"), "Of parameters that it reads in both."),
        },
    ),
    "StrategyChanges": record(
        "What differs from one strategy to another.",
        {
            "before": ref("StrategyName"),
            "after": ref("StrategyName"),
            "is_same": value("boolean", "Whether they are of one content."),
            "rules": listed(ref("StrategyRuleChange"), "Those of the later one, then those removed."),
            "parameters": listed(ref("StrategyChange"), "Thresholds."),
            "terms": listed(ref("StrategyChange"), "Everything else."),
        },
    ),
    "StrategyText": record(
        "A strategy's text.",
        {"strategy": value("string", "YAML.", minLength=1, maxLength=FILE_BYTES_MAX)},
    ),
    "StrategyProblem": record(
        "A problem of a strategy's text.",
        {
            "file": value("string", "Where it was read."),
            "line": value("integer", "From 1.", minimum=1),
            "column": value("integer", "From 1.", minimum=1),
            "problem": value("string", "What is wrong."),
            "value": value("string null", "What was given."),
            "allowed": value("string null", "What would hold."),
            "advice": value("string null", "A hint."),
            "problem_zh": value("string", "What is wrong, in Chinese, where there is a text."),
            "allowed_zh": value("string", "What would hold, in Chinese, where it is in words."),
            "advice_zh": value("string", "The hint in Chinese, where there is a text."),
        },
        optional=("problem_zh", "allowed_zh", "advice_zh"),
    ),
    "CheckedStrategy": record(
        "What came of a check.",
        {
            "valid": value("boolean", "Whether it holds."),
            "hash": value("string null", "Of its content, where it holds."),
            "problem_count": value("integer", "How many problems it has.", minimum=0),
            "problems": listed(ref("StrategyProblem"), f"The first {PROBLEMS_TOLD_MAX}, in order of lines."),
            "findings": or_null(
                listed(ref("RegulationFinding"), "What the server's market asks of it, without a model."),
                "Null where it does not hold, or is not for that market.",
            ),
        },
    ),
    "RegulationRule": record("A rule of a market's regulation.", REGULATION_RULE),
    "Regulation": record(
        "The rules in force in the server's market.",
        {
            "market": value("string", "Which."),
            "day": value("string", "On which they hold.", format="date"),
            "hash": value("string", "Of all rules' content."),
            "items": listed(ref("RegulationRule"), "What holds everywhere first."),
        },
    ),
    "RegulationFinding": record(
        "What came of a rule of regulation.",
        {
            "rule": value("string", "Which."),
            "title": value("string", "What is asked."),
            "title_zh": value("string", "The same in Chinese."),
            "source": value("string", "The law with its article, or with the word that none was verified."),
            "source_zh": value("string", IN_CHINESE_SINCE),
            "severity": one_of(SEVERITIES, "What a failure means."),
            "subject": value("string", "Of what, as kind:id."),
            "status": one_of((MET, FAILED, UNKNOWN, OUTSIDE), "What came of it."),
            "detail": value("string", "What was found."),
            "detail_zh": value("string", IN_CHINESE_SINCE),
            "on_failure": value("string", "What is to be done."),
            "on_failure_zh": value("string", "The same in Chinese."),
        },
        optional=("source_zh", "detail_zh"),
    ),
}
"""Every schema of strategies and regulation by its name."""
