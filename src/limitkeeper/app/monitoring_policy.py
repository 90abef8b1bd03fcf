"""The policy of monitoring as its file holds it: when a figure is watched, and when it is an alert."""

import datetime as dt
from pathlib import Path

from limitkeeper.app.policy import POLICY, parameters_from_files
from limitkeeper.core.drift.judgement import KINDS, Bounds, Terms
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.kernel.parameters import parameters_in_force


def monitoring_terms(day: dt.date, overrides: Path | None = None) -> Terms:
    """What an alert is on a day: the shipped thresholds, then a lender's own file.

    Parameters
    ----------
    day
        Of the monitoring.
    overrides
        A YAML file of the same form whose parameters replace the shipped ones.

    Raises
    ------
    PolicyError
        When a file does not hold, or a threshold is out of its range.

    Examples
    --------
    >>> monitoring_terms(dt.date(2026, 1, 1)).bounds["psi"]
    Bounds(watch=0.1, alert=0.25)
    """
    shipped = POLICY / "monitoring" / "thresholds.yaml"
    at = parameters_in_force(parameters_from_files([shipped, *([overrides] if overrides else [])]), day)
    bounds = {kind: Bounds(at[f"{kind}_watch"], at[f"{kind}_alert"]) for kind in KINDS}
    for kind, bound in bounds.items():
        if not 0.0 < bound.watch <= bound.alert:
            raise PolicyError(
                f"The thresholds of '{kind}' do not hold.",
                value=f"watch {bound.watch:g}, alert {bound.alert:g}",
                allowed="above 0, the watch no higher than the alert",
            )
    for name in ("false_alarm_share", "release_share"):
        if not 0.0 < at[name] <= 1.0:
            raise PolicyError(f"The parameter '{name}' is out of range.", value=at[name], allowed="0 to 1")
    for name in ("least_expected", "least_outcomes", "least_cases"):
        if at[name] < 1.0:
            raise PolicyError(f"The parameter '{name}' is out of range.", value=at[name], allowed="1 or more")
    return Terms(
        bounds, at["false_alarm_share"], at["release_share"], at["least_expected"],
        int(at["least_outcomes"]), int(at["least_cases"]),
    )  # fmt: skip
