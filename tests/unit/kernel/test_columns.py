"""Named columns of equal length."""

import numpy as np
import pytest

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import InputError

COLUMNS = Columns(("pd", "lgd"), np.arange(10, dtype=np.float64).reshape(2, 5))


def test_chunks_cover_every_account_once() -> None:
    assert [(part.start, part.stop) for part in COLUMNS.chunks(2)] == [(0, 2), (2, 4), (4, 5)]


def test_no_accounts_give_no_chunk() -> None:
    assert list(Columns(("pd",), np.empty((1, 0))).chunks()) == []


def test_part_shares_the_memory_of_the_whole() -> None:
    assert np.shares_memory(COLUMNS.part(1, 3).values, COLUMNS.values)


def test_unknown_column_gets_the_nearest_one() -> None:
    with pytest.raises(InputError, match="Did you mean 'lgd'"):
        COLUMNS.row("lgdd")


def test_matrix_that_does_not_fit_its_names_is_refused() -> None:
    with pytest.raises(InputError, match="does not fit"):
        Columns(("pd",), np.zeros((2, 3)))


def test_more_columns_come_after_those_there() -> None:
    more = COLUMNS.with_columns(("ead",), np.ones((1, 5)))
    assert more.names == ("pd", "lgd", "ead")
    assert more["ead"].tolist() == [1] * 5
