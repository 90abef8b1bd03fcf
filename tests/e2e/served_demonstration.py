"""Serves a small demonstration, for its test: some of the real accounts, a few lives, a small model."""

import datetime as dt
import sys
from pathlib import Path

from limitkeeper import CACHE_FOLDER
from limitkeeper.app.demo_bank import demo_bank
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.connectors.taiwan import taiwan_statements
from limitkeeper.shells.demonstration import serve_demonstration
from tests.live_model import live_model


def say(address: str) -> None:
    """Tell the test where the server is."""
    print(address, flush=True)


if __name__ == "__main__":
    statements = taiwan_statements(CACHE_FOLDER / "data", None)[:400]
    bank = demo_bank(statements, dt.datetime.now(dt.UTC), lives=400)
    serve_demonstration(
        bank, Path(sys.argv[1]), loaded_strategy(strategy_path("standard")), live_model(), 0, say
    )
