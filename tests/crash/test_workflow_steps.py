"""A process that dies between any two steps of a case, a notice or a command goes on, and each thing happened once."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.postman import Postman, postman
from tests.receiver import Receiver

STRIDE = 29
"""Every so many steps the process dies once; ``python -m tests.crash.soak_workflow`` lets it die at each."""


class Outside:
    """A mail server and a bank that are really there, and what they were told."""

    def __init__(self, mail: Postman) -> None:
        self.mail, self.bank = mail, Receiver()

    def plan(self, store: str, folder: Path, name: str, last: int | None) -> dict[str, Any]:
        """One way, and at which step it dies."""
        return {"store": store, "folder": str(folder), "name": name, "last": last, "bank": self.bank.url,
                "mail": f"smtp://127.0.0.1:{self.mail.port}?from=credit@lender.test"}  # fmt: skip

    def letters(self, name: str) -> dict[str, set[str]]:
        """Of each address, the ids of the letters that it got: the same letter twice is one."""
        found: dict[str, set[str]] = {}
        for letter in self.mail.taken:
            if str(letter["To"]).startswith(f"{name}-"):
                found.setdefault(str(letter["To"]), set()).add(str(letter["Message-ID"]))
        return found

    def commands(self, name: str) -> Counter[tuple[str, str, str]]:
        """Commands by account, action and id: how often each came."""
        bodies = [json.loads(body)["data"] for _, body in self.bank.taken]
        return Counter(
            (each["account_id"], each["action"], each["command_id"])
            for each in bodies
            if each["account_id"].startswith(f"{name}-")
        )


@pytest.fixture
def outside() -> Iterator[Outside]:
    with postman() as mail:
        found = Outside(mail)
        yield found
        found.bank.shutdown()
        found.bank.server_close()


def carried_out(plans: list[dict[str, Any]], answers: Path) -> dict[str, dict[str, Any]]:
    """What each way of a plan left behind, by its name."""
    command = [sys.executable, "-m", "tests.crash.workflow_steps", str(answers)]
    lines = "\n".join(json.dumps(plan) for plan in plans)
    done = subprocess.run(command, input=lines, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return {each["name"]: each for each in map(json.loads, answers.read_text().splitlines())}


def differences(outside: Outside, found: dict[str, Any], whole: dict[str, Any]) -> list[str]:
    """Where a way that died once left something else than one that was left alone."""
    name = found["name"]
    parts = [key for key in whole if key not in ("name", "steps") and found[key] != whole[key]]
    if sorted(map(len, outside.letters(name).values())) != [1, 1]:
        parts.append(f"letters: {outside.letters(name)}")
    if sorted(action for _, action, _ in outside.commands(name)) != ["decrease", "freeze"]:
        parts.append(f"commands: {outside.commands(name)}")
    return parts


def test_process_that_dies_at_any_step_goes_on_and_everything_happened_once(
    request: pytest.FixtureRequest, store_url: str, tmp_path: Path, outside: Outside
) -> None:
    new_store = stores(request, store_url, tmp_path)
    whole = carried_out([outside.plan(new_store(0), tmp_path / "0", "whole", None)], tmp_path / "whole")[
        "whole"
    ]
    assert differences(outside, whole, whole) == []
    assert Counter(state for _, state in whole["notices"])["withdrawn"] == 2  # they were told anew
    assert whole["limits"] == {"flagged": 500_000, "lowered": 450_000}
    assert whole["monitor"] == {"flagged": [500_000, True], "lowered": [450_000, False]}
    first = 3 if store_url.startswith("sqlite") else STRIDE // 2
    plans = [
        outside.plan(new_store(step), tmp_path / str(step), f"s{step}", step)
        for step in range(first, whole["steps"], STRIDE)
    ]
    found = carried_out(plans, tmp_path / "answers")
    assert len(found) == len(plans) > 4  # a read by a key is no step: it leaves nothing behind
    wrong = {name: differences(outside, each, whole) for name, each in found.items()}
    assert {name: parts for name, parts in wrong.items() if parts} == {}


def stores(request: pytest.FixtureRequest, store_url: str, folder: Path) -> Callable[[int], str]:
    """New stores of the kind of one."""
    if store_url.startswith("sqlite"):
        made = request.getfixturevalue("made_file")
        return lambda step: f"sqlite:///{shutil.copy(made, folder / f'{step}.db')}"
    new_database, template = (request.getfixturevalue(name) for name in ("postgres_server", "made_database"))
    return lambda step: str(new_database(f"{folder.name}-{step}", template))
