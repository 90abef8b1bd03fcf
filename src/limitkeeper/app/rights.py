"""Persons' requests in the store: received, verified, extended, done or refused, each told to the person; copies."""

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.consents import consents_withdrawn
from limitkeeper.app.customer_preferences import customer_row, zone_of
from limitkeeper.app.evidence import kept
from limitkeeper.app.exports import PERSONAL_COPY, export_noted
from limitkeeper.app.personal_copy import BEYOND, JOURNAL, NOTHING_MORE, ROWS_MAX, personal_copy
from limitkeeper.app.personal_data import Whose, whose
from limitkeeper.app.policy import POLICY, parameters_from_files
from limitkeeper.app.rights_notices import (
    answer_told,
    answer_words,
    copy_told,
    erasure_told,
    extension_told,
    receipt_told,
    taken_back_told,
)
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.requests import (
    ANSWERS,
    ERASE,
    KINDS,
    LIVE_STATES,
    PARTLY,
    REFUSED,
    WITHDRAW_CONSENT,
    RequestError,
    RightsRequest,
    answered_in_words,
    copied,
    extended,
    received,
    verified,
    withdrawn,
)
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.instants import day_end_us, day_of, instant_text
from limitkeeper.core.kernel.parameters import Parameters, parameters_in_force
from limitkeeper.store.rights_tables import rights_acts, rights_requests
from limitkeeper.store.work import Work

REQUESTS_LIVE_MAX = 10
"""Requests of one person that wait at the same time."""

WORDS_MAX = 4_000


def request_made(w: Work, seal: Seal, customer_id: str, kind: str, words: str) -> str:
    """Take in a request of a person; its id. The person gets a receipt, whoever brought it.

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
    row = {
        "request_id": request.request_id, "kind": kind, "customer_id": customer_id, "state": request.state,
        "received_us": w.now_us, "answer_until_us": until_us, "extended_days": 0, "answered_us": None,
        "verified_by": request.verified_by, "is_live": True, "version": 1,
    }  # fmt: skip
    w.add(rights_requests, row)
    _acted(w, seal, request, 1, "make", words, {"kind": kind}, row)
    receipt_told(w, seal, request)
    return request.request_id


def request_verified(w: Work, seal: Seal, request_id: str, version: int, words: str) -> RightsRequest:
    """Record that it is known who asks, and how; see :func:`limitkeeper.core.compliance.requests.verified`."""
    row = request_seen(w, request_id, version)
    after = request_changed(
        w, seal, row, version, verified(request_of(row), w.actor, words), "verify", words, {}
    )
    if after.kind == ERASE:
        erasure_told(w, seal, after)
    return after


def request_extended(
    w: Work, seal: Seal, request_id: str, version: int, days: int, words: str
) -> RightsRequest:
    """Extend the clock of a request that waits, for a reason; the person is told of it and of the new day.

    Raises
    ------
    RequestError, InputError
        As of :func:`limitkeeper.core.compliance.requests.extended`, or when the words are too long.
    """
    _check_words(words)
    row = request_seen(w, request_id, version)
    after = extended(request_of(row), days, extension_days(w.now_us), words, w.now_us)
    request_changed(w, seal, row, version, after, "extend", words, {"extended_days": days})
    extension_told(w, seal, after, words)
    return after


def request_withdrawn(w: Work, seal: Seal, request_id: str, version: int) -> RightsRequest:
    """Record that the person takes his request back."""
    row = request_seen(w, request_id, version)
    after = request_changed(w, seal, row, version, withdrawn(request_of(row), w.actor), "withdraw", "", {})
    taken_back_told(w, seal, after)
    return after


def request_answered(
    w: Work, seal: Seal, request_id: str, version: int, act: str, words: str, rest: str = "", *,
    scopes: Sequence[str] = (),
) -> RightsRequest:  # fmt: skip
    """Record the answer to a request: what was done, or why it or the rest of it is refused; the person is told.

    It withdraws the consent that it is about.

    Parameters
    ----------
    w, seal
        Of whoever answers.
    request_id, version
        Which, and the version that he saw.
    act
        Of :data:`limitkeeper.core.compliance.requests.ANSWERS`.
    words, rest
        What was done, or why it is refused; what of it is not done, and why, of an answer in part alone.
    scopes
        Of a request to withdraw consent that is done, or done in part: which consents, as of
        :func:`limitkeeper.app.consents.consents_withdrawn`; of no other.

    Raises
    ------
    RequestError
        As of :func:`limitkeeper.core.compliance.requests.answered_in_words`.
    InputError
        When the words are too long, or it is not clear which consent is withdrawn.
    """
    for each in (words, rest):
        _check_words(each)
    if rest and ANSWERS[act] != PARTLY:
        raise InputError("Only an answer in part says what is not done.", value=act)
    row = request_seen(w, request_id, version)
    after = answered_in_words(request_of(row), ANSWERS[act], words, rest)
    outcome: dict[str, str] = {}
    if after.state != REFUSED and row["kind"] == WITHDRAW_CONSENT:
        outcome = dict.fromkeys(consents_withdrawn(w, row["customer_id"], scopes), "withdrawn")
    elif scopes:
        raise InputError(
            "Only a request to withdraw consent that is done names consents.", value=", ".join(scopes)
        )
    request_changed(w, seal, row, version, after, act, answer_words(w, after, words, rest), outcome)
    answer_told(w, seal, after, words, rest, tuple(outcome))
    return after


def copy_given(
    w: Work, seal: Seal, request_id: str, beyond: Mapping[str, list[dict[str, Any]]] = NOTHING_MORE,
    rows_max: int | None = ROWS_MAX,
) -> dict[str, Any]:  # fmt: skip
    """Everything that is kept of the person of a request for access or a copy; the first answers it.

    A customer takes the copy himself: his login has told who asks, and nothing is left to decide.
    What is left out says where it can be had. ``beyond`` and ``rows_max`` as of
    :func:`limitkeeper.app.personal_copy.personal_copy`.

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
    again_until_us = _copy_until_us(w, row)
    before = request_of(row)
    after = copied(before, w.now_us, again_until_us)
    found = personal_copy(w, seal, row["customer_id"], beyond, rows_max)
    where = f"/v1/rights-requests/{request_id}/copy"
    for each in found["left_out"]:
        is_part = each["part"] == JOURNAL or each["part"] not in BEYOND
        each["at"] = f"{where}/{each['part']}" if is_part else where
    if after != before:
        counts = {name: len(each) for name, each in found["data"].items()}
        request_changed(w, seal, row, row["version"], after, "answer", "", counts)
        copy_told(w, seal, after, again_until_us)
    mark = None if w.actor.customer_id is not None else export_noted(w, PERSONAL_COPY).document()
    return found | {"made_by": w.actor.actor_id, "request_id": request_id, "export": mark}


def copied_person(w: Work, request_id: str) -> tuple[str, Whose]:
    """Of whom a request may be given a copy now, and by what his rows are known; nothing is changed.

    Raises
    ------
    ForbiddenError, RequestError
        As of :func:`copy_given`.
    """
    row = w.found(rights_requests, request_id)
    customer_id = row["customer_id"]
    check_customers_right(w.actor, "rights.read", customer_id)
    copied(request_of(row), w.now_us, _copy_until_us(w, row))
    return customer_id, whose(w, customer_id)


def part_given(w: Work, request_id: str, part: str) -> tuple[dict[str, Any], Whose]:
    """What one part of a copy is, which is read then, and by what the person's rows are known; that it is given is kept.

    Raises
    ------
    ForbiddenError, RequestError
        As of :func:`copy_given`.
    """
    customer_id, person = copied_person(w, request_id)
    w.note("rights.copy", f"customer:{customer_id}", {"part": part})
    mark = None if w.actor.customer_id is not None else export_noted(w, PERSONAL_COPY).document()
    about = {"request_id": request_id, "part": part, "customer_id": customer_id,
             "made_at": instant_text(w.now_us), "made_by": w.actor.actor_id, "export": mark}  # fmt: skip
    return about, person


def request_of(row: Mapping[str, Any]) -> RightsRequest:
    """A request as its row keeps it."""
    return RightsRequest(row["request_id"], row["kind"], row["customer_id"], row["received_us"],
                         row["answer_until_us"], row["state"], row["verified_by"], row["extended_days"])  # fmt: skip


def request_changed(
    w: Work, seal: Seal, row: Mapping[str, Any], version: int, after: RightsRequest, act: str, words: str,
    outcome: Mapping[str, Any],
) -> RightsRequest:  # fmt: skip
    """Keep a request as an act on its row leaves it, with the act; the request."""
    is_live = after.state in LIVE_STATES
    values = {"state": after.state, "verified_by": after.verified_by, "is_live": is_live,
              "answer_until_us": after.answer_until_us, "extended_days": after.extended_days,
              "answered_us": None if is_live else w.now_us}  # fmt: skip
    reached = w.change(rights_requests, row["request_id"], version, values)
    _acted(w, seal, after, reached, act, words, outcome, {**row, **values}, row)
    return after


def _acted(
    w: Work,
    seal: Seal,
    request: RightsRequest,
    version: int,
    act: str,
    words: str,
    outcome: Mapping[str, Any],
    row: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> None:
    """Keep an act on a request, which led to a row from the one before it."""
    place = f"rights:{request.request_id}:{version}"
    said = seal.sealed(words.encode(), place, request.customer_id) if words else b""
    done = {
        "request_id": request.request_id, "version": version, "ts_us": w.now_us, "actor_id": w.actor.actor_id,
        "act": act, "words": said,
        "outcome": json.dumps(outcome), "state": request.state,
    }  # fmt: skip
    w.add(rights_acts, done)
    held = kept(("request", row), ("request_act", done), ("request_words", done),
                was=[] if before is None else [("request", before)])  # fmt: skip
    detail = {"kind": request.kind, "state": request.state} | held
    w.note(f"rights.{act}", f"request:{request.request_id}", detail)


def request_seen(w: Work, request_id: str, version: int) -> dict[str, Any]:
    """The row of a request that is still as an actor saw it.

    Raises
    ------
    MissingError
        When there is no such request.
    RequestError
        When it was changed since.
    """
    row = w.found(rights_requests, request_id)
    if row["version"] != version:
        raise RequestError(
            "version", value=f"version {version}; it is {row['version']}", advice="Read it again."
        )
    return row


def extension_days(now_us: int) -> int:
    """By how many days at most the clock of a request is extended, by the policy of now."""
    return int(_clocks(now_us)["rights_extension_days"])


def _clocks(now_us: int) -> Parameters:
    clocks = parameters_from_files([POLICY / "rights" / "clocks.yaml"])
    return parameters_in_force(clocks, day_of(now_us))


def _copy_until_us(w: Work, row: Mapping[str, Any]) -> int:
    """Until when a copy is given again: to the end of the day that its person is told, where he is."""
    zone = zone_of(customer_row(w, row["customer_id"]))
    return day_end_us((row["answered_us"] or w.now_us) + _clock_us(w, "rights_copy_days"), zone)


def _clock_us(w: Work, name: str) -> int:
    return int(_clocks(w.now_us)[name] * DAY_US)


def _check_words(words: str) -> None:
    if len(words) > WORDS_MAX:
        raise InputError("The words are too long.", value=len(words), allowed=f"{WORDS_MAX} letters")
