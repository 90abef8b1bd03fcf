"""The whole assessment of a portfolio from columns in memory: score with reasons, value, rules, steps, value after."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from limitkeeper.core.decision.assessment import assess_into, assessed, empty_assessment
from tests.simulated_accounts import simulated_columns, simulated_policy

ACCOUNTS = 2_000_000
THREADS = 2
REPEATS = 5


def run() -> dict[str, Any]:
    policy = simulated_policy()
    features, characteristics, before = simulated_columns(policy, ACCOUNTS)
    room = empty_assessment(ACCOUNTS)
    parts = list(features.chunks())
    assessed(features.part(0, 10), before[:10], characteristics.part(0, 10), policy)

    def whole(threads: int) -> float:
        begun = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(
                pool.map(
                    lambda part: assess_into(room, features, before, characteristics, policy, part), parts
                )
            )
        return time.perf_counter() - begun

    whole(THREADS)  # the memory of the results is touched once before it is timed
    rows = []
    for threads in (1, THREADS):
        seconds = sorted(whole(threads) for _ in range(REPEATS))[REPEATS // 2]
        rows.append(
            {
                "what": f"full assessment, {threads} thread(s)",
                "rate": ACCOUNTS / seconds,
                "unit": "accounts/s",
            }
        )
    one = (features.part(0, 1), before[:1], characteristics.part(0, 1), policy)
    latencies = []
    for _ in range(2_000):
        begun = time.perf_counter()
        assessed(*one)
        latencies.append(time.perf_counter() - begun)
    rows.append({"what": "one account, median", "rate": float(np.median(latencies)) * 1e6, "unit": "us"})
    return {
        "name": "assessment",
        "rows": rows,
        "notes": [
            (
                f"{ACCOUNTS:,} simulated accounts, {len(policy.inputs)} columns and "
                f"{len(policy.scorecard.characteristics)} characteristics each, 5 % of the values missing; "
                "strategy standard; median of five runs."
            ),
            (
                "Per account: points, PD, four characteristics with points lost; EAD, EL, capital, RAROC, profit "
                "before and after; every rule; action, limit, constraints; response to the change."
            ),
            (
                "Peers are in the benchmarks of the parts: optbinning scores alone (scorecard), zen-engine and "
                "Polars decide alone (strategy). None does the whole."
            ),
        ],
    }
