"""What a page of the console shows as it happens: alerts that come and grow worse, and what waits."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from limitkeeper.shells.console.live import NEWEST_ALERTS, heard_alert, shown_alert
from tests.consoles import Sitting, late_bills, lines, sitting, staffed
from tests.workflow_server import WorkflowServer, awaited, workflow_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder: Path = tmp_path_factory.mktemp("live")
    with workflow_server(f"sqlite:///{folder}/store.db", folder, lines(9)) as found:
        staffed(found, customers=0)
        yield found


def test_alert_appears_on_an_open_page_by_itself_and_several_are_acknowledged_at_once(
    server: WorkflowServer, chromium: Any
) -> None:
    with sitting(chromium, server, "bob", "zh") as bob:
        listening(bob, "/console/alerts?status=open")
        server.service("more", "events.send").post("/v1/events", late_bills("line-4", server.clock()))
        bob.page.wait_for_selector("tr.new:has-text('line-4')")
        bob.goes("/console/alerts?status=open")
        bob.page.click("text=确认所选")
        assert "尚未选择：请先勾选已处理的预警。" in bob.text()
        bob.page.check("[data-all]")
        bob.presses("确认所选")
        assert "没有符合条件的预警" in bob.text()
        bob.looks("alerts-none-zh-light")


def listening(sitting: Sitting, path: str) -> None:
    """Open a page, and wait until it hears what happens."""
    sitting.goes(path)
    sitting.page.wait_for_selector(".pulse >> text=/[0-9]/")


@pytest.mark.parametrize("name", ["bob", "oli"])
def test_live_row_is_as_a_drawn_one_and_stays_off_a_page_that_asks_for_others(
    server: WorkflowServer, chromium: Any, name: str
) -> None:
    wanted, other = ("line-6", "line-7") if name == "bob" else ("line-8", "line-7")
    with sitting(chromium, server, name, "zh") as somebody:
        listening(somebody, f"/console/alerts?status=open&account_id={wanted}")
        assert "没有符合条件的预警" in somebody.text()
        assert not somebody.page.is_visible("main button:has-text('确认所选')")
        flag = {"event_id": f"other-{name}", "account_id": other, "kind": "flag", "reason": "cash-out",
                "ts": dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC).isoformat()}  # fmt: skip
        feed = server.service(f"feed-{name}", "events.send")
        feed.post("/v1/events", [flag])
        awaited(
            lambda: server.session("ann").get("/v1/alerts", params={"account_id": other, "status": "open"})
        )
        feed.post("/v1/events", late_bills(wanted, server.clock()))
        asked = {"account_id": wanted, "status": "open"}
        alerts = awaited(lambda: server.session("ann").get("/v1/alerts", params=asked))
        somebody.page.wait_for_selector(f":nth-match(tr.new, {len(alerts)})")
        assert somebody.page.locator("main tbody tr").count() == len(alerts)
        assert somebody.page.locator(f"tr.new:has-text('{wanted}')").count() == len(alerts)
        assert "没有符合条件的预警" not in somebody.text()
        assert somebody.page.is_visible("main button:has-text('确认所选')") is (name == "bob")
        rows = "rows => rows.map(row => row.dataset.id + row.innerHTML).sort()"
        lived = somebody.page.locator("main tbody tr").evaluate_all(rows)
        somebody.goes(f"/console/alerts?status=open&account_id={wanted}")
        assert lived == somebody.page.locator("main tbody tr").evaluate_all(rows)


def worsened(sitting: Sitting, alert_id: str) -> None:
    """Let an open page hear that an alert has grown worse, as the stream would tell it."""
    message = {"subject": alert_id, "account_id": "line-9", "trigger": "suspected_violation", "severity": "severe",
               "rules": ["violation_flagged"], "hits": 3, "at": "2026-11-26T04:49:00+00:00"}  # fmt: skip
    script = "alert => listed(document.querySelector('[data-live-feed]'), alert)"
    sitting.page.evaluate(script, shown_alert("en", heard_alert(message), "UTC"))


def test_row_of_an_alert_that_grows_worse_keeps_its_place_its_tick_and_the_focus(
    server: WorkflowServer, chromium: Any
) -> None:
    flag = {"event_id": "worse", "account_id": "line-9", "kind": "flag", "reason": "cash-out",
            "ts": dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC).isoformat()}  # fmt: skip
    server.service("worse", "events.send").post("/v1/events", [flag])
    asked = {"account_id": "line-9", "trigger": "suspected_violation"}
    (alert,) = awaited(lambda: server.session("bob").get("/v1/alerts", params=asked))
    with sitting(chromium, server, "bob") as bob:
        bob.goes("/console/alerts?status=open")
        row = f"tr[data-id='{alert['alert_id']}']"
        before = bob.page.locator("main tbody tr").evaluate_all("rows => rows.map(row => row.dataset.id)")
        bob.page.check(f"{row} input")
        bob.page.focus(f"{row} a[data-row]")
        worsened(bob, alert["alert_id"])
        assert bob.page.is_checked(f"{row}.new input")
        assert bob.page.evaluate("document.activeElement.closest('tr').dataset.id") == alert["alert_id"]
        assert "2026-11-26 04:49" in bob.page.inner_text(row)
        assert "×3" in bob.page.inner_text(row)
        after = bob.page.locator("main tbody tr").evaluate_all("rows => rows.map(row => row.dataset.id)")
        assert after == before
        bob.presses("Acknowledge what is chosen")
        bob.goes("/console/alerts?status=&account_id=line-9")
        assert "Acknowledged" in bob.page.inner_text(row)
        worsened(bob, alert["alert_id"])
        assert "Acknowledged" not in bob.page.inner_text(row)
        assert bob.page.is_enabled(f"{row} input")


def test_overview_that_is_open_tells_again_what_waits_until_when_and_which_alerts_are_newest(
    server: WorkflowServer, chromium: Any
) -> None:
    now = dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC)
    flag = {
        "event_id": "count",
        "account_id": "line-8",
        "kind": "flag",
        "reason": "cash-out",
        "ts": now.isoformat(),
    }
    figure, newest = "[data-live-figure='alerts.suspected_violation']", "[data-live-newest] li"
    asked = {"trigger": "suspected_violation", "status": "open"}
    bob = server.session("bob")
    before, open_before = (len(bob.get("/v1/alerts", params=each)) for each in (asked, {"status": "open"}))
    with sitting(chromium, server, "ivy", "zh") as ivy:
        ivy.page.mouse.move(0, 0)  # the list stands still under a pointer
        ivy.page.wait_for_selector(f"{figure} >> text='{before}'")
        assert ivy.page.locator(newest).count() == min(open_before, NEWEST_ALERTS)
        server.service("count", "events.send").post("/v1/events", [flag])
        ivy.page.wait_for_selector(f"{figure} >> text='{before + 1}'")
        ivy.page.wait_for_selector(f"{newest}.new:has-text('line-8')")
        ivy.page.wait_for_selector("[data-live-clock='cases.2'] time:text-matches('后$')")
        rows = "rows => rows.map(row => row.dataset.id + row.innerHTML)"
        lived = ivy.page.locator(newest).evaluate_all(rows)
        ivy.looks("overview-live-zh-light")
        ivy.goes("/console/")
        assert ivy.page.locator(newest).evaluate_all(rows) == lived
