"""The schemas of the overview; names and allowed values are those of the code that answers."""

from limitkeeper.core.kernel.missing import MISSING
from limitkeeper.core.limits.ledger import ACTIONS
from limitkeeper.shells.api.answer_schemas import PROPOSED
from limitkeeper.shells.api.schemas import Schema, cents, listed, moment, one_of, or_null, record, ref, value


def count(description: str) -> Schema:
    """How many."""
    return value("integer", description, minimum=0)


NEW = {
    "last_day": count("New in the last 24 hours."),
    "day_before": count("New in the 24 hours before those."),
}

WAITING = {
    "due_within_day": count("Clocks that come within 24 hours, or have come."),
    "soonest_due_at": or_null(moment("A time."), "When the next clock comes; null where none runs."),
}

TOTAL = "Over all accounts whose value is known"

VALUE_TOTALS = {
    "ead_cents": cents("Exposure at default, over all accounts where it is known.", nullable=False),
    "expected_loss_cents": cents(f"{TOTAL}: expected loss of a year."),
    "economic_capital_cents": cents(f"{TOTAL}: capital that the exposure binds."),
    "revenue_cents": cents(f"{TOTAL}: revenue of a year."),
    "economic_profit_cents": cents(f"{TOTAL}: profit of a year after the price of risk and of capital."),
    "raroc": value("number null", f"{TOTAL}: risk-adjusted return on capital, of the sums."),
}

MISSING_OR_NULL = or_null(ref("Missing"), "Why what is null is so; null where nothing is missing.")

OVERVIEW_SCHEMAS: dict[str, Schema] = {
    "Missing": record(
        "Why something is not known.",
        {
            "code": one_of(MISSING, "Which reason."),
            "text": value("string", "In English."),
            "text_zh": value("string", "In Chinese."),
        },
    ),
    "AlertCount": record(
        "Alerts of one trigger.",
        {
            "trigger": ref("AlertTrigger"),
            "open": count("Not acknowledged."),
            "current": count(
                "Of those: seen within the quiet days (alert_quiet_days), so that they are not over."
            ),
            **NEW,
        },
    ),
    "ProposalCount": record(
        "Proposals of one action.",
        {"action": one_of(PROPOSED, "What is proposed."), "open": count("That wait."), **NEW},
    ),
    "CaseCount": record(
        "Cases that wait on one tier.",
        {
            "tier": value("integer", "1 to 3.", minimum=1, maximum=3),
            "open": count("That wait."),
            "past_reminder": count("Of which somebody was reminded already."),
            **WAITING,
        },
    ),
    "AppealCount": record("Appeals that wait.", {"open": count("That wait."), **WAITING}),
    "LimitCount": record(
        "Changes of limits by one action that took effect.",
        {
            "action": one_of(ACTIONS, "What changed them."),
            **NEW,
            "change_last_day_cents": cents("What the new ones came to.", nullable=False),
            "change_day_before_cents": cents("What those before came to.", nullable=False),
        },
    ),
    "EventFigures": record(
        "What comes in.",
        {
            "accepted": count("Events taken since the store was made."),
            "rejected": count("Rows refused."),
            "duplicate": count("Events that were known already."),
            "accepted_per_second": value(
                "number null", "Over the last seconds in which somebody asked; null at the first look."
            ),
            "event_time_lag_seconds": value("number", "How far the newest event's time is behind the clock."),
            "waiting": count("Events in the queue."),
            "sequence": count("Micro-batches committed."),
        },
    ),
    "RiskGrid": record(
        "The map of risk grade by utilisation: rows are bands of PD, columns of utilisation.",
        {
            "pd_edges": listed(value("number", "A PD."), "Edges of the rows, one more than there are rows."),
            "utilisation_edges": listed(
                value("number", "A utilisation."), "Lower edges of the columns; the last one is open."
            ),
            "accounts": listed(listed(count("In the cell."), "A row."), "Accounts."),
            "ead_cents": listed(
                listed(cents("In the cell.", nullable=False), "A row."), "Exposure at default."
            ),
            "unknown_accounts": count("Whose PD or utilisation is not known."),
        },
    ),
    "PortfolioFigures": record(
        "What all accounts are worth as they stand, scaled up from a sample where there are many.",
        {
            "as_of": moment("When they were looked at, event time."),
            "accounts": count("All."),
            "sampled_accounts": count("That were looked at."),
            "accounts_with_value": count("Whose value is known; without a model, whose exposure is."),
            "limit_cents": cents("Sum of the limits that are known.", nullable=False),
            "balance_cents": cents("Sum of what is owed.", nullable=False),
            **VALUE_TOTALS,
            "missing": MISSING_OR_NULL,
            "grid": or_null(ref("RiskGrid"), "Null without a model."),
        },
    ),
    "Overview": record(
        "What comes in, what waits, what changed since yesterday.",
        {
            "at": moment("Of when the counts are, event time."),
            "events": ref("EventFigures"),
            "alerts": listed(ref("AlertCount"), "Of each trigger."),
            "proposals": listed(ref("ProposalCount"), "Of each action."),
            "cases": listed(ref("CaseCount"), "Of each tier."),
            "appeals": ref("AppealCount"),
            "notices": record("Notices.", {"undelivered": count("That no channel took.")}),
            "limits": listed(ref("LimitCount"), "Of each action."),
            "portfolio": ref("PortfolioFigures"),
        },
    ),
}
