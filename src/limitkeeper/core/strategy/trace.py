"""Why a strategy decided as it did for one line: each rule with its expression, values and thresholds."""

import math
from collections.abc import Mapping
from typing import Any

from limitkeeper.core.strategy.proposals import PublishedStrategy


def rule_traces(
    published: PublishedStrategy, row: Mapping[str, float], hits: int, hits_before: int = 0
) -> list[dict[str, Any]]:
    """Each rule as it was judged for one line, in order of precedence, as a document for JSON.

    Parameters
    ----------
    row
        The line's value of every name that the strategy reads.
    hits
        The mask that the generated code gave for the line: nothing is judged a second time.
    hits_before
        The mask of the line's last review.

    Returns
    -------
    For each rule ``id, trigger, action, severity, hit, hit_before, when, release, values, parameters``; a
    missing value is None.
    """
    return [
        {
            "id": rule.id,
            "trigger": str(rule.trigger),
            "action": rule.action.code,
            "severity": rule.severity.code,
            "hit": bool(hits >> bit & 1),
            "hit_before": bool(hits_before >> bit & 1),
            "when": rule.when.text,
            "release": rule.release.text if rule.release else None,
            "values": {name: _known(row[name]) for name in rule.names if name not in published.constants},
            "parameters": {
                name: published.constants[name] for name in rule.names if name in published.constants
            },
        }
        for bit, rule in enumerate(published.strategy.rules)
    ]


def _known(value: float) -> float | str | None:
    """A number that JSON holds; infinity by name."""
    if math.isnan(value):
        return None
    return float(value) if math.isfinite(value) else str(value)
