"""What the OpenAPI page says of the routes of the bank: schemas, bodies, answers."""

from typing import Any

from limitkeeper.app.bank import ANSWERS, COMMAND_STATES, DETAIL_LETTERS_MAX
from limitkeeper.core.limits.ledger import ACTIONS
from limitkeeper.shells.api.case_documents import CASE_ID
from limitkeeper.shells.api.case_schemas import VERSION, page_of
from limitkeeper.shells.api.documents import answers
from limitkeeper.shells.api.line_documents import ENTRY_ID, sent
from limitkeeper.shells.api.schemas import Schema, cents, moment, one_of, record, ref, value

BANK_SCHEMAS: dict[str, Schema] = {
    "BankCommand": record(
        "A change that the core banking system was told of.",
        {
            "command_id": ref("Id"),
            "account_id": value("string", "Whose line."),
            "action": one_of(ACTIONS, "What changed it."),
            "delta_cents": cents("What it changed.", nullable=False),
            "case_id": value("string null", "What allowed it."),
            "state": one_of(
                COMMAND_STATES, "What the bank says.", {"told": "The bank has not answered."} | ANSWERS
            ),
            "detail": value("string null", "In the bank's words."),
            "version": VERSION,
            "effective_at": moment("When it took effect."),
        },
    ),
    "BankCommands": page_of("BankCommand"),
    "Acknowledgement": record(
        "What the bank says of a command.",
        {
            "outcome": one_of(ANSWERS, "What became of it.", ANSWERS),
            "detail": value("string", "In the bank's words.", maxLength=DETAIL_LETTERS_MAX),
        },
        optional=("detail",),
    ),
}

COMMAND: dict[str, Any] = {
    "command_id": ENTRY_ID,
    "effective_at": "2026-11-22T09:00:01+00:00",
    "account_id": "a-7",
    "action": "decrease",
    "delta_cents": -250000,
    "case_id": CASE_ID,
    "state": "failed",
    "detail": "The account is locked.",
    "version": 3,
}

COMMANDS = answers("Commands.", ref("BankCommands"), {"items": [COMMAND], "next": None}, 422, 503)

TELL_AGAIN = answers(
    "The command.", ref("BankCommand"), COMMAND | {"state": "told", "version": 4}, 404, 409, 422, 503
)

ACKNOWLEDGE: dict[str, Any] = {
    "requestBody": sent("Acknowledgement", {"outcome": "failed", "detail": "The account is locked."}),
    "responses": answers("The command.", ref("BankCommand"), COMMAND, 404, 409, 413, 422, 503),
}
