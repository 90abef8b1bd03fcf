"""The policy of changes of limits as its file holds it."""

from dataclasses import dataclass
from functools import cache

from limitkeeper.app.policy import POLICY, parameters_from_files
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.kernel.parameters import Parameter, parameters_in_force
from limitkeeper.core.limits.changes import ChangeTerms


@dataclass(frozen=True)
class LimitPolicy:
    """Steps, waits and cooling-off, dated."""

    parameters: dict[str, Parameter]

    def terms(self, now_us: int) -> ChangeTerms:
        """What is in force on the day of a time."""
        at = parameters_in_force(self.parameters, day_of(now_us))
        return ChangeTerms(
            at["step_share_max"], int(at["step_wait_days"] * DAY_US), at["restore_share"],
            int(at["restore_wait_days"] * DAY_US), int(at["restore_rounding_cents"]),
            int(at["cooling_off_days"] * DAY_US),
        )  # fmt: skip


@cache
def limit_policy() -> LimitPolicy:
    """The shipped policy.

    Raises
    ------
    PolicyError
        When it does not hold.
    """
    return LimitPolicy(parameters_from_files([POLICY / "limits" / "changes.yaml"]))
