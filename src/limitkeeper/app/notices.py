"""Notices in the store: written with the decision, delivered by the customer's channels, read in his inbox."""

import hashlib
import html
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.customer_preferences import customer_row, letter_us, quiet_hours, zone_of
from limitkeeper.app.evidence import kept
from limitkeeper.app.notice_policy import notice_wording
from limitkeeper.connectors.letters import Channel, Letter, LetterError, LetterRefusedError
from limitkeeper.connectors.sealing import ErasedError, Seal, is_erased
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import day_of, instant, instant_text, us_of
from limitkeeper.core.notice.notice import Notice, NoticeFacts, notice_of, short_text
from limitkeeper.store.database import StoreError
from limitkeeper.store.notice_tables import contacts, deliveries, notices
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work

RETRY_SECONDS = (60, 300, 1_800, 7_200, 21_600, 43_200)
"""Waits after each attempt of one channel that failed; after the last the next channel is tried."""

SWEEP_NOTICES = 200
"""Notices that are looked at in one round."""

WAITING, OUT, DEAD = STATES = ("waiting", "out", "dead")

WITHDRAWN = "withdrawn"
"""The state of a notice that nobody is sent or shown any more."""

INBOX = "inbox"
"""The channel, and the contact, of a delivery that a customer himself saw in the inbox."""

PROBLEM_LETTERS = 300

Renewed = Callable[[Work, Mapping[str, Any]], bool]
"""Whether another notice stands in the place of one that goes out on a later day than it was written for."""


def never_renewed(_w: Work, _notice: Mapping[str, Any]) -> bool:
    """Where a notice goes out as it was written, however late."""
    return False


def contact_added(
    w: Work, seal: Seal, customer_id: str, channel: str, address: str, rank: int, *, consented: bool = True
) -> str:
    """Add a way to reach a customer, or mend one that was found broken; its id."""
    named = hashlib.blake2b(
        json.dumps([customer_id, channel, address]).encode(),
        digest_size=16,
        key=seal.key_of(customer_id)[:16],
    )
    contact_id = named.hexdigest()
    before = w.kept(contacts, contact_id)
    if before is None:
        w.add(contacts, {
            "contact_id": contact_id, "customer_id": customer_id, "channel": channel, "rank": rank,
            "address": seal.sealed(address.encode(), f"contact:{contact_id}", customer_id), "consented": consented,
            "is_broken": False, "version": 1,
        })  # fmt: skip
        w.note("customer.contact", f"customer:{customer_id}", {"contact": contact_id, "channel": channel})
    elif before["is_broken"]:
        w.change(contacts, contact_id, before["version"], {"is_broken": False})
        w.note("customer.contact", f"customer:{customer_id}", {"contact": contact_id, "mended": True})
    return contact_id


def written(
    w: Work,
    seal: Seal,
    customer_id: str,
    account_id: str | None,
    facts: NoticeFacts,
    language: str,
    in_place_of: str | None = None,
) -> str:
    """Write a notice in the transaction of what it tells of; its id, by chance: two may be alike, at the same time.

    It is in the inbox at once, and goes out by the customer's channels soon after, in no quiet hour. One that stands in
    place of another has an id that follows from that one's: so it is known which it was, and it is written once.
    """
    notice = notice_of(facts, notice_wording(language))
    content = json.dumps([notice.subject, list(notice.paragraphs)], ensure_ascii=False).encode()
    notice_id = secrets.token_hex(16) if in_place_of is None else anew_id(in_place_of)
    row = {
        "notice_id": notice_id, "customer_id": customer_id, "account_id": account_id, "kind": facts.kind,
        "language": language, "content": sealed_or_nothing(seal, content, notice_id, customer_id), "made_us": w.now_us,
        "state": WAITING, "out_us": None, "read_us": None, "due_us": letter_us(customer_row(w, customer_id), w.now_us),
        "version": 1,
    }  # fmt: skip
    w.add(notices, row)
    until = facts.appeal_until_day
    w.note("notice.write", f"notice:{notice_id}", {
        "kind": facts.kind, "account": account_id, "reasons": [each["code"] for each in facts.reasons],
        "appeal_until": None if until is None else until.isoformat(),
    } | kept(("notice", row), ("notice_content", row)))  # fmt: skip
    return notice_id


def anew_id(notice_id: str) -> str:
    """The id of the notice that is written in place of another."""
    return hashlib.blake2b(f"anew:{notice_id}".encode(), digest_size=16).hexdigest()


def sealed_or_nothing(seal: Seal, content: bytes, notice_id: str, customer_id: str) -> bytes:
    """What a notice says, sealed; nothing where its customer was erased: there is nobody to tell."""
    try:
        return seal.sealed(content, f"notice:{notice_id}", customer_id)
    except ErasedError:
        return b""


def notice_content(row: Mapping[str, Any], seal: Seal) -> Notice:
    """The notice that a row holds; an empty one where its customer was erased.

    Raises
    ------
    SealError
        When it does not open.
    """
    if not row["content"] or is_erased(row["customer_id"]):
        return Notice("", ())
    subject, paragraphs = json.loads(
        seal.opened(row["content"], f"notice:{row['notice_id']}", row["customer_id"])
    )
    return Notice(subject, tuple(paragraphs))


def is_out(w: Work, notice_id: str) -> bool:
    """Whether a notice has been handed over to a channel, or lies in the inbox of one who has no other."""
    return bool(w.found(notices, notice_id)["state"] == OUT)


NOTICE_FIELDS = ("notice_id", "customer_id", "account_id", "kind", "language", "state", "version")


def notice_document(row: Mapping[str, Any], seal: Seal | None = None) -> dict[str, Any]:
    """A notice as JSON; what it says only with the seal."""
    moments = {
        f"{name}_at": None if row[f"{name}_us"] is None else instant_text(row[f"{name}_us"])
        for name in ("made", "out", "read")
    }
    said: dict[str, Any] = {}
    if seal is not None:
        notice = notice_content(row, seal)
        said = {"subject": notice.subject, "paragraphs": list(notice.paragraphs)}
    return {name: row[name] for name in NOTICE_FIELDS} | moments | said


def whole_notice_document(w: Work, seal: Seal, notice_id: str) -> dict[str, Any]:
    """A notice with what it says and what became of each delivery; that it was looked at is kept.

    Raises
    ------
    MissingError
        When there is no such notice.
    """
    row = w.found(notices, notice_id)
    w.note("notice.look", f"notice:{notice_id}")
    tried = w.rows(
        sa.select(deliveries).where(deliveries.c.notice_id == notice_id).order_by(deliveries.c.tried_us)
    )
    return notice_document(row, seal) | {
        "deliveries": [
            {name: each[name] for name in ("channel", "state", "attempts", "problem")}
            | {"tried_at": instant_text(each["tried_us"])}
            for each in tried
        ]
    }


def read_marked(w: Work, notice_id: str) -> None:
    """Keep that a customer has read a notice, when he first did.

    Raises
    ------
    MissingError
        When there is no such notice.
    """
    row = w.found(notices, notice_id)
    if row["read_us"] is None:
        read = {"read_us": w.now_us}
        w.change(notices, notice_id, row["version"], read)
        w.note("notice.read", f"notice:{notice_id}", kept(("notice_read", row | read)))


def sent_again(w: Work, notice_id: str) -> None:
    """Let a notice that was given up be tried again from its first channel.

    Raises
    ------
    MissingError
        When there is no such notice.
    InputError
        When it was not given up: nobody is written to twice.
    """
    row = w.found(notices, notice_id)
    if row["state"] != DEAD:
        raise InputError("Only a notice that was given up is sent again.", value=row["state"], allowed=DEAD)
    for each in w.rows(_DELIVERIES, notice_id=notice_id):
        w.change(deliveries, each["delivery_id"], each["version"], {"state": "trying", "attempts": 0})
    w.change(notices, notice_id, row["version"], {"state": WAITING, "due_us": w.now_us})
    w.note("notice.retry", f"notice:{notice_id}")


def notices_in(store: Store, state: str) -> int:
    """How many notices are ``waiting``, ``out`` or ``dead``."""
    query = sa.select(sa.func.count()).select_from(notices).where(notices.c.state == state)
    with store.database.connect() as connection:
        return int(connection.scalar(query) or 0)


def longest_wait_seconds(store: Store, now_us: int) -> float:
    """How long the oldest notice that waits has waited, 0 where none does."""
    (row,) = store.rows(
        sa.select(sa.func.min(notices.c.made_us).label("made_us")).where(notices.c.state == WAITING)
    )
    return 0.0 if row["made_us"] is None else max(now_us - row["made_us"], 0) / 1_000_000


def deliver_notices(
    store: Store,
    channels: Mapping[str, Channel],
    seal: Seal,
    now_us: Callable[[], int],
    count: int = SWEEP_NOTICES,
    renewed: Renewed = never_renewed,
) -> dict[str, int]:
    """One round: hand each notice that is due to the customer's first channel that still may take it.

    Those that need no letter now, which after a campaign are many, are settled in one transaction. Each letter has its
    own two: that it is tried is written before it is sent, and what became of it after: a crash between the two sends
    it again, under the same id. One that cannot be dealt with holds up no other.

    Parameters
    ----------
    store
        Where notices lie.
    channels
        By name; a contact whose channel is not here is passed over.
    seal
        Of addresses and contents.
    now_us
        The clock, UTC microseconds.
    count
        Notices at most.
    renewed
        Writes another in place of one that goes out on a later day than it was written for.

    Returns
    -------
    How many are ``sent``, ``waiting`` for another attempt, ``quiet``, only in the inbox (``inbox``), and ``dead``.

    Raises
    ------
    Exception
        The first failure, once all others had their turn; at once, where the store is away.
    """
    counts = dict.fromkeys(("sent", "waiting", "quiet", "inbox", "dead"), 0)
    letters = []
    with work(store, SYSTEM, now_us()) as w:
        for notice in w.rows(_DUE, now_us=w.now_us, count=count):
            found = _next(w, notice, channels)
            if isinstance(found, str):
                counts[found] += 1
            else:
                letters.append(notice["notice_id"])
    first = None
    for notice_id in letters:
        try:
            became = _delivered(store, notice_id, channels, seal, now_us, renewed)
        except (StoreError, sa.exc.OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - it is raised below
            first = first or error
            continue
        if became is not None:
            counts[became] += 1
    if first is not None:
        raise first
    return counts


_DUE = (
    sa.select(notices)
    .where(notices.c.due_us <= sa.bindparam("now_us"))
    .order_by(notices.c.due_us)
    .limit(sa.bindparam("count"))
    .with_for_update(skip_locked=True)
)
_STILL_DUE = (
    sa.select(notices)
    .where(notices.c.notice_id == sa.bindparam("notice_id"), notices.c.due_us <= sa.bindparam("now_us"))
    .with_for_update(skip_locked=True)
)
_DELIVERIES = sa.select(deliveries).where(
    deliveries.c.notice_id == sa.bindparam("notice_id"), deliveries.c.contact_id != INBOX
)
_CONTACTS = (
    sa.select(contacts)
    .where(
        contacts.c.customer_id == sa.bindparam("customer_id"),
        contacts.c.consented,
        sa.not_(contacts.c.is_broken),
    )
    .order_by(contacts.c.rank)
)

Delivery = dict[str, Any]


def _next(
    w: Work, notice: dict[str, Any], channels: Mapping[str, Channel], renewed: Renewed | None = None
) -> str | tuple[dict[str, Any], Delivery | None] | None:
    """What became of a notice that needs no letter now; of another, its contact and the delivery begun there before.

    None of one that is late, where nothing writes it anew: that has a transaction of its own.
    """
    moment = instant(w.now_us)
    customer = customer_row(w, notice["customer_id"])
    allowed = quiet_hours(customer).over(moment)
    if allowed > moment:
        w.change(notices, notice["notice_id"], notice["version"], {"due_us": us_of(allowed)})
        return "quiet"
    if _is_late(notice, customer, w.now_us):
        if renewed is None:
            return None
        if renewed(w, notice):
            return "waiting"
    tried = {row["contact_id"]: row for row in w.rows(_DELIVERIES, notice_id=notice["notice_id"])}
    usable = [
        row for row in w.rows(_CONTACTS, customer_id=notice["customer_id"]) if row["channel"] in channels
    ]
    contact = next((each for each in usable if _may_try(tried.get(each["contact_id"]))), None)
    if contact is not None:
        return contact, tried.get(contact["contact_id"])
    state = DEAD if usable or tried else OUT
    settled(w, notice, state)
    return "dead" if state == DEAD else "inbox"


def _delivered(
    store: Store, notice_id: str, channels: Mapping[str, Channel], seal: Seal, now_us: Callable[[], int],
    renewed: Renewed,
) -> str | None:  # fmt: skip
    """What became of a notice that a letter was due for; None where it is due no more, as one that was withdrawn."""
    with work(store, SYSTEM, now_us()) as w:
        due = w.rows(_STILL_DUE, notice_id=notice_id, now_us=w.now_us)
        if not due:
            return None
        notice = due[0]
        found = _next(w, notice, channels, renewed)
        if found is None or isinstance(found, str):
            return found
        contact, before = found
        delivery = _trying(w, notice_id, contact, before)
        # A newer version, so that whoever saw it untried does not withdraw it while its letter goes out.
        w.change(notices, notice_id, notice["version"], {"due_us": notice["due_us"]})
    problem, for_good = _sent(notice, contact, channels[contact["channel"]], seal, delivery["delivery_id"])
    with work(store, SYSTEM, now_us()) as w:
        return _kept(w, notice_id, delivery, problem, for_good=for_good)


def _is_late(notice: Mapping[str, Any], customer: Mapping[str, Any], now_us: int) -> bool:
    """Whether a notice goes out on another day than it was written for."""
    zone = zone_of(customer)
    return day_of(now_us, zone) > day_of(letter_us(customer, notice["made_us"]), zone)


def _may_try(delivery: dict[str, Any] | None) -> bool:
    return delivery is None or delivery["state"] == "trying"


def _trying(
    w: Work, notice_id: str, contact: dict[str, Any], before: dict[str, Any] | None
) -> dict[str, Any]:
    if before is not None:
        attempts = before["attempts"] + 1
        version = w.change(deliveries, before["delivery_id"], before["version"],
                           {"attempts": attempts, "tried_us": w.now_us})  # fmt: skip
        return before | {"attempts": attempts, "version": version}
    row = {"delivery_id": f"{notice_id}{contact['contact_id']}", "notice_id": notice_id,
           "contact_id": contact["contact_id"], "channel": contact["channel"], "state": "trying", "attempts": 1,
           "tried_us": w.now_us, "problem": None, "version": 1}  # fmt: skip
    w.add(deliveries, row)
    return row


def _sent(
    notice: dict[str, Any], contact: dict[str, Any], channel: Channel, seal: Seal, letter_id: str
) -> tuple[str | None, bool]:
    """What went wrong, None where nothing did; and whether it always will."""
    content = notice_content(notice, seal)
    address = seal.opened(
        contact["address"], f"contact:{contact['contact_id']}", contact["customer_id"]
    ).decode()
    paragraphs = "".join(
        f"<p>{html.escape(each).replace(chr(10), '<br>')}</p>" for each in content.paragraphs
    )
    letter = Letter(
        letter_id,
        address,
        content.subject,
        content.text,
        f"<html><body>{paragraphs}</body></html>",
        short_text(content, notice_wording(notice["language"]), notice["kind"]),
    )
    try:
        channel(letter)
    except LetterRefusedError as error:
        return str(error)[:PROBLEM_LETTERS], True
    except LetterError as error:
        return str(error)[:PROBLEM_LETTERS], False
    return None, False


def _kept(w: Work, notice_id: str, delivery: dict[str, Any], problem: str | None, *, for_good: bool) -> str:
    notice, attempts = w.found(notices, notice_id), delivery["attempts"]
    if problem is None:
        w.change(deliveries, delivery["delivery_id"], delivery["version"], {"state": "sent", "problem": None})
        settled(w, notice, OUT)
        return "sent"
    given_up = for_good or attempts > len(RETRY_SECONDS)
    wait = 0 if given_up else RETRY_SECONDS[attempts - 1] * 1_000_000
    state = "failed" if given_up else "trying"
    if is_erased(
        notice["customer_id"]
    ):  # while his letter was on its way: what went wrong may quote his address
        problem = None
    w.change(deliveries, delivery["delivery_id"], delivery["version"], {"state": state, "problem": problem})
    if notice["state"] == WAITING:  # else it was stopped while its letter was on its way
        w.change(notices, notice_id, notice["version"], {"due_us": w.now_us + wait})
    return "waiting"


def settled(w: Work, notice: Mapping[str, Any], state: str) -> None:
    """Let a notice be tried no more: it is out, or nobody took it."""
    values: dict[str, Any] = {"state": state, "due_us": None}
    if state == OUT and notice["out_us"] is None:
        values["out_us"] = w.now_us
    w.change(notices, notice["notice_id"], notice["version"], values)
    held = kept(("notice_out", {**notice, **values})) if "out_us" in values else {}
    w.note(f"notice.{state}", f"notice:{notice['notice_id']}", held)
