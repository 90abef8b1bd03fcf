"""The schemas of lines, customers and notices; names and allowed values are those of the code that answers."""

from limitkeeper.app.customers import ADDRESSES
from limitkeeper.app.notices import DEAD, OUT, WAITING
from limitkeeper.app.policy import LANGUAGES
from limitkeeper.core.approval.cases import END_STATES, LIVE_STATES
from limitkeeper.core.limits.ledger import ACTIONS, CANCELLED, EFFECTIVE, PLANNED
from limitkeeper.core.notice.notice import KINDS
from limitkeeper.shells.api.case_schemas import CASE_KINDS, VERSION, page_of
from limitkeeper.shells.api.schemas import Schema, cents, listed, moment, one_of, or_null, record, ref, value

LANGUAGE = one_of(LANGUAGES, "Of the words.")
STATES = (*LIVE_STATES, *END_STATES)
WORDS = listed(value("string", "A sentence."), "In plain words.")
HOUR = {"minimum": 0, "maximum": 23}

LINE: dict[str, Schema] = {
    "account_id": value("string", "The line."),
    "shown_as": value("string", "The line as notices name it."),
    "limit_cents": cents("The limit; null where it is not known."),
    "is_frozen": value("boolean", "Whether drawing is stopped."),
    "is_closed": value("boolean", "Whether it is closed."),
    "old_limit_cents": cents("The limit before the lender's cuts that are not given back; null without any."),
    "version": value("integer", "One more with each change; 0 where it has no ledger yet.", minimum=0),
}

ENTRY: dict[str, Schema] = {
    "entry_id": ref("Id"),
    "action": one_of(ACTIONS, "What it is."),
    "state": one_of((PLANNED, EFFECTIVE, CANCELLED), "Where it is."),
    "target_cents": cents("The limit that it leads to; null where it changes none."),
    "delta_cents": cents("What it changed; 0 until it is effective.", nullable=False),
    "case_id": value("string null", "What allowed it."),
    "decision_id": value("string null", "What proposed it."),
    "why": value("string", "Why."),
    "cancelled_why": value("string null", "Why it was cancelled."),
    "version": VERSION,
    "by_request": value("boolean", "Whether the customer asked for it himself."),
    "planned_at": moment("From when it is to be."),
    "effective_at": or_null(moment("A time."), "From when it was; null while it is planned."),
    "until_at": or_null(moment("A time."), "Of a freeze that ends by itself."),
    "is_looked_at_again": value("boolean", "Whether the line is looked at again before it takes effect."),
}

NOTICE: dict[str, Schema] = {
    "notice_id": ref("Id"),
    "customer_id": value("string", "Whose."),
    "account_id": value("string null", "About which line."),
    "kind": one_of(KINDS, "What it is of."),
    "language": LANGUAGE,
    "state": one_of((WAITING, OUT, DEAD), "Whether it is handed over to a channel; dead: nobody took it."),
    "version": VERSION,
    "made_at": moment("When it was written."),
    "out_at": or_null(moment("A time."), "When it was handed over."),
    "read_at": or_null(moment("A time."), "When its customer first read it."),
}

SAID: dict[str, Schema] = {
    "subject": value("string", "What it is about."),
    "paragraphs": listed(value("string", "A paragraph."), "What it says."),
}

APPEAL_UNTIL = or_null(
    moment("A time."),
    "Until when it may be appealed against, also where that is over; null where it took nothing of the line, or an "
    "appeal against it stands.",
)

LINE_SCHEMAS: dict[str, Schema] = {
    "CustomerLine": record("A line in short.", LINE),
    "CustomerLines": page_of("CustomerLine"),
    "LedgerEntry": record("An entry of a line's ledger.", ENTRY),
    "LineRequest": record(
        "What a customer asked for himself.",
        {
            "case_id": ref("Id"),
            "account_id": value("string", "The line."),
            "action": one_of(("decrease", "close"), "What he asked for."),
            "state": one_of(STATES, "Where its case is."),
            "limit_before_cents": cents("Before."),
            "limit_after_cents": cents("As he wants it."),
            "takes_effect_at": or_null(
                moment("A time."), "When it takes effect; null while a person looks at it."
            ),
            "can_be_taken_back": value("boolean", "Whether he can still take it back."),
        },
    ),
    "ReasonTold": record(
        "A reason of a decision.",
        {
            "code": value("string", "Its code."),
            "text": value("string", "What it says."),
            "help": value("string", "What would help."),
        },
    ),
    "LineDecision": record(
        "A decision about a line.",
        {
            "case_id": ref("Id"),
            "decision_id": value("string null", "Of the assessment behind it."),
            "kind": one_of(CASE_KINDS, "What it is."),
            "action": value("string", "What was decided."),
            "limit_before_cents": cents("Before."),
            "limit_after_cents": cents("After."),
            "is_own_request": value("boolean", "Whether the customer asked for it."),
            "decided_by": one_of(("system", "people"), "Who decided."),
            "at": moment("When."),
            "appeal_until": APPEAL_UNTIL,
            "reasons": listed(ref("ReasonTold"), "Why, at most four."),
        },
    ),
    "RestorationPath": record(
        "What leads to a higher limit again.",
        {
            "old_limit_cents": cents("Up to what; null where the lender lowered nothing."),
            "earliest_at": or_null(moment("A time."), "When the next step is possible at the earliest."),
            "needs": listed(
                record(
                    "What must be so.",
                    {"text": value("string", "In words."), "is_met": value("boolean", "Whether it is.")},
                ),
                "What must improve.",
            ),
            "planned": listed(ref("Id"), "Entries that are planned."),
            "words": WORDS,
        },
    ),
    "WholeLine": record(
        "A line as its customer sees it.",
        LINE
        | {
            "balance_cents": cents("What is owed; null where it is not known."),
            "ledger": listed(
                ref("LedgerEntry"), "What happened to the limit, in order; their sum is the limit."
            ),
            "planned": listed(ref("LedgerEntry"), "What is to come."),
            "requests": listed(ref("LineRequest"), "The customer's own that still can be taken back."),
            "decisions": listed(ref("LineDecision"), "The newest first."),
            "restoration": ref("RestorationPath"),
        },
    ),
    "PortraitInWords": record(
        "What is known of a line.",
        {
            "account_id": value("string", "The line."),
            "customer_id": value("string", "Whose it is."),
            "language": LANGUAGE,
            "words": WORDS,
        },
    ),
    "Explanation": record(
        "The explanation of a decision.",
        {
            "case_id": ref("Id"),
            "decision_id": value("string null", "Of the assessment behind it."),
            "account_id": value("string", "The line."),
            "language": LANGUAGE,
            "state": one_of(STATES, "Where its case is."),
            "at": moment("When it came there."),
            "appeal_until": APPEAL_UNTIL,
            "action": value("string", "What it is about."),
            "limit_before_cents": cents("Before."),
            "limit_after_cents": cents("After."),
            "decided_by": one_of(
                ("system", "people", "request"), "Who decides; request: the customer himself."
            ),
            "tier": value("integer", "On which tier.", minimum=1, maximum=3),
            "rules": listed(
                record(
                    "A rule that led to it.",
                    {
                        "rule": value("string", "Its id."),
                        "text": value("string", "What it says."),
                        "values": listed(
                            record(
                                "A value that it read.",
                                {
                                    "name": value("string", "Of the feature."),
                                    "label": value("string", "What it is."),
                                    "value": value("number string null", "Null where it was not known."),
                                    "text": value("string", "The value in words."),
                                },
                            ),
                            "What it read.",
                        ),
                    },
                ),
                "Rules that hit.",
            ),
            "counted_against": listed(
                value("string", "A fact."), "What the model of repayment counted most."
            ),
            "score": or_null(
                record(
                    "How likely the model held a default, and how sure it was.",
                    {
                        "pd": value("number null", "Probability of default."),
                        "pd_low": value(
                            "number null", "Least default rate of accounts with such a PD (95 %)."
                        ),
                        "pd_high": value(
                            "number null", "Highest such rate; null where the model does not say."
                        ),
                    },
                ),
                "Null where no rule that used the score hit.",
            ),
            "reasons": listed(ref("ReasonTold"), "Why, at most four."),
            "versions": or_null(
                record(
                    "What decided, by content.",
                    {
                        name: value("string", f"Of the {name}.")
                        for name in ("strategy", "model", "parameters", "regulation", "program")
                    },
                    optional=("regulation",),
                ),
                "Null without an assessment.",
            ),
            **SAID,
        },
    ),
    "WantedLimit": record(
        "The limit that a customer wants.",
        {"limit_cents": cents("Lower than it is; 0 closes the line.", nullable=False) | {"minimum": 0}},
    ),
    "TakenBack": record(
        "What was taken back.",
        {"account_id": value("string", "The line."), "requests": listed(ref("LineRequest"), "Which.")},
    ),
    "WantedRestoration": record(
        "Up to what a line is to be restored.",
        {"limit_cents": cents("Null for all that may be.") | {"minimum": 0}},
        optional=("limit_cents",),
    ),
    "Why": record(
        "Why something is done.", {"why": value("string", "In words.", minLength=1, maxLength=500)}
    ),
    "NoticePreview": record(
        "The notice of a case before it is approved.",
        {
            "case_id": ref("Id"),
            "notices": record(
                "By language; null where approval would change nothing.",
                {name: or_null(record("A notice.", SAID), f"In {name}.") for name in LANGUAGES},
            ),
        },
    ),
    "Contact": record(
        "A way to reach a customer.",
        {
            "contact_id": ref("Id"),
            "channel": value("string", "By what."),
            "address": value("string", "Where; only its ends to others than the customer."),
            "consented": value("boolean", "Whether he agrees to be written to there."),
            "is_broken": value("boolean", "Whether a letter came back."),
        },
    ),
    "Customer": record(
        "A customer as he is written to.",
        {
            "customer_id": value("string", "Who."),
            "language": LANGUAGE,
            "time_zone": value("string", "Where his clock is."),
            "quiet_from_hour": value("integer", "From when he is not written to.", **HOUR),
            "quiet_to_hour": value("integer", "Until when; the same hour: never quiet.", **HOUR),
            "refuses_automation": value("boolean", "Whether a person decides always."),
            "contacts": listed(ref("Contact"), "In the order in which they are tried."),
            "version": value(
                "integer", "One more with each change; the ETag; 0 where he has said nothing.", minimum=0
            ),
        },
    ),
    "Preferences": record(
        "What is to be changed; what is not said stays.",
        {
            "language": LANGUAGE,
            "time_zone": value("string", "A name like Asia/Shanghai."),
            "quiet_from_hour": value("integer", "From when.", **HOUR),
            "quiet_to_hour": value("integer", "Until when.", **HOUR),
            "refuses_automation": value("boolean", "Whether a person is to decide always."),
        },
        optional=("language", "time_zone", "quiet_from_hour", "quiet_to_hour", "refuses_automation"),
    )
    | {"minProperties": 1},
    "NewContact": record(
        "A way to be reached.",
        {
            "channel": one_of(tuple(ADDRESSES), "By what."),
            "address": value(
                "string", "A mail address, or a telephone number with its country.", maxLength=300
            ),
            "consents": value("boolean", "Whether one agrees to be written to there."),
        },
    ),
    "Consent": record("An agreement, or its end.", {"consents": value("boolean", "Whether one agrees.")}),
    "Notice": record("A notice with what it says.", NOTICE | SAID),
    "Notices": page_of("Notice"),
    "NoticeState": record("A notice without what it says.", NOTICE),
    "NoticeStates": page_of("NoticeState"),
    "WholeNotice": record(
        "A notice with what it says and its deliveries.",
        NOTICE
        | SAID
        | {
            "deliveries": listed(
                record(
                    "What became of it by one channel.",
                    {
                        "channel": value("string", "By what."),
                        "state": one_of(
                            ("trying", "sent", "failed", "bounced", "shown"),
                            "What became of it; shown: by the inbox, to the customer.",
                        ),
                        "attempts": value("integer", "How often it was tried.", minimum=0),
                        "problem": value("string null", "What went wrong last."),
                        "tried_at": moment("When it was tried last."),
                    },
                ),
                "By channel.",
            )
        },
    ),
}
"""Every schema of lines, customers and notices by its name."""
