"""Change detection and relations: ids observed, a full refresh, a neighbourhood, and rustworkx on the same graph."""

import time
from typing import Any

import numpy as np

from limitkeeper.core.behaviour.change import ChangeDetection
from limitkeeper.core.behaviour.events import BILL, DAY_US, LOGIN, PURCHASE
from limitkeeper.core.relations.state import Relations

ACCOUNTS = 1_000_000
EVENTS = 4_000_000
BATCH = 100_000
DAYS = 170
SEEDS = 50
MULTIPLIER = np.uint64(0xD1B54A32D192ED03)

Events = tuple[np.ndarray[Any, Any], ...]


def events() -> Events:
    """A tenth of events on another's device, half with a counterparty, a tenth with one of 100 shops."""
    chance = np.random.default_rng(0)
    account = chance.integers(0, ACCOUNTS, EVENTS)
    device = np.where(chance.random(EVENTS) < 0.1, chance.integers(0, ACCOUNTS, EVENTS), account) + 1
    counterparty = np.where(
        chance.random(EVENTS) < 0.5, 3 * ACCOUNTS + chance.integers(0, ACCOUNTS, EVENTS), 0
    )
    counterparty = np.where(
        chance.random(EVENTS) < 0.1, 5 * ACCOUNTS + chance.integers(0, 100, EVENTS), counterparty
    )
    ids = ((each.astype(np.uint64) * MULTIPLIER).astype(np.int64) for each in (device, counterparty))
    return account, *ids, np.sort(chance.integers(0, DAYS * DAY_US, EVENTS))


def observe(relations: Relations, seen: Events) -> float:
    begun = time.perf_counter()
    for start in range(0, EVENTS, BATCH):
        relations.observe(*(column[start : start + BATCH] for column in seen))
    return time.perf_counter() - begun


def changes_rate(seen: Events) -> float:
    chance, detection = np.random.default_rng(1), ChangeDetection()
    detection.add_accounts(ACCOUNTS)
    account, _, _, ts_us = seen
    kind = chance.choice(np.array([PURCHASE, BILL, LOGIN], np.uint8), EVENTS, p=[0.8, 0.1, 0.1])
    amount, nothing = chance.integers(1, 10**6, EVENTS), np.zeros(EVENTS, np.int64)
    columns: Events = (account, kind, ts_us, amount, nothing, nothing.astype(np.uint8))
    detection.apply(*(column[:10] for column in columns))
    begun = time.perf_counter()
    detection.apply(*columns)
    return EVENTS / (time.perf_counter() - begun)


def rustworkx_seconds(first: Any, second: Any, seeds: list[int]) -> float | None:  # noqa: ANN401
    try:
        import rustworkx
    except ImportError:
        return None
    begun = time.perf_counter()
    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(ACCOUNTS))
    graph.add_edges_from_no_data(list(zip(first.tolist(), second.tolist(), strict=True)))
    rustworkx.pagerank(graph, alpha=0.85, personalization=dict.fromkeys(seeds, 1.0), tol=1e-9)
    return time.perf_counter() - begun


def run() -> dict[str, Any]:
    small = Relations()
    small.add_accounts(2)
    small.observe(*(np.zeros(1, np.int64) for _ in range(4)))
    small.refresh(0, np.array([True, False]))
    seen, relations = events(), Relations()
    relations.add_accounts(ACCOUNTS)
    rows: list[dict[str, Any]] = [
        {"what": "change detection", "rate": changes_rate(seen), "unit": "events/s"}
    ]
    rows += [
        {"what": what, "rate": EVENTS / observe(relations, seen), "unit": "events/s"}
        for what in ("observe, ids new", "observe, ids known")
    ]
    keys = relations.arrays()["keys"]
    pairs, ids = np.count_nonzero(keys), len(np.unique(keys)) - 1
    bad = np.random.default_rng(2).random(ACCOUNTS) < 0.01
    begun = time.perf_counter()
    relations.refresh(DAYS * DAY_US, bad)
    refresh = time.perf_counter() - begun
    rows.append({"what": "full refresh", "rate": refresh, "unit": "s"})
    links = relations.arrays()["links"]
    peer = rustworkx_seconds(links >> 32, links & 0xFFFFFFFF, np.flatnonzero(bad).tolist())
    rows.append(
        {
            "what": "rustworkx: graph and pagerank",
            "rate": "not installed" if peer is None else peer,
            "unit": "s",
            "ratio_to_ours": None if peer is None else peer / refresh,
        }
    )
    near, touched = [], []
    for seed in np.random.default_rng(3).integers(0, ACCOUNTS, SEEDS):
        bad[seed] = not bad[seed]
        begun = time.perf_counter()
        touched.append(len(relations.refresh_near(np.array([seed]), bad)))
        near.append(time.perf_counter() - begun)
    rows.append(
        {"what": "one seed's neighbourhood, median", "rate": float(np.median(near)) * 1e3, "unit": "ms"}
    )
    return {
        "name": "relations",
        "rows": rows,
        "notes": [
            (
                f"{ACCOUNTS:,} accounts, {EVENTS:,} events in batches of {BATCH:,}, {ids:,} ids in {pairs:,} pairs of "
                f"{14 * len(keys) / pairs:.1f} bytes, {len(links) // 2:,} links, 1 % of the accounts bad."
            ),
            (
                "The graph is random, which is the worst case: nearly all accounts hang together, and one seed's median "
                f"neighbourhood is {int(np.median(touched)):,} accounts. Links of real customers are clustered."
            ),
            (
                "The refresh finds the links in the ids seen and computes contagion; rustworkx is given the links, which "
                "it takes as Python tuples, and computes the PageRank once."
            ),
        ],
    }
