"""Steps of changes: cuts as few as the largest step allows, restorations within the old limit and apart."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limitkeeper.core.limits.changes import ChangeTerms, decrease_steps, restoration_steps
from limitkeeper.core.limits.ledger import LedgerError

TERMS = ChangeTerms(0.5, 30, 0.25, 60, 100, 3)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0.01, 1.0))
def test_no_step_of_a_cut_takes_more_than_the_largest_and_the_last_is_exact(
    first: int, second: int, share: float
) -> None:
    target, limit = sorted((first, second))
    terms = ChangeTerms(share, 30, 0.25, 60, 100, 3)
    steps = decrease_steps(limit, target, 7, terms)
    limits = [limit, *(step.target_cents for step in steps)]
    assert limits[-1] == target
    assert all(before - after <= limit * share + 1 for before, after in pairwise(limits))
    assert all(b.effective_us - a.effective_us == 30 for a, b in pairwise(steps))


@settings(deadline=None)  # the first call compiles
@given(st.integers(0, 10**9), st.integers(0, 10**9), st.none() | st.integers(0, 2 * 10**9))
def test_restoration_rises_step_by_step_never_above_the_old_limit_nor_within_the_cool_down(
    limit: int, old: int, wanted: int | None
) -> None:
    if min(old, old if wanted is None else wanted) <= limit:
        with pytest.raises(LedgerError):
            restoration_steps(limit, old, wanted, 0, TERMS)
        return
    steps = restoration_steps(limit, old, wanted, 5, TERMS)
    limits = [limit, *(step.target_cents for step in steps)]
    assert all(before < after <= old for before, after in pairwise(limits))
    assert limits[-1] == (old if wanted is None else min(wanted, old))
    assert all(b.effective_us - a.effective_us >= 60 for a, b in pairwise(steps))
    assert steps[0].effective_us == 5


def test_line_that_was_never_cut_has_nothing_to_restore() -> None:
    with pytest.raises(LedgerError, match="nothing"):
        restoration_steps(500, None, 900, 0, TERMS)
