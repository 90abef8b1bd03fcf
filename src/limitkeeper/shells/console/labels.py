"""The names of codes in words: states, actions, triggers, acts, kinds, roles."""

from functools import cache
from typing import Any

import yaml

from limitkeeper.app.policy import POLICY, checked_language, console_wording, reason_wording
from limitkeeper.core.compliance.requests import KINDS
from limitkeeper.core.strategy.constraints import CONSTRAINT_WORDING
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES
from limitkeeper.shells.report.page import report_words

TIER_RULES = POLICY / "approval" / "tiers.yaml"


@cache
def labels(language: str) -> dict[str, dict[str, str]]:
    """Each group of codes with the words of each code; quantities, constraints, rules and reasons as they are defined."""
    found = dict(console_wording(language))
    place = ("en", "zh").index(language)
    rules = yaml.safe_load(TIER_RULES.read_text(encoding="utf-8"))
    found["feature"] = {
        each.name: (each.description, each.description_zh)[place].rstrip(".。")
        for each in SHARED_QUANTITIES.values()
    } | found["decision_input"]
    found["constraint"] = {str(each.name).lower(): words[place] for each, words in CONSTRAINT_WORDING.items()}
    found["tier_rule"] = {
        name: (rule["description"], rule["description_zh"])[place] for name, rule in rules.items()
    }
    found["reason"] = {code: words.text for code, words in reason_wording(language).items()}
    found["ledger_why"] = found["ledger_why"] | found["reason"]
    found |= fairness_labels(language)
    kept = report_words(language, "copy")
    found["look_purpose"] = kept["purposes"]
    found["rights_outcome"] = kept["columns"] | kept["tables"] | found["consent"]
    found["rights_kind"] = {kind: words[place].rstrip(".。") for kind, words in KINDS.items()}
    return found


@cache
def fairness_words(language: str) -> dict[str, Any]:
    """The words of the fairness report."""
    path = POLICY / "wording" / checked_language(language) / "fairness.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def group_words(language: str, group: str) -> str:
    """A group of a protected attribute in words; one that has none as the attributes' file calls it.

    Examples
    --------
    >>> group_words("zh", "female"), group_words("en", "26-35"), group_words("zh", "north-east")
    ('女', '26-35', 'north-east')
    """
    return str(fairness_words(language)["groups"].get(group, group))


def fairness_labels(language: str) -> dict[str, dict[str, str]]:
    """The words of the fairness report that pages say too."""
    words = fairness_words(language)
    names = {
        "screen": "screens",
        "screen_status": "statuses",
        "attribute": "attributes",
        "fairness_kind": "kinds",
    }
    return {group: words[name] for group, name in names.items()}


def label(language: str, group: str, code: object) -> str:
    """A code in words; one that has none is shown as it is, without underscores.

    Examples
    --------
    >>> label("en", "action", "decrease"), label("zh", "action", "decrease"), label("en", "action", "some_new")
    ('Reduce', '降额', 'some new')
    """
    text = str(code)
    return labels(language).get(group, {}).get(text) or text.replace("_", " ").replace("-", " ")


def why_words(language: str, why: str) -> str:
    """Why the ledger has an entry, in words: codes of reasons, or what the ledger itself says; else as it was written.

    Examples
    --------
    >>> why_words("en", "repaid_little, late_recent"), why_words("zh", "by decision"), why_words("en", "He asked, twice")
    ('Little of recent bills was repaid; Recent payments here were late', '按决定执行', 'He asked, twice')
    """
    words, codes = labels(language)["ledger_why"], tuple(dict.fromkeys(why.split(", ")))
    if any(code not in words for code in codes):
        return why
    return ("；" if language == "zh" else "; ").join(words[code] for code in codes)


def outcome_words(language: str, outcome: str) -> str:
    """By what a case ended, in words: a clock, a vote, what became of its proposal; a person by his name.

    Examples
    --------
    >>> outcome_words("zh", "committee"), outcome_words("en", "superseded"), outcome_words("en", "ann")
    ('委员会投票', 'another proposal took its place', 'ann')
    """
    return labels(language)["case_outcome"].get(outcome, outcome)
