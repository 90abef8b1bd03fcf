"""The ledger against the bank's file: what differs, page by page, so that any number of lines is compared."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from limitkeeper.core.behaviour.events import HOUR_US
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.progress import Progress, unseen
from limitkeeper.store.limit_tables import IS_TOLD, limit_entries, lines
from limitkeeper.store.sql import Store

PAGE_LINES = 200_000
"""Lines of the ledger that are compared at once, with what the bank's file holds between the first and the last."""

KINDS = {
    "missing_there": "The ledger has the line, the bank's file does not.",
    "missing_here": "The bank's file has the line, the ledger does not.",
    "other_limit": "The limits differ.",
    "frozen_here_only": "The line is frozen in the ledger and not at the bank.",
    "frozen_there_only": "The line is frozen at the bank and not in the ledger.",
    "unacknowledged": "The bank was told of a change and has not answered in time.",
    "failed": "The bank answered that it did not carry a change out.",
    "unreadable": "A row of the bank's file has no account, no whole limit of 0 or more, or an unclear freeze.",
    "repeated": "The bank's file has the line more than once.",
}
"""Each difference."""

YES, NO = ("true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")
"""What a bank's file says of a freeze, in small letters."""

ON_ITS_WAY = "on_its_way"
"""A difference of a line of which a command went out a short while ago; it is told, but is none."""

SCHEMA = {
    "account_id": pl.String(), "kind": pl.String(), "ledger_cents": pl.Int64(), "bank_cents": pl.Int64(),
    "entry_id": pl.String(), "detail": pl.String(),
}  # fmt: skip
"""Of a difference."""


@dataclass
class Reconciled:
    """What was compared, and how many differences there are of each kind."""

    ledger_lines: int = 0
    bank_rows: int = 0
    same: int = 0
    differences: dict[str, int] = field(default_factory=dict)
    on_its_way: int = 0

    @property
    def is_even(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def bank_rows(path: Path) -> pl.LazyFrame:
    """The rows of a bank's file, Parquet or CSV: ``account_id``, ``bank_cents``, ``bank_frozen``, missing where unsaid.

    The file has ``account_id`` and ``limit_cents`` in minor units, or ``limit`` in whole units, and may have ``frozen``.

    Raises
    ------
    InputError
        When it cannot be read, or a column is missing.
    """
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise InputError("The kind of file is not known by its ending.", value=path, allowed=".parquet, .csv")
    if not path.is_file():
        raise InputError("There is no such file.", value=path, advice="Check the path.")
    try:
        scan = (
            pl.scan_parquet(path)
            if path.suffix.lower() == ".parquet"
            else pl.scan_csv(path, infer_schema=False)
        )
        names = scan.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"The file cannot be read: {str(error).splitlines()[0]}", value=path) from error
    limit = next((name for name in ("limit_cents", "limit") if name in names), None)
    if "account_id" not in names or limit is None:
        missing = "account_id" if limit else "limit_cents"
        raise InputError(
            f"The bank's file has no column '{missing}'.", value=", ".join(names),
            allowed="account_id, limit_cents or limit, frozen", advice=did_you_mean(missing, names),
        )  # fmt: skip
    amount = pl.col(limit).cast(pl.String).cast(pl.Decimal(38, 4), strict=False) * (
        1 if limit == "limit_cents" else 100
    )
    whole = pl.when((amount >= 0) & (amount == amount.round(0))).then(amount.cast(pl.Int64, strict=False))
    said = pl.col("frozen").cast(pl.String) if "frozen" in names else pl.lit(None, pl.String)
    said = said.str.strip_chars().str.to_lowercase()
    frozen = pl.when(said.is_in(YES)).then(True).when(said.is_in(NO)).then(False)
    is_read = frozen.is_not_null() | said.is_null() | (said == "")
    return scan.select(
        pl.col("account_id").cast(pl.String),
        pl.when(is_read).then(whole).alias("bank_cents"),
        frozen.alias("bank_frozen"),
    )


def _read(rows: pl.LazyFrame) -> pl.DataFrame:
    try:
        return rows.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"The file cannot be read: {str(error).splitlines()[0]}.",
            advice="It is UTF-8, and each row has as many fields as the first.",
        ) from error


def reconciled(
    store: Store, path: Path, now_us: int, *, hours: float = 24.0, ledger_only: bool = False,
    found: Reconciled, count: int = PAGE_LINES, progress: Progress = unseen,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """Differences between the ledger and the bank's file, page by page, with :data:`SCHEMA`.

    Parameters
    ----------
    store
        Of the ledger.
    path
        The bank's file.
    now_us
        The clock, UTC microseconds.
    hours
        Within which the bank answers; until then a difference of a line is on its way.
    ledger_only
        Whether accounts that only the bank has are left out: those whose limit was never changed here.
    found
        Counted into.
    count
        Lines at once.
    progress
        Told of ``reconcile``, lines compared, lines in all.

    Raises
    ------
    InputError
        When the file cannot be read.
    """
    bank = bank_rows(path)
    unread = pl.col("account_id").is_null() | pl.col("bank_cents").is_null()
    with store.database.connect() as connection:
        total = int(connection.scalar(sa.select(sa.func.count()).select_from(lines)) or 0)
    yield _told(_counted(found, _read(bank.filter(unread)), "unreadable"))
    before: str | None = None
    since_us = now_us - int(hours * HOUR_US)
    while True:
        page = _page(store, before, count, since_us)
        last = page["account_id"][-1] if page.height == count else None
        part = bank.filter(~unread)
        part = part if before is None else part.filter(pl.col("account_id") > before)
        part = part if last is None else part.filter(pl.col("account_id") <= last)
        rows = _read(part)
        found.bank_rows += rows.height
        found.ledger_lines += page.height
        once = rows.unique("account_id", keep="first")
        yield _told(_counted(found, rows.filter(~pl.col("account_id").is_first_distinct()), "repeated"))
        yield from _compared(found, page, once, ledger_only=ledger_only)
        progress("reconcile", found.ledger_lines, total)
        if last is None:
            break
        before = last
    for rows in _late(store, since_us):
        for kind in ("unacknowledged", "failed"):
            yield _told(_counted(found, rows.filter(pl.col("kind") == kind).drop("kind"), kind))


def _page(store: Store, before: str | None, count: int, since_us: int) -> pl.DataFrame:
    """Lines of the ledger behind an account, in the order of bytes, as files are compared."""
    name = lines.c.account_id if store.is_sqlite else lines.c.account_id.collate("C")
    young = sa.exists().where(
        limit_entries.c.account_id == lines.c.account_id, limit_entries.c.bank_state == "told",
        limit_entries.c.effective_us >= since_us,
    )  # fmt: skip
    query = (
        sa.select(lines.c.account_id, lines.c.limit_cents, lines.c.is_frozen, young)
        .order_by(name)
        .limit(count)
    )
    query = query if before is None else query.where(name > before)
    with store.database.connect() as connection:
        rows = connection.execute(query).all()
    schema = {
        "account_id": pl.String,
        "ledger_cents": pl.Int64,
        "is_frozen": pl.Boolean,
        "is_young": pl.Boolean,
    }
    return pl.DataFrame([(row[0], row[1], bool(row[2]), bool(row[3])) for row in rows], schema, orient="row")


def _compared(
    found: Reconciled, page: pl.DataFrame, bank: pl.DataFrame, *, ledger_only: bool
) -> Iterator[pl.DataFrame]:
    both = page.join(bank, on="account_id", how="inner")
    apart = {
        "missing_there": page.join(bank, on="account_id", how="anti"),
        "other_limit": both.filter(pl.col("ledger_cents") != pl.col("bank_cents")),
        "frozen_here_only": both.filter(pl.col("is_frozen") & (pl.col("bank_frozen") == pl.lit(value=False))),
        "frozen_there_only": both.filter(
            ~pl.col("is_frozen") & (pl.col("bank_frozen") == pl.lit(value=True))
        ),
    }
    differing: set[str] = set()
    for kind, rows in apart.items():
        differing |= set(rows["account_id"].to_list()) if kind != "missing_there" else set()
        young = rows.filter(pl.col("is_young"))
        found.on_its_way += young.height
        yield _told(young.with_columns(pl.lit(ON_ITS_WAY).alias("kind"), pl.lit(kind).alias("detail")))
        yield _told(_counted(found, rows.filter(~pl.col("is_young")), kind))
    found.same += both.height - len(differing)
    if not ledger_only:
        yield _told(_counted(found, bank.join(page, on="account_id", how="anti"), "missing_here"))


def _late(store: Store, since_us: int) -> Iterator[pl.DataFrame]:
    """Commands that the bank has not answered in time, or has refused."""
    late = sa.and_(limit_entries.c.bank_state == "told", limit_entries.c.effective_us < since_us)
    query = sa.select(
        limit_entries.c.account_id,
        limit_entries.c.entry_id,
        limit_entries.c.bank_detail,
        limit_entries.c.bank_state,
    ).where(IS_TOLD, sa.or_(late, limit_entries.c.bank_state == "failed"))
    schema = {"account_id": pl.String, "entry_id": pl.String, "detail": pl.String, "kind": pl.String}
    with store.database.connect() as connection:
        result = connection.execute(query, execution_options={"stream_results": True})
        for rows in result.partitions(PAGE_LINES):
            part = pl.DataFrame([tuple(row) for row in rows], schema, orient="row")
            yield part.with_columns(pl.col("kind").replace("told", "unacknowledged"))


def _counted(found: Reconciled, rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    if rows.height:
        found.differences[kind] = found.differences.get(kind, 0) + rows.height
    return rows.with_columns(pl.lit(kind).alias("kind"))


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows under the names of differences."""
    return rows.select(
        (pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind)).alias(name)
        for name, kind in SCHEMA.items()
    )


def differences_document(found: Reconciled, first: list[dict[str, Any]]) -> dict[str, Any]:
    """What was found as JSON, with the first differences."""
    return {"ledger_lines": found.ledger_lines, "bank_rows": found.bank_rows, "same": found.same,
            "on_its_way": found.on_its_way, "differences": found.differences, "first": first}  # fmt: skip
