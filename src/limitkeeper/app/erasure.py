"""A person erased: what bars it, his key destroyed, what names him taken away, and the database's own files cleaned."""

import datetime as dt
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.app.campaign_states import ITEM_WAITING, WORKING
from limitkeeper.app.case_words import SEALED
from limitkeeper.app.erased_ids import (
    ERASE_IDS,
    Names,
    accounts_renamed,
    audit_blanked,
    copies_removed,
    renamed_json,
)
from limitkeeper.app.known_notices import notice_stopped
from limitkeeper.app.limits import ENGINE_TOPIC, knows_limit
from limitkeeper.app.notices import WAITING
from limitkeeper.app.ownership import account_ids_or_own, owner_of
from limitkeeper.app.personal_data import PERSONAL, personal_rows, rows_of, shown_as, subjects_of, whose
from limitkeeper.app.regulation_policy import shipped_register
from limitkeeper.app.rights import request_changed, request_of, request_seen
from limitkeeper.app.rights_notices import ERASURE_ANNOUNCED
from limitkeeper.connectors.sealing import Seal, erased_name
from limitkeeper.core.access.chain import ERASURE
from limitkeeper.core.compliance.requests import DONE, END, ERASE, RequestError, answered, ended
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.limits.ledger import PLANNED
from limitkeeper.store.answer_tables import idempotency_keys
from limitkeeper.store.appeal_tables import appeal_acts, appeal_evidence, appeals
from limitkeeper.store.audit_tables import audit_events, shown_accounts
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import contacts, customers, deliveries, notices
from limitkeeper.store.people_tables import identities, people, sessions
from limitkeeper.store.rights_tables import consent_acts, rights_acts, rights_requests
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import (
    alerts,
    freeze_changes,
    journal,
    outbox,
    proposals,
    rejects,
    stated_accounts,
)
from limitkeeper.store.work import Work

LINE_RECORDS = "line_records"
"""The class of the register whose retention keeps a person's ledger."""

BY_WHOM = (
    limit_entries.c.maker_id, cases.c.maker_id, case_acts.c.actor_id, appeal_acts.c.actor_id, appeal_evidence.c.added_by,
    rights_acts.c.actor_id, consent_acts.c.actor_id,
)  # fmt: skip
"""Columns of persons' rows that say who did something: often the person himself, by his login's name."""


CHANGED = (
    journal, audit_events, shown_accounts, outbox, idempotency_keys, alerts, proposals, freeze_changes, campaign_items,
    campaigns,
    sessions, identities, people, contacts, customers, rejects, stated_accounts, lines, limit_entries, cases, case_acts,
    notices, deliveries, appeals, appeal_acts, appeal_evidence, rights_requests, rights_acts, consent_acts,
)  # fmt: skip
"""Tables whose rows an erasure takes away or changes."""


class Bar(NamedTuple):
    """Why a person cannot be erased now: a code, in English and Chinese."""

    code: str
    english: str
    chinese: str


class BarredError(InputError):
    """An erasure that something bars: each bar in English and Chinese, the first as the rule."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self.rule, self.chinese = (
            bars[0].code,
            "目前不能删除该个人的信息：" + "".join(each.chinese for each in bars),
        )
        super().__init__(
            " ".join(("The person cannot be erased now.", *(each.english for each in bars))),
            advice="Refuse the request with this reason, or wait.",
        )


Limits = Mapping[str, float | None]
"""Of accounts that the monitor knows: the limit of each, minor units, None where it does not know that."""

UNASKED: Limits = MappingProxyType({})
"""Where no monitor runs."""


def bars_to_erasure(w: Work, customer_id: str, limits: Limits = UNASKED) -> list[Bar]:
    """Why a person cannot be erased now; empty where he can.

    Parameters
    ----------
    w
        Of whoever asks.
    customer_id
        Whose.
    limits
        Of his accounts, where a monitor runs: of a line without a ledger nothing else tells that it is closed.
    """
    accounts = account_ids_or_own(w, customer_id)
    found = []
    if _open_lines(w, accounts, limits):
        found.append(Bar("line_open", "A line is still open, or nothing here tells that it is closed.",
                         "仍有额度未关闭，或无记录表明其已关闭。"))  # fmt: skip
    live = sa.select(cases.c.case_id).where(cases.c.account_id.in_(accounts), cases.c.is_live)
    of_many = (
        sa.select(campaign_items.c.campaign_id)
        .join(campaigns, campaigns.c.campaign_id == campaign_items.c.campaign_id)
        .join(cases, cases.c.case_id == campaigns.c.campaign_id)
        .where(
            campaign_items.c.account_id.in_(accounts), campaign_items.c.state == ITEM_WAITING,
            sa.or_(campaigns.c.state == WORKING, cases.c.is_live),
        )
    )  # fmt: skip
    if w.row(live) is not None or w.row(of_many.limit(1)) is not None:
        found.append(Bar("case_open", "A case waits for its decision.", "仍有案件待决定。"))
    if (
        w.row(sa.select(appeals.c.appeal_id).where(appeals.c.customer_id == customer_id, appeals.c.is_live))
        is not None
    ):
        found.append(Bar("appeal_open", "An appeal waits for its answer.", "仍有申诉待答复。"))
    kept_until = _kept_until(w, accounts)
    if kept_until is not None:
        found.append(Bar("retention", f"The law keeps the record of the line until {kept_until}.",
                         f"法律要求保存额度记录至 {kept_until}。"))  # fmt: skip
    if _is_being_told(w, customer_id):
        found.append(Bar("not_told", "The notice that tells him of the erasure has not gone out yet.",
                         "告知客户删除的通知尚未发出。"))  # fmt: skip
    return found


def _open_lines(w: Work, accounts: Sequence[str], limits: Limits) -> list[str]:
    """Accounts whose line is open by their ledger; of those without one, all that the monitor does not have at 0.

    A line at 0 with a step ahead is open: it would take effect under the new name, and nobody could be told. An account
    that nobody stated is known by what the monitor wrote or has of it: without that there is none.
    """
    kept = w.rows(sa.select(lines.c.account_id, lines.c.limit_cents).where(lines.c.account_id.in_(accounts)))
    held = {row["account_id"]: row["limit_cents"] > 0 for row in kept if knows_limit(w, row)}
    ahead = sa.select(limit_entries.c.account_id).where(
        limit_entries.c.account_id.in_(accounts), limit_entries.c.state == PLANNED
    )
    held |= {row["account_id"]: True for row in w.rows(ahead)}
    known = set(limits)
    for table in (stated_accounts, lines, alerts, proposals, campaign_items):
        query = sa.select(table.c.account_id).where(table.c.account_id.in_(accounts)).distinct()
        known |= {row["account_id"] for row in w.rows(query)}
    return [each for each in accounts if held.get(each, each in known and limits.get(each) != 0)]


def _is_being_told(w: Work, customer_id: str) -> bool:
    """Whether the notice of an erasure is still on its way to one who can be reached, within the time of the answer.

    It is the last that he hears: what is not sent by then never is. One that nobody takes, or that comes too late, does
    not keep him from being erased; without a contact he reads it in his inbox.
    """
    live = sa.select(rights_requests.c.request_id).where(
        rights_requests.c.customer_id == customer_id, rights_requests.c.kind == ERASE, rights_requests.c.is_live,
        rights_requests.c.answer_until_us >= w.now_us,
    )  # fmt: skip
    waiting = sa.select(notices.c.notice_id).where(
        notices.c.customer_id == customer_id, notices.c.kind == ERASURE_ANNOUNCED, notices.c.state == WAITING
    )
    reached = sa.select(contacts.c.contact_id).where(
        contacts.c.customer_id == customer_id, contacts.c.consented, sa.not_(contacts.c.is_broken)
    )
    return all(w.row(each.limit(1)) is not None for each in (live, waiting, reached))


def _kept_until(w: Work, accounts: list[str]) -> dt.date | None:
    newest = w.row(
        sa.select(sa.func.max(limit_entries.c.effective_us).label("us")).where(
            limit_entries.c.account_id.in_(accounts)
        )
    )
    if newest is None or newest["us"] is None:
        return None
    today = day_of(w.now_us)
    days = shipped_register().classes[LINE_RECORDS].retained_days(today)
    until = day_of(newest["us"]) + dt.timedelta(days=days)
    return until if until > today else None


def person_erased(
    w: Work, seal: Seal, request_id: str, version: int, limits: Limits = UNASKED
) -> dict[str, int]:
    """Erase the person of a request: his key is destroyed, what names him is taken away; rows changed by table.

    What the law keeps stays under a name that leads nowhere. The key goes first: whatever happens then, nothing of his
    opens any more, and the request can be done again. He is told before, and not after: there is no address any more.

    Parameters
    ----------
    w, seal
        Of whoever does it, and what held his key.
    request_id, version
        Which, as it was seen.
    limits
        As of :func:`bars_to_erasure`.

    Raises
    ------
    RequestError
        When the request is for something else, or it is not known who asks.
    BarredError
        When something bars it; the request is then to be refused with that reason.
    """
    row = request_seen(w, request_id, version)
    if row["kind"] != ERASE:
        raise RequestError("kind", value=row["kind"])
    after, customer_id = answered(request_of(row), DONE), row["customer_id"]
    if bars := bars_to_erasure(w, customer_id, limits):
        raise BarredError(bars)
    name, done, blanked = person_taken_away(w, customer_id)
    w.note(ERASURE, f"request:{request_id}", done | blanked)
    # Its last act comes after that: it goes on from the request as it is called now.
    renamed = {**row, "customer_id": name}
    request_changed(w, seal, renamed, version, replace(after, customer_id=name), "erase", "", done)
    waiting_ended(w, seal, name)
    seal.destroy(customer_id)
    return done


def waiting_ended(w: Work, seal: Seal, name: str) -> None:
    """End what else waits of a person who was erased, by his new name: nobody can answer it, and no clock runs on.

    A notice that was not seen yet would count as having reached an inbox that nobody has. After the event of the
    erasure, which says how the rows are called now.
    """
    on_its_way = sa.select(notices).where(notices.c.customer_id == name, notices.c.state == WAITING)
    for notice in w.rows(on_its_way):
        notice_stopped(w, notice, "erased")
    waiting = sa.select(rights_requests).where(
        rights_requests.c.customer_id == name, rights_requests.c.is_live
    )
    for row in w.rows(waiting):
        request_changed(w, seal, row, row["version"], ended(request_of(row)), END, "", {})


def person_taken_away(w: Work, customer_id: str) -> tuple[str, dict[str, int], dict[str, Any]]:
    """Take away what names a person, whatever bars it; his key is another matter.

    Returns
    -------
    His new name, the rows changed by table, and what the event of the erasure is to keep besides these.
    """
    name = erased_name()
    person = whose(w, customer_id)
    is_anothers = owner_of(w, customer_id).customer_id != customer_id
    names = {each: erased_name() for each in person["account_id"]}
    subjects = subjects_of(w, customer_id, person)
    rows = personal_rows(w, customer_id)
    logins = [each["person_id"] for each in rows["people"]]
    done = _rows_erased(w, rows, customer_id, person["account_id"], name)
    done |= accounts_renamed(w, rows, names) | _impacts_renamed(w, rows["campaign_items"], names)
    done |= copies_removed(w, Names(customer_id, frozenset(names), frozenset(logins)))
    for table in (notices, appeals, rights_requests, consent_acts):
        done[table.name] = w.connection.execute(
            table.update().where(table.c.customer_id == customer_id).values(customer_id=name)
        ).rowcount
    now = {"customer_id": [name], "account_id": sorted(names.values())}
    rows_now = {each.name: rows_of(w, each, now) for each in PERSONAL.values()}
    blanked = audit_blanked(w, rows, rows_now, subjects, logins)
    # The monitor knows ids of customers and of accounts alike: of an account that is another's it is not told.
    his = names if is_anothers else {customer_id: name} | names
    if his:
        w.send(ENGINE_TOPIC, secrets.token_hex(16), {ERASE_IDS: his})
    return name, done, blanked


def _impacts_renamed(w: Work, items: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, int]:
    """Call a person's accounts otherwise in what campaigns were approved with: it names the largest cuts."""
    ids = sorted({each["campaign_id"] for each in items})
    found = w.rows(
        sa.select(campaigns.c.campaign_id, campaigns.c.impact).where(campaigns.c.campaign_id.in_(ids))
    )
    changed = {row["campaign_id"]: after for row in found
               if (after := renamed_json(row["impact"], names)) != row["impact"]}  # fmt: skip
    for campaign_id, impact in changed.items():
        mine = campaigns.c.campaign_id == campaign_id
        w.connection.execute(campaigns.update().where(mine).values(impact=impact))
    return {campaigns.name: len(changed)}


def traces_removed(store: Store) -> None:
    """Let the database's own files forget what was erased: SQLite's log, and rows that PostgreSQL keeps for a while."""
    with store.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        for table in CHANGED:
            connection.exec_driver_sql(f"VACUUM {table.name}")


def _rows_erased(
    w: Work,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    customer_id: str,
    accounts: Sequence[str],
    name: str,
) -> dict[str, int]:
    names = [each["person_id"] for each in rows["people"]]
    notice_ids = [each["notice_id"] for each in rows["notices"]]
    case_ids = [each["case_id"] for each in rows["cases"]]
    request_ids = [each["request_id"] for each in rows["rights_requests"]]
    done = {}
    deletions: list[tuple[sa.Table, sa.ColumnElement[bool]]] = [
        (sessions, sessions.c.person_id.in_(names)), (identities, identities.c.person_id.in_(names)),
        (people, people.c.customer_id == customer_id), (contacts, contacts.c.customer_id == customer_id),
        (customers, customers.c.customer_id == customer_id),
        (shown_accounts, shown_accounts.c.account_id.in_([*accounts, shown_as(customer_id)])),
        (rejects, rejects.c.account_id.in_(accounts)),
    ]  # fmt: skip
    for table, mine in deletions:
        done[table.name] = w.connection.execute(table.delete().where(mine)).rowcount
    # From before words were sealed; what a withdrawal says is never a person's.
    is_plain = sa.not_(case_acts.c.words.startswith(SEALED, autoescape=True)) & (
        case_acts.c.act != "withdraw"
    )
    is_said_plainly = sa.not_(limit_entries.c.cancelled_why.startswith(SEALED, autoescape=True))
    changes: list[tuple[sa.Table, sa.ColumnElement[bool], dict[str, Any]]] = [
        (stated_accounts, stated_accounts.c.account_id.in_(accounts), {"customer_id": None, "segment": None}),
        (lines, lines.c.account_id.in_(accounts), {"customer_id": None}),
        (campaign_items, campaign_items.c.account_id.in_(accounts), {"customer_id": None}),
        (cases, cases.c.case_id.in_(case_ids), {"customer_id": None}),
        (case_acts, sa.and_(case_acts.c.case_id.in_(case_ids), is_plain), {"words": ""}),
        (deliveries, deliveries.c.notice_id.in_(notice_ids), {"problem": None}),
        (
            limit_entries,
            sa.and_(limit_entries.c.account_id.in_(accounts), is_said_plainly),
            {"cancelled_why": None},
        ),
        (rights_acts, rights_acts.c.request_id.in_(request_ids), {"words": b""}),
    ]
    for table, mine, values in changes:
        done[table.name] = w.connection.execute(table.update().where(mine).values(**values)).rowcount
    _renamed(w, rows, names, customer_id, name)
    for each in rows["cases"]:
        silent = [
            [person, holder, choice, words if words.startswith(SEALED) else ""]
            for person, holder, choice, words in json.loads(each["votes"])
        ]
        w.connection.execute(
            cases.update().where(cases.c.case_id == each["case_id"]).values(votes=json.dumps(silent))
        )
    return done


def _renamed(
    w: Work,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    logins: Sequence[str],
    customer_id: str,
    name: str,
) -> None:
    """Call a person by a name that leads nowhere wherever rows of his say who did something, or who may not decide.

    Somebody inside may be called as the customer's id is: who did something is compared with his logins alone.
    """
    for column in BY_WHOM:
        whose = PERSONAL[column.table.name].by
        keys = {row[whose] for row in rows[column.table.name]}
        mine = sa.and_(column.table.c[whose].in_(keys), column.in_(logins))
        w.connection.execute(column.table.update().where(mine).values({column.name: name}))
    for table, key in ((cases, cases.c.case_id), (appeals, appeals.c.appeal_id)):
        for row in rows[table.name]:
            parties = {
                name if each in (customer_id, *logins) else each for each in json.loads(row["parties"])
            }
            mine = key == row[key.name]
            w.connection.execute(table.update().where(mine).values(parties=json.dumps(sorted(parties))))
