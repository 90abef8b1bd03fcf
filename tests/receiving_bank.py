"""A core banking system as docs/bank.md asks for: of each line it takes only commands that are newer than what it has."""

import json
from typing import Any


class Bank:
    """Lines as its commands left them, and the answer to each.

    Examples
    --------
    >>> new, old = ({"data": {"command_id": str(k), "account_id": "a", "sequence": k, "limit_cents": 100 * k,
    ...             "is_frozen": False}} for k in (2, 1))
    >>> bank = Bank()
    >>> [bank.take(json.dumps(each).encode())["outcome"] for each in (new, old, new)], bank.limits["a"]
    (['done', 'superseded', 'done'], [200])
    """

    def __init__(self) -> None:
        self.lines: dict[str, tuple[int, str, int, bool]] = {}  # sequence, command, limit, frozen
        self.limits: dict[str, list[int]] = {}
        self.refuses: set[str] = set()

    def take(self, body: bytes) -> dict[str, Any]:
        """The answer to a command."""
        told = json.loads(body)["data"]
        answer = {"command_id": told["command_id"]}
        if told["account_id"] in self.refuses:
            return answer | {"outcome": "failed", "detail": "The account is locked."}
        sequence, command_id, *_ = self.lines.get(told["account_id"], (0, ""))
        if told["sequence"] > sequence:
            self.lines[told["account_id"]] = (
                told["sequence"], told["command_id"], told["limit_cents"], told["is_frozen"],
            )  # fmt: skip
            self.limits.setdefault(told["account_id"], []).append(told["limit_cents"])
            return answer | {"outcome": "done"}
        is_known = command_id == told["command_id"] and sequence == told["sequence"]
        return answer | {"outcome": "done" if is_known else "superseded"}
