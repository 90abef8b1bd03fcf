"""Regulation and the register as their files hold them, and what they say of strategies and of a store's decisions."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.app.regulation_policy import checked_market, regulation, shipped_register
from limitkeeper.connectors.sealing import is_erased
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.checks import CLOCK, DECISION, ERASED, FAILED, STRATEGY, Facts, Value
from limitkeeper.core.compliance.facts import strategy_facts
from limitkeeper.core.compliance.register import Register
from limitkeeper.core.compliance.regulation import Finding, RegulationRule, asked_spans, findings
from limitkeeper.core.kernel.instants import day_of, instant_text, us_of_day
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.kernel.words import Words
from limitkeeper.core.limits.ledger import CANCELLED, FREEZE, LOWERING, OPEN, RAISING
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.audit_tables import audit_events, audit_heads
from limitkeeper.store.case_tables import cases
from limitkeeper.store.limit_tables import limit_entries
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.rights_tables import rights_requests
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import proposals

PAGE_ENTRIES = 2_000
"""Changes of limits that are read at once."""

FAILURES_KEPT = 1_000
"""Failed findings that an evaluation lists; all of them are counted."""


@dataclass
class Evaluation:
    """What came of the rules on many subjects: counts by rule and status, and what failed.

    Parameters
    ----------
    counts
        Rule id -> status -> subjects.
    failures
        At most :data:`FAILURES_KEPT`, in order of the subjects, each with the day that it was evaluated for.
    subjects
        How many were evaluated.
    erased
        Of these, changes of limits of erased persons: what the audit said of them is gone.
    decided_under
        How many decisions say which rules were in force when they were made, by the hash of these; empty: they say none.
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    failures: list[tuple[Finding, dt.date]] = field(default_factory=list)
    subjects: int = 0
    erased: int = 0
    decided_under: dict[str, int] = field(default_factory=dict)

    def add(self, found: Iterable[Finding], day: dt.date) -> None:
        """Count what came of one subject on its day."""
        self.subjects += 1
        for each in found:
            by_status = self.counts.setdefault(each.rule.id, {})
            by_status[each.status] = by_status.get(each.status, 0) + 1
            if each.status == FAILED and len(self.failures) < FAILURES_KEPT:
                self.failures.append((each, day))

    @property
    def failed(self) -> int:
        """Findings that failed."""
        return sum(by_status.get(FAILED, 0) for by_status in self.counts.values())


def decisions_evaluated(
    store: Store, market: str, from_us: int, to_us: int, now_us: int, progress: Progress = unseen
) -> Evaluation:
    """What the rules say of each change of a limit that was made in a period, of appeals and of persons' requests.

    Parameters
    ----------
    store
        Of the server; it may be in use.
    market
        Whose rules.
    from_us, to_us
        The period, UTC microseconds, the end excluded.
    now_us
        What is not answered is open until the end of the period, or until now where that is still to come.
    progress
        Told of ``decisions``, changes read, changes in all.
    """
    rules, found = regulation(), Evaluation()
    for facts, subject, day, lost in _decision_facts(store, from_us, to_us, progress):
        each = findings(rules, DECISION, facts, subject, market, day)
        found.add((_without_lost(one, lost) for one in each), day)
        found.erased += bool(lost)
        if (under := facts.get("decided_under")) is not None:
            found.decided_under[str(under)] = found.decided_under.get(str(under), 0) + 1
    open_us = min(to_us, now_us)
    for facts, subject, day in chain(
        _appeal_facts(store, from_us, to_us, open_us), _request_facts(store, from_us, to_us, open_us)
    ):
        found.add(findings(rules, CLOCK, facts, subject, market, day), day)
    return found


Subjects = Iterator[tuple[Facts, str, dt.date]]

LOST_DETAIL = Words("what would tell was erased with the person", "可资证明的内容已随个人信息一并删除")

SAID_AT_ALL = frozenset({"reasons_stated", "appeal_open"})
"""Checks of what only the audit keeps of a notice."""

SAID_WHEN = frozenset({"told_in_time", "told_before_effect"})
"""Checks of when a notice went out; of a change that waits for none the audit alone knows which told of it."""

IF_DECIDED = SAID_AT_ALL | SAID_WHEN | {"evidence_kept"}
"""Checks of what was decided; whether a change without a case or a decision was found so, the audit alone knows."""


def _lost(row: Mapping[str, Any]) -> frozenset[str]:
    """Checks of a change that cannot tell any more, because its person was erased: the audit of it is blank."""
    if not is_erased(row["account_id"]):
        return frozenset()
    if row["action"] != OPEN and row["case_id"] is None and row["decision_id"] is None:
        return IF_DECIDED
    return SAID_AT_ALL if row["notice_id"] is not None else SAID_AT_ALL | SAID_WHEN


def _without_lost(found: Finding, lost: frozenset[str]) -> Finding:
    """What came of a rule, which is not held against anybody where an erasure took away what would tell."""
    if found.rule.check not in lost:
        return found
    return replace(found, status=ERASED, detail=LOST_DETAIL.english, detail_zh=LOST_DETAIL.chinese)


EVALUATED = (OPEN, *LOWERING, *RAISING, FREEZE)
"""Changes that are decisions, and how a line was found. What ends or undoes one leads back to what was held already."""


def _decision_facts(
    store: Store, from_us: int, to_us: int, progress: Progress
) -> Iterator[tuple[Facts, str, dt.date, frozenset[str]]]:
    """The facts of each change, and the checks that an erasure took the facts of."""
    made = limit_entries.c
    within = sa.and_(made.made_us >= from_us, made.made_us < to_us, made.action.in_(EVALUATED))
    total = store.rows(sa.select(sa.func.count().label("n")).select_from(limit_entries).where(within))[0]["n"]
    query = (
        sa.select(
            limit_entries, cases.c.tier.label("case_tier"), cases.c.facts, cases.c.kind.label("case_kind"),
            proposals.c.trace,
        )
        .outerjoin(cases, cases.c.case_id == made.case_id)
        .outerjoin(proposals, sa.and_(
            proposals.c.account_id == made.account_id, proposals.c.decision_id == made.decision_id
        ))
        .where(within)
        .order_by(made.entry_id)
        .limit(PAGE_ENTRIES)
    )  # fmt: skip
    last, read = "", 0
    while rows := store.rows(query.where(made.entry_id > last)):
        told, as_found = _told(store, rows), _found(store, rows)
        for row in rows:
            facts = _facts_of_entry(
                row, told.get(row["entry_id"]), is_decided=row["entry_id"] not in as_found
            )
            yield facts, f"entry:{row['entry_id']}", day_of(row["made_us"]), _lost(row)
        last, read = rows[-1]["entry_id"], read + len(rows)
        progress("decisions", read, total)


class _Told(NamedTuple):
    """When the notice of a change went out, None while it waits, and what the audit keeps of it."""

    out_us: int | None
    reasons: list[str] | None
    appeal_until: str | None


def _told(store: Store, rows: list[dict[str, Any]]) -> dict[str, _Told]:
    """The notice of each change, by entry: the one that it waits for, or the one that told of it."""
    notice_of = {row["entry_id"]: row["notice_id"] for row in rows if row["notice_id"] is not None}
    others = [f"entry:{row['entry_id']}" for row in rows if row["notice_id"] is None]
    for subject, detail in _noted(store, "limit.tell", others).items():
        notice_of[subject.removeprefix("entry:")] = detail["notice"]
    ids = sorted(set(notice_of.values()))
    query = sa.select(notices.c.notice_id, notices.c.out_us).where(notices.c.notice_id.in_(ids))
    out_us = {row["notice_id"]: row["out_us"] for row in store.rows(query)}
    kept = _noted(store, "notice.write", [f"notice:{each}" for each in ids])
    found = {}
    for entry_id, notice_id in notice_of.items():
        detail = kept.get(f"notice:{notice_id}", {})
        found[entry_id] = _Told(out_us.get(notice_id), detail.get("reasons"), detail.get("appeal_until"))
    return found


def _found(store: Store, rows: list[dict[str, Any]]) -> set[str]:
    """Entries that nobody decided: they say how a line was found when its ledger began, as the audit knows."""
    opened = {row["entry_id"] for row in rows if row["action"] == OPEN}
    others = {
        f"account:{row['account_id']}"
        for row in rows
        if row["action"] != OPEN and row["case_id"] is None and row["decision_id"] is None
    }
    query = sa.select(audit_events.c.detail).where(audit_events.c.subject.in_(sorted(others)))
    known = store.rows(query.where(audit_events.c.act == "limit.find")) if others else []
    return opened | {json.loads(row["detail"])["entry"] for row in known}


def _noted(store: Store, act: str, subjects: list[str]) -> dict[str, dict[str, Any]]:
    """What the audit keeps of an act on each of some subjects."""
    query = sa.select(audit_events.c.subject, audit_events.c.detail)
    query = query.where(audit_events.c.subject.in_(subjects), audit_events.c.act == act)
    query = query.order_by(audit_events.c.number)  # the newest counts
    return {row["subject"]: json.loads(row["detail"]) for row in store.rows(query)}


def _facts_of_entry(row: Mapping[str, Any], told: _Told | None, *, is_decided: bool) -> dict[str, Value]:
    """The facts of one change: an entry with its case, its notice and its trace.

    Of a limit as it was found only its amount can be held against anything: nobody here decided on it.
    """
    case_facts = json.loads(row["facts"]) if row["facts"] else {}
    by_wish, told = bool(row["by_request"]), told or _Told(None, None, None)
    return {
        "action": row["action"],
        # What a customer asked for himself is no decision against him: decision 20. Neither is a raise.
        "is_adverse": is_decided
        and row["action"] in (*LOWERING, FREEZE)
        and not by_wish
        and row["state"] != CANCELLED,
        "tier": None if by_wish or row["case_tier"] is None else float(row["case_tier"]),
        "refused_automation": None if by_wish else case_facts.get("refused_automation"),
        "reasons": None if told.reasons is None else float(len(told.reasons)),
        "appeal_told": None if told.reasons is None else told.appeal_until is not None,
        "notice_out_us": told.out_us,
        "effective_us": row["effective_us"],
        "days_to_notice": None if told.out_us is None else (told.out_us - row["made_us"]) / DAY_US,
        "has_evidence": _has_evidence(row) if is_decided else None,
        "decided_under": _versions(row).get("regulation", "") if row["trace"] is not None else None,
        "limit_after_cents": row["target_cents"],
    }


def _versions(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What decided, as the trace of a change names it; nothing where it does not."""
    return json.loads(row["trace"]).get("versions") or {}


def _has_evidence(row: Mapping[str, Any]) -> bool:
    """Whether what the change was decided by is kept: the monitor's trace, or the case that people decided on.

    A campaign's decisions are named by its items, whose hash its case was approved with; a restoration that somebody
    proposes keeps its facts in its case.
    """
    if row["trace"] is not None:
        return bool(_versions(row))
    return row["case_tier"] is not None and (
        row["decision_id"] is None or row["case_kind"] in ("campaign", "restoration")
    )


def _appeal_facts(store: Store, from_us: int, to_us: int, open_us: int) -> Subjects:
    query = sa.select(appeals).where(appeals.c.opened_us >= from_us, appeals.c.opened_us < to_us)
    for row in store.rows(query.order_by(appeals.c.appeal_id)):
        ended_us = row["answered_us"] if row["answered_us"] is not None else open_us
        facts: dict[str, Value] = {"days_open": max(0, ended_us - row["opened_us"]) / DAY_US}
        yield facts, f"appeal:{row['appeal_id']}", day_of(row["opened_us"])


def _request_facts(store: Store, from_us: int, to_us: int, open_us: int) -> Subjects:
    came = rights_requests.c.received_us
    query = sa.select(rights_requests).where(came >= from_us, came < to_us)
    for row in store.rows(query.order_by(rights_requests.c.request_id)):
        ended_us = row["answered_us"] if row["answered_us"] is not None else open_us
        facts: dict[str, Value] = {
            "request_days_open": max(0, ended_us - row["received_us"]) / DAY_US,
            "request_days_extended": float(row["extended_days"]),
        }
        yield facts, f"request:{row['request_id']}", day_of(row["received_us"])


def strategy_findings(
    strategy: Strategy,
    market: str,
    day: dt.date,
    model: Model | None = None,
    register: Register | None = None,
    life: Facts = MappingProxyType({}),
) -> tuple[Finding, ...]:
    """What the rules of a market say of a strategy and its model.

    Parameters
    ----------
    strategy
        Which.
    market, day
        Where and when.
    model
        That goes with it, None where none does.
    register
        With a lender's own columns; None for the shipped one.
    life
        Facts that only its life knows: its impact assessment, its screens, its approvals.

    Raises
    ------
    LimitkeeperError
        When the market, the register or the model does not hold.
    """
    names = () if model is None else model.columns_needed
    kind = "pd" if model is None else model.kind
    facts = strategy_facts(strategy, register or shipped_register(), checked_market(market), names, kind)
    subject = f"strategy:{strategy.hash}"
    return tuple(findings(regulation(), STRATEGY, {**facts, **life}, subject, market, day))


def rule_document(rule: RegulationRule, day: dt.date) -> dict[str, Any]:
    """A rule as JSON, with its numbers of a day."""
    return {
        "id": rule.id, "title": rule.title, "title_zh": rule.title_zh, "source": rule.citation,
        "source_zh": rule.citation_zh, "law": rule.source, "law_zh": rule.source_zh, "article": rule.article,
        "article_zh": rule.article_zh, "stage": rule.stage, "severity": rule.severity, "check": rule.check,
        "values": rule.values_on(day), "on_failure": rule.on_failure, "on_failure_zh": rule.on_failure_zh,
        "from": rule.valid_from.isoformat(), "to": None if rule.valid_to is None else rule.valid_to.isoformat(),
    }  # fmt: skip


def finding_document(found: Finding) -> dict[str, Any]:
    """What came of one rule on one subject as JSON."""
    rule = found.rule
    return {
        "rule": rule.id, "title": rule.title, "title_zh": rule.title_zh, "source": rule.citation,
        "source_zh": rule.citation_zh, "severity": rule.severity, "subject": found.subject, "status": found.status,
        "detail": found.detail, "detail_zh": found.detail_zh, "on_failure": rule.on_failure,
        "on_failure_zh": rule.on_failure_zh,
    }  # fmt: skip


def evaluation_document(
    store: Store, market: str, first: dt.date, last: dt.date, now_us: int, progress: Progress = unseen
) -> dict[str, Any]:
    """What the rules say of the decisions and appeals of a period, as facts that can be exported.

    Parameters
    ----------
    store
        Of the server.
    market, first, last
        Whose rules, and the days, both included.
    now_us
        When it is made, UTC microseconds.
    progress
        Told of ``decisions``.

    Returns
    -------
    The rules in force at the end of the period, and those that ended in it and were asked, with their counts, by content
    from day to day, and which of them decisions name; what failed, and the audit's head: a later event cannot change
    what these facts were read from without breaking the chain before that head.
    """
    checked_market(market)
    head = store.rows(sa.select(audit_heads))[0]
    found = decisions_evaluated(
        store, market, us_of_day(first), us_of_day(last + dt.timedelta(days=1)), now_us, progress
    )
    rules = [
        rule
        for rule in regulation()
        if rule.stage in (DECISION, CLOCK) and (rule.in_force(market, last) or rule.id in found.counts)
    ]
    asked = asked_spans(regulation(), market, first, last)
    return {
        "market": market, "from": first.isoformat(), "to": last.isoformat(), "made_at": instant_text(now_us),
        "regulation": [{"from": start.isoformat(), "to": end.isoformat(), "hash": each} for start, end, each in asked],
        "decided_under": found.decided_under, "audit": {"events": head["number"], "hash": head["hash"]},
        "subjects": found.subjects, "failed": found.failed, "erased": found.erased,
        "rules": [rule_document(rule, last) | {"counts": found.counts.get(rule.id, {})} for rule in rules],
        "failures": [{"day": day.isoformat()} | finding_document(each) for each, day in found.failures],
    }  # fmt: skip
