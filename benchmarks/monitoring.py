"""How often monitoring raises something though nothing changed, how soon it finds what did, and how long it takes.

SIMULATED: vintages are lives of ``limitkeeper simulate`` that the model never saw, with a stated drift or none. A drift
is found where the right figure is an alert in the first vintage that has it.
"""

import datetime as dt
import os
import time
from collections.abc import Callable
from typing import Any

import polars as pl

from limitkeeper.app.monitoring import monitored
from limitkeeper.app.monitoring_figures import Vintage
from limitkeeper.app.monitoring_policy import monitoring_terms
from limitkeeper.app.simulation import TARGET
from limitkeeper.core.drift.judgement import FINE
from limitkeeper.core.risk.model import Model
from limitkeeper.simulation.drift import with_feature_scaled, with_labels_drawn_anew, with_odds_multiplied
from limitkeeper.simulation.mix import Mix
from tests.drifting_lives import MIX, WORSE_MIX, pd_of, portraits, scorecard_model

PERIODS = int(os.environ.get("BENCH_PERIODS", "400"))
TRAININGS = int(os.environ.get("BENCH_TRAININGS", "20"))
DRIFTED = int(os.environ.get("BENCH_DRIFTED", "60"))
ACCOUNTS = 500
TERMS = monitoring_terms(dt.date(2026, 1, 1))
MILD_MIX = Mix(salaried=0.3, distressed=0.4, recovering=0.1)

QUIET = (
    f"Nothing changed: each of {TRAININGS} models was trained on lives of its own (5,000 for the fit and the reference, "
    f"3,000 for the AUC that it is held against), and meets {PERIODS // TRAININGS} vintages of other lives of the same "
    "kind. Measured is the share of vintages in which any figure is raised, and in which any is beyond chance by the "
    "tests alone, bounds left aside. Vintages of one model share the error of its one training sample: over trainings "
    "the rate holds on the average, and for one model it may lie above or below."
)


def run() -> dict[str, Any]:
    """Train on some lives, monitor others without and with drift."""
    model = scorecard_model(portraits(5_000, 1), portraits(3_000, 2))
    rows = [_quiet()]
    lives = _vintages(MIX, DRIFTED, 7_000)
    drifts: list[tuple[str, str, list[pl.DataFrame]]] = [
        ("distressed 40 % instead of 20 %", "psi", _vintages(MILD_MIX, DRIFTED, 8_000)),
        ("distressed 60 % instead of 20 %", "psi", _vintages(WORSE_MIX, DRIFTED, 9_000)),
    ]
    changes: list[tuple[str, str, Callable[[pl.DataFrame, int], pl.DataFrame]]] = [
        ("utilisation times 1.5", "csi", lambda each, _: with_feature_scaled(each, "utilisation", 1.5)),
        ("utilisation times 3", "csi", lambda each, _: with_feature_scaled(each, "utilisation", 3.0)),
        *(
            (f"odds of default times {factor:g}", "calibration",
             lambda each, seed, factor=factor: with_odds_multiplied(each, TARGET, pd_of(model, each), factor, seed))
            for factor in (2.0, 4.0)
        ),
        *(
            (f"{share:.0%} of labels drawn anew", "auc",
             lambda each, seed, share=share: with_labels_drawn_anew(each, TARGET, share, seed))
            for share in (0.25, 0.5)
        ),
    ]  # fmt: skip
    drifts += [
        (what, kind, [change(each, k) for k, each in enumerate(lives)]) for what, kind, change in changes
    ]
    rows += [_found(model, *each) for each in drifts]
    rows.append(_speed(model, lives))
    return {
        "name": f"Monitoring: vintages of {ACCOUNTS} simulated accounts",
        "rows": rows,
        "notes": [
            "SIMULATED lives; the first line's stated rate is one period of a hundred, over all figures together.",
            QUIET,
            "Bound and test both hold a small drift of a small vintage back: it is watched, or shows at more accounts.",
        ],
    }


def _vintages(mix: Mix, count: int, seed: int) -> list[pl.DataFrame]:
    whole = portraits(count * ACCOUNTS, seed, mix)
    # Lives are numbered: each stretch of them is a sample of its own.
    number = pl.col("account_id").str.strip_prefix("sim-").cast(pl.Int64) // ACCOUNTS
    return [part for _, part in sorted(whole.group_by(number), key=lambda pair: pair[0])]


def _document(model: Model, frame: pl.DataFrame) -> dict[str, Any]:
    return monitored(model, [Vintage("v", frame)], TERMS)["vintages"][0]  # type: ignore[no-any-return]


def _quiet() -> dict[str, Any]:
    """What is raised though nothing changed, over trainings, each with periods of its own."""
    raised, beyond = [], []
    for training in range(TRAININGS):
        fitted, held_out = (
            portraits(count, 20_000 + 2 * training + k) for k, count in enumerate((5_000, 3_000))
        )
        model = scorecard_model(fitted, held_out)
        for frame in _vintages(MIX, PERIODS // TRAININGS, 30_000 + training):
            figures = _document(model, frame)["figures"]
            judged = [each for each in figures if each["why_not"] is None]
            raised.append(any(each["level"] != FINE for each in figures))
            beyond.append(any(each["p_adjusted"] <= TERMS.false_alarm_share for each in judged))
    each_has = len(beyond) // TRAININGS
    by_training = [sum(beyond[k * each_has : (k + 1) * each_has]) for k in range(TRAININGS)]
    return {
        "what": "nothing changed", "trainings": TRAININGS, "periods": len(raised), "raised": sum(raised),
        "share": sum(raised) / len(raised), "beyond chance by the tests alone": sum(beyond) / len(beyond),
        "trainings with one beyond chance": sum(count > 0 for count in by_training),
    }  # fmt: skip


def _found(model: Model, what: str, kind: str, frames: list[pl.DataFrame]) -> dict[str, Any]:
    levels = [
        {each["level"] for each in _document(model, frame)["figures"] if each["kind"] == kind}
        for frame in frames
    ]
    alerts, watched = (
        sum(bool(level & each) for each in levels) for level in ({"alert"}, {"alert", "watch"})
    )
    return {
        "what": what, "right figure": kind, "periods": len(frames), "raised": alerts, "share": alerts / len(frames),
        "at least watched": watched / len(frames),
    }  # fmt: skip


def _speed(model: Model, lives: list[pl.DataFrame]) -> dict[str, Any]:
    once = pl.concat(lives)
    whole = pl.concat([once] * (1_000_000 // once.height + 1)).head(1_000_000)
    began = time.perf_counter()
    _document(model, whole)
    return {"what": "1,000,000 accounts, all figures", "seconds": time.perf_counter() - began}
