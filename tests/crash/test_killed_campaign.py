"""A campaign whose process is killed at any step is gone on with: each account has one effect, or none any more."""

import json
import signal
import subprocess
import sys
from collections import Counter

import pytest
import sqlalchemy as sa

from limitkeeper.app.verification import evidence_verified
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.notice_tables import notices
from limitkeeper.store.sql import Store
from tests.crash.campaign_steps import ACCOUNTS, begin, work_off

STRIDE = 23


def in_process(url: str, doing: str, step: int) -> bool:
    """Whether a process that works a campaign off was killed at a step; it has ended well otherwise."""
    command = [sys.executable, "-m", "tests.crash.campaign_steps", url, doing, str(step)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-3000:]
    return done.returncode == -signal.SIGKILL


@pytest.fixture
def store(store_url: str) -> Store:
    found = Store(store_url)
    found.take({})
    return found


def test_killed_process_leaves_one_effect_of_each_account(store: Store, store_url: str) -> None:
    begin(store)
    store.close()
    kills = sum(in_process(store_url, "go on", step) for step in range(3, 60, STRIDE))
    assert kills > 1
    again = Store(store_url)
    work_off(again)
    (row,) = again.rows(sa.select(campaigns))
    assert (row["state"], row["planned"], row["set_aside"]) == ("planned", ACCOUNTS, 0)
    entries = Counter((each["account_id"], each["action"]) for each in again.rows(sa.select(limit_entries)))
    assert set(entries.values()) == {1}
    assert len(entries) == 2 * ACCOUNTS
    assert Counter(each["account_id"] for each in again.rows(sa.select(notices))) == dict.fromkeys(
        (each["account_id"] for each in again.rows(sa.select(lines))), 1
    )
    assert {each["state"] for each in again.rows(sa.select(campaign_items))} == {"planned"}
    events = again.rows(sa.select(audit_events).order_by(audit_events.c.number))
    assert evidence_verified(again).holds
    told = [json.loads(each["detail"])["planned"] for each in events if each["act"] == "campaign.plan"]
    assert sum(told) == ACCOUNTS
    again.close()


def test_killed_cancellation_leaves_nothing_planned(store: Store, store_url: str) -> None:
    begin(store)
    work_off(store)
    store.close()
    kills = in_process(store_url, "cancel", 2)
    kills += sum(in_process(store_url, "go on", step) for step in range(4, 40, STRIDE))
    assert kills > 1
    again = Store(store_url)
    work_off(again)
    (row,) = again.rows(sa.select(campaigns))
    assert (row["state"], row["cancelled"]) == ("cancelled", ACCOUNTS)
    states = Counter(each["state"] for each in again.rows(sa.select(limit_entries)))
    assert states == {"effective": ACCOUNTS, "cancelled": ACCOUNTS}
    assert {each["state"] for each in again.rows(sa.select(notices))} == {"withdrawn"}
    again.close()
