"""The schemas of what is seen of one account; names and allowed values are those of the code that answers."""

from limitkeeper.core.value.quantities import QUANTITIES
from limitkeeper.shells.api.overview_schemas import MISSING_OR_NULL
from limitkeeper.shells.api.schemas import Schema, cents, listed, moment, record, ref, value

MEANINGS = {each.name: f"{each.description} Null: {each.missing}." for each in QUANTITIES}

AT_LIMIT: dict[str, Schema] = {
    "limit_cents": cents("The limit; null where the limit in force is not known."),
    "ead_cents": cents(MEANINGS["ead_cents"]),
    "expected_loss_cents": cents(MEANINGS["expected_loss_cents"]),
    "economic_capital_cents": cents(MEANINGS["economic_capital_cents"]),
    "revenue_cents": cents(MEANINGS["revenue_cents"]),
    "economic_profit_cents": cents(MEANINGS["economic_profit_cents"]),
    "profit_gained_cents": cents(
        "Economic profit after the change to this limit, less that before, less the cost of the change."
    ),
    "raroc": value("number null", MEANINGS["raroc"]),
}

ACCOUNT_VIEW_SCHEMAS: dict[str, Schema] = {
    "ValueAtLimit": record("What an account is worth under a limit, a year.", AT_LIMIT),
    "AccountEconomics": record(
        "What an account is worth under its limit and under others.",
        {
            "account_id": value("string", "Whose."),
            "as_of": moment("When it was looked at, event time."),
            "balance_cents": cents("What is owed; negative is a credit."),
            "is_frozen": value(
                "boolean", "Whether drawing is stopped: then no limit changes what can be drawn."
            ),
            "pd": value("number null", "Probability of default; null without a model."),
            "lgd": value("number null", "Loss given default, before the floor."),
            "ccf": value("number null", "Credit conversion factor, before the floor."),
            "now": ref("ValueAtLimit"),
            "limits": listed(ref("ValueAtLimit"), "In the order asked for."),
            "missing": MISSING_OR_NULL,
        },
    ),
}
