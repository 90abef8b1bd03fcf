"""Approved campaigns worked off: notices and ledger entries of many accounts in each transaction, none twice.

A campaign's row says up to which number its items are worked off; it is changed by version in the transaction that writes
their effects, so that a process that dies in between leaves them undone, and two never do the same.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from json.encoder import encode_basestring
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from limitkeeper.app.campaign_setbacks import Setbacks
from limitkeeper.app.campaign_states import (
    CANCELLED,
    CANCELLING,
    DONE,
    ITEM_CANCELLED,
    ITEM_PLANNED,
    ITEM_SET_ASIDE,
    ITEM_WAITING,
    WORKING,
)
from limitkeeper.app.customer_preferences import default_customer, letter_us
from limitkeeper.app.decisions import Effects, shown_line
from limitkeeper.app.evidence import MARKS, marked
from limitkeeper.app.known_notices import IS_KNOWN, notice_stopped
from limitkeeper.app.limits import entry_id_of, entry_row
from limitkeeper.app.notice_policy import notice_wording
from limitkeeper.app.notices import OUT, WAITING, WITHDRAWN, sealed_or_nothing
from limitkeeper.app.told import Told, lowering, reasons_of_codes
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.limits.changes import Step
from limitkeeper.core.limits.ledger import CANCELLED as ENTRY_CANCELLED
from limitkeeper.core.limits.ledger import EFFECTIVE, INCREASE, OPEN, PLANNED, RAISING
from limitkeeper.core.notice.notice import amount_text, notice_pattern, pattern_marks
from limitkeeper.store import prepared
from limitkeeper.store.bulk import rows_added
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.case_tables import cases
from limitkeeper.store.database import StoreError
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import customers, notices
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import stated_accounts
from limitkeeper.store.work import ConflictError, Work, work

SWEEP_ITEMS = 10_000
"""Items that are worked off in one transaction."""

NOTICE_COLUMNS = tuple(column.name for column in notices.columns)


def campaigns_worked(
    store: Store,
    effects: Effects,
    now_us: Callable[[], int],
    count: int = SWEEP_ITEMS,
    progress: Progress = unseen,
    rounds: int | None = None,
    setbacks: Setbacks | None = None,
) -> int:
    """Plan the changes of approved campaigns, and cancel those of cancelled ones; how many items were worked off.

    One that fails rests, and the others go on.

    Parameters
    ----------
    store
        Where they lie.
    effects
        How customers are told, and in which steps limits change.
    now_us
        The clock, UTC microseconds.
    count
        Items in one transaction.
    progress
        Told of each campaign: its name, items worked off, items in all.
    rounds
        Transactions at most; None for all that there is.
    setbacks
        What failed before, and rests; None where it is done once, and the first failure is raised at the end.

    Raises
    ------
    Exception
        The first failure, once all other campaigns had their turn; at once, where the store is away.
    """
    done, first, found = 0, None, Setbacks() if setbacks is None else setbacks
    for _ in itertools.count() if rounds is None else range(rounds):
        at_us, row = now_us(), None
        try:
            with work(store, SYSTEM, at_us) as w:
                row = w.row(_next_campaign(found.resting(at_us)))
                if row is None:
                    break
                step = _planned if row["state"] == WORKING else _undone
                worked = step(w, effects, row, count)
        except (StoreError, sa.exc.OperationalError):
            raise
        except Exception as error:
            if row is None:
                raise
            found.failed(row, error, at_us)
            first = first or error
            continue
        found.went_on(row)
        done += worked
        counts = row["planned"] + row["set_aside"] if row["state"] == WORKING else row["cancelled"]
        progress(row["name"], min(counts + worked, row["items"]), row["items"])
    if setbacks is None and first is not None:
        raise first
    return done


def _next_campaign(resting: Sequence[tuple[str, str]]) -> sa.Select[Any]:
    """The oldest campaign to be worked off, but those that rest in their state."""
    own = campaigns.c
    query = sa.select(campaigns).where(own.state.in_((WORKING, CANCELLING)))
    for campaign_id, state in resting:
        query = query.where(sa.or_(own.campaign_id != campaign_id, own.state != state))
    return query.order_by(own.made_us, own.campaign_id).limit(1)


def _planned(w: Work, effects: Effects, campaign: dict[str, Any], count: int) -> int:
    """Plan some items of a campaign; how many were looked at."""
    rows = w.connection.execute(_items(campaign, count)).all()
    if not rows:
        w.change(campaigns, campaign["campaign_id"], campaign["version"], {"state": DONE})
        counts = {name: campaign[name] for name in ("items", "planned", "set_aside")}
        w.note("campaign.planned", f"campaign:{campaign['campaign_id']}", counts)
        return 0
    batch = _Batch(w, effects, campaign)
    effects.seal.prepare(row.customer_id for row in rows)
    for row in rows:
        batch.add(row)
    batch.write(rows[-1].number)
    return len(rows)


def _items(campaign: Mapping[str, Any], count: int) -> sa.Select[Any]:
    """The next items of a campaign, with what the store knows of each account now."""
    own, line, stated = campaign_items.c, lines.c, stated_accounts.c
    first = (
        sa.select(campaign_items)
        .where(own.campaign_id == campaign["campaign_id"], own.number > campaign["reached"])
        .order_by(own.number)
        .limit(count)
        .subquery()
    )
    item = first.c
    customer_id = sa.func.coalesce(stated.customer_id, item.customer_id, item.account_id)
    live = sa.exists().where(cases.c.account_id == item.account_id, cases.c.is_live)
    ahead = sa.exists().where(limit_entries.c.account_id == item.account_id, limit_entries.c.state == PLANNED)
    return (
        sa.select(
            item.number, item.account_id, item.action, item.limit_before_cents, item.limit_after_cents, item.reasons,
            item.decision_id, item.state, line.limit_cents, line.entries, line.version.label("line_version"),
            customer_id.label("customer_id"), customers.c.language, customers.c.time_zone,
            customers.c.quiet_from_hour, customers.c.quiet_to_hour, live.label("has_case"), ahead.label("is_planned"),
        )
        .select_from(first)
        .outerjoin(lines, line.account_id == item.account_id)
        .outerjoin(stated_accounts, stated.account_id == item.account_id)
        .outerjoin(customers, customers.c.customer_id == customer_id)
        .order_by(item.number)
    )  # fmt: skip


class _Variant(NamedTuple):
    """A notice of many: its kind, its text around what each has of its own, and which own text comes where."""

    kind: str
    language: str
    pieces: tuple[str, ...]
    places: tuple[int, ...]


class _Batch:
    """Effects of some items, gathered, then written together."""

    def __init__(self, w: Work, effects: Effects, campaign: dict[str, Any]) -> None:
        self.w, self.effects, self.campaign = w, effects, campaign
        self.terms = effects.limits.terms(w.now_us)
        self.sign, self.default = effects.currency_sign, default_customer(w)
        self.patterns: dict[tuple[Any, ...], _Variant] = {}
        self.due: dict[tuple[Any, ...], int] = {}
        self.effective: dict[tuple[str, int], int] = {}
        # What every entry and notice of the campaign has in common; each one's own values take their places.
        self.entry = entry_row(w, "", 0, INCREASE, 0) | {"case_id": campaign["campaign_id"]}
        self.notices: list[Sequence[Any]] = []
        self.entries: list[Sequence[Any]] = []
        self.new_lines: list[Sequence[Any]] = []
        self.line_changes: list[dict[str, Any]] = []
        self.aside: dict[str, list[int]] = {}
        self.planned = 0

    def add(self, row: sa.Row[Any]) -> None:
        """Plan an item, or set it aside."""
        before = row.limit_before_cents if row.limit_cents is None else row.limit_cents
        after = row.limit_after_cents
        rises = row.action in RAISING
        # No more is taken or given than the campaign was approved with.
        is_more = before < row.limit_before_cents if rises else before > row.limit_before_cents
        why = (
            "live_case" if row.has_case
            else "planned_change" if row.is_planned
            else "limit_not_changed" if (after <= before if rises else after > before or (after == before != 0))
            else "limit_moved" if is_more
            else None
        )  # fmt: skip
        if row.state != ITEM_WAITING or why is not None:
            self.aside.setdefault(why or row.state, []).append(row.number)
            return
        told, steps = self._told(row, before, after)
        notice_id = self._noticed(row, told)
        number = self._line(row, before, len(steps))
        wait = self.terms.step_wait_us
        for place, step in enumerate(steps, start=1):
            entry_id = entry_id_of(row.account_id, number + place)
            self._entry(
                entry_id=entry_id, account_id=row.account_id, number=number + place, action=row.action,
                target_cents=step.target_cents, planned_us=step.effective_us, look_us=step.effective_us,
                decision_id=row.decision_id, notice_id=notice_id, why=_why(row.reasons),
                wait_us=wait if place > 1 else None,
            )  # fmt: skip
        self.planned += 1

    def _told(self, row: sa.Row[Any], before: int, after: int) -> tuple[Told, list[Step]]:
        effective_us = self._effective_us(row)
        if row.action in RAISING:
            return Told("limit_restored", row.account_id, before, after, effective_us), [
                Step(after, effective_us)
            ]
        return lowering(row.account_id, row.action, before, after, effective_us, {}, self.terms)

    def _effective_us(self, row: sa.Row[Any]) -> int:
        """From when the change of an item may take effect: the days of notice begin when its letter goes out."""
        out_us = self._due_us(row)
        found = self.effective.get((row.action, out_us))
        if found is None:
            earliest_us = self.effects.policy.effective_us(row.action, out_us)
            found = self.effective[row.action, out_us] = max(earliest_us, self.campaign["earliest_us"])
        return found

    def _noticed(self, row: sa.Row[Any], told: Told) -> str:
        language = str(row.language or self.default["language"])
        zone = ZoneInfo(str(row.time_zone or self.default["time_zone"]))
        out_us = self._due_us(row)
        key = (told.kind, language, zone.key, row.reasons, told.effective_us, len(told.steps), out_us)
        variant = self.patterns.get(key)
        if variant is None:
            trace = {"reasons": reasons_of_codes(row.reasons)}
            variant = self.patterns[key] = self._variant(told, trace, language, zone, out_us)
        sign = self.sign
        own = [encode_basestring(shown_line(row.account_id))[1:-1],
               amount_text(told.limit_before_cents or 0, sign), amount_text(told.limit_after_cents or 0, sign),
               *(amount_text(step.target_cents, sign) for step in told.steps)]  # fmt: skip
        content = "".join(
            itertools.chain.from_iterable(zip(variant.pieces, (own[k] for k in variant.places), strict=False))
        ) + variant.pieces[-1]  # fmt: skip
        return self._letter(row, variant, content, out_us)

    def take_back(self, row: sa.Row[Any]) -> None:
        """Tell the customer of an item that its change does not come."""
        limit = row.limit_before_cents if row.limit_cents is None else row.limit_cents
        self._noticed(row, Told("change_withdrawn", row.account_id, limit, limit, self.w.now_us))

    def _letter(self, row: sa.Row[Any], variant: _Variant, content: str, out_us: int) -> str:
        named = f"notice:{self.campaign['campaign_id']}:{row.number}:{variant.kind}"
        notice_id = hashlib.blake2b(named.encode(), digest_size=16).hexdigest()
        sealed = sealed_or_nothing(self.effects.seal, content.encode(), notice_id, row.customer_id)
        self.notices.append((notice_id, row.customer_id, row.account_id, variant.kind, variant.language, sealed,
                             self.w.now_us, WAITING, None, None, out_us, 1))  # fmt: skip
        return notice_id

    def _variant(
        self, told: Told, trace: Mapping[str, Any], language: str, zone: ZoneInfo, out_us: int
    ) -> _Variant:
        told = Told(told.kind, told.account_id, told.limit_before_cents, told.limit_after_cents, told.effective_us,
                    trace, told.steps)  # fmt: skip
        pattern = notice_pattern(self.effects.facts(told, language, zone, out_us), notice_wording(language))
        text = json.dumps([pattern.subject, list(pattern.paragraphs)], ensure_ascii=False)
        marks = pattern_marks(len(told.steps))
        parts = re.split(f"([{''.join(marks)}])", text)
        return _Variant(
            told.kind, language, tuple(parts[::2]), tuple(marks.index(each) for each in parts[1::2])
        )

    def _due_us(self, row: sa.Row[Any]) -> int:
        key = (row.time_zone, row.quiet_from_hour, row.quiet_to_hour)
        found = self.due.get(key)
        if found is None:
            names = ("time_zone", "quiet_from_hour", "quiet_to_hour")
            values = dict(zip(names, key, strict=True)) if row.language else self.default
            found = self.due[key] = letter_us(values, self.w.now_us)
        return found

    def _line(self, row: sa.Row[Any], before: int, steps: int) -> int:
        """How many entries the line has before these steps; it gets its ledger where it has none."""
        if row.entries is not None:
            change = {"key": row.account_id, "seen": row.line_version, "next": row.line_version + 1}
            self.line_changes.append(change | {"entries": row.entries + steps})
            return int(row.entries)
        now_us = self.w.now_us
        self.new_lines.append((row.account_id, row.customer_id, before, False, 1 + steps, 1))
        self._entry(
            entry_id=entry_id_of(row.account_id, 1), account_id=row.account_id, number=1, action=OPEN, case_id=None,
            state=EFFECTIVE, target_cents=before, delta_cents=before, planned_us=now_us, look_us=None,
            effective_us=now_us, why="the limit as it was found",
        )  # fmt: skip
        return 1

    def _entry(self, **own: Any) -> None:  # noqa: ANN401 - values of columns
        self.entries.append(tuple((self.entry | own).values()))

    def write(self, reached: int) -> None:
        """Write everything, up to a number."""
        w, campaign = self.w, self.campaign
        rows_added(w.connection, notices, NOTICE_COLUMNS, self.notices)
        names = ("account_id", "customer_id", "limit_cents", "is_frozen", "entries", "version")
        rows_added(w.connection, lines, names, self.new_lines)
        rows_added(w.connection, limit_entries, tuple(self.entry), self.entries)
        _changed(w, lines, ("entries",), self.line_changes)
        mine = campaign_items.c.campaign_id == campaign["campaign_id"]
        for why, numbers in self.aside.items():
            for first in range(0, len(numbers), AT_ONCE):
                some = campaign_items.c.number.in_(numbers[first : first + AT_ONCE])
                w.connection.execute(
                    campaign_items.update().where(mine, some).values(state=ITEM_SET_ASIDE, why=why)
                )
        span = campaign_items.c.number.between(campaign["reached"] + 1, reached)
        w.connection.execute(
            campaign_items.update()
            .where(mine, span, campaign_items.c.state == ITEM_WAITING)
            .values(state=ITEM_PLANNED)
        )
        aside = sum(map(len, self.aside.values()))
        w.change(campaigns, campaign["campaign_id"], campaign["version"], {
            "reached": reached, "planned": campaign["planned"] + self.planned,
            "set_aside": campaign["set_aside"] + aside,
        })  # fmt: skip
        # One event for all, with a mark of each.
        marks = marked("entry", tuple(self.entry), self.entries) | self.notice_marks()
        detail = {"to": reached, "planned": self.planned, "set_aside": aside, "entries": len(self.entries),
                  "notices": len(self.notices), MARKS: marks}  # fmt: skip
        w.note("campaign.plan", f"campaign:{campaign['campaign_id']}", detail)

    def notice_marks(self) -> dict[str, str]:
        """What the event of all keeps of the notices."""
        return marked("notice", NOTICE_COLUMNS, self.notices)


AT_ONCE = 500
"""Numbers in one statement."""


@cache
def _why(codes: str) -> str:
    return ", ".join(json.loads(codes)) or "by decision"


def _undone(w: Work, effects: Effects, campaign: dict[str, Any], count: int) -> int:
    """Cancel what is still planned of some items; how many were looked at.

    Whoever may know of it is told that it does not come; notices that nobody knows are held back, and none goes out.
    """
    rows = w.connection.execute(_items(campaign, count)).all()
    campaign_id = campaign["campaign_id"]
    if not rows:
        w.change(campaigns, campaign_id, campaign["version"], {"state": CANCELLED})
        w.note("campaign.cancelled", f"campaign:{campaign_id}", {"cancelled": campaign["cancelled"]})
        return 0
    batch, by_account = _Batch(w, effects, campaign), {row.account_id: row for row in rows}
    effects.seal.prepare(row.customer_id for row in rows)
    span = campaign_items.c.number.between(campaign["reached"] + 1, rows[-1].number)
    accounts = sa.select(campaign_items.c.account_id).where(campaign_items.c.campaign_id == campaign_id, span)
    planned = (
        sa.select(limit_entries.c.entry_id, limit_entries.c.version, limit_entries.c.account_id, notices.c.notice_id,
                  notices.c.version.label("notice_version"), notices.c.state, IS_KNOWN.label("is_known"))
        .outerjoin(notices, notices.c.notice_id == limit_entries.c.notice_id)
        .where(limit_entries.c.case_id == campaign_id, limit_entries.c.state == PLANNED,
               limit_entries.c.account_id.in_(accounts))
        .with_for_update(of=limit_entries)
    )  # fmt: skip
    found = w.connection.execute(planned).all()
    why = campaign["cancel_why"]
    entry_changes = [
        {"key": row.entry_id, "seen": row.version, "next": row.version + 1, "state": ENTRY_CANCELLED, "look_us": None,
         "cancelled_why": why} for row in found
    ]  # fmt: skip
    _changed(w, limit_entries, ("state", "look_us", "cancelled_why"), entry_changes)
    by_notice = {row.notice_id: row for row in found if row.notice_id is not None}
    held = [row for row in by_notice.values() if not row.is_known]
    notice_changes = [
        {"key": row.notice_id, "seen": row.notice_version, "next": row.notice_version + 1, "state": WITHDRAWN,
         "due_us": None} for row in held
    ]  # fmt: skip
    _changed(w, notices, ("state", "due_us"), notice_changes)
    for row in by_notice.values():
        if row.is_known:
            batch.take_back(by_account[row.account_id])
            if row.state != OUT:
                notice_stopped(w, w.found(notices, row.notice_id), why)
    rows_added(w.connection, notices, NOTICE_COLUMNS, batch.notices)
    cancelled = {row.account_id for row in found} | {
        row.account_id for row in rows if row.state == ITEM_WAITING
    }
    numbers = [by_account[account_id].number for account_id in sorted(cancelled)]
    for first in range(0, len(numbers), AT_ONCE):
        w.connection.execute(
            campaign_items.update()
            .where(campaign_items.c.campaign_id == campaign_id,
                   campaign_items.c.number.in_(numbers[first : first + AT_ONCE]))
            .values(state=ITEM_CANCELLED)
        )  # fmt: skip
    reached = rows[-1].number
    values = {"reached": reached, "cancelled": campaign["cancelled"] + len(cancelled)}
    w.change(campaigns, campaign_id, campaign["version"], values)
    ends = marked(
        "entry_cancelled", ("entry_id", "state"), ((row.entry_id, ENTRY_CANCELLED) for row in found)
    )
    detail = {"to": reached, "cancelled": len(cancelled), "entries": len(found), "held_back": len(held),
              "told": len(batch.notices), MARKS: batch.notice_marks() | ends}  # fmt: skip
    w.note("campaign.undo", f"campaign:{campaign_id}", detail)
    return len(rows)


def _changed(w: Work, table: sa.Table, names: tuple[str, ...], changes: list[dict[str, Any]]) -> None:
    if changes and prepared.change(table, names, w.dialect)(w.connection, *changes) != len(changes):
        raise ConflictError("It was changed in the meantime.", value=table.name)
