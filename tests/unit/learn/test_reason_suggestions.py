"""Which reason a name suggests."""

import pytest

from limitkeeper.learn.reason_suggestions import SUGGESTIONS, suggested_reason


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("PAY_0", "late_recent"),
        ("PAY_max", "late_recent"),
        ("PAY_months_since_positive", "late_last"),
        ("PAY_AMT1_over_previous_BILL_AMT2", "repaid_little"),
        ("LIMIT_BAL_less_BILL_AMT1", "utilisation_high"),
        ("days_past_due_max_12", "late_recent"),
        ("inq_last_6mths", "many_applications"),
        ("dti", "debt_to_income"),
        ("annual_inc", "income_lower"),
        ("pub_rec_bankruptcies", "court_record"),
        ("minimum_only_share_6", "minimum_only"),
        ("cash_share_30d", "cash_rise"),
        ("days_since_opened", "history_short"),
        ("completeness_6", "repaid_little"),
        ("verification_status", "income_unverified"),
        ("device_count_30d", "security"),
        ("shoe_size", None),
        ("utilisation", "utilisation_high"),
        ("late_share_6", "late_recent"),
        ("days_since_last_spend", "inactive"),
    ],
)
def test_a_name_suggests_its_reason(name: str, code: str | None) -> None:
    assert suggested_reason(name) == code


def test_a_derived_name_that_says_nothing_takes_the_reason_of_its_inputs() -> None:
    assert suggested_reason("X2_over_X1", ("dti", "x")) == "debt_to_income"


def test_every_code_is_suggested_once() -> None:
    codes = [code for code, _ in SUGGESTIONS]
    assert len(codes) == len(set(codes))
