"""The schemas of what is seen of one account; names and allowed values are those of the code that answers."""

from limitkeeper.app.timeline import ITEM_KINDS
from limitkeeper.core.relations.neighbourhood import KINDS as SHARED_KINDS
from limitkeeper.core.relations.neighbourhood import NEAR
from limitkeeper.core.relations.state import DECLARED_KINDS
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.core.value.quantities import QUANTITIES
from limitkeeper.engines.embedded.comparison import PAST_DAYS, QUANTILE_NAMES
from limitkeeper.engines.embedded.sample import COMPARED, QUANTILES
from limitkeeper.shells.api.overview_schemas import MISSING_OR_NULL, count
from limitkeeper.shells.api.schemas import Schema, cents, listed, moment, one_of, or_null, record, ref, value

MEANINGS = {each.name: f"{each.description} Null: {each.missing}." for each in QUANTITIES}

SHARES = dict(zip(QUANTILE_NAMES, QUANTILES, strict=True))

ITEM_MEANINGS = {
    "event": "What the monitor was told.",
    "bill": "A bill, by when it closed.",
    "alert": "By when it was opened.",
    "proposal": "By when it was made.",
    "case": "A decision: by when it was opened, or decided.",
    "limit": "A change of the limit, in effect, planned or cancelled.",
    "notice": "By when it was written.",
    "appeal": "By when it was submitted.",
}

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
    "PeerQuantiles": record(
        "Quantiles among peers.",
        {name: value("number", f"{share:.0%} of the peers have less.") for name, share in SHARES.items()},
    ),
    "ComparedFeature": record(
        "A feature of an account now, before, and among its peers.",
        {
            "name": one_of(COMPARED, "Which."),
            "unit": value("string", "Of its values."),
            "label": value("string", "What it is, in English."),
            "label_zh": value("string", "What it is, in Chinese."),
            "now": value("number null", "As of now."),
            **{f"days_{days}_ago": value("number null", f"As of {days} days ago.") for days in PAST_DAYS},
            "peers": or_null(ref("PeerQuantiles"), "Null where it is known of none of them."),
        },
    ),
    "AccountComparison": record(
        "An account against its own past and its peers.",
        {
            "account_id": value("string", "Whose."),
            "as_of": moment("Now, event time."),
            "product": one_of(PRODUCT_CODES, "Of the account and its peers."),
            "peers": record(
                "With whom it is compared.",
                {
                    "accounts": count("Peers in the sample, itself perhaps among them."),
                    "as_of": moment("As of when."),
                },
            ),
            "past": listed(
                record(
                    "A time before.",
                    {
                        "days": value("integer", "Days ago.", minimum=1),
                        "at": moment("When that was."),
                        "missing": MISSING_OR_NULL,
                    },
                ),
                "The times before; where one is missing, so are its values.",
            ),
            "features": listed(ref("ComparedFeature"), "In a fixed order."),
        },
    ),
    "LinkedBy": record(
        "By what two accounts are linked.",
        {
            "kind": one_of((*SHARED_KINDS, *DECLARED_KINDS), "A shared id, or a declaration."),
            "shared_ids": count("How many such ids both were seen with; 0 of a declaration."),
            "seen_on": or_null(
                value("string", "A day, UTC.", format="date"),
                "The last day by which both were seen with one; null of a declaration.",
            ),
            "declared_by": listed(value("string", "An account."), "Who declared it; empty of a shared id."),
        },
    ),
    "RelationNode": record(
        "An account of the picture.",
        {
            "account_id": value("string", "Which."),
            "hops": value("integer", "Links away; 0 is the account itself.", minimum=0, maximum=2),
            "is_frozen": value("boolean", "Whether drawing is stopped."),
            "is_defaulted": value("boolean", "Whether it is in default."),
            "contagion": value("number", "Chance that a walk along links from it stops at a bad account."),
        },
    ),
    "RelationEdge": record(
        "A link between two accounts of the picture.",
        {
            "first": value("string", "One account."),
            "second": value("string", "The other."),
            "by": listed(ref("LinkedBy"), "By what; empty where that is no more since the last refresh."),
        },
    ),
    "AccountRelations": record(
        "An account's links as a picture.",
        {
            "account_id": value("string", "Whose."),
            "as_of": moment("Now, event time."),
            "refreshed_at": or_null(
                moment("A time."), "When links were computed last; null before the first time."
            ),
            "linked_accounts": value(
                "integer null", "Accounts linked to it, shown or not; null where missing."
            ),
            "nodes": listed(ref("RelationNode"), "The account first, at most 40.") | {"maxItems": NEAR},
            "edges": listed(ref("RelationEdge"), "Between them."),
            "missing": MISSING_OR_NULL,
        },
    ),
    "TimelineItem": record(
        "Something that happened to an account, or is planned.",
        {
            "at": moment("When."),
            "kind": one_of(ITEM_KINDS, "What it is.", ITEM_MEANINGS),
            "id": value("string", "Its id; of an event and a bill one that only tells them apart."),
            "what": value("string", "The kind of event or notice, the trigger of an alert, else the action."),
            "state": value("string null", "Where it stands; null of events and bills."),
            "amount_cents": cents("Of an event or a bill; null where it has none."),
            "paid_cents": cents("What was paid of a bill; null of everything else."),
            "days_past_due": value("integer null", "Of a bill; null of everything else."),
            "limit_before_cents": cents("The limit before; null where it says nothing of it."),
            "limit_after_cents": cents(
                "The limit after, or that is wanted; null where it says nothing of it."
            ),
        },
    ),
    "Timeline": record(
        "A page of what happened to an account, the newest first.",
        {
            "account_id": value("string", "Whose."),
            "items": listed(ref("TimelineItem"), "As many as were asked for at most."),
            "next": value("string null", "The cursor of the next page; null at the end."),
            "left_out": listed(one_of(ITEM_KINDS, "A kind."), "What whoever asks may not read."),
        },
    ),
}
