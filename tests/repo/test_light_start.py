"""What starts often starts light: a server and a review load nothing that only training and plots need."""

import json
import subprocess
import sys

import pytest

HEAVY = ("fairlearn", "lightgbm", "matplotlib", "optbinning", "pandas", "scipy.stats", "sklearn")


@pytest.mark.parametrize("module", ["limitkeeper.shells.serving", "limitkeeper.app.review"])
def test_what_only_training_and_plots_need_is_not_loaded(module: str) -> None:
    told = f"import json, sys, {module}; print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
