"""The schemas of persons' rights; names and allowed values are those of the code that answers."""

from limitkeeper.app.consents import consent_texts
from limitkeeper.app.private_aggregates import SEGMENTS_MAX
from limitkeeper.app.rights import WORDS_MAX
from limitkeeper.core.access.actors import ROLES
from limitkeeper.core.access.purposes import LOOK_PURPOSES
from limitkeeper.core.compliance.requests import ACTS, END_STATES, KINDS, LIVE_STATES
from limitkeeper.core.limits.ledger import ACTIONS, OPEN
from limitkeeper.shells.api.case_schemas import VERSION, page_of
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

INSIDE_ONLY = ("verified_by",)

REQUEST: dict[str, Schema] = {
    "request_id": ref("Id"),
    "kind": ref("RightsKind"),
    "customer_id": value("string", "Whose; a name that leads nowhere once he is erased."),
    "state": one_of((*LIVE_STATES, *END_STATES), "Where it is."),
    "verified_by": value("string null", "Who knows that it is he who asks, or login; told inside alone."),
    "version": VERSION,
    "is_live": value("boolean", "Whether it still waits."),
    "received_at": moment("When it came."),
    "answer_until_at": moment("By when it is to be answered, as its clock stands."),
    "extended_days": value(
        "integer", "By how many days its clock was extended; 0 where it was not.", minimum=0
    ),
    "answered_at": or_null(moment("A time."), "When it ended."),
    "is_overdue": value("boolean", "Whether its answer should be there."),
}

CONSENT_SCOPE = one_of(consent_texts(), "To what.")

SEGMENT = value("string", "A segment.", minLength=1, maxLength=200)

RIGHTS_SCHEMAS: dict[str, Schema] = {
    "RightsKind": one_of(
        KINDS,
        "What is asked for.",
        {name: f"{english} {chinese}" for name, (english, chinese) in KINDS.items()},
    ),
    "RightsRequest": record("A request of a person.", REQUEST, INSIDE_ONLY),
    "RightsRequests": page_of("RightsRequest"),
    "RightsAct": record(
        "An act on a request, and what it led to.",
        {
            "at": moment("When."),
            "by": value("string", "Whose; told inside alone."),
            "act": one_of(ACTS, "What was done."),
            "words": value("string", "What was said; empty of a person who was erased."),
            "state": value("string", "The state after it."),
            "outcome": mapping("integer string", "What was done, by table."),
            "version": VERSION,
        },
        ("by",),
    ),
    "ErasureBar": record(
        "Why a person cannot be erased now.",
        {
            "code": value("string", "Which."),
            "en": value("string", "In English."),
            "zh": value("string", "In Chinese."),
        },
    ),
    "WholeRightsRequest": record(
        "A request with what was said and done.",
        REQUEST
        | {
            "acts": listed(ref("RightsAct"), "In order."),
            "bars": listed(ref("ErasureBar"), "Of an erasure that waits."),
            "extensible_days": value(
                "integer",
                "By how many days at most its clock can be extended now; told inside alone.",
                minimum=0,
            ),
            "known_accounts": value(
                "integer",
                "Accounts that are known to be the customer's; 0 may be a mistyped id. Told inside alone.",
                minimum=0,
            ),
        },
        (*INSIDE_ONLY, "extensible_days", "known_accounts"),
    ),
    "MadeRightsRequest": record(
        "A request to be made.",
        {
            "kind": ref("RightsKind"),
            "words": value("string", "What is wanted; kept sealed.", maxLength=WORDS_MAX),
            "customer_id": value("string null", "Whose; of a customer his own.", maxLength=200),
        },
        ("words", "customer_id"),
    ),
    "RightsWords": record(
        "What is said with an act.",
        {
            "words": value(
                "string", "What was checked or done, or why not; kept sealed.", maxLength=WORDS_MAX
            ),
            "rest": value(
                "string",
                "Of an answer in part: what is not done, and why; kept sealed.",
                maxLength=WORDS_MAX,
            ),
            "scopes": listed(CONSENT_SCOPE, "Of an answer to a request to withdraw consent: which."),
        },
        ("words", "rest", "scopes"),
    ),
    "RightsExtension": record(
        "A longer clock.",
        {
            "days": value("integer", "By how many days; how many at most is dated policy.", minimum=1),
            "words": value("string", "Why; its customer reads it. Kept sealed.", maxLength=WORDS_MAX),
        },
    ),
    "PersonalCopy": record(
        "Everything that the store holds of a person.",
        {
            "customer_id": value("string", "Whose."),
            "made_at": moment("When."),
            "made_by": value("string", "For whom, or by whom, it was made."),
            "request_id": ref("Id", "The request that it answers."),
            "data": mapping("array", "Rows by table; of the monitor portraits and the last 180 days."),
            "left_out": listed(
                record(
                    "What is left out of this file, whole or in part.",
                    {
                        "part": value("string", "Which table, or what is kept beyond tables."),
                        "rows_here": value("integer", "Rows of it that are here.", minimum=0),
                        "at": value("string", "The path where all of it is."),
                    },
                ),
                "Empty where all of it is here.",
            ),
            "export": or_null(
                ref("Export"), "The mark of a file that somebody inside took; null of a customer's own."
            ),
            "who_looked": listed(
                record(
                    "A look at it, or an act on it.",
                    {
                        "at": moment("When."),
                        "act": value("string", "What was done."),
                        "subject": value("string", "To what, like case:ID."),
                        "roles": listed(
                            one_of(ROLES, "A role."),
                            "Of who did it, as they are now; empty where he is not known.",
                        ),
                        "purpose": or_null(
                            one_of(LOOK_PURPOSES, "A purpose."),
                            "For what it was looked at; null of an act, and of looks from before purposes were kept.",
                        ),
                    },
                ),
                "In order.",
            ),
        },
    ),
    "ConsentText": record(
        "A version of the words of a consent.",
        {
            "version": value("string", "Which."),
            "en": value("string", "In English."),
            "zh": value("string", "In Chinese."),
        },
    ),
    "ConsentScope": record(
        "What may be consented to, and what stands of it.",
        {
            "scope": CONSENT_SCOPE,
            "holds": value("boolean", "Whether it is consented to."),
            "text_version": value("string null", "In which words it was given or withdrawn last."),
            "since_at": or_null(moment("A time."), "Since when that stands."),
            "texts": listed(ref("ConsentText"), "The newest first."),
        },
    ),
    "ConsentAct": record(
        "An entry of the ledger of consents.",
        {
            "scope": value("string", "To what."),
            "act": one_of(("given", "withdrawn"), "What was done."),
            "text_version": value("string", "In which words."),
            "text_hash": value("string", "Of the words that were shown."),
            "at": moment("When."),
        },
    ),
    "Consents": record(
        "A customer's consents: what stands, and a page of their ledger.",
        {
            "customer_id": value("string", "Whose."),
            "scopes": listed(ref("ConsentScope"), "All that there are."),
            "items": listed(ref("ConsentAct"), "The newest first."),
            "next": value("string null", "The cursor of the next page; null at the end."),
        },
    ),
    "StandingConsents": record(
        "A customer's consents as they stand.",
        {
            "customer_id": value("string", "Whose."),
            "scopes": listed(ref("ConsentScope"), "All that there are."),
        },
    ),
    "ChangedConsent": record(
        "A consent that is given or withdrawn.",
        {
            "scope": CONSENT_SCOPE,
            "gives": value("boolean", "Given, or withdrawn."),
            "text_version": value(
                "string null", "The version of the words that were shown; needed to give.", maxLength=40
            ),
        },
        ("text_version",),
    ),
    "WantedAggregate": record(
        "Counts that are to leave the house.",
        {
            "from": value("string", "First day.", format="date"),
            "to": value("string", "Last day.", format="date"),
            "epsilon": value("number", "What it spends of the year's budget.", minimum=0.001, maximum=10),
            "segments": listed(SEGMENT, "Told apart; each once.")
            | {"maxItems": SEGMENTS_MAX, "uniqueItems": True},
        },
        ("segments",),
    ),
    "Aggregate": record(
        "Customers whose limit changed, with noise.",
        {
            "from": value("string", "First day.", format="date"),
            "to": value("string", "Last day.", format="date"),
            "made_at": moment("When."),
            "epsilon": value("number", "What it spent."),
            "budget_left": value("number", "Of the year's budget."),
            "confidence": value("number", "In how many cases the counts are as near as told."),
            "off_by_at_most": value("integer", "How far off a count is, so often."),
            "counts": listed(
                record(
                    "One count.",
                    {
                        "action": one_of(
                            (each for each in ACTIONS if each != OPEN), "What was done to the limit."
                        ),
                        "segment": value("string null", "Of which segment; null of the others."),
                        "customers": value("integer", "How many, with noise.", minimum=0),
                    },
                ),
                "Of every action and segment.",
            ),
        },
    ),
    "PrivacyBudget": record(
        "What a year's aggregates may spend, and what spent it.",
        {
            "budget": value("number", "Of 365 days."),
            "spent": value("number", "In the last 365 days."),
            "budget_left": value("number", "What is left."),
            "items": listed(
                record(
                    "An aggregate that was given.",
                    {
                        "at": moment("When."),
                        "by": value("string", "By whom."),
                        "epsilon": value("number", "What it spent."),
                        "from": value("string", "First day.", format="date"),
                        "to": value("string", "Last day.", format="date"),
                    },
                ),
                "The newest first.",
            ),
        },
    ),
}
"""Every schema of persons' rights by its name."""
