"""Content hashes."""

import pytest

from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.hashing import content_hash


def test_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert content_hash({"a": 1, "b": [1, 2]}) == content_hash({"b": [1, 2], "a": 1})


def test_hash_depends_on_every_value() -> None:
    assert content_hash({"a": 1}) != content_hash({"a": 2})


def test_nan_is_refused_because_it_is_not_json() -> None:
    with pytest.raises(InputError, match="cannot be hashed"):
        content_hash({"a": float("nan")})
