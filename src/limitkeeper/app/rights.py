"""Persons' requests in the store: received, verified, done or refused; copies and erasure."""

import datetime as dt
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.app.ownership import account_ids_of
from limitkeeper.app.personal_data import personal_copy, personal_rows
from limitkeeper.app.policy import POLICY, parameters_from_files
from limitkeeper.app.regulation_policy import shipped_register
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.requests import (
    ERASE,
    KINDS,
    LIVE_STATES,
    RequestError,
    RightsRequest,
    answered,
    answered_in_words,
    copied,
    received,
    verified,
    withdrawn,
)
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.kernel.parameters import parameters_in_force
from limitkeeper.store.appeal_tables import appeals
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import contacts, customers, deliveries, notices
from limitkeeper.store.people_tables import identities, people, sessions
from limitkeeper.store.rights_tables import consent_acts, rights_acts, rights_requests
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import rejects, stated_accounts
from limitkeeper.store.work import Work

REQUESTS_LIVE_MAX = 10
"""Requests of one person that wait at the same time."""

WORDS_MAX = 4_000
LINE_RECORDS = "line_records"
"""The class of the register whose retention keeps a person's ledger."""


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
            "The person cannot be erased now.",
            value="; ".join(each.english for each in bars),
            advice="Refuse the request with this reason, or wait.",
        )


def request_made(w: Work, seal: Seal, customer_id: str, kind: str, words: str) -> str:
    """Take in a request of a person; its id.

    Raises
    ------
    InputError
        When there is no such kind, the words are too long, or too many requests of his wait.
    ErasedError
        When he was erased.
    """
    if kind not in KINDS:
        raise InputError(
            "There is no such request.",
            value=kind,
            allowed=", ".join(KINDS),
            advice=did_you_mean(kind, KINDS),
        )
    _check_words(words)
    seal.key_of(customer_id)
    mine = rights_requests.c.customer_id == customer_id
    waiting = w.rows(sa.select(rights_requests.c.request_id).where(mine, rights_requests.c.is_live))
    if len(waiting) >= REQUESTS_LIVE_MAX:
        raise InputError(
            "Too many requests of this person wait.", value=len(waiting), allowed=REQUESTS_LIVE_MAX
        )
    until_us = w.now_us + _clock_us(w, "rights_answer_days")
    request = received(RightsRequest(secrets.token_hex(16), kind, customer_id, w.now_us, until_us), w.actor)
    w.add(rights_requests, {
        "request_id": request.request_id, "kind": kind, "customer_id": customer_id, "state": request.state,
        "received_us": w.now_us, "answer_until_us": until_us, "answered_us": None,
        "verified_by": request.verified_by, "is_live": True, "version": 1,
    })  # fmt: skip
    _acted(w, seal, request, 1, "make", words, {"kind": kind})
    return request.request_id


def request_verified(w: Work, seal: Seal, request_id: str, version: int, words: str) -> RightsRequest:
    """Record that it is known who asks, and how; see :func:`limitkeeper.core.compliance.requests.verified`."""
    row = _seen(w, request_id, version)
    return _changed(w, seal, row, version, verified(request_of(row), w.actor, words), "verify", words, {})


def request_withdrawn(w: Work, seal: Seal, request_id: str, version: int) -> RightsRequest:
    """Record that the person takes his request back."""
    row = _seen(w, request_id, version)
    return _changed(w, seal, row, version, withdrawn(request_of(row), w.actor), "withdraw", "", {})


def request_answered(
    w: Work, seal: Seal, request_id: str, version: int, *, is_done: bool, words: str
) -> RightsRequest:
    """Record the answer to a request: what was done, or why it is refused."""
    _check_words(words)
    row = _seen(w, request_id, version)
    after = answered_in_words(request_of(row), is_done=is_done, words=words)
    return _changed(w, seal, row, version, after, "answer" if is_done else "refuse", words, {})


def copy_given(w: Work, seal: Seal, request_id: str) -> dict[str, Any]:
    """Everything that the store holds of the person of a request for access or a copy; the first answers it.

    A customer takes the copy himself: his login has told who asks, and nothing is left to decide.

    Raises
    ------
    ForbiddenError
        When the request is another's.
    RequestError
        As of :func:`limitkeeper.core.compliance.requests.copied`.
    """
    query = sa.select(rights_requests).where(rights_requests.c.request_id == request_id)
    # Two at once: the second waits, and takes what the first has answered.
    row = w.row(query.with_for_update()) or w.found(rights_requests, request_id)
    check_customers_right(w.actor, "rights.read", row["customer_id"])
    again_until_us = (row["answered_us"] or w.now_us) + _clock_us(w, "rights_copy_days")
    before = request_of(row)
    after = copied(before, w.now_us, again_until_us)
    found = personal_copy(w, seal, row["customer_id"])
    if after != before:
        counts = {name: len(each) for name, each in found["data"].items()}
        _changed(w, seal, row, row["version"], after, "answer", "", counts)
    return found | {"made_by": w.actor.actor_id, "request_id": request_id}


def bars_to_erasure(w: Work, customer_id: str) -> list[Bar]:
    """Why a person cannot be erased now; empty where he can."""
    accounts = account_ids_of(w, customer_id)
    found = []
    open_lines = w.rows(
        sa.select(lines.c.account_id).where(lines.c.account_id.in_(accounts), lines.c.limit_cents > 0)
    )
    if open_lines:
        found.append(Bar("line_open", "A line is still open.", "仍有额度未关闭。"))
    live = sa.select(cases.c.case_id).where(cases.c.account_id.in_(accounts), cases.c.is_live)
    if w.row(live) is not None:
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
    return found


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


def person_erased(w: Work, seal: Seal, request_id: str, version: int) -> dict[str, int]:
    """Erase the person of a request: his key is destroyed, what names him is taken away; rows changed by table.

    What the law keeps stays under a name that leads nowhere. The key goes first: whatever happens then, nothing of his
    opens any more, and the request can be done again.

    Raises
    ------
    RequestError
        When the request is for something else, or it is not known who asks.
    BarredError
        When something bars it; the request is then to be refused with that reason.
    """
    row = _seen(w, request_id, version)
    if row["kind"] != ERASE:
        raise RequestError("kind", value=row["kind"])
    after, customer_id = answered(request_of(row), is_done=True, words=""), row["customer_id"]
    if bars := bars_to_erasure(w, customer_id):
        raise BarredError(bars)
    if w.dialect.name == "sqlite":
        w.connection.exec_driver_sql("PRAGMA secure_delete = ON")  # what is deleted is overwritten, too
    done = _rows_erased(w, customer_id)
    _changed(w, seal, row, version, after, "erase", "", done)
    name = f"erased-{secrets.token_hex(8)}"
    for table in (notices, appeals, rights_requests, consent_acts):
        done[table.name] = w.connection.execute(
            table.update().where(table.c.customer_id == customer_id).values(customer_id=name)
        ).rowcount
    seal.destroy(customer_id)
    w.note("rights.erase", f"request:{request_id}", done)
    return done


def traces_removed(store: Store) -> None:
    """Let the database's own files forget what was erased: SQLite's log, and rows that PostgreSQL keeps for a while."""
    with store.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        for table in (
            sessions,
            identities,
            people,
            contacts,
            customers,
            rejects,
            cases,
            case_acts,
            deliveries,
        ):
            connection.exec_driver_sql(f"VACUUM {table.name}")


def _rows_erased(w: Work, customer_id: str) -> dict[str, int]:
    rows = personal_rows(w, customer_id)
    accounts = account_ids_of(w, customer_id) or [customer_id]
    names = [each["person_id"] for each in rows["people"]]
    notice_ids = [each["notice_id"] for each in rows["notices"]]
    case_ids = [each["case_id"] for each in rows["cases"]]
    request_ids = [each["request_id"] for each in rows["rights_requests"]]
    done = {}
    deletions: list[tuple[sa.Table, sa.ColumnElement[bool]]] = [
        (sessions, sessions.c.person_id.in_(names)), (identities, identities.c.person_id.in_(names)),
        (people, people.c.customer_id == customer_id), (contacts, contacts.c.customer_id == customer_id),
        (customers, customers.c.customer_id == customer_id), (rejects, rejects.c.account_id.in_(accounts)),
    ]  # fmt: skip
    for table, mine in deletions:
        done[table.name] = w.connection.execute(table.delete().where(mine)).rowcount
    changes: list[tuple[sa.Table, sa.ColumnElement[bool], dict[str, Any]]] = [
        (stated_accounts, stated_accounts.c.account_id.in_(accounts), {"customer_id": None, "segment": None}),
        (lines, lines.c.account_id.in_(accounts), {"customer_id": None}),
        (cases, cases.c.case_id.in_(case_ids), {"customer_id": None}),
        (case_acts, case_acts.c.case_id.in_(case_ids), {"words": ""}),
        (deliveries, deliveries.c.notice_id.in_(notice_ids), {"problem": None}),
        (limit_entries, limit_entries.c.account_id.in_(accounts), {"cancelled_why": None}),
        (rights_acts, rights_acts.c.request_id.in_(request_ids), {"words": b""}),
    ]
    for table, mine, values in changes:
        done[table.name] = w.connection.execute(table.update().where(mine).values(**values)).rowcount
    for each in rows["cases"]:
        silent = [[person, holder, choice, ""] for person, holder, choice, _ in json.loads(each["votes"])]
        w.connection.execute(
            cases.update().where(cases.c.case_id == each["case_id"]).values(votes=json.dumps(silent))
        )
    return done


def request_of(row: Mapping[str, Any]) -> RightsRequest:
    """A request as its row keeps it."""
    return RightsRequest(row["request_id"], row["kind"], row["customer_id"], row["received_us"],
                         row["answer_until_us"], row["state"], row["verified_by"])  # fmt: skip


def _changed(
    w: Work, seal: Seal, row: Mapping[str, Any], version: int, after: RightsRequest, act: str, words: str,
    outcome: Mapping[str, Any],
) -> RightsRequest:  # fmt: skip
    is_live = after.state in LIVE_STATES
    values = {"state": after.state, "verified_by": after.verified_by, "is_live": is_live,
              "answered_us": None if is_live else w.now_us}  # fmt: skip
    reached = w.change(rights_requests, row["request_id"], version, values)
    _acted(w, seal, after, reached, act, words, outcome)
    return after


def _acted(
    w: Work,
    seal: Seal,
    request: RightsRequest,
    version: int,
    act: str,
    words: str,
    outcome: Mapping[str, Any],
) -> None:
    place = f"rights:{request.request_id}:{version}"
    said = seal.sealed(words.encode(), place, request.customer_id) if words else b""
    w.add(rights_acts, {
        "request_id": request.request_id, "version": version, "ts_us": w.now_us, "actor_id": w.actor.actor_id,
        "act": act, "words": said,
        "outcome": json.dumps(outcome), "state": request.state,
    })  # fmt: skip
    w.note(f"rights.{act}", f"request:{request.request_id}", {"kind": request.kind, "state": request.state})


def _seen(w: Work, request_id: str, version: int) -> dict[str, Any]:
    row = w.found(rights_requests, request_id)
    if row["version"] != version:
        raise RequestError(
            "version", value=f"version {version}; it is {row['version']}", advice="Read it again."
        )
    return row


def _clock_us(w: Work, name: str) -> int:
    clocks = parameters_from_files([POLICY / "rights" / "clocks.yaml"])
    return int(parameters_in_force(clocks, day_of(w.now_us))[name] * DAY_US)


def _check_words(words: str) -> None:
    if len(words) > WORDS_MAX:
        raise InputError("The words are too long.", value=len(words), allowed=f"{WORDS_MAX} letters")
