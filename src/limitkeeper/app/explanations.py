"""An explanation of a decision, from its trace: rules and values in plain words, versions, how to appeal."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from limitkeeper.app.customer_preferences import owner_row, served_market, zone_of
from limitkeeper.app.decisions import REQUEST, shown_line
from limitkeeper.app.life_contents import kept_strategy
from limitkeeper.app.line_decisions import decisions_about
from limitkeeper.app.notice_policy import notice_wording
from limitkeeper.app.own_lines import account_wording
from limitkeeper.app.strategies import loaded_strategy, strategy_names, strategy_path
from limitkeeper.core.kernel.instants import day_of, instant_text
from limitkeeper.core.notice.account_words import (
    AccountWording,
    characteristic_label,
    value_label,
    value_text,
)
from limitkeeper.core.notice.notice import amount_text
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES
from limitkeeper.store.case_tables import cases
from limitkeeper.store.work import MissingError, Work

SCORE_NAMES = ("pd", "pd_low", "pd_high")
"""What of the score is told."""

VERSION_LETTERS = len("sha256:") + 12
"""Of a version in what people read; the document has the whole."""


def explanation(
    w: Work,
    account_id: str,
    case_id: str,
    language: str,
    strategies: Sequence[Strategy] = (),
) -> dict[str, Any]:
    """The explanation of a decision about a line, answered at once; that it was given is kept.

    Parameters
    ----------
    w
        Whose actor asks; whether he may was checked.
    account_id, case_id
        The line, and the decision.
    language
        Of words.
    strategies
        Those that run, beside the shipped ones and releases: rules are told in the words of the one that decided.

    Raises
    ------
    MissingError
        When there is no such decision about the line.
    """
    rows = decisions_about(w, account_id, cases.c.case_id == case_id)
    if not rows:
        raise MissingError("There is no such decision about this line.", value=case_id)
    row, trace = rows[0], rows[0]["trace"]
    w.note("decision.explain", f"case:{case_id}", {"account": account_id, "language": language})
    words = account_wording(language)
    decided = _decided_by(w, (trace.get("versions") or {}).get("strategy"), strategies)
    sign = served_market(w).currency_sign
    rules = _rules(trace, language, words, decided, sign)
    score = trace.get("score") or {}
    is_scored = any(rule["hit"] and rule["uses_score"] for rule in trace.get("rules", []))
    zone = zone_of(owner_row(w, account_id))
    found = {
        "case_id": case_id,
        "decision_id": row["decision_id"],
        "account_id": account_id,
        "language": language,
        "state": row["state"],
        "at": instant_text(row["since_us"]),
        "action": row["action"],
        "limit_before_cents": row["limit_before_cents"],
        "limit_after_cents": row["limit_after_cents"],
        "decided_by": REQUEST
        if row["kind"] == REQUEST
        else "system"
        if row["outcome"] == "system"
        else "people",
        "tier": row["tier"],
        "rules": rules,
        "counted_against": [
            characteristic_label(each["name"], each["label"], language) for each in score.get("lost_most", [])
        ]
        if is_scored
        else [],
        "score": {name: score.get(name) for name in SCORE_NAMES} if is_scored else None,
        "reasons": [
            {"code": each["code"], "text": each[language], "help": each[f"help_{language}"]}
            for each in trace.get("reasons", [])
        ],
        "versions": trace.get("versions"),
    }
    paragraphs = _paragraphs(found, words, language, sign, day_of(row["since_us"], zone))
    return found | {
        "subject": words.explanation["subject"].format(line=shown_line(account_id)),
        "paragraphs": paragraphs,
    }


def _rules(
    trace: Mapping[str, Any], language: str, words: AccountWording, decided: Strategy | None, sign: str
) -> list[dict[str, Any]]:
    told = {} if decided is None else rule_descriptions(decided, language)
    found = []
    for rule in trace.get("rules", []):
        if not rule["hit"] or rule["action"] == "none":
            continue
        values = [
            {
                "name": name,
                "label": value_label(name, language),
                "value": value,
                "text": value_text(_unit(name), value, words, sign),
            }
            for name, value in rule["values"].items()
        ]
        found.append({"rule": rule["id"], "text": told.get(rule["id"], rule["id"]), "values": values})
    return found


def _unit(name: str) -> str:
    return SHARED_QUANTITIES[name].unit if name in SHARED_QUANTITIES else "other"


@cache
def _shipped_strategies() -> tuple[Strategy, ...]:
    return tuple(loaded_strategy(strategy_path(name)) for name in strategy_names())


def _decided_by(w: Work, strategy_hash: str | None, strategies: Sequence[Strategy]) -> Strategy | None:
    """The strategy that decided: one that runs, is shipped, or was once a release; None where it is not at hand."""
    if strategy_hash is None:
        return None
    for each in (*strategies, *_shipped_strategies()):
        if each.hash == strategy_hash:
            return each
    try:
        return kept_strategy(w, strategy_hash)
    except MissingError:
        return None


def rule_descriptions(strategy: Strategy, language: str) -> dict[str, str]:
    """What each rule of a strategy says in a language, by its id."""
    return {rule.id: rule.description_zh if language == "zh" else rule.description for rule in strategy.rules}


def _paragraphs(
    found: Mapping[str, Any], words: AccountWording, language: str, sign: str, decided_on: dt.date
) -> list[str]:
    said = words.explanation
    decided = said["decided"].format(
        day=notice_wording(language).day(decided_on),
        action=said["actions"].get(found["action"], found["action"]),
        before=_amount(found["limit_before_cents"], words, sign), after=_amount(found["limit_after_cents"], words, sign),
    )  # fmt: skip
    paragraphs = [decided, said[f"by_{found['decided_by']}"]]
    if found["rules"]:
        between, colon = ("；", "：") if language == "zh" else ("; ", ": ")
        lines = [
            between.join(
                [
                    f"- {rule['text'].rstrip('.。')}",
                    *(f"{each['label']}{colon}{each['text']}" for each in rule["values"]),
                ]
            )
            for rule in found["rules"]
        ]
        paragraphs.append("\n".join([said["rules"], *lines]))
    if found["counted_against"]:
        paragraphs.append("\n".join([said["score"], *(f"- {each}" for each in found["counted_against"])]))
    if found["score"] and None not in found["score"].values():
        paragraphs.append(said["sure"].format(**found["score"]))
    for part, name in (("reasons", "text"), ("help", "help")):
        if found["reasons"]:
            paragraphs.append("\n".join([said[part], *(f"- {each[name]}" for each in found["reasons"])]))
    if found["versions"]:
        short = {name: str(version)[:VERSION_LETTERS] for name, version in found["versions"].items()}
        if short.get("model") == "none":
            short["model"] = "无" if language == "zh" else "none"
        # A decision from before they were kept names no rules of the market.
        paragraphs.append(said["versions"].format_map({"regulation": "–"} | short))
    if found["decided_by"] != REQUEST:
        paragraphs.append(said["appeal"])
    return paragraphs


def _amount(cents: int | None, words: AccountWording, sign: str) -> str:
    return words.units["unknown"] if cents is None else amount_text(cents, sign)
