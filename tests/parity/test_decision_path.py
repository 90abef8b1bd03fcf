"""A row alone, a micro-batch and a portfolio give the same bits over the whole decision path."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from limitkeeper.core.decision.assessment import (
    Assessment,
    Policy,
    assess_into,
    assessed,
    empty_assessment,
)
from limitkeeper.core.kernel.columns import CHUNK_ROWS
from limitkeeper.core.strategy.proposals import Proposals
from tests.simulated_accounts import simulated_columns, simulated_policy

ACCOUNTS = CHUNK_ROWS + 137


@pytest.fixture(scope="module", params=["standard", "cautious"])
def policy(request: pytest.FixtureRequest) -> Policy:
    return simulated_policy(request.param)


def bits(assessment: Assessment, accounts: slice) -> list[bytes]:
    arrays = {field.name: getattr(assessment, field.name) for field in fields(Assessment)}
    del arrays["proposals"]
    by_figure = ("value_before", "value_after")  # a row a figure; the others have a row an account
    parts = [array[:, accounts] if name in by_figure else array[accounts] for name, array in arrays.items()]
    parts += [getattr(assessment.proposals, field.name)[accounts] for field in fields(Proposals)]
    return [np.ascontiguousarray(part).tobytes() for part in parts]


def test_row_alone_has_the_bits_of_the_portfolio(policy: Policy) -> None:
    features, characteristics, before = simulated_columns(policy, ACCOUNTS)
    whole = assessed(features, before, characteristics, policy)
    for account in [0, 1, 7, CHUNK_ROWS - 1, CHUNK_ROWS, ACCOUNTS - 1, *range(100, 160)]:
        row = slice(account, account + 1)
        alone = assessed(
            features.part(account, account + 1),
            before[row],
            characteristics.part(account, account + 1),
            policy,
        )
        assert bits(alone, slice(0, 1)) == bits(whole, row)


def test_threads_over_slices_have_the_bits_of_one_thread(policy: Policy) -> None:
    features, characteristics, before = simulated_columns(policy, ACCOUNTS)
    whole = assessed(features, before, characteristics, policy)
    parts = empty_assessment(ACCOUNTS)
    slices = [slice(start, min(start + 999, ACCOUNTS)) for start in range(0, ACCOUNTS, 999)]
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(lambda part: assess_into(parts, features, before, characteristics, policy, part), slices)
        )
    assert bits(parts, slice(0, ACCOUNTS)) == bits(whole, slice(0, ACCOUNTS))


def test_plain_python_rules_have_the_bits_of_the_compiled_ones() -> None:
    compiled, plain = simulated_policy(), simulated_policy(compiled=False)
    features, characteristics, before = simulated_columns(compiled, 400)
    assert bits(assessed(features, before, characteristics, compiled), slice(0, 400)) == bits(
        assessed(features, before, characteristics, plain), slice(0, 400)
    )


@settings(max_examples=25, deadline=None)
@example(seed=0, sizes=[6])
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_any_split_into_batches_has_the_bits_of_the_whole(seed: int, sizes: list[int]) -> None:
    policy = simulated_policy()
    features, characteristics, before = simulated_columns(policy, sum(sizes), seed)
    whole = assessed(features, before, characteristics, policy)
    start = 0
    for size in sizes:
        stop = start + size
        batch = assessed(
            features.part(start, stop), before[start:stop], characteristics.part(start, stop), policy
        )
        assert bits(batch, slice(0, size)) == bits(whole, slice(start, stop))
        start = stop


def test_no_accounts_give_an_empty_assessment() -> None:
    policy = simulated_policy()
    features, characteristics, before = simulated_columns(policy, 0)
    assert len(assessed(features, before, characteristics, policy)) == 0
