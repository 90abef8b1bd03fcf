"""Commands to the core banking system: told with their effect, answered by the bank, told again where it failed.

Messages overtake each other: one that is tried again may come after a later one. Each therefore says how the line stands
and its ``sequence``, which rises with every change of the line, so that the bank takes only what is newer than it has.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.core.limits.ledger import LedgerError
from limitkeeper.store.limit_tables import IS_TOLD, limit_entries, lines
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import MissingError, Work

BANK_TOPIC = "bank.command"

NONE, TOLD, DONE, FAILED, SUPERSEDED = "none", "told", "done", "failed", "superseded"
ANSWERS = {
    DONE: "The line is at the bank as the command says.",
    FAILED: "The bank did not carry it out.",
    SUPERSEDED: "The bank had taken a newer command of the line before.",
}
"""What the bank says of a command."""

COMMAND_STATES = (TOLD, *ANSWERS)
"""States of a command; told: the bank has not answered."""

DETAIL_LETTERS_MAX = 500

COMMAND_FIELDS = ("account_id", "action", "delta_cents", "case_id", "bank_state", "bank_detail", "version")


def command(entry: Mapping[str, Any], line: Mapping[str, Any], sequence: int) -> dict[str, Any]:
    """The command of an entry in effect: the line as it stands then.

    Parameters
    ----------
    entry
        ``entry_id``, ``account_id``, ``action`` and ``effective_us``.
    line
        ``limit_cents`` and ``is_frozen``.
    sequence
        Of the line: the version of its row. The numbers of entries give the order of planning, not of effect.
    """
    return {"command_id": entry["entry_id"], "account_id": entry["account_id"], "action": entry["action"],
            "limit_cents": line["limit_cents"], "is_frozen": bool(line["is_frozen"]), "sequence": sequence,
            "effective_at": instant_text(entry["effective_us"])}  # fmt: skip


def acknowledged(w: Work, entry_id: str, said: str, detail: str = "") -> dict[str, Any]:
    """Keep what the bank says of a command; its row. The same answer again changes nothing.

    A command that was done stays done, whatever comes after: an answer to an earlier try may arrive late.

    Parameters
    ----------
    w
        Of the bank's service.
    entry_id
        The command's id.
    said
        Of :data:`ANSWERS`.
    detail
        In the bank's words, at most :data:`DETAIL_LETTERS_MAX` letters.

    Raises
    ------
    InputError
        When the answer is none, or too long.
    MissingError
        When there is no such entry.
    LedgerError
        When the bank was not told of it.
    """
    if said not in ANSWERS:
        raise InputError("The answer to a command is unknown.", value=said[:50], allowed=", ".join(ANSWERS))
    if len(detail) > DETAIL_LETTERS_MAX:
        raise InputError("The words are too long.", value=len(detail), allowed=DETAIL_LETTERS_MAX)
    row = command_row(w, entry_id)
    is_same = (row["bank_state"], row["bank_detail"] or "") == (said, detail)
    if is_same or row["bank_state"] == DONE:
        return row
    changed = {"bank_state": said, "bank_detail": detail or None}
    version = w.change(limit_entries, entry_id, row["version"], changed)
    w.note("limit.acknowledge", f"account:{row['account_id']}", {"entry": entry_id, "bank_state": said})
    return row | changed | {"version": version}


def told_again(w: Work, entry_id: str) -> dict[str, Any]:
    """Tell the bank again of a command that it did not carry out, or that was given up on the way; its row.

    The command has its old id, and says how the line stands now: what came in between is not undone.

    Raises
    ------
    MissingError
        When there is no such entry.
    LedgerError
        When the bank was not told of it, has carried it out, or its message is still on its way.
    """
    row = command_row(w, entry_id)
    given_up = outbox.delete().where(
        outbox.c.status == "dead", outbox.c.topic == BANK_TOPIC, outbox.c.subject == entry_id
    )
    is_lost = row["bank_state"] == TOLD and w.connection.execute(given_up).rowcount > 0
    if row["bank_state"] != FAILED and not is_lost:
        raise LedgerError(
            "Only a command that failed, or was given up, is sent again.",
            value=row["bank_state"],
            allowed=f"{FAILED}, or {TOLD} and given up",
        )
    version = w.change(limit_entries, entry_id, row["version"], {"bank_state": TOLD})
    line = w.found(lines, row["account_id"])
    w.send(BANK_TOPIC, entry_id, command(row, line, line["version"]))
    w.note("bank.retry", f"account:{row['account_id']}", {"entry": entry_id})
    return row | {"bank_state": TOLD, "version": version}


def command_row(w: Work, entry_id: str) -> dict[str, Any]:
    """The entry that the bank was told of.

    Raises
    ------
    MissingError
        When there is no such entry.
    LedgerError
        When the bank was not told of it.
    """
    row = w.kept(limit_entries, entry_id)
    if row is None:
        raise MissingError("There is no such command.", value=entry_id)
    if row["bank_state"] == NONE:
        raise LedgerError("The bank was not told of this entry.", value=entry_id)
    return row


def commands_query(state: str | None = None, account_id: str | None = None) -> sa.Select[Any]:
    """The entries that the bank was told of, of one state or one account."""
    query = sa.select(limit_entries).where(IS_TOLD)
    for column, value in ((limit_entries.c.bank_state, state), (limit_entries.c.account_id, account_id)):
        query = query if value is None else query.where(column == value)
    return query


def command_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A command as JSON."""
    found = {name.removeprefix("bank_"): row[name] for name in COMMAND_FIELDS}
    return {"command_id": row["entry_id"], "effective_at": instant_text(row["effective_us"])} | found


def answer_of_message(content: bytes) -> tuple[str, str, str]:
    """Command, answer and words of a message of the bank: ``command_id``, ``outcome`` and, where it has one, ``detail``.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        said = json.loads(content)
    except ValueError as error:
        raise InputError(f"The message is no JSON: {error}.", allowed="an object") from error
    given = said if isinstance(said, dict) else {}
    found = (given.get("command_id"), given.get("outcome"), given.get("detail", ""))
    if not all(isinstance(each, str) and "\0" not in each for each in found):
        raise InputError("The message is no answer to a command.", allowed="command_id, outcome and detail")
    return found  # type: ignore[return-value]
