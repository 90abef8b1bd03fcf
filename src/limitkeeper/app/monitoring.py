"""Watch a model over its vintages: what moved, what no longer holds, and since when."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from limitkeeper.app.action_bias import action_bias
from limitkeeper.app.monitoring_figures import (
    Measured,
    Vintage,
    measured,
    outcome_figures,
    stability_figures,
)
from limitkeeper.core.drift.judgement import (
    ALERT,
    FINE,
    NOTHING_BEFORE,
    Judged,
    Key,
    Terms,
    judged,
    standing_after,
)
from limitkeeper.core.drift.reference import reference_from_document
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.core.risk.model import Model
from limitkeeper.learn.validation import Interval

VINTAGES_MAX = 120
"""Vintages of one run: ten years of months."""


def monitored(
    model: Model,
    vintages: Sequence[Vintage],
    terms: Terms,
    *,
    segment: str | None = None,
    people: Sequence[Mapping[str, Any]] = (),
    progress: Progress = unseen,
) -> dict[str, Any]:
    """A model over its vintages, as a document (``docs/model-monitoring.md``).

    Parameters
    ----------
    model
        With the distribution that it was trained on in its card.
    vintages
        Oldest first.
    terms
        What an alert is.
    segment
        Column by which discrimination and calibration are told apart too.
    people
        Months as of :func:`limitkeeper.app.human_rates.judged_months`: how often people decided otherwise.
    progress
        Told of each finished vintage.

    Raises
    ------
    ModelError
        When the model holds no reference, or a vintage lacks a column that it reads.
    InputError
        When there is no vintage, two are named alike, or one cannot be read.
    """
    names = [vintage.name for vintage in vintages]
    if not 1 <= len(names) <= VINTAGES_MAX or len(set(names)) < len(names):
        raise InputError(
            "The vintages do not hold.",
            value=", ".join(names[:20]) or "none",
            allowed=f"1 to {VINTAGES_MAX}, each with a name of its own",
        )
    reference = reference_from_document(model.card.get("reference"), model.scorecard)
    standing: dict[Key, str] = {}
    areas = reference_areas(model)
    documents = []
    for done, vintage in enumerate(vintages, start=1):
        seen = measured(model, reference, vintage)
        figures = [
            *stability_figures(model, reference, seen, terms),
            *(outcome_figures(seen, areas, terms, segment) if model.kind == "pd" else ()),
        ]
        found = judged(figures, standing, terms)
        standing = standing_after(found, standing)
        # A segment's first AUC is what its later ones are compared with: the card knows none by segment.
        areas |= {
            each.key.segment: Interval(each.value, each.low, each.high)
            for each in figures
            if each.key.kind == "auc" and each.why_not == NOTHING_BEFORE
        }
        documents.append(vintage_document(seen, found))
        progress("monitor", done, len(vintages))
    return {
        "model": {
            "hash": model.hash,
            "kind": model.kind,
            "target": model.target,
            "rows": reference.rows,
            "labels": {line.name: line.label for line in model.scorecard.characteristics},
        },
        "terms": terms_document(terms),
        "segment": segment,
        "vintages": documents,
        "people": list(people),
        "alerts": sorted(
            [*alerts_of(documents), *alerts_of(people)], key=lambda each: each["level"] != ALERT
        ),
    }


def reference_areas(model: Model) -> dict[str, Interval]:
    """The AUC that the model had on rows held out of its training, for all accounts together."""
    champion = model.card.get("champion") or {}
    if champion.get("auc") is None or champion.get("auc_95") is None:
        return {}
    return {"": Interval(champion["auc"], *champion["auc_95"])}


def vintage_document(seen: Measured, found: Sequence[Judged]) -> dict[str, Any]:
    """A vintage with its figures as JSON holds them."""
    known = ~np.isnan(seen.outcome)
    return {
        "name": seen.vintage.name,
        "accounts": len(seen.pd),
        "rejected": seen.rejected,
        "mean_pd": float(seen.pd.mean()),
        "outcomes": int(known.sum()),
        "bads": int(seen.outcome[known].sum()),
        "looked_at": sum(each.figure.why_not is None for each in found),
        "figures": [figure_document(each) for each in found],
        "action_bias": action_bias(seen),
    }


def figure_document(each: Judged) -> dict[str, Any]:
    """A figure with what is said of it as JSON holds it."""
    figure = each.figure
    return {
        **figure.key._asdict(),
        "value": figure.value,
        "interval": [figure.low, figure.high],
        "size": figure.size,
        "rows": figure.rows,
        "p_value": figure.p_value,
        "p_adjusted": each.adjusted,
        "level": each.level,
        "is_new": each.is_new,
        "why_not": figure.why_not,
        "note": dict(figure.note or {}),
    }


def is_alert(document: Mapping[str, Any]) -> bool:
    """Whether anything stands at the level of an alert at the end of the newest period."""
    return any(each["level"] == ALERT for each in document["alerts"])


def terms_document(terms: Terms) -> dict[str, Any]:
    """What an alert is, as JSON holds it."""
    return {
        "bounds": {
            kind: {"watch": bound.watch, "alert": bound.alert} for kind, bound in terms.bounds.items()
        },
        "false_alarm_share": terms.false_alarm_share,
        "release_share": terms.release_share,
        "least_expected": terms.least_expected,
        "least_outcomes": terms.least_outcomes,
        "least_cases": terms.least_cases,
    }


def alerts_of(periods: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The figures that are not fine at the end of the newest period, worst first, with the period that raised each."""
    if not periods:
        return []
    found = []
    for figure in periods[-1]["figures"]:
        if figure["level"] == FINE:
            continue
        key = tuple(figure[name] for name in Key._fields)
        since = periods[-1]["name"]
        for period in reversed(periods):
            past = next((f for f in period["figures"] if tuple(f[n] for n in Key._fields) == key), None)
            if past is None or past["level"] == FINE:
                break
            since = period["name"]
        found.append({**figure, "period": periods[-1]["name"], "since": since})
    return sorted(found, key=lambda each: (each["level"] != ALERT, each["kind"], -(each["size"] or 0.0)))
