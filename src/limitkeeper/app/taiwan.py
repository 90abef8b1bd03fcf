"""The Taiwan set as accounts and events: six months of statements replayed.

What is real: limits, statement balances, payments, repayment status, and the outcome. What is inferred: the
day of each event within its month, and spend, which is what the next statement shows beyond the last one less
the payment (net of charges and refunds; where negative, a refund). Amounts are New Taiwan dollars in cents.
"""

import datetime as dt

import polars as pl

from limitkeeper.connectors.taiwan import STATUS, TARGET

AS_OF = dt.datetime(2005, 9, 30, 23, 59, 59, tzinfo=dt.UTC)
"""The September statement."""

MARKET, CURRENCY, TIME_ZONE = "TW", "TWD", "Asia/Taipei"
CENTS = 100
DAYS_A_MONTH_LATE = 30
DEFAULT_MONTHS = 3
"""Three months late are 90 days past due: in default already."""

# Noon of days in the order in which a month goes: spend, payment of the last bill, and that bill closes.
SPEND_DAY, PAYMENT_DAY, BILL_DAY, STATEMENT_DAY = 10, 20, 25, 28

PROTECTED = ("sex", "age_band", "marital_status", "education")
TEST_SHARE = 0.30


def month_of(k: int) -> int:
    """The month of the k-th column, September (9) for 1 back to April (4) for 6."""
    return 10 - k


def noon(k: int, day: int) -> pl.Expr:
    """Noon of a day in the month of the k-th column, UTC."""
    return pl.lit(dt.datetime(2005, month_of(k), day, 12, tzinfo=dt.UTC)).cast(pl.Datetime("us", "UTC"))


def taiwan_events(statements: pl.DataFrame) -> pl.DataFrame:
    """The events of the accounts, in time order within each account.

    Each month but April: spend (10th), payment (20th, of the bill before), that bill closes (25th) with
    what was paid of it and how late the account is. April opens with the limit and the statement's balance.
    The running balance is each statement's, to the cent. A credit balance in April is a refund; a bill of a
    credit balance is a bill of nothing. The minimum due is not known.
    """
    cents = pl.Int64
    bill = {k: (pl.col(f"BILL_AMT{k}") * CENTS).cast(cents) for k in range(1, 7)}
    paid = {k: (pl.col(f"PAY_AMT{k}") * CENTS).cast(cents) for k in range(1, 7)}
    status = dict(enumerate(STATUS, start=1))
    parts = [
        event(statements, 6, 1, "limit_set", (pl.col("LIMIT_BAL") * CENTS).cast(cents)),
        event(statements, 6, STATEMENT_DAY, "balance_set", bill[6].clip(0)),
        event(statements, 6, STATEMENT_DAY + 1, "refund", (-bill[6]).clip(0)),
        event(statements, 6, PAYMENT_DAY, "repayment", paid[6]),
    ]
    for k in range(5, 0, -1):
        spend = bill[k] - bill[k + 1] + paid[k]
        late = pl.col(status[k]).clip(0) * DAYS_A_MONTH_LATE
        parts += [
            event(statements, k, SPEND_DAY, "purchase", spend.clip(0)),
            event(statements, k, SPEND_DAY, "refund", (-spend).clip(0)),
            event(statements, k, PAYMENT_DAY, "repayment", paid[k]),
            event(statements, k, BILL_DAY, "bill", bill[k + 1].clip(0), paid=paid[k], days_past_due=late),
        ]
    # Nothing bought, paid or refunded is no event; a bill or a balance of nothing is one.
    happened = (pl.col("amount") > 0) | pl.col("kind").is_in(["bill", "balance_set", "limit_set"])
    return pl.concat(parts).filter(happened).sort("account_id", "ts", maintain_order=True)


def event(
    statements: pl.DataFrame,
    k: int,
    day: int,
    kind: str,
    amount: pl.Expr,
    *,
    paid: pl.Expr | None = None,
    days_past_due: pl.Expr | None = None,
) -> pl.DataFrame:
    """One event an account, in the month of the k-th column."""
    nothing = pl.lit(None, dtype=pl.Int64)
    identity = pl.concat_str([pl.col("ID"), pl.lit(f"-2005{month_of(k):02d}-{kind}")])
    return statements.select(
        event_id=identity,
        account_id=pl.col("ID"),
        ts=noon(k, day),
        kind=pl.lit(kind),
        amount=amount,
        paid=nothing if paid is None else paid,
        days_past_due=nothing if days_past_due is None else days_past_due.cast(pl.Int64),
    )


def taiwan_accounts(statements: pl.DataFrame) -> pl.DataFrame:
    """The accounts with their statement columns, the outcome, and the protected attributes as words."""
    words = {
        "sex": ("SEX", {1: "male", 2: "female"}),
        "marital_status": ("MARRIAGE", {1: "married", 2: "single", 3: "other"}),
        "education": ("EDUCATION", {1: "graduate school", 2: "university", 3: "high school", 4: "other"}),
    }
    protected = [
        pl.col(column).replace_strict(meaning, default="undocumented", return_dtype=pl.String).alias(name)
        for name, (column, meaning) in words.items()
    ]
    bands = ("25 and under", "26-35", "36-45", "46-55", "56 and over")
    above = pl.sum_horizontal(pl.col("AGE") > age for age in (25, 35, 45, 55))
    ages = above.replace_strict(dict(enumerate(bands)), return_dtype=pl.String)
    return statements.select(
        pl.col("ID").alias("account_id"),
        (pl.col("LIMIT_BAL") * CENTS).alias("limit_cents"),
        (pl.col("PAY_0") >= DEFAULT_MONTHS).cast(pl.Int64).alias("is_defaulted"),
        "LIMIT_BAL",
        *STATUS,
        *(f"BILL_AMT{k}" for k in range(1, 7)),
        *(f"PAY_AMT{k}" for k in range(1, 7)),
        TARGET,
        ages.alias("age_band"),
        *protected,
    )


def is_test() -> pl.Expr:
    """Whether an account is in the test set: ``(ID * 2654435761 mod 2**32) < 0.30 * 2**32``."""
    return (pl.col("account_id").cast(pl.UInt64) * 2_654_435_761) % 2**32 < int(TEST_SHARE * 2**32)
