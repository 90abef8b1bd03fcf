"""What commands change of the state: the same live, and when the journal is read again."""

import polars as pl

from limitkeeper.core.alerts.portfolio import UnusualRate
from limitkeeper.engines.embedded.outcome import Step
from limitkeeper.engines.embedded.renaming import renamed
from limitkeeper.engines.embedded.state import LiveState
from limitkeeper.store.database import StoreError


def apply_command(state: LiveState, kind: str, table: pl.DataFrame) -> tuple[list[Step], list[UnusualRate]]:
    """Apply a command; what was looked at by it, and the days that are over and were unusual.

    Parameters
    ----------
    state
        Changed.
    kind, table
        Of the journal's entry.

    Raises
    ------
    InputError
        When it is refused; nothing has changed then.
    StoreError
        When its kind is unknown.
    """
    if kind == "tick":
        return state.tick(int(table["as_of_us"][0]))
    if kind == "accounts":
        state.register(table)
    elif kind == "freeze":
        # Where it is known which freeze is meant.
        since_us = int(table["since_us"][0]) if "since_us" in table.columns else None
        state.settle_freeze(table["account_id"][0], confirm=bool(table["confirm"][0]), since_us=since_us)
    elif kind == "appeal":
        state.tell_appeals(table["account_id"][0], is_open=bool(table["is_open"][0]))
    elif kind == "consent":
        state.tell_consent(table["id"].to_list(), is_withdrawn=bool(table["is_withdrawn"][0]),
                           needs_consent=bool(table["needs_consent"][0]))  # fmt: skip
    elif kind == "erase":
        renamed(state, table)
    else:
        raise StoreError("The journal holds an entry of an unknown kind.", value=kind)
    return [], []
