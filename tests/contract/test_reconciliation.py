"""The ledger against a bank's file on every store, with differences that were planted."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from limitkeeper.app.bank import acknowledged
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.app.reconciliation import Reconciled, reconciled
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.behaviour.events import HOUR_US
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work

NOW_US = 1_790_000_000_000_000
LATER_US = NOW_US + 48 * HOUR_US


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    with work(found, SYSTEM, NOW_US) as w:
        ids = {account: planned(w, LimitChange(account, "decrease", 1_000, 600, NOW_US, "risk"))
               for account in ("B", "a", "b", "c", "d", "é")}  # fmt: skip
        planned(w, LimitChange("f", "freeze", 1_000, None, NOW_US, "risk"))
    effected_due(found, NOW_US, lambda _w, _notice: True)
    with work(found, SYSTEM, NOW_US + 1) as w:
        for account, entry_id in ids.items():
            if account not in ("c", "d"):
                acknowledged(w, entry_id, "done")
        acknowledged(w, ids["d"], "failed", "no such account")
    yield found
    found.close()


def compared(
    store: Store, path: Path, *, now_us: int = LATER_US, ledger_only: bool = False, count: int = 2
) -> tuple[Reconciled, set[tuple[str | None, str]]]:
    found = Reconciled()
    pages = reconciled(store, path, now_us, hours=24, ledger_only=ledger_only, found=found, count=count)
    rows = pl.concat(list(pages))
    return found, set(rows.select("account_id", "kind").rows())


def bank_file(folder: Path, **changed: object) -> pl.DataFrame:
    frame = pl.DataFrame({"account_id": ["B", "a", "b", "c", "d", "f", "é"],
                          "limit_cents": [600, 600, 600, 600, 600, 1_000, 600],
                          "frozen": [False, False, False, False, False, True, False]})  # fmt: skip
    frame = frame.filter(~pl.col("account_id").is_in(list(changed)))
    more = [(account, value, False) for account, value in changed.items() if value is not None]
    frame = pl.concat([frame, pl.DataFrame(more, frame.schema, orient="row")]) if more else frame
    frame.write_parquet(folder / "bank.parquet")
    frame.write_csv(folder / "bank.csv")
    return frame


def test_even_file_leaves_what_the_bank_refused_or_did_not_answer(store: Store, tmp_path: Path) -> None:
    bank_file(tmp_path)
    for name in ("bank.parquet", "bank.csv"):
        found, differences = compared(store, tmp_path / name)
        assert differences == {("c", "unacknowledged"), ("d", "failed"), ("f", "unacknowledged")}
        assert (found.ledger_lines, found.bank_rows, found.same) == (7, 7, 7)


def test_every_planted_difference_is_found_whatever_the_page(store: Store, tmp_path: Path) -> None:
    bank_file(tmp_path, a=700, b=None, f=1_000, x=5, A=5)
    for count in (1, 2, 3, 7, 100):
        found, differences = compared(store, tmp_path / "bank.parquet", count=count)
        assert differences == {
            ("a", "other_limit"), ("b", "missing_there"), ("f", "frozen_here_only"), ("x", "missing_here"),
            ("A", "missing_here"), ("c", "unacknowledged"), ("d", "failed"), ("f", "unacknowledged"),
        }  # fmt: skip
        assert found.differences["missing_here"] == 2
        assert found.same == 4
    assert (
        compared(store, tmp_path / "bank.parquet", ledger_only=True)[0].differences.get("missing_here")
        is None
    )


def test_difference_of_a_command_that_just_went_out_is_on_its_way(store: Store, tmp_path: Path) -> None:
    bank_file(tmp_path, c=1_000)
    found, differences = compared(store, tmp_path / "bank.parquet", now_us=NOW_US + HOUR_US)
    assert differences == {("c", "on_its_way"), ("d", "failed")}
    assert (found.on_its_way, found.differences) == (1, {"failed": 1})


def test_rows_that_cannot_be_read_and_repeated_ones_are_told(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text(
        "account_id,limit,frozen\na,6,no\na,6,no\nb,much,\n,6,\nB,6.005,\nc,6.00,\nd,6,\nf,10,1\né,6,\n"
    )
    found, differences = compared(store, path)
    assert {each for each in differences if each[1] in ("unreadable", "repeated")} == {
        ("b", "unreadable"), ("B", "unreadable"), (None, "unreadable"), ("a", "repeated"),
    }  # fmt: skip
    assert found.differences["missing_there"] == 2


def test_file_without_limits_is_refused_with_what_is_missing(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text("account_id,limits\na,6\n")
    with pytest.raises(InputError, match="no column 'limit_cents'"):
        compared(store, path)


def test_words_of_a_freeze_that_are_neither_yes_nor_no_and_files_that_break_off_are_told(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("account_id,limit_cents,frozen\na,600,Y\nb,600,N\nB,600,blocked\né,600,\nf,1000,1\n")
    _, kinds = compared(store, path)
    assert {each for each in kinds if each[0] not in ("c", "d", "f")} == {
        ("a", "frozen_there_only"), ("B", "unreadable"), ("B", "missing_there"),
    }  # fmt: skip
    for broken in (b"account_id,limit_cents\na,600\n\xff,3\n", b"account_id,limit_cents\na,600,7,8\n"):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="cannot be read"):
            compared(store, path)
