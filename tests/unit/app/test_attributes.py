"""Protected attributes in a file of their own: read to measure how a campaign treats groups, and kept nowhere."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from limitkeeper.app.attributes import Attributes, attributes_at
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work

NOW_US = 1_790_040_000_000_000
COUNT = 600


def people(folder: Path) -> Path:
    """A portfolio of which every other person is a woman."""
    found = folder / "people.parquet"
    frame = pl.DataFrame(
        {"account_id": [f"a-{k}" for k in range(COUNT)], "sex": ["female", "male"] * (COUNT // 2)}
    )
    frame.write_parquet(found)
    return found


def cuts(accounts: list[int], prefix: str = "a-") -> pl.DataFrame:
    """Items of a campaign that takes half of each limit."""
    return pl.DataFrame({"account_id": [f"{prefix}{k}" for k in accounts], "action": ["decrease"] * len(accounts),
                         "limit_before_cents": [100_000] * len(accounts),
                         "limit_after_cents": [50_000] * len(accounts)})  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(f"sqlite:///{tmp_path / 'store.db'}")
    found.take({})
    yield found
    found.close()


def test_campaign_that_hits_one_group_fails_the_screen_and_one_that_hits_by_chance_passes(
    store: Store, tmp_path: Path
) -> None:
    attributes = Attributes(people(tmp_path), ("sex",))
    with work(store, SYSTEM, NOW_US) as w:
        women = attributes.treatment(w, "planted", cuts(list(range(0, 400, 2))))
        both = attributes.treatment(w, "fair", cuts(list(range(200))))
    assert women is not None
    assert both is not None
    assert any("sex" in each for each in women["failed"])
    assert both["failed"] == []
    assert (women["kind"], women["accounts"]) == ("campaign", COUNT)


def test_campaign_whose_accounts_the_file_does_not_know_is_not_measured(store: Store, tmp_path: Path) -> None:
    attributes = Attributes(people(tmp_path), ("sex",))
    with work(store, SYSTEM, NOW_US) as w:
        assert attributes.treatment(w, "others", cuts([1, 2], prefix="b-")) is None
        assert attributes.treatment(w, "none", cuts([])) is None


def test_file_is_read_anew_for_each_measurement(store: Store, tmp_path: Path) -> None:
    attributes = attributes_at(people(tmp_path), ["sex"])
    assert attributes is not None
    attributes.file.unlink()
    with work(store, SYSTEM, NOW_US) as w, pytest.raises(InputError):
        attributes.treatment(w, "gone", cuts([1]))


def test_column_that_is_not_there_is_told_at_the_start_with_what_is_near(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'sexx'") as told:
        attributes_at(people(tmp_path), ["sexx"])
    assert "sex" in str(told.value.advice)


@pytest.mark.parametrize(("is_named", "columns"), [(True, []), (False, ["sex"])])
def test_file_and_columns_go_together(tmp_path: Path, columns: list[str], *, is_named: bool) -> None:
    with pytest.raises(InputError, match="go together"):
        attributes_at(people(tmp_path) if is_named else None, columns)
    assert attributes_at(None, []) is None
