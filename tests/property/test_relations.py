"""Relations against a slow oracle, whatever the events, their cut into batches, and how accounts are numbered."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import rustworkx
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.relations.contagion import TOLERANCE
from limitkeeper.core.relations.links import DEGREE_MAX, LINK_DAYS
from limitkeeper.core.relations.state import Relations

ACCOUNTS = 14
Columns = NDArray[np.float64]


@dataclass(frozen=True)
class Story:
    """What was seen of some accounts: ``seen`` is account, device, counterparty, day."""

    seen: list[tuple[int, int, int, int]]
    declared: list[tuple[int, int]]
    bad: list[bool]
    later_bad: list[bool]
    cuts: list[int]
    numbering: list[int]
    as_of_day: int

    def renumbered(self) -> "Story":
        to = self.numbering
        bad, later_bad = [False] * ACCOUNTS, [False] * ACCOUNTS
        for account, number in enumerate(to):
            bad[number], later_bad[number] = self.bad[account], self.later_bad[account]
        seen = [(to[account], *others) for account, *others in self.seen]
        declared = [(to[first], to[second]) for first, second in self.declared]
        return Story(seen, declared, bad, later_bad, self.cuts, to, self.as_of_day)  # type: ignore[arg-type]


accounts = st.integers(0, ACCOUNTS - 1)
flags = st.lists(st.sampled_from([False, False, True]), min_size=ACCOUNTS, max_size=ACCOUNTS)
stories = st.builds(
    Story,
    seen=st.lists(
        st.tuples(accounts, st.integers(0, 5), st.integers(0, 3), st.integers(0, 400)), max_size=90
    ),
    declared=st.lists(st.tuples(accounts, accounts).filter(lambda pair: pair[0] != pair[1]), max_size=5),
    bad=flags,
    later_bad=flags,
    cuts=st.lists(st.integers(0, 90), max_size=4),
    numbering=st.permutations(range(ACCOUNTS)),
    as_of_day=st.integers(0, 600),
)


def relations_of(story: Story, *, cut: bool) -> Relations:
    relations = Relations()
    relations.add_accounts(ACCOUNTS)
    seen = np.array(story.seen, np.int64).reshape(-1, 4)
    bounds = [0, *(sorted(story.cuts) if cut else []), len(seen)]
    for start, stop in pairwise(bounds):
        account, device, counterparty, day = seen[start:stop].T
        relations.observe(account, device, counterparty, day * DAY_US)
    for first, second in story.declared:
        relations.declare(first, second, "contact")
    relations.refresh(story.as_of_day * DAY_US, np.array(story.bad))
    return relations


def columns_of(relations: Relations) -> Columns:
    return relations.columns(np.arange(ACCOUNTS))


def oracle_links(story: Story) -> list[set[int]]:
    """The accounts that each account is linked to, said plainly."""
    last: dict[tuple[str, int], dict[int, int]] = {}
    for account, device, counterparty, day in story.seen:
        for name in [("device", device)] * (device > 0) + [("counterparty", counterparty)] * (
            counterparty > 0
        ):
            days = last.setdefault(name, {})
            days[account] = max(days.get(account, 0), day)
    links: list[set[int]] = [set() for _ in range(ACCOUNTS)]
    for days in last.values():
        live = {account for account, day in days.items() if day >= story.as_of_day - LINK_DAYS}
        if len(live) <= DEGREE_MAX:
            for account in live:
                links[account] |= live - {account}
    for first, second in story.declared:
        links[first].add(second)
        links[second].add(first)
    return links


def oracle_columns(story: Story, bad: list[bool]) -> Columns:
    """By the definition: contagion solves (1 - 0.85 * walk) c = 0.15 * bad."""
    links = oracle_links(story)
    out = np.full((3, ACCOUNTS), np.nan)
    walk, own = np.zeros((ACCOUNTS, ACCOUNTS)), np.zeros(ACCOUNTS)
    for account, others in enumerate(links):
        out[0, account] = len(others)
        if others:
            out[1, account] = sum(bad[other] for other in others) / len(others)
            walk[account, sorted(others)] = 1 / len(others)
            own[account] = 0.15 * bad[account]
    out[2] = np.linalg.solve(np.eye(ACCOUNTS) - 0.85 * walk, own)
    return out


def assert_same(found: Columns, expected: Columns) -> None:
    np.testing.assert_array_equal(found[:2], expected[:2])
    np.testing.assert_allclose(found[2], expected[2], rtol=0, atol=TOLERANCE)


@given(stories)
@settings(max_examples=150, deadline=None)
def test_columns_are_those_of_the_slow_oracle(story: Story) -> None:
    assert_same(columns_of(relations_of(story, cut=False)), oracle_columns(story, story.bad))


@given(stories)
@settings(max_examples=60, deadline=None)
def test_neighbourhood_of_changed_accounts_equals_the_full_recomputation(story: Story) -> None:
    relations = relations_of(story, cut=False)
    before = columns_of(relations)
    changed = np.flatnonzero(np.array(story.bad) != np.array(story.later_bad))
    touched = relations.refresh_near(changed, np.array(story.later_bad))
    after = columns_of(relations)
    assert_same(after, oracle_columns(story, story.later_bad))
    untouched = np.setdiff1d(np.arange(ACCOUNTS), touched)
    np.testing.assert_array_equal(after[:, untouched], before[:, untouched])


@given(stories)
@settings(max_examples=60, deadline=None)
def test_state_does_not_depend_on_the_cut_into_batches_nor_on_a_restart(story: Story) -> None:
    whole, cut = relations_of(story, cut=False), relations_of(story, cut=True)
    again = Relations.from_arrays({name: array.copy() for name, array in cut.arrays().items()})
    for name, array in whole.arrays().items():
        assert array.tobytes() == cut.arrays()[name].tobytes() == again.arrays()[name].tobytes(), name
    assert columns_of(again).tobytes() == columns_of(whole).tobytes()


@given(stories)
@settings(max_examples=60, deadline=None)
def test_columns_do_not_depend_on_how_accounts_are_numbered_to_the_last_bit(story: Story) -> None:
    here = columns_of(relations_of(story, cut=False))
    there = columns_of(relations_of(story.renumbered(), cut=False))
    assert here.tobytes() == there[:, story.numbering].tobytes()


@given(stories)
@settings(max_examples=60, deadline=None)
def test_contagion_is_the_personalised_pagerank_of_another_library(story: Story) -> None:
    links = oracle_links(story)
    seeds = {account: float(len(links[account])) for account in range(ACCOUNTS) if story.bad[account]}
    weight = sum(seeds.values())
    found = columns_of(relations_of(story, cut=False))[2]
    if not weight:
        assert not found.any()
        return
    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(ACCOUNTS))
    graph.add_edges_from_no_data([(a, b) for a, others in enumerate(links) for b in sorted(others)])
    rank = rustworkx.pagerank(graph, alpha=0.85, personalization=seeds, tol=1e-12, max_iter=1_000)
    expected = [rank[a] * weight / len(links[a]) if links[a] else 0.0 for a in range(ACCOUNTS)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
