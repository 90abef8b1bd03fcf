"""Which reason a characteristic's name suggests: a first guess that a model's owner may change in its file.

Patterns are tried in this order, on the name and then on the columns it is derived from; the first match
wins. The codes are those of the notice wording.
"""

import re
from collections.abc import Sequence

SUGGESTIONS: tuple[tuple[str, str], ...] = (
    ("court_record", r"court|public.?rec|pub_rec|derog|bankrupt|judg?e?ment|collection|tax_lien|司法"),
    ("many_applications", r"inq|enquir|applications?(_|$)|numinq"),
    ("late_elsewhere", r"(bureau|other|external|elsewhere).*(late|past_?due|overdue|delinq)"),
    ("late_last", r"(months?|mths?|days|time)_?since.*(delinq|late|past|positive)|months_since_positive"),
    ("minimum_only", r"min(imum)?_?(only|pay|due)"),
    ("repaid_little", r"completeness|paid_full|pay(ment)?_?am(oun)?t|paid|repa(id|y)|instal|refund"),
    ("repayment_irregular", r"on_time_streak"),
    ("late_recent", r"(^|[^a-z])pay_?\d|(^|_)dpd|past_?due|late(_|$|\d)|overdue|delinq|arrear|^pay_|逾期"),
    ("cash_rise", r"cash|night_share|取现"),
    ("utilisation_high", r"util|undrawn|bill|balance|revol|limit|_bal$|credit_?line|额度"),
    ("debt_to_income", r"dti|debt|deb_?inc|burden|mort(gage)?(_|$|due)|(loan|credit)_?am(n?t|ount)"),
    ("income_lower", r"income|salary|wage|annual_inc|revenue|收入"),
    ("income_unverified", r"verif"),
    ("many_new_accounts", r"(new|recent).*(acc|trade|loan)|num_?trades?_?open|acc_open_past|open_acc"),
    ("history_short", r"histor|opened|clage|age_?of|oldest|on_?book|tenure|seniority|since_first|credit_age"),
    ("inactive", r"inactiv|dormant|since_last|bills_12"),
    ("spending_unusual", r"zscore|velocity|merchant|spend|purchase|round_share|city"),
    ("security", r"device|login|declined"),
    ("terms_breach", r"flag|violat|breach"),
    ("relations", r"contagion|linked|neighbou?r"),
)  # fmt: skip
"""Reason code and the pattern that suggests it, most specific first."""

COMPILED = tuple((code, re.compile(pattern, re.IGNORECASE)) for code, pattern in SUGGESTIONS)


def suggested_reason(name: str, inputs: Sequence[str] = ()) -> str | None:
    """The reason code that a characteristic's name suggests, or None.

    Parameters
    ----------
    name
        The characteristic's column.
    inputs
        The columns it is derived from, the first weighing most; tried where the name itself says nothing.

    Examples
    --------
    >>> suggested_reason("PAY_0"), suggested_reason("BILL_AMT1_over_LIMIT_BAL"), suggested_reason("shoe_size")
    ('late_recent', 'utilisation_high', None)
    """
    for text in (name, *inputs):
        for code, pattern in COMPILED:
            if pattern.search(text):
                return code
    return None
