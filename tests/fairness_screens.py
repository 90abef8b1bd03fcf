"""Fairness reports by which releases are assessed in tests: the committed one, as of what is released."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

REPORT = json.loads((Path(__file__).parents[1] / "docs" / "fairness" / "taiwan.json").read_bytes())


def screen_of(release: Mapping[str, Any], failed: Sequence[str] = ()) -> dict[str, Any]:
    """A report of a release's strategy and model, in which something may have failed."""
    subject = {
        "strategy": release["strategy_hash"],
        "model": release["model_hash"] or "none",
        "market": release["market"],
    }
    return REPORT | {"subject": REPORT["subject"] | subject, "failed": list(failed)}
