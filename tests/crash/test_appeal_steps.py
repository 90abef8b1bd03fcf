"""A process that dies between any two steps of an appeal goes on: one answer, one new decision, given back once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from limitkeeper.store.sql import Store
from tests.appealed_decisions import decided, staffed
from tests.crash.test_workflow_steps import stores

STRIDE = 17
"""Every so many steps the process dies once."""


def carried_out(plan: list[tuple[str, int]], answers: Path) -> list[dict[str, Any]]:
    """What each way of a plan left behind, in its order."""
    for url, _ in plan:
        store = Store(url)
        store.take({})
        staffed(store)
        decided(store)
        store.close()
    command = [sys.executable, "-m", "tests.crash.appeal_steps", str(answers)]
    lines = "\n".join(map(json.dumps, plan))
    done = subprocess.run(command, input=lines, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in answers.read_text().splitlines()]


def test_process_that_dies_at_any_step_of_an_appeal_gives_back_once(
    request: pytest.FixtureRequest, store_url: str, tmp_path: Path
) -> None:
    new_store = stores(request, store_url, tmp_path)
    (whole,) = carried_out([(new_store(0), 0)], tmp_path / "whole")
    assert whole["limit_cents"] == 1_000_000
    assert whole["acts"] == ["submit", "evidence", "claim", "ask", "answer", "clock.remind", "grant"]
    assert whole["cases"] == [["appeal", "approved"], ["decision", "approved"]]
    first = 3 if store_url.startswith("sqlite") else STRIDE // 2
    steps = range(first, whole["steps"], STRIDE)
    found = carried_out([(new_store(step), step) for step in steps], tmp_path / "answers")
    assert len(found) == len(steps) > 5
    told = ("url", "steps")
    for step, each in zip(steps, found, strict=True):
        differences = {name for name in whole if name not in told and each[name] != whole[name]}
        assert not differences, (step, differences)
