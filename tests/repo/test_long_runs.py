"""The long runs of ``make soak`` start as a newcomer starts them: without what the test session sets up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from limitkeeper.app.vault import VAULT_VARIABLE

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["soak", "soak_outages", "soak_workflow"])
def test_long_run_needs_nothing_of_the_test_session(name: str) -> None:
    bare = {key: value for key, value in os.environ.items() if key != VAULT_VARIABLE}
    done = subprocess.run([sys.executable, "-c", f"import tests.crash.{name}"], cwd=ROOT, env=bare, check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
