"""Appeals as they are read: one with all that was said, many by their clocks, and how often decisions were overturned."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.appeal_evidence import evidence_name
from limitkeeper.connectors.sealing import Seal, is_erased
from limitkeeper.core.access.rights import check_customers_right, check_right
from limitkeeper.core.appeal.appeals import BY_CLOCK, GRANTED, GRANTING, PARTLY_GRANTED, UPHELD
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store.appeal_tables import appeal_acts, appeal_evidence, appeals
from limitkeeper.store.work import Work

INSIDE_ONLY = ("parties", "claimed_by", "clock", "due_at", "tier", "rule", "model", "exposure_cents")
"""What a customer is not shown of his own appeal: how it is worked on, and by whom."""

DIMENSIONS = ("rule", "reason", "model")
"""By which overturned decisions are counted."""

NO_VALUE = "none"
"""Of a decision without a rule, reasons or model, such as a campaign's."""


def appeal_document(row: Mapping[str, Any], *, for_customer: bool = False) -> dict[str, Any]:
    """An appeal as JSON; times are ISO 8601, what is not there is null."""
    names = ("appeal_id", "case_id", "account_id", "customer_id", "action", "limit_before_cents", "limit_after_cents",
             "exposure_cents", "decision_id", "rule", "model", "state", "tier", "instance", "clock", "claimed_by", "asks",
             "outcome", "granted_limit_cents", "new_case_id", "version")  # fmt: skip
    found: dict[str, Any] = {name: row[name] for name in names} | {"is_live": bool(row["is_live"])}
    found |= {"reasons": json.loads(row["reasons"]), "parties": json.loads(row["parties"])}
    found["is_provisional"] = row["state"] == GRANTED and row["outcome"] == BY_CLOCK
    found["is_erased"] = is_erased(row["customer_id"])
    times = ("submitted", "opened", "answer_until", "due", "asked", "again_until", "answered")
    found |= {name if name.endswith("until") else f"{name}_at": _instant(row[f"{name}_us"]) for name in times}
    if for_customer:
        if found["outcome"] not in ("facts", "clock", "customer", None):
            found["outcome"] = "person"
        found = {name: value for name, value in found.items() if name not in INSIDE_ONLY}
        found["reply_until"] = _instant(row["due_us"]) if row["asked_us"] is not None else None
    return found


def appeal_read(w: Work, seal: Seal, appeal_id: str) -> dict[str, Any]:
    """An appeal with what was said and the files that were sent; that it was read is kept.

    Of a person who was erased it tells what was done and when; words and names of files are empty.

    Raises
    ------
    MissingError
        When there is no such appeal.
    ForbiddenError
        When it is not his to read.
    """
    row = w.found(appeals, appeal_id)
    check_customers_right(w.actor, "appeal.read", row["customer_id"])
    own = w.actor.customer_id is not None
    w.note("appeal.read", f"appeal:{appeal_id}")
    done = w.rows(
        sa.select(appeal_acts).where(appeal_acts.c.appeal_id == appeal_id).order_by(appeal_acts.c.version)
    )
    acts = [
        {"at": _instant(each["ts_us"]), "by": each["actor_id"], "act": each["act"], "state": each["state"],
         "tier": each["tier"], "version": each["version"],
         "words": seal.words(each["words"], f"appeal:{appeal_id}:{each['version']}", row["customer_id"])}
        for each in done
    ]  # fmt: skip
    files = w.rows(
        sa.select(*(column for column in appeal_evidence.c if column.name != "content"))
        .where(appeal_evidence.c.appeal_id == appeal_id)
        .order_by(appeal_evidence.c.number)
    )
    evidence = [
        {"evidence_id": each["evidence_id"], "kind": each["kind"], "size_bytes": each["size_bytes"],
         "sha256": each["sha256"], "name": evidence_name(seal, row, each["name"], each["evidence_id"]),
         "added_at": _instant(each["added_us"])}
        for each in files
    ]  # fmt: skip
    return appeal_document(row, for_customer=own) | {
        "acts": _shown(acts) if own else acts,
        "evidence": evidence,
    }


def _shown(acts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The acts that concern the customer, without who did them."""
    told = (
        "submit",
        "ask",
        "answer",
        "evidence",
        "uphold",
        "grant_partly",
        "grant",
        "facts",
        "withdraw",
        "again",
    )
    return [
        {name: each[name] for name in ("at", "act", "state", "words", "version")}
        for each in acts
        if each["act"] in told or (each["act"] == "clock.end")
    ]


def appeals_listed(
    w: Work,
    *,
    is_live: bool = True,
    tier: int | None = None,
    account_id: str | None = None,
    customer_id: str | None = None,
    count: int = 50,
) -> list[dict[str, Any]]:
    """Appeals without what was said, those that must be answered first on top.

    Parameters
    ----------
    w
        The work that reads them.
    is_live
        Those that wait, or those that are answered.
    tier, account_id, customer_id
        Only of these.
    count
        At most.
    """
    query = sa.select(appeals).where(appeals.c.is_live.is_(is_live))
    for column, value in (
        (appeals.c.tier, tier),
        (appeals.c.account_id, account_id),
        (appeals.c.customer_id, customer_id),
    ):
        query = query if value is None else query.where(column == value)
    order = query.order_by(appeals.c.answer_until_us, appeals.c.appeal_id)
    return [appeal_document(row) for row in w.rows(order.limit(count))]


def appeal_statistics(w: Work, from_us: int = 0) -> dict[str, Any]:
    """How often decisions were overturned: in all, and by rule, reason and model.

    ``overturned_share = (granted + partly granted) / (those + upheld)``; what was granted because nobody answered in
    time says nothing of the decision, and is counted apart.

    Parameters
    ----------
    w
        The work that reads it.
    from_us
        Answered since then, UTC microseconds.

    Raises
    ------
    ForbiddenError
        When it is not his to read.
    """
    check_right(w.actor, "appeal.statistics")
    counted = (
        appeals.c.rule,
        appeals.c.reasons,
        appeals.c.model,
        appeals.c.state,
        appeals.c.outcome,
    )
    query = sa.select(*counted, sa.func.count().label("count"), sa.func.sum(
        appeals.c.answered_us - appeals.c.submitted_us).label("taken_us")
    ).where(appeals.c.answered_us >= from_us, sa.not_(appeals.c.is_live)).group_by(*counted)  # fmt: skip
    groups = [tuple(row) for row in w.connection.execute(query)]
    live = w.connection.execute(sa.select(sa.func.count()).where(appeals.c.is_live)).scalar_one()
    total, parts = _Tally(), {name: dict[str, _Tally]() for name in DIMENSIONS}
    for rule, reasons, model, state, outcome, count, taken_us in groups:
        by_clock = outcome == BY_CLOCK
        total.add(state, int(count), int(taken_us), by_clock=by_clock)
        keys = {"rule": [rule], "reason": json.loads(reasons) or [None], "model": [model]}
        for name, values in keys.items():
            for value in values:
                tally = parts[name].setdefault(value or NO_VALUE, _Tally())
                tally.add(state, int(count), int(taken_us), by_clock=by_clock)
    found: dict[str, Any] = {"waiting": live, "all": total.document()}
    for name in DIMENSIONS:
        rows = [{name: key} | tally.document() for key, tally in parts[name].items()]
        found[f"by_{name}"] = sorted(rows, key=lambda row, name=name: (-row["answered"], row[name]))  # type: ignore[misc]
    return found


class _Tally:
    """Counts of answers of one kind of decision."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys((UPHELD, PARTLY_GRANTED, GRANTED, "withdrawn", "provisional"), 0)
        self.taken_us = 0

    def add(self, state: str, count: int, taken_us: int, *, by_clock: bool) -> None:
        self.counts["provisional" if by_clock else state] += count
        self.taken_us += taken_us

    def document(self) -> dict[str, Any]:
        judged = sum(self.counts[each] for each in (UPHELD, *GRANTING))
        overturned = sum(self.counts[each] for each in GRANTING)
        answered = sum(self.counts.values())
        return {
            "answered": answered, **self.counts, "overturned_share": overturned / judged if judged else None,
            "days_mean": self.taken_us / answered / 86_400_000_000 if answered else None,
        }  # fmt: skip


def _instant(us: int | None) -> str | None:
    return None if us is None else instant_text(us)
