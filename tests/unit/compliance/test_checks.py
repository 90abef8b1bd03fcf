"""The checks of regulation: each has its stage, and says unknown where it is not told."""

from hypothesis import given
from hypothesis import strategies as st

from limitkeeper.app.regulation_policy import regulation
from limitkeeper.core.compliance.checks import CHECK_STAGES, CHECKS, OUTSIDE, STAGES, UNKNOWN


def test_every_check_has_a_stage_and_is_used_by_a_rule() -> None:
    assert set(CHECK_STAGES) == set(CHECKS)
    assert set(CHECK_STAGES.values()) == set(STAGES)
    assert set(CHECKS) == {rule.check for rule in regulation()} - {OUTSIDE}


@given(st.sampled_from(sorted(CHECKS)))
def test_check_without_any_fact_says_unknown_or_nothing(name: str) -> None:
    status, _ = CHECKS[name]({}, {})
    assert status in (UNKNOWN, "not_applicable")
