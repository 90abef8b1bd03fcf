"""The Taiwan set's six months as vintages of one model: what monitoring says of real accounts as time goes by.

The model is trained on April's statements of the training accounts and predicts a missed payment in October; the
vintages are April to September of the *test* accounts, so that the first is as undrifted as real data can be. Columns
carry the same meaning each month: the limit, the repayment status, the bill, and what was paid in that month.
"""

from typing import Any

import polars as pl

from limitkeeper.app.monitoring import monitored
from limitkeeper.app.monitoring_figures import Vintage
from limitkeeper.app.monitoring_policy import monitoring_terms
from limitkeeper.app.policy import page_notes
from limitkeeper.app.taiwan import AS_OF, is_test, month_of
from limitkeeper.app.training import trained_model
from limitkeeper.connectors.taiwan import STATUS, TARGET
from limitkeeper.core.kernel.progress import Progress, unseen

FIRST, LAST = 6, 1
"""Columns of April, and of September."""

SEGMENT = "limit_band"
LIMIT_BANDS = ((50_000, "TWD 50,000 and under"), (200_000, "TWD 50,001-200,000"))


def taiwan_month(statements: pl.DataFrame, k: int) -> pl.DataFrame:
    """The accounts as of the month of the k-th column: September for 1 back to April for 6.

    Parameters
    ----------
    statements
        The set as its authors publish it.
    k
        1 to 6; the outcome is given for 6 alone, where it lies as far ahead as the model looks.
    """
    band = pl.lit("TWD 200,001 and over")
    for most, name in reversed(LIMIT_BANDS):
        band = pl.when(pl.col("LIMIT_BAL") <= most).then(pl.lit(name)).otherwise(band)
    outcome = pl.col(TARGET) if k == FIRST else pl.lit(None, pl.Int64)
    return statements.select(
        pl.col("ID").alias("account_id"),
        pl.col("LIMIT_BAL").alias("limit"),
        pl.col(STATUS[k - 1]).alias("status"),
        pl.col(f"BILL_AMT{k}").alias("bill"),
        pl.col(f"PAY_AMT{k}").alias("paid"),
        band.alias(SEGMENT),
        outcome.alias(TARGET),
    )


def monitored_taiwan(statements: pl.DataFrame, progress: Progress = unseen) -> dict[str, Any]:
    """The months of the test accounts under a model of April's training accounts, as monitoring's document.

    Parameters
    ----------
    statements
        The set as its authors publish it.
    progress
        Told of each finished part.
    """
    first = taiwan_month(statements, FIRST)
    learned = first.filter(~is_test()).drop("account_id", SEGMENT)
    model = trained_model(learned, TARGET, progress=progress)
    vintages = [
        Vintage(f"2005-{month_of(k):02d}", taiwan_month(statements, k).filter(is_test()))
        for k in range(FIRST, LAST - 1, -1)
    ]
    document = monitored(model, vintages, monitoring_terms(AS_OF.date()), segment=SEGMENT, progress=progress)
    return {**document, "notes": page_notes("taiwan_months")}
