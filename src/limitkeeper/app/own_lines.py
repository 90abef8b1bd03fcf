"""A customer's lines as he sees them: limits, ledger, planned steps, decisions, portrait, the path to restoration."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sqlalchemy as sa
import yaml

from limitkeeper.app.appeal_effects import appeal_until
from limitkeeper.app.case_words import opened_text
from limitkeeper.app.customer_preferences import owner_row, served_market, zone_of
from limitkeeper.app.decisions import REQUEST, Effects, shown_line
from limitkeeper.app.limit_policy import LimitPolicy
from limitkeeper.app.limits import entries_in_effect, entries_of, line_row
from limitkeeper.app.line_decisions import decisions_about
from limitkeeper.app.line_requests import SeenLine, pending
from limitkeeper.app.notice_policy import NoticePolicy, notice_wording
from limitkeeper.app.ownership import account_ids_of, owner_of
from limitkeeper.app.policy import POLICY, checked_language
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.approval.cases import LIVE_STATES
from limitkeeper.core.kernel.instants import day_of, instant_text
from limitkeeper.core.limits.changes import old_limit_cents
from limitkeeper.core.limits.ledger import DECREASE, OPEN, PLANNED, RESTORE, is_closed
from limitkeeper.core.notice.account_words import (
    AccountWording,
    account_wording_from_document,
    portrait_in_words,
    restoration_needs,
)
from limitkeeper.core.notice.notice import amount_text
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.tables import alerts, proposals
from limitkeeper.store.work import MissingError, Work

ENTRIES_SHOWN = 500


@cache
def account_wording(language: str) -> AccountWording:
    """The words of a line in a language.

    Raises
    ------
    PolicyError
        When there are none.
    """
    path = POLICY / "wording" / checked_language(language) / "account.yaml"
    return account_wording_from_document(yaml.safe_load(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Seen:
    """A line as the monitor sees it: its features, and the trace of a look; empty where it is not known."""

    features: Mapping[str, float | None] = field(default_factory=dict)
    trace: Mapping[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> SeenLine:
        """Limit and balance."""
        limit, balance = self.features.get("limit_cents"), self.features.get("balance_cents")
        return SeenLine(None if limit is None else int(limit), None if balance is None else int(balance))


def last_seen(w: Work, account_id: str) -> Seen:
    """A line as the monitor last wrote of it, where the monitor itself cannot be asked; what it read may be old."""
    found = []
    for table, when in ((proposals, proposals.c.made_us), (alerts, alerts.c.seen_us)):
        query = sa.select(when.label("when"), table.c.trace).where(table.c.account_id == account_id)
        if row := w.row(query.order_by(when.desc()).limit(1)):
            found.append((row["when"], row["trace"]))
    if not found:
        return Seen()
    trace = json.loads(max(found)[1])
    return Seen(trace.get("inputs", {}), trace)


def request_document(w: Work, case_id: str) -> dict[str, Any]:
    """A customer's own request as he sees it: what it leads to, and until when he takes it back.

    Raises
    ------
    MissingError
        When there is no such case.
    """
    case = w.found(cases, case_id)
    entry = w.row(sa.select(limit_entries).where(limit_entries.c.case_id == case_id))
    at = instant_text(entry["planned_us"]) if entry else None
    return {
        "case_id": case_id,
        "account_id": case["account_id"],
        "action": case["action"],
        "state": case["state"],
        "limit_before_cents": case["limit_before_cents"],
        "limit_after_cents": case["limit_after_cents"],
        "takes_effect_at": at,
        "can_be_taken_back": case["state"] in LIVE_STATES or bool(entry and entry["state"] == PLANNED),
    }


def lines_document(w: Work, customer_id: str) -> list[dict[str, Any]]:
    """A customer's lines in short, in order of their ids; that they were looked at is kept."""
    w.note("line.list", f"customer:{customer_id}")
    return [_short(w, account_id) for account_id in account_ids_of(w, customer_id)]


def _short(w: Work, account_id: str, seen: SeenLine | None = None) -> dict[str, Any]:
    line = line_row(w, account_id)
    entries = entries_in_effect(w, account_id)
    limit_cents = line["limit_cents"] if line else seen.limit_cents if seen else None
    return {
        "account_id": account_id,
        "shown_as": shown_line(account_id),
        "limit_cents": limit_cents,
        "is_frozen": bool(line and line["is_frozen"]),
        "is_closed": is_closed(entries),
        "old_limit_cents": old_limit_cents(entries),
        "version": line["version"] if line else 0,
    }


def line_document(w: Work, effects: Effects, account_id: str, language: str, seen: Seen) -> dict[str, Any]:
    """A line as its customer sees it; that it was looked at is kept.

    Parameters
    ----------
    w
        Whose actor looks; whether he may was checked.
    effects
        The seal of what officers said, waits of restorations, the sign before amounts.
    account_id
        The line.
    language
        Of words.
    seen
        The line as the monitor sees it.

    Raises
    ------
    MissingError
        When nothing is known of it.
    """
    short, owner = _short(w, account_id, seen.line), owner_of(w, account_id)
    rows = entries_of(w, account_id)[-ENTRIES_SHOWN:]
    if not rows and not seen.features:
        raise MissingError("There is no such line.", value=account_id)
    w.note("line.look", f"account:{account_id}")
    return short | {
        "balance_cents": seen.line.balance_cents,
        "ledger": [
            entry_document(row, effects.seal, owner.customer_id) for row in rows if row["state"] != PLANNED
        ],
        "planned": [
            entry_document(row, effects.seal, owner.customer_id) for row in rows if row["state"] == PLANNED
        ],
        "requests": [request_document(w, case_id) for case_id in pending(w, account_id)],
        "decisions": decisions_document(w, effects.policy, account_id, language),
        "restoration": restoration_document(
            w, account_id, language, seen, effects.limits, effects.currency_sign
        ),
    }


def entry_document(row: Mapping[str, Any], seal: Seal, customer_id: str | None) -> dict[str, Any]:
    """An entry of the ledger as JSON, with what was said of it opened."""
    names = ("entry_id", "action", "state", "target_cents", "delta_cents", "case_id", "decision_id", "why",
             "cancelled_why", "version")  # fmt: skip
    found = {name: row[name] for name in names} | {"by_request": bool(row["by_request"])}
    at = row["effective_us"] if row["effective_us"] is not None else row["planned_us"]
    until = row["until_us"]
    if row["cancelled_why"] is not None:
        found["cancelled_why"] = opened_text(
            seal, row["cancelled_why"], f"entry:{row['entry_id']}", customer_id
        )
    return found | {
        "planned_at": instant_text(row["planned_us"]),
        "effective_at": None if row["state"] == PLANNED else instant_text(at),
        "until_at": None if until is None else instant_text(until),
        "is_looked_at_again": not row["is_assessed"],
    }


def decisions_document(w: Work, policy: NoticePolicy, account_id: str, language: str) -> list[dict[str, Any]]:
    """The approved decisions about a line with their reasons, and until when each may be appealed; the newest first."""
    return [
        {
            "case_id": row["case_id"],
            "decision_id": row["decision_id"],
            "kind": row["kind"],
            "action": row["action"],
            "limit_before_cents": row["limit_before_cents"],
            "limit_after_cents": row["limit_after_cents"],
            "is_own_request": row["kind"] == REQUEST,
            "decided_by": "system" if row["outcome"] == "system" else "people",
            "at": instant_text(row["since_us"]),
            "appeal_until": appeal_until(w, policy, row, account_id),
            "reasons": [
                {"code": each["code"], "text": each[language], "help": each[f"help_{language}"]}
                for each in row["trace"].get("reasons", [])
            ],
        }
        for row in decisions_about(w, account_id, cases.c.state == "approved")
    ]


def restoration_document(
    w: Work, account_id: str, language: str, seen: Seen, limits: LimitPolicy, currency_sign: str
) -> dict[str, Any]:
    """The path to restoration: up to where, what must improve, the earliest time of the next step, and all in words."""
    line, words, terms = line_row(w, account_id), account_wording(language), limits.terms(w.now_us)
    entries = entries_in_effect(w, account_id)
    known = seen.features.get("limit_before_reduction_cents") or seen.trace.get("inputs", {}).get(
        "limit_before_reduction_cents"
    )
    old = old_limit_cents(entries) if line else known
    if old is None:
        return {
            "old_limit_cents": None,
            "earliest_at": None,
            "needs": [],
            "planned": [],
            "words": [words.path["ahead" if _is_cut_ahead(w, account_id) else "nothing"]],
        }
    changed = [each.effective_us for each in entries if each.action != OPEN and each.delta_cents]
    earliest_us = max([w.now_us, *(moment + terms.restore_wait_us for moment in changed)])
    needs = restoration_needs(seen.trace, words)
    planned = [
        row for row in entries_of(w, account_id) if row["state"] == PLANNED and row["action"] == RESTORE
    ]
    calendar, zone = notice_wording(language), zone_of(owner_row(w, account_id))
    said = [words.path["goal"].format(limit=amount_text(int(old), currency_sign)), words.path["steps"]]
    said += [f"{each['text']} ({words.path['holds' if each['is_met'] else 'open']})" for each in needs]
    said += [
        words.path["planned"].format(
            day=calendar.day(day_of(row["planned_us"], zone)),
            limit=amount_text(row["target_cents"], currency_sign),
        )
        for row in planned
    ]
    if not planned:
        said.append(words.path["earliest"].format(day=calendar.day(day_of(earliest_us, zone))))
    return {
        "old_limit_cents": int(old),
        "earliest_at": instant_text(planned[0]["planned_us"] if planned else earliest_us),
        "needs": needs,
        "planned": [row["entry_id"] for row in planned],
        "words": said,
    }


def _is_cut_ahead(w: Work, account_id: str) -> bool:
    """Whether the lender has planned to lower a line; what its customer asked for is no cut."""
    return any(
        row["state"] == PLANNED and row["action"] == DECREASE and not row["by_request"]
        for row in entries_of(w, account_id)
    )


def portrait_document(w: Work, account_id: str, language: str, seen: Seen) -> dict[str, Any]:
    """What is known of a line in plain words; that it was looked at is kept.

    Raises
    ------
    MissingError
        When nothing is known of it.
    """
    if not seen.features:
        raise MissingError("Nothing is known of this line yet.", value=account_id)
    w.note("portrait.look", f"account:{account_id}")
    return {
        "account_id": account_id,
        "customer_id": owner_of(w, account_id).customer_id,
        "language": language,
        "words": portrait_in_words(seen.features, account_wording(language), served_market(w).currency_sign),
    }
