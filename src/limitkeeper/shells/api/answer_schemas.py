"""The schemas of what the server answers; the names and allowed values are those of the code that answers."""

from limitkeeper.connectors.events import REJECT_REASONS
from limitkeeper.core.behaviour.change import CHANGE_QUANTITIES
from limitkeeper.core.behaviour.events import TOO_LATE
from limitkeeper.core.behaviour.features import FEATURES
from limitkeeper.core.behaviour.validity import REASONS
from limitkeeper.core.relations.quantities import RELATION_QUANTITIES
from limitkeeper.core.strategy.actions import Action
from limitkeeper.engines.embedded.findings import TOLD_TOPICS, TRIGGERS
from limitkeeper.engines.embedded.portrait import STATUS_WORDS
from limitkeeper.shells.api.schemas import (
    Schema,
    cents,
    listed,
    moment,
    one_of,
    or_null,
    quantities,
    record,
    ref,
    value,
)

ALERT_STATUSES = ("open", "acknowledged")

PROPOSAL_STATUSES = ("open", "superseded", "confirmed", "lifted", "lapsed")

MESSAGE_STATUSES = ("waiting", "sent", "dead")

PROPOSED = tuple(action.code for action in Action if action not in (Action.NONE, Action.ALERT))
"""What a proposal may ask for."""

FREEZE_ANSWERS = ("confirmed", "lifted")

REFUSED = (*REASONS, STATUS_WORDS[TOO_LATE])
"""Why a row of a request is refused."""

LINE = value("string", "Whose line it is.")

SEQUENCE = value("integer", "The number of the micro-batch that holds it.")

PORTFOLIO_ALERT = {
    "alert_id": value("string", "Its name."),
    "trigger": ref("AlertTrigger"),
    "day": value("string", "The day of event time, UTC.", format="date"),
    "alerts": value("integer", "Alerts opened on that day.", minimum=0),
    "expected": value("number", "Alerts to be expected, from the days before."),
    "sigmas": value("number", "Standard deviations away from that; below 0 where fewer came."),
    "events": value("integer", "Events of that day.", minimum=0),
    "sequence": SEQUENCE,
}

PORTFOLIO_MESSAGE = {
    "topic": value("string", "What happened.", const="portfolio.unusual"),
    "subject": value("string", "The alert's id."),
    "at": moment("The end of the day."),
    **PORTFOLIO_ALERT,
}

RULES = listed(value("string", "The name of a rule."), "The rules that hit, in order of precedence.")
HITS = value("integer", "How many looks hit.", minimum=1)

ALERT: dict[str, Schema] = {
    "alert_id": ref("Id"),
    "account_id": LINE,
    "trigger": ref("AlertTrigger"),
    "severity": ref("Severity"),
    "status": ref("AlertStatus"),
    "rules": RULES,
    "hits": HITS,
    "decision_id": ref("Id", "The decision that opened it or made it worse."),
    "sequence": value("integer", "The number of the micro-batch that changed it last."),
    "opened_at": moment("When it opened."),
    "seen_at": moment("When it hit last."),
}

CHANGE_OF_LIMIT: dict[str, Schema] = {
    "limit_before_cents": cents("The limit before."),
    "limit_after_cents": cents("The limit that is proposed."),
}

PROPOSAL: dict[str, Schema] = {
    "proposal_id": ref("Id"),
    "account_id": LINE,
    "decision_id": ref("Id", "The decision behind it."),
    "action": ref("ProposedAction"),
    "rule": value("string null", "The rule that decided."),
    **CHANGE_OF_LIMIT,
    "status": ref("ProposalStatus"),
    "reason": value("string null", "Why it has its status, where nobody decided that."),
    "sequence": value("integer", "The number of the micro-batch that changed it last."),
    "made_at": moment("When it was made."),
    "status_at": moment("Since when it has its status."),
}

ALERT_MESSAGE: dict[str, Schema] = {
    "topic": one_of(sorted(each for each in TOLD_TOPICS if each.startswith("alert.")), "What happened."),
    "subject": ref("Id", "The alert's id."),
    "account_id": LINE,
    "trigger": ref("AlertTrigger"),
    "severity": ref("Severity"),
    "rules": RULES,
    "hits": HITS,
    "at": moment("When it hit."),
    "sequence": SEQUENCE,
}

PROPOSAL_MESSAGE: dict[str, Schema] = {
    "topic": one_of(sorted(each for each in TOLD_TOPICS if not each.startswith("alert.")), "What happened."),
    "subject": value("string", "The proposal's id; empty where a freeze is settled."),
    "account_id": LINE,
    "action": or_null(ref("ProposedAction"), "What is proposed; null where a freeze is settled."),
    "rule": value("string null", "The rule that decided."),
    **CHANGE_OF_LIMIT,
    "reason": value("string null", "Why a freeze is over, where nobody decided that."),
    "at": moment("When it happened."),
    "sequence": SEQUENCE,
}

NOT_APPLIED = "Null where the event is not applied."

FROZEN: dict[str, Schema] = {
    "frozen_since": or_null(moment("An instant."), "Since when it is frozen; null where it is not."),
    "freeze_is_confirmed": value(
        "boolean null", "Whether somebody confirmed the freeze; null where there is none."
    ),
}

ANSWER_SCHEMAS: dict[str, Schema] = {
    "EventStatus": one_of(STATUS_WORDS.values(), "What became of an event."),
    "RejectReason": one_of(
        REFUSED,
        "Why a row is refused: the first that holds.",
        {name: REJECT_REASONS[name][0] for name in REFUSED},
    ),
    "AlertTrigger": one_of(TRIGGERS, "Why an alert was raised."),
    "AlertStatus": one_of(ALERT_STATUSES, "An acknowledged alert opens again if it grows worse."),
    "ProposedAction": one_of(PROPOSED, "What is proposed."),
    "ProposalStatus": one_of(
        PROPOSAL_STATUSES,
        "Superseded by a newer one; a freeze is also confirmed, lifted, or lapses by itself.",
    ),
    "Problem": record(
        "What happened, what was given, what is allowed, what to do (RFC 9457).",
        {
            "type": value("string", "Its kind.", pattern="^urn:limitkeeper:problem:"),
            "title": value("string", "Its kind in words."),
            "status": value("integer", "Of HTTP.", minimum=400, maximum=599),
            "detail": value("string", "What happened."),
            "value": value("string null", "What was given."),
            "allowed": value("string null", "What would have been accepted."),
            "advice": value("string null", "What to do next."),
            "rule": value("string", "The rule that refuses it, where one does."),
            "detail_zh": value("string", "What happened, in Chinese, where there is a text."),
            "allowed_zh": value("string", "What would have been accepted, in Chinese, where it is in words."),
            "advice_zh": value("string", "What to do next, in Chinese, where there is a text."),
        },
        optional=("rule", "detail_zh", "allowed_zh", "advice_zh"),
    ),
    "TakenAccounts": record(
        "Accounts that were stated.",
        {
            "sequence": SEQUENCE,
            "accounts": value(
                "integer", "How many were read; those known already stay as they are.", minimum=1
            ),
        },
    ),
    "TakenEvents": record(
        "What became of events: read = accepted + rejected + duplicate.",
        {
            "sequence": SEQUENCE,
            "read": value("integer", "Rows read.", minimum=1),
            "accepted": value("integer", "Events applied.", minimum=0),
            "rejected": value("integer", "Rows refused.", minimum=0),
            "duplicate": value("integer", "Events known already; nothing was changed.", minimum=0),
            "rejects": listed(ref("Reject"), "The rows refused."),
            "assessments": listed(ref("AssessedRow"), "Of each row that is an event, where asked for."),
        },
        optional=("assessments",),
    ),
    "Reject": record(
        "A row that is refused.",
        {
            "row": value("integer", "Its place in the request, from 0.", minimum=0),
            "event_id": value("string null", "As sent."),
            "account_id": value("string null", "As sent."),
            "reason": ref("RejectReason"),
        },
    ),
    "AssessedRow": record(
        "An event with what came of it.",
        {
            "row": value("integer", "Its place in the request, from 0.", minimum=0),
            "status": ref("EventStatus"),
            "assessment": or_null(ref("Look"), NOT_APPLIED),
        },
    ),
    "Look": record(
        "One look at a line, in short.",
        {
            "pd": value("number null", "Probability of default; null without a model.", minimum=0, maximum=1),
            "points": value("number", "The score's points."),
            "action": ref("Action"),
            "rule": value("string null", "The rule that decided."),
            "limit_after_cents": cents("The limit afterwards; null where it is not known."),
            "alerts": listed(ref("AlertTrigger"), "Alerts that open or are seen again."),
            "proposed": value("boolean", "Whether there is a new proposal."),
        },
    ),
    "Assessed": record(
        "What would be decided.",
        {
            "account_id": LINE,
            "status": ref("EventStatus"),
            "assessment": or_null(ref("Look"), NOT_APPLIED),
            "trace": or_null(ref("Trace"), NOT_APPLIED),
        },
    ),
    "Portrait": record(
        "An account as of now.",
        {
            "account_id": LINE,
            "as_of": moment("The server's clock."),
            "features": ref("Features"),
            "change": ref("Change"),
            "relations": ref("Relations"),
            "standing": ref("Standing"),
        },
    ),
    "Features": quantities("Every feature; see docs/reference/features.md.", FEATURES),
    "Change": quantities("How far the account departs from its own past.", CHANGE_QUANTITIES),
    "Relations": quantities("What links to other accounts say.", RELATION_QUANTITIES),
    "Standing": record(
        "What stands of an account.",
        {
            "is_frozen": value("boolean", "Whether the line is frozen."),
            **FROZEN,
            "is_defaulted": value("boolean", "Whether the line is in default."),
            "limit_before_reduction_cents": cents(
                "The limit before the first reduction that stands; null if none."
            ),
            "alerts": listed(ref("AlertTrigger"), "The triggers whose alert stands."),
        },
        optional=FROZEN,
    ),
    "SettledFreeze": record(
        "A freeze that was settled.",
        {"sequence": SEQUENCE, "account_id": LINE, "freeze": one_of(FREEZE_ANSWERS, "What became of it.")},
    ),
    "Alert": record("An alert, without its trace.", ALERT),
    "TracedAlert": record("An alert with its trace.", {**ALERT, "trace": ref("Trace")}),
    "Proposal": record("A proposal, without its trace.", PROPOSAL),
    "TracedProposal": record("A proposal with its trace.", {**PROPOSAL, "trace": ref("Trace")}),
    "AlertMessage": record("A message of the stream: an alert opened or grew worse.", ALERT_MESSAGE),
    "PortfolioAlert": record("A day on which a trigger's alerts were far from usual.", PORTFOLIO_ALERT),
    "PortfolioMessage": record(
        "A message of the stream: a day on which a trigger's alerts were far from usual.", PORTFOLIO_MESSAGE
    ),
    "ProposalMessage": record(
        "A message of the stream: a proposal, or a freeze that is settled.", PROPOSAL_MESSAGE
    ),
    "Lagged": record(
        "A message of the stream: the listener was too slow, and messages were lost.",
        {"advice": value("string", "What to do next.")},
    ),
    "MessageStatus": one_of(
        MESSAGE_STATUSES, "A dead message was given up; it is sent again when asked for."
    ),
    "OutgoingMessage": record(
        "A message that goes out, as the outbox has it.",
        {
            "id": value("integer", "Its number."),
            "subject": value("string", "What it is about: an alert's or a proposal's id, or empty."),
            "topic": value("string", "What happened."),
            "status": ref("MessageStatus"),
            "attempts": value("integer", "How often it was sent.", minimum=0),
            "error": value("string null", "Why it was not taken; null where it was, or was not sent yet."),
            "due_at": moment("When it is sent, or what became of it was known."),
            "content": value("object", "What is told."),
        },
    ),
    "RevivedMessage": record(
        "A message that waits again.", {"id": value("integer", "Its number."), "status": ref("MessageStatus")}
    ),
    "Health": record(
        "Whether the engine has not failed.", {"alive": value("boolean", "Whether it is alive.")}
    ),
    "Readiness": record(
        "Whether events are taken.",
        {
            "ready": value("boolean", "Whether they are."),
            "store_failing_seconds": value(
                "number", "For how long the store has failed; 0 if it answers.", minimum=0
            ),
            "sequence": value("integer", "Micro-batches committed.", minimum=0),
        },
    ),
}
