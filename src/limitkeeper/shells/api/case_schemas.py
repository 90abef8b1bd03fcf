"""The schemas of cases, mandates and the audit; names and allowed values are those of the code that answers."""

from typing import Any

from limitkeeper.app.exports import EXPORTS
from limitkeeper.app.mandates import ACTIONS
from limitkeeper.core.access.actors import ROLES, SERVICE, SYSTEM_ROLE
from limitkeeper.core.access.purposes import LOOK_PURPOSES
from limitkeeper.core.approval.cases import ACTS, AGAINST, END_STATES, FOR, LIVE_STATES
from limitkeeper.core.approval.clocks import END, ESCALATE, REMIND
from limitkeeper.core.approval.seats import BEGIN
from limitkeeper.core.approval.seats import END as END_OF_SEAT
from limitkeeper.shells.api.schemas import Schema, cents, listed, moment, one_of, or_null, record, ref, value

CASE_ACTS: tuple[str, ...] = tuple(act.replace("_", "-") for act in ACTS)
"""The acts on a case as paths name them."""

CASE_KINDS = ("decision", "campaign", "restoration", "appeal", "request")

ROLE_NAMES = tuple(role for role in ROLES if role not in (SERVICE, SYSTEM_ROLE))

VERSION = value("integer", "One more with each act; the ETag.", minimum=1)

CASE: dict[str, Schema] = {
    "case_id": ref("Id"),
    "kind": one_of(CASE_KINDS, "What the case is about."),
    "account_id": value("string null", "Whose line; null of a campaign."),
    "customer_id": value("string null", "Whose, where it is known."),
    "action": value("string", "What is to be done to the limit."),
    "limit_before_cents": cents("The limit before."),
    "limit_after_cents": cents("The limit that is proposed."),
    "exposure_cents": cents("Balance and undrawn limit before.", nullable=False),
    "proposal_id": value("string null", "The proposal that it comes from."),
    "decision_id": value("string null", "The decision behind it."),
    "state": one_of((*LIVE_STATES, *END_STATES), "Where it is."),
    "tier": value("integer", "On which tier it lies.", minimum=1, maximum=3),
    "required_tier": value("integer", "The lowest tier that may decide.", minimum=1, maximum=3),
    "tier_rules": listed(value("string", "A rule of the policy."), "Why that tier."),
    "maker_id": value("string", "Who proposed it."),
    "claimed_by": value("string null", "Who works on it."),
    "clock": one_of((REMIND, ESCALATE, END), "What its clock does next."),
    "outcome": value("string null", "Who or what ended it."),
    "version": VERSION,
    "is_live": value("boolean", "Whether it still waits."),
    "facts": value("object", "What the tier was chosen by."),
    "recused": listed(value("string", "A member."), "Who takes no part."),
    "votes": listed(ref("Vote"), "Of the committee."),
    "opened_at": moment("When it was opened."),
    "due_at": moment("When its clock comes."),
}

PERIOD = {
    "from_at": moment("From when."),
    "to_at": or_null(moment("A time."), "Until before when; null without an end."),
}

PENDING = {
    "pending": or_null(
        one_of((BEGIN, END_OF_SEAT), "To begin: none yet. To end: in force still."),
        "What waits for a second member; null where nothing does.",
    ),
    "asked_by": value("string null", "Who asked for what waits, or waited and was declined."),
    "may_confirm": listed(value("string", "A member."), "Who may confirm or decline what waits."),
}


def page_of(name: str) -> Schema:
    """A page of a list."""
    return record(
        "A page of a list.",
        {
            "items": listed(ref(name), "As many as were asked for at most."),
            "next": value("string null", "The cursor of the next page; null at the end."),
        },
    )


def person(description: str, optional: tuple[str, ...] = (), **more: Schema) -> Schema:
    """A person as an operator sees him."""
    return record(
        description,
        {
            "person_id": value("string", "His name here."),
            "roles": listed(ref("Role"), "What he is."),
            "customer_id": value("string null", "Of a customer: whose lines are his."),
            **more,
        },
        optional,
    )


CASE_SCHEMAS: dict[str, Schema] = {
    "Vote": record(
        "A member's vote.",
        {
            "person_id": value("string", "Whose."),
            "mandate_of": value("string", "Under whose mandate."),
            "choice": one_of((FOR, AGAINST), "What he chose."),
            "words": value("string", "Why; told where one case is read."),
        },
        optional=("words",),
    ),
    "CaseAct": record(
        "An act on a case, and what it led to.",
        {
            "at": moment("When."),
            "by": value("string", "Whose."),
            "act": value("string", "What was done."),
            "words": value("string", "What was said."),
            "state": value("string", "The state after it."),
            "tier": value("integer", "The tier after it.", minimum=1, maximum=3),
            "version": VERSION,
        },
    ),
    "Case": record("A case.", CASE),
    "WholeCase": record(
        "A case with everything that was done on it.",
        CASE | {"acts": listed(ref("CaseAct"), "In order.")},
    ),
    "CaseOffers": record(
        "What may be done with a case now.",
        {
            "case_id": ref("Id"),
            "deciders": listed(
                record(
                    "Somebody who may decide.",
                    {
                        "person_id": value("string", "Who."),
                        "mandate_of": value("string", "Under whose mandate."),
                    },
                ),
                "Who may decide on its tier now.",
            ),
            "quorum": value("integer", "Votes that the committee needs.", minimum=1),
            "acts": listed(
                record(
                    "An act that fits its state.",
                    {
                        "act": one_of(CASE_ACTS, "What would be done."),
                        "needs_words": value("boolean", "Whether it says why."),
                        "is_allowed": value("boolean", "Whether whoever asks may do it now."),
                        "rule": value("string null", "The rule that keeps him from it."),
                        "why_not": value("string null", "What the rule says."),
                        "why_not_zh": value("string null", "The same in Chinese."),
                    },
                ),
                "For whoever asks.",
            ),
        },
    ),
    "Cases": page_of("Case"),
    "Words": record(
        "What is said with an act.",
        {"words": value("string", "Why, or what is asked or answered.", maxLength=10_000)},
        optional=("words",),
    ),
    "Role": one_of(ROLE_NAMES, "What somebody is."),
    "Mandate": record(
        "Up to what a person decides.",
        {
            "mandate_id": ref("Id"),
            "person_id": value("string", "Whose."),
            "tier": value("integer", "2: the risk team; 3: a seat on the committee.", minimum=2, maximum=3),
            "actions": listed(one_of(ACTIONS, "An action."), "Only these; empty for all."),
            "cut_cents_max": cents("Largest change; null without a bound."),
            "exposure_cents_max": cents("Largest exposure; null without a bound."),
            "version": VERSION,
            **PERIOD,
            **PENDING,
        },
    ),
    "Mandates": page_of("Mandate"),
    "GivenMandate": record(
        "A mandate to be given.",
        {
            "person_id": value("string", "To whom; not to oneself.", minLength=1, maxLength=200),
            "tier": value("integer", "2: the risk team; 3: a seat on the committee.", minimum=2, maximum=3),
            "actions": listed(one_of(ACTIONS, "An action."), "Only these; empty for all."),
            "cut_cents_max": cents("Largest change; null without a bound."),
            "exposure_cents_max": cents("Largest exposure; null without a bound."),
            "days": value("number null", "For how long; null without an end.", exclusiveMinimum=0),
        },
        optional=("actions", "cut_cents_max", "exposure_cents_max", "days"),
    ),
    "Absence": record(
        "Somebody who is away.",
        {
            "absence_id": ref("Id"),
            "person_id": value("string", "Who is away."),
            "deputy_id": value("string", "Who decides meanwhile, under the same mandate."),
            "version": VERSION,
            **PERIOD,
            **PENDING,
        },
    ),
    "Absences": page_of("Absence"),
    "NotedAbsence": record(
        "An absence to be noted, from now.",
        {
            "person_id": value("string", "Who is away.", minLength=1, maxLength=200),
            "deputy_id": value("string", "Who decides meanwhile; not oneself.", minLength=1, maxLength=200),
            "days": value("number", "For how long.", exclusiveMinimum=0, maximum=366),
        },
    ),
    "AuditEvent": record(
        "An act, or a look at personal data.",
        {
            "number": value("integer", "Its place in the chain, from 1.", minimum=1),
            "at": moment("When."),
            "actor_id": value("string", "Whose."),
            "act": value("string", "What was done."),
            "subject": value("string", "To what, as kind:id."),
            "detail": value("object", "What else is kept of it."),
            "hash": value("string", "Over this event and the hash before it."),
        },
    ),
    "AuditEvents": page_of("AuditEvent"),
    "Export": record(
        "The mark of a file: who took it, when, for what, and where the audit stood.",
        {
            "what": one_of(tuple(EXPORTS), "The kind of file."),
            "by": value("string", "Who took it."),
            "at": moment("When."),
            "purpose": one_of(LOOK_PURPOSES, "For what."),
            "audit_number": value("integer", "The audit's last event before it.", minimum=0),
            "audit_hash": value("string", "The hash of that event."),
        },
    ),
    "VerifiedAudit": record(
        "Whether the audit's chain holds.",
        {
            "events": value("integer", "How many.", minimum=0),
            "holds": value("boolean", "Whether none was edited, deleted, moved or cut off."),
            "broken_at": value("integer null", "The first number where it does not."),
            "problem": value("string null", "What is wrong there."),
        },
    ),
    "Login": record(
        "Who logs in.",
        {
            "person_id": value("string", "His name here.", minLength=1, maxLength=200),
            "password": value("string", "His password.", minLength=1, maxLength=256),
        },
    ),
    "LoggedIn": record(
        "A session that has begun.",
        {
            "token": value("string", "Send it as Authorization: Bearer TOKEN. It is shown this once."),
            "ends_at": moment("When it ends at the latest."),
            "idle_seconds": value("integer", "It ends when it is not used for so long.", minimum=1),
        },
    ),
    "Me": person(
        "Who is logged in, or the service whose key it is.",
        roles=listed(one_of((*ROLE_NAMES, SERVICE), "What somebody is."), "What he is."),
        acts=listed(value("string", "An act."), "What he may do, on what is his own at least."),
        optional=("language", "time_zone"),
        language=one_of(("en", "zh"), "Of a customer: of his letters."),
        time_zone=value("string", "Of a customer: where his clock is."),
    ),
}
"""Every schema of cases and people by its name."""

Examples = dict[str, Any]
