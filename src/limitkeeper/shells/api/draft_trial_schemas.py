"""The schemas of drafts that are tried."""

from limitkeeper.app.strategy_document import FILE_BYTES_MAX
from limitkeeper.engines.embedded.draft_trial import EXAMPLES_MAX
from limitkeeper.shells.api.release_schemas import HASH_LETTERS
from limitkeeper.shells.api.schemas import Schema, cents, listed, mapping, moment, one_of, record, ref, value
from limitkeeper.shells.api.strategy_schemas import ACTIONS

SIDE: dict[str, Schema] = {
    "strategy": value("string", "Its name and version."),
    "hash": value("string", "Of its content."),
    "model_hash": value("string null", "Of its model; null: no rule that reads the score hits."),
    "actions": mapping("integer", "How many accounts come to each action."),
    "rules": {"type": "object", "description": "By rule.", "additionalProperties": ref("RuleHits")},
    "value": ref("TrialValue"),
}

DRAFT_TRIAL_SCHEMAS: dict[str, Schema] = {
    "TriedDraft": record(
        "A draft to be tried.",
        {
            "strategy": value("string", "YAML.", minLength=1, maxLength=FILE_BYTES_MAX),
            "model_hash": value(
                "string null",
                "Of a model that some release here has; null: without one. Left out: the model that decides now.",
                maxLength=HASH_LETTERS,
            ),
        },
        optional=("model_hash",),
    ),
    "TrialValue": record(
        "The sums over the accounts whose values are known, and all limits.",
        {
            "accounts": value("integer", "How many; 0 without a model.", minimum=0),
            "before": mapping("number null", "By name, minor units; RAROC is that of the sums."),
            "after": mapping("number null", "The same, with every proposal taken into effect."),
            "exposure_cut_cents": value(
                "number", "How much less is exposed at default; below 0: more. Minor units."
            ),
            "limit_cut_cents": value(
                "number", "How much lower the limits are; below 0: higher. Minor units."
            ),
        },
    ),
    "TrialSide": record("What a strategy does to the accounts.", SIDE),
    "TrialPair": record(
        "Accounts whose action differs in one way.",
        {
            "now": one_of(ACTIONS, "By what decides."),
            "draft": one_of(ACTIONS, "By the draft."),
            "accounts": value("integer", "How many.", minimum=1),
        },
    ),
    "TrialDecision": record(
        "What a strategy does to an account.",
        {
            "action": one_of(ACTIONS, "Which."),
            "rule": value("string null", "That decides; null where none hits."),
            "limit_after_cents": cents("The limit after it."),
        },
    ),
    "TrialExample": record(
        "An account whose action, or limit after it, differs.",
        {
            "account_id": value("string", "Which."),
            "limit_cents": cents("Its limit."),
            "now": ref("TrialDecision"),
            "draft": ref("TrialDecision"),
        },
    ),
    "DraftTrial": record(
        "A draft tried beside what decides now; nothing of it was written.",
        {
            "as_of": moment("When the accounts were looked at."),
            "accounts": value("integer", "That the server knows.", minimum=0),
            "sampled_accounts": value("integer", "That were looked at: all figures are of these.", minimum=0),
            "now": ref("TrialSide"),
            "draft": ref("TrialSide"),
            "differing": value("integer", "Accounts whose action differs.", minimum=0),
            "differing_limits": value(
                "integer", "Accounts of the same action whose limit after it differs.", minimum=0
            ),
            "pairs": listed(ref("TrialPair"), "The most frequent first."),
            "examples": listed(
                ref("TrialExample"),
                f"{EXAMPLES_MAX} at most: of each pair, then of other limits alone.",
            ),
        },
    ),
}
"""Every schema of drafts that are tried, by its name."""
