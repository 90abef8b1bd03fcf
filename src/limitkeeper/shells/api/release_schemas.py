"""The schemas of releases and fairness reports; names and allowed values are those of the code that answers."""

from limitkeeper.app.life_evidence import FINDING_FIELDS, MADE_OF
from limitkeeper.app.strategy_document import FILE_BYTES_MAX
from limitkeeper.core.compliance.life import APPROVING_ROLES, LATER, NOT_NEEDED, OPEN, PASSED, STATES
from limitkeeper.shells.api.case_schemas import ROLE_NAMES, VERSION, page_of
from limitkeeper.shells.api.schemas import Schema, listed, moment, one_of, or_null, record, ref, value
from limitkeeper.shells.api.strategy_schemas import REVIEW

GATES = ("draft", "validate", "assess", "justify", "approve", "live")

RELEASE_ACTS = (*GATES, "retire", "rollback")

WORDS_LETTERS = 10_000

HASH_LETTERS = 80

RELEASE: dict[str, Schema] = {
    "release_id": value("string", "Of strategy, model and market."),
    "market": value("string", "Where it may decide."),
    "strategy_hash": value("string", "Of the strategy's content."),
    "strategy": value("string", "Its name and version."),
    "model_hash": value("string null", "Of the model; null where no rule reads a score."),
    "model": value("string null", "What the model is."),
    "register_hash": value("string null", "Of the lender's own columns, where it has any."),
    "author_id": value("string", "Who made it."),
    "state": one_of(STATES, "How far its life has come."),
    "screens_failed": or_null(listed(value("string", "A screen."), "Screens."), "Failed; null before it was screened."),
    "justified_by": value("string null", "Who of compliance let it go on all the same."),
    "approvals": listed(ref("ReleaseApproval"), "By whom."),
    "is_champion": value("boolean", "Whether it is the champion, or was when it retired."),
    "share": value("number", "Of the accounts, on which it decides.", minimum=0, maximum=1),
    "bucket_from": value("integer", "Of a challenger: its first bucket.", minimum=0),
    "made_at": moment("When it was drafted."),
    "version": VERSION,
}  # fmt: skip

SCREEN: dict[str, Schema] = {
    "report": value("string", "The hash of the report's content."),
    "kind": value("string null", "What was screened."),
    "accounts": value("integer null", "On how many accounts.", minimum=0),
    "failed": listed(value("string", "A screen, with its figures."), "What failed; empty where nothing did."),
    "not_passed": listed(ref("ScreenFinding"), "Every figure that did not simply pass."),
}

PROVENANCE: dict[str, Schema] = {
    "is_made_here": value("boolean", "Whether the gate made the report itself, of the portfolio's files."),
    "vouched_by": value("string null", "Who of compliance gave it, and is not the author."),
    "provenance": ref("FairnessProvenance"),
}
"""Of what the report was made; of one that was kept before this was, nothing."""

FINDING_KINDS = {
    "screen": "string null", "attribute": "string null", "group": "string null", "value": "number null",
    "low": "number null", "high": "number null", "bound": "number null", "status": "string null",
    "is_certain": "boolean null", "blocks": "boolean null",
}  # fmt: skip

DETAIL: dict[str, Schema] = {
    "market": value("string", "Of a draft."),
    "strategy": value("string", "Of a draft: the hash."),
    "model": value("string null", "Of a draft: the hash."),
    "findings": listed(ref("RegulationFinding"), "Of a validation: what register and regulation say."),
    "assessment": ref("ImpactAssessment"),
    "screen": ref("FairnessScreen"),
    "screens": listed(value("string", "A screen."), "Of a justification: what is justified."),
    "words": value("string", "Why."),
    "regulation": value("string", "Which rules it was held against: the hash of those in force on the day."),
    "role": one_of(APPROVING_ROLES, "Of an approval: for which role."),
    "buckets": value("integer", "Of going live: hundredths of a percent of the accounts.", minimum=1),
    "bucket_from": value("integer", "Of going live: the first bucket of a challenger.", minimum=0),
    "sequence": value("integer", "Of going live: the last micro-batch before it.", minimum=0),
}

WORDS = value("string", "Why; kept with the act.", maxLength=WORDS_LETTERS)

RELEASE_SCHEMAS: dict[str, Schema] = {
    "ReleaseApproval": record(
        "An approval of a release.",
        {"person_id": value("string", "Whose."), "role": one_of(APPROVING_ROLES, "For which role.")},
    ),
    "ReleaseGate": record(
        "A gate of a release.",
        {
            "gate": one_of(GATES, "Which; its acts are called as it is."),
            "standing": one_of(
                (PASSED, OPEN, LATER, NOT_NEEDED),
                "How it stands.",
                {
                    PASSED: "It was passed.",
                    OPEN: "It can be passed now.",
                    LATER: "Another one comes first.",
                    NOT_NEEDED: "No screen failed.",
                },
            ),
            "roles": listed(one_of(ROLE_NAMES, "A role."), "Who may pass it."),
            "missing": listed(one_of(APPROVING_ROLES, "A role."), "Of the approval: whose is missing."),
        },
    ),
    "ReleaseAct": record(
        "An act on a release, and what it led to.",
        {
            "at": moment("When."),
            "by": value("string", "Whose."),
            "act": one_of(RELEASE_ACTS, "What was done."),
            "state": one_of(STATES, "The state after it."),
            "version": VERSION,
            "detail": record("What is kept of it.", DETAIL, optional=DETAIL),
        },
    ),
    "Release": record("A strategy with its model in a market, and how far its life has come.", RELEASE),
    "WholeRelease": record(
        "A release with its gates and everything that was done to it.",
        RELEASE
        | {
            "gates": listed(ref("ReleaseGate"), "In their order."),
            "review": or_null(ref("WholeReleaseReview"), "On the last portfolio; null where none was kept."),
            "acts": listed(ref("ReleaseAct"), "In their order."),
        },
    ),
    "WholeReleaseReview": record(
        "What a release did on a whole portfolio, with the hits of each rule.",
        REVIEW
        | {"rules": {"type": "object", "description": "By rule.", "additionalProperties": ref("RuleHits")}},
    ),
    "Releases": page_of("Release"),
    "ChangedReleases": record(
        "The releases that an act has changed.", {"items": listed(ref("Release"), "As they are after it.")}
    ),
    "DraftedRelease": record(
        "A release to be drafted.",
        {
            "strategy": value("string", "The strategy's YAML text.", minLength=1, maxLength=FILE_BYTES_MAX),
            "market": value("string null", "Where; null for the server's market.", maxLength=16),
            "model_hash": value(
                "string null", "Of a model that some release here has.", maxLength=HASH_LETTERS
            ),
            "register_hash": value(
                "string null", "Of own columns that some release here has.", maxLength=HASH_LETTERS
            ),
        },
        optional=("market", "model_hash", "register_hash"),
    ),
    "ImpactAssessment": record(
        "The impact assessment of a release.",
        {
            "purpose": value("string", "What it is for.", maxLength=WORDS_LETTERS),
            "necessity": value("string", "Why it is needed.", maxLength=WORDS_LETTERS),
            "effect_on_rights": value("string", "What it does to people's rights.", maxLength=WORDS_LETTERS),
            "safeguards": value("string", "What protects them.", maxLength=WORDS_LETTERS),
        },
    ),
    "AssessedRelease": record(
        "What a release is assessed by.",
        {
            "assessment": ref("ImpactAssessment"),
            "screen": value("object", "A fairness report, as limitkeeper fairness --json gives it."),
        },
    ),
    "ReleaseWords": record("What is said with an act.", {"words": WORDS}, optional=("words",)),
    "LiveShare": record(
        "On how many accounts a release is to decide.",
        {"share": value("number", "Of the accounts; 1 makes it the champion.", minimum=0.0001, maximum=1)},
        optional=("share",),
    ),
    "ScreenFinding": record(
        "A figure of a fairness report that did not simply pass.",
        {name: value(FINDING_KINDS[name], "As the report says it.") for name in FINDING_FIELDS},
    ),
    "FairnessProvenance": record(
        "Of what a fairness report was made, as it says: contents by their hashes.",
        {name: value("string null", "As the report says it.") for name in MADE_OF}
        | {
            "seed": value("integer null", "Of the bootstrap and of the folds."),
            "figures": value("string", "The hash of the figures: the same whenever they are made again."),
        },
    ),
    "FairnessScreen": record(
        "What is kept of a fairness report.", SCREEN | PROVENANCE, optional=tuple(PROVENANCE)
    ),
    "FairnessReport": record(
        "A fairness report that the store holds: one that a release was assessed by.",
        {
            "release_id": value("string", "Of the release."),
            "market": value("string", "Its market."),
            "strategy": value("string null", "Its strategy's name and version."),
            "at": moment("When it was assessed."),
            "by": value("string", "By whom."),
            "justified_by": value("string null", "Who let it go on although screens failed."),
            **SCREEN,
            **PROVENANCE,
        },
        optional=tuple(PROVENANCE),
    ),
    "FairnessReports": page_of("FairnessReport"),
}
"""Every schema of releases by its name."""
