"""The schemas of appeals; names and allowed values are those of the code that answers."""

from limitkeeper.app.appeal_reading import DIMENSIONS, INSIDE_ONLY
from limitkeeper.connectors.evidence import MEDIA_TYPES
from limitkeeper.core.appeal.appeals import ACTS, CUSTOMER_ACTS, END_STATES, LIVE_STATES, REPLY
from limitkeeper.core.approval.clocks import END, ESCALATE, REMIND
from limitkeeper.core.behaviour.events import CORRECTING_KINDS
from limitkeeper.core.limits.ledger import CLOSE, DECREASE, FREEZE
from limitkeeper.shells.api.case_schemas import VERSION, page_of
from limitkeeper.shells.api.schemas import Schema, cents, listed, moment, one_of, or_null, record, ref, value

OUTCOME_ACTS = {"upheld": "uphold", "partly_granted": "grant_partly", "granted": "grant"}
"""Each outcome of an answer, and its act."""

REVIEWER_ACTS = tuple(
    act.replace("_", "-") for act in ACTS if act not in CUSTOMER_ACTS and act not in OUTCOME_ACTS.values()
)
"""Acts of those who answer, but the answer itself."""

OPTIONAL = (*INSIDE_ONLY, "reply_until")

APPEAL: dict[str, Schema] = {
    "appeal_id": ref("Id"),
    "case_id": value("string", "The decision that it is against."),
    "account_id": value("string", "Whose line."),
    "customer_id": value("string", "Whose."),
    "action": one_of((DECREASE, CLOSE, FREEZE), "What that decision did."),
    "limit_before_cents": cents("The limit before that decision."),
    "limit_after_cents": cents("The limit that it led to."),
    "exposure_cents": cents("Balance and undrawn limit then; told inside alone.", nullable=False),
    "decision_id": value("string null", "Of the trace behind it."),
    "rule": value("string null", "The rule that decided; told inside alone."),
    "model": value("string null", "The model behind it; told inside alone."),
    "reasons": listed(value("string", "A code."), "That the customer was given."),
    "state": one_of((*LIVE_STATES, *END_STATES), "Where it is."),
    "tier": value("integer", "On which tier it lies; told inside alone.", minimum=2, maximum=3),
    "instance": value("integer", "1, or 2 where it was brought once more.", minimum=1, maximum=2),
    "clock": one_of((REMIND, ESCALATE, REPLY, END), "What its clock does next; told inside alone."),
    "claimed_by": value("string null", "Who works on it; told inside alone."),
    "parties": listed(value("string", "A person."), "Who may not answer it; told inside alone."),
    "asks": value("integer", "How often its customer was asked for more.", minimum=0),
    "outcome": value("string null", "Who or what answered: a person, facts, clock, customer."),
    "is_provisional": value("boolean", "Whether it was granted because nobody answered in time."),
    "is_erased": value(
        "boolean", "Whether its customer was erased: nothing that was said or sent opens any more."
    ),
    "granted_limit_cents": cents("Of a grant in part: the limit that was granted."),
    "new_case_id": value("string null", "The decision that a grant made."),
    "version": VERSION,
    "is_live": value("boolean", "Whether it still waits."),
    "submitted_at": moment("When it came."),
    "opened_at": moment("When it came in this instance."),
    "answer_until": moment("By when an answer was promised."),
    "due_at": moment("When its clock comes; told inside alone."),
    "asked_at": or_null(moment("A time."), "Since when its customer is asked for more."),
    "again_until": or_null(moment("A time."), "Until when it may be brought once more."),
    "answered_at": or_null(moment("A time."), "When it was answered."),
    "reply_until": or_null(
        moment("A time."), "Until when its customer answers what he was asked; told to him."
    ),
}

TALLY: dict[str, Schema] = {
    "answered": value("integer", "Appeals that were answered.", minimum=0),
    "upheld": value("integer", "Decisions that stood.", minimum=0),
    "partly_granted": value("integer", "Granted in part.", minimum=0),
    "granted": value("integer", "Granted whole, by people or facts.", minimum=0),
    "withdrawn": value("integer", "Withdrawn.", minimum=0),
    "provisional": value("integer", "Granted because nobody answered in time.", minimum=0),
    "overturned_share": value(
        "number null", "Granted, in part or whole, of those that were judged; null where none was."
    ),
    "days_mean": value("number null", "Days from coming to answer, mean."),
}

APPEAL_SCHEMAS: dict[str, Schema] = {
    "Appeal": record("An appeal against a decision.", APPEAL, OPTIONAL),
    "Appeals": page_of("Appeal"),
    "AppealAct": record(
        "An act on an appeal, and what it led to.",
        {
            "at": moment("When."),
            "by": value("string", "Whose; told inside alone."),
            "act": value("string", "What was done."),
            "words": value("string", "What was said."),
            "state": value("string", "The state after it."),
            "tier": value("integer", "The tier after it; told inside alone.", minimum=2, maximum=3),
            "version": VERSION,
        },
        ("by", "tier"),
    ),
    "KeptEvidence": record(
        "A file that was sent with an appeal.",
        {
            "evidence_id": ref("Id"),
            "kind": one_of(MEDIA_TYPES, "What it is, by its content."),
            "size_bytes": value("integer", "Of its content.", minimum=1),
            "sha256": value("string", "Of its content, hexadecimal."),
            "name": value("string", "As its sender called it; for show alone."),
            "added_at": moment("When it came."),
        },
    ),
    "AddedEvidence": record(
        "A file that is kept with an appeal.",
        {
            "evidence_id": ref("Id"),
            "kind": one_of(MEDIA_TYPES, "What it is, by its content."),
            "size_bytes": value("integer", "Of its content.", minimum=1),
        },
    ),
    "WholeAppeal": record(
        "An appeal with what was said and sent.",
        APPEAL
        | {
            "acts": listed(ref("AppealAct"), "In order."),
            "evidence": listed(ref("KeptEvidence"), "In order."),
        },
        OPTIONAL,
    ),
    "SubmittedAppeal": record(
        "An appeal to be submitted.",
        {
            "account_id": value("string", "The line.", minLength=1, maxLength=200),
            "text": value("string", "What is wrong with the decision.", minLength=1, maxLength=10_000),
            "case_id": value("string null", "The decision; the newest that took something where it is null."),
        },
        ("case_id",),
    ),
    "UploadedFile": record(
        "A form with one file.",
        {"file": value("string", "PDF, PNG, JPEG or plain text, at most 5 MB.", format="binary")},
    ),
    "Correction": {
        "type": "object",
        "description": "An event without ids that puts right what the event of its time said.",
        "properties": {
            "kind": one_of(CORRECTING_KINDS, "What is put right."),
            "ts": moment("Of the event that is put right, to the microsecond."),
            "amount": value("integer", "Of a bill: billed, minor units.", minimum=0),
            "paid": value("integer", "Of a bill: repaid, minor units.", minimum=0),
            "minimum_due": value("integer", "Of a bill, minor units.", minimum=0),
            "days_past_due": value("integer", "Of a bill.", minimum=0),
        },
        "required": ["kind", "ts"],
    },
    "AppealAnswer": record(
        "The answer to an appeal.",
        {
            "outcome": one_of(OUTCOME_ACTS, "Whether the decision stands."),
            "words": value("string", "Why, for the customer to read.", minLength=1, maxLength=10_000),
            "limit_cents": cents("Of a grant in part: the limit that is granted, between after and before."),
            "corrections": listed(ref("Correction"), "What is put right, of a grant; at most 24."),
        },
        ("limit_cents", "corrections"),
    ),
    "AppealTally": record("How appeals were answered.", TALLY),
    **{
        f"AppealsBy{name.capitalize()}": record(
            f"How appeals against decisions of a {name} were answered.",
            {name: value("string", "Which; none where there is none.")} | TALLY,
        )
        for name in DIMENSIONS
    },
    "AppealStatistics": record(
        "How often decisions were overturned.",
        {"waiting": value("integer", "Appeals that wait.", minimum=0), "all": ref("AppealTally", "In all.")}
        | {f"by_{name}": listed(ref(f"AppealsBy{name.capitalize()}"), f"By {name}.") for name in DIMENSIONS},
    ),
}
"""Every schema of appeals by its name."""
