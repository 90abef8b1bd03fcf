"""Accounts of persons who were erased, called by other names in the state: said by places, so that no id is kept."""

from collections.abc import Mapping

import polars as pl

from limitkeeper.engines.embedded.state import LiveState


def places_of(state: LiveState, names: Mapping[str, str]) -> pl.DataFrame:
    """Where ids are that are to be called otherwise: rows of :func:`renamed`, which say none of them.

    Parameters
    ----------
    state
        Of all accounts.
    names
        By each id its new name; of accounts, and of customers whose consent was withdrawn.
    """
    rows: list[tuple[int | None, int, str]] = [
        (None, k, names[each]) for k, each in enumerate(state.unlinked.ids) if each in names
    ]
    for each, name in names.items():
        place = state.number(each)
        if place is not None:
            rows.append((*place, name))
    return pl.DataFrame(rows, schema={"shard": pl.Int64, "number": pl.Int64, "name": pl.String}, orient="row")


def renamed(state: LiveState, places: pl.DataFrame) -> None:
    """Call accounts of persons who were erased, and themselves, by other names; none of them links any more.

    A journal that was cleaned has the new names from its beginning: there nothing is to be done.

    Parameters
    ----------
    state
        Changed.
    places
        ``shard, number, name``; without a shard the number is the place among those who withdrew, which come first.
    """
    unlinked = state.unlinked.ids
    withdrew = list(unlinked)
    for shard, number, name in places.rows():
        if shard is None:
            if name not in unlinked:
                unlinked[name] = unlinked.pop(withdrew[number])
            continue
        unlinked[name] = True
        if state.number(name) is None:
            state.elsewhere.pop(state.shards[shard].rename(number, name), None)
            state.elsewhere[name] = shard
    state.web.grow(state.shards)
    state.hold_unlinked(places["name"])
