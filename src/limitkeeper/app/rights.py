"""Persons' requests in the store: received, verified, done or refused; copies, erasure and consents."""

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
import yaml

from limitkeeper.app.ownership import account_ids_of
from limitkeeper.app.personal_data import personal_copy, personal_rows
from limitkeeper.app.policy import POLICY, parameters_from_files
from limitkeeper.app.regulation_policy import shipped_register
from limitkeeper.connectors.sealing import ErasedError, Seal
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.requests import (
    KINDS,
    LIVE_STATES,
    RequestError,
    RightsRequest,
    answered,
    received,
    verified,
    withdrawn,
)
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.hashing import content_hash
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
from limitkeeper.store.vault import Vault
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
    days = parameters_in_force(parameters_from_files([POLICY / "rights" / "clocks.yaml"]), day_of(w.now_us))
    until_us = w.now_us + int(days["rights_answer_days"] * DAY_US)
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
    row = w.found(rights_requests, request_id)
    return _changed(w, seal, row, version, verified(request_of(row), w.actor, words), "verify", words, {})


def request_withdrawn(w: Work, seal: Seal, request_id: str, version: int) -> RightsRequest:
    """Record that the person takes his request back."""
    row = w.found(rights_requests, request_id)
    return _changed(w, seal, row, version, withdrawn(request_of(row), w.actor), "withdraw", "", {})


def request_answered(
    w: Work,
    seal: Seal,
    request_id: str,
    version: int,
    *,
    is_done: bool,
    words: str,
    outcome: Mapping[str, Any],
) -> RightsRequest:
    """Record the answer to a request: what was done, or why it is refused."""
    _check_words(words)
    row = w.found(rights_requests, request_id)
    after = answered(request_of(row), is_done=is_done, words=words)
    return _changed(w, seal, row, version, after, "answer" if is_done else "refuse", words, outcome)


def copy_given(w: Work, seal: Seal, request_id: str, version: int) -> dict[str, Any]:
    """Answer a request for access or a copy with everything that the store holds of the person."""
    row = w.found(rights_requests, request_id)
    _of_kind(row, "access", "copy")
    answered(request_of(row), is_done=True, words="")
    found = personal_copy(w, seal, row["customer_id"])
    counts = {name: len(each) for name, each in found["data"].items()}
    request_answered(w, seal, request_id, version, is_done=True, words="", outcome=counts)
    return found


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


def person_erased(w: Work, seal: Seal, vault: Vault, request_id: str, version: int) -> dict[str, int]:
    """Erase the person of a request: his key is destroyed, what names him is taken away; rows changed by table.

    What the law keeps stays under a name that leads nowhere. The key goes first: whatever happens then, nothing of his
    opens any more, and the request can be done again.

    Raises
    ------
    RequestError
        When the request is for something else, or it is not known who asks.
    InputError
        When something bars it; the request is then to be refused with that reason.
    """
    row = w.found(rights_requests, request_id)
    _of_kind(row, "erase")
    answered(request_of(row), is_done=True, words="")
    customer_id = row["customer_id"]
    if bars := bars_to_erasure(w, customer_id):
        raise InputError(
            "The person cannot be erased now.", value="; ".join(each.english for each in bars),
            advice="Refuse the request with this reason, or wait.",
        )  # fmt: skip
    if w.dialect.name == "sqlite":
        w.connection.exec_driver_sql("PRAGMA secure_delete = ON")  # what is deleted is overwritten, too
    done = _rows_erased(w, customer_id)
    _changed(w, seal, row, version, answered(request_of(row), is_done=True, words=""), "erase", "", done)
    name = f"erased-{secrets.token_hex(8)}"
    for table in (notices, appeals, rights_requests, consent_acts):
        done[table.name] = w.connection.execute(
            table.update().where(table.c.customer_id == customer_id).values(customer_id=name)
        ).rowcount
    vault.destroyed(customer_id)
    seal.forget(customer_id)
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
    ]
    for table, mine, values in changes:
        done[table.name] = w.connection.execute(table.update().where(mine).values(**values)).rowcount
    for each in rows["cases"]:
        silent = [[person, holder, choice, ""] for person, holder, choice, _ in json.loads(each["votes"])]
        w.connection.execute(
            cases.update().where(cases.c.case_id == each["case_id"]).values(votes=json.dumps(silent))
        )
    return done


class Consent(NamedTuple):
    """A consent as it stands: to what, in which words, and whether it holds."""

    scope: str
    text_version: str
    holds: bool
    since_us: int


@cache
def consent_texts() -> dict[str, dict[str, dict[str, str]]]:
    """What may be consented to: scope -> version -> words by language."""
    found: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
        (POLICY / "rights" / "consents.yaml").read_text(encoding="utf-8")
    )
    return found


def consent_changed(
    w: Work, customer_id: str, scope: str, *, gives: bool, text_version: str | None = None
) -> None:
    """Record that a customer consents in the words of a version, the newest where none is named, or withdraws.

    Raises
    ------
    InputError
        When there is no such scope or version, or he withdraws what he never gave.
    """
    texts = consent_texts()
    if scope not in texts:
        raise InputError("Nothing of that name is consented to.", value=scope, allowed=", ".join(texts),
                         advice=did_you_mean(scope, texts))  # fmt: skip
    standing = next((each for each in consents_of(w, customer_id) if each.scope == scope), None)
    if not gives and (standing is None or not standing.holds):
        raise InputError("There is no consent to withdraw.", value=scope)
    version = text_version or (max(texts[scope]) if gives or standing is None else standing.text_version)
    if version not in texts[scope]:
        raise InputError(
            "There is no such version of the words.", value=version, allowed=", ".join(texts[scope])
        )
    act = "given" if gives else "withdrawn"
    w.add(consent_acts, {
        "customer_id": customer_id, "scope": scope, "act": act, "text_version": version,
        "text_hash": content_hash(texts[scope][version]), "ts_us": w.now_us, "actor_id": w.actor.actor_id,
    })  # fmt: skip
    w.note(f"consent.{act}", f"customer:{customer_id}", {"scope": scope, "version": version})


def consents_of(w: Work, customer_id: str) -> list[Consent]:
    """The consents of a customer as they stand, by scope."""
    query = (
        sa.select(consent_acts)
        .where(consent_acts.c.customer_id == customer_id)
        .order_by(consent_acts.c.number)
    )
    last = {row["scope"]: row for row in w.rows(query)}
    return [Consent(scope, row["text_version"], row["act"] == "given", row["ts_us"])
            for scope, row in sorted(last.items())]  # fmt: skip


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
    try:
        said = seal.sealed(words.encode(), place, request.customer_id)
    except ErasedError:  # of an erasure that was cut off after the key had gone
        said = b""
    w.add(rights_acts, {
        "request_id": request.request_id, "version": version, "ts_us": w.now_us, "actor_id": w.actor.actor_id,
        "act": act, "words": said,
        "outcome": json.dumps(outcome), "state": request.state,
    })  # fmt: skip
    w.note(f"rights.{act}", f"request:{request.request_id}", {"kind": request.kind, "state": request.state})


def _of_kind(row: Mapping[str, Any], *kinds: str) -> None:
    if row["kind"] not in kinds:
        raise RequestError("state", value=f"a request for {row['kind']}")


def _check_words(words: str) -> None:
    if len(words) > WORDS_MAX:
        raise InputError("The words are too long.", value=len(words), allowed=f"{WORDS_MAX} letters")
