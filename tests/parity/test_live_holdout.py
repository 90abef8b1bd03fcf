"""A hold-out acts on live events as it does in a review: whom chance chose keeps his limit, and the trace says why."""

import json
from pathlib import Path
from typing import Any

import pytest

from limitkeeper.app.policy import market_parameters
from limitkeeper.core.kernel.instants import instant
from limitkeeper.core.strategy.holdout import holdout_draws
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Decisive, Place, running_engine
from tests.live_engines import NOW_US, left_behind, life, sent, state_bytes
from tests.live_model import live_model

SHARE = 0.1
SALT = int(market_parameters("CN", instant(NOW_US).date())["holdout_salt"])
ACCOUNTS = life(400).accounts["account_id"].to_list()
DRAWN = {each for each, draw in zip(ACCOUNTS, holdout_draws(ACCOUNTS, SALT), strict=True) if draw < SHARE}
OWN = f"""
holdout_share:
  description: Share that is held out
  description_zh: 随机留出的份额
  unit: share
  source: of a test
  values: {{2002-01-01: {SHARE}}}
"""


def lived(folder: Path, share: bool, cuts: tuple[int, ...] = ()) -> Engine:
    folder.mkdir()
    own = folder / "own.yaml"
    own.write_text(OWN, encoding="utf-8")
    decisive = Decisive(model=live_model(), parameters=own if share else None)
    found = running_engine(
        Place(f"sqlite:///{folder}/store.db", Settings(folder, 0.0), decisive), lambda: NOW_US
    )
    found.submit(Request("accounts", life(400).accounts)).result()
    sent(found, life(400).events, cuts)
    return found


def held_out(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """By account what the traces of alerts say of a hold-out."""
    traces = [json.loads(row["trace"]) for row in rows]
    return {each["account_id"]: each["held_out"] for each in traces if "held_out" in each}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("holdout")
    found = []
    for share in (False, True):
        running = lived(folder / str(share), share)
        found.append(left_behind(running.store))
        running.stop()
    return found[0], found[1]


def test_whom_chance_chose_is_not_cut_for_risk_and_his_alert_says_why(both: tuple[Any, Any]) -> None:
    without, beside = both
    told = held_out(beside["alerts"])
    assert told
    assert set(told) <= DRAWN
    for why in told.values():
        assert (why["share"], why["salt"]) == (SHARE, SALT)
        assert "learns what its cuts do" in why["en"]
        assert "随机留出" in why["zh"]
    assert held_out(without["alerts"]) == {}
    cut = {row["account_id"] for row in without["proposals"] if row["action"] == "decrease"}
    still = {row["account_id"] for row in beside["proposals"] if row["action"] == "decrease"}
    assert cut - still
    assert cut - still <= DRAWN


def test_who_was_not_chosen_is_decided_as_without_a_hold_out(both: tuple[Any, Any]) -> None:
    without, beside = both

    def others(left: dict[str, Any]) -> list[tuple[Any, ...]]:
        names = (
            "account_id",
            "action",
            "rule",
            "limit_before_cents",
            "limit_after_cents",
            "made_us",
            "status",
        )
        return [
            tuple(row[name] for name in names) for row in left["proposals"] if row["account_id"] not in DRAWN
        ]

    assert sorted(others(beside)) == sorted(others(without))
    assert others(beside)


def test_cut_into_micro_batches_and_a_restart_change_nothing_of_a_hold_out(tmp_path: Path) -> None:
    whole, cut = lived(tmp_path / "whole", True), lived(tmp_path / "cut", True, (500, 501, 7_000))
    assert left_behind(whole.store) == left_behind(cut.store)
    assert state_bytes(whole) == state_bytes(cut)
    whole.stop()
    cut.stop()
