"""Looking again before a planned step: whether what led to it still stands."""

from collections.abc import Mapping
from typing import Any

CUTTING = ("decrease", "freeze", "close")


def still_calls_for_a_cut(trace: Mapping[str, Any]) -> bool:
    """Whether any rule that takes something away hits, even where a wait holds it back.

    Parameters
    ----------
    trace
        Of a look at the line as it is now.

    Examples
    --------
    >>> still_calls_for_a_cut({"rules": [{"action": "decrease", "hit": True}, {"action": "restore", "hit": False}]})
    True
    >>> still_calls_for_a_cut({"rules": [{"action": "alert", "hit": True}]})
    False
    """
    return any(rule["hit"] and rule["action"] in CUTTING for rule in trace["rules"])
