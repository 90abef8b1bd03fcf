"""A console that people use in a real browser: what they see is looked at, kept as pictures, and held to its rules."""

import datetime as dt
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, CUSTOMER, OFFICER, OPERATOR, STRATEGIST
from tests.workflow_server import PASSWORD, WorkflowServer, awaited

ARTEFACTS = Path(os.environ.get("LIMITKEEPER_ARTEFACTS", "artefacts")) / "console"

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")

WIDTHS = (1280, 390)

PAST_THE_EDGE = """tables => tables.filter(table => {
  const card = table.closest(".card");
  const inside = card.getBoundingClientRect().right - parseFloat(getComputedStyle(card).paddingRight);
  return !table.closest(".wide") && table.getBoundingClientRect().right > inside + 1;
}).map(table => table.textContent.trim().slice(0, 60))"""

LIMIT_CENTS = 19_000_000
"""So much that a step down is not the system's to decide."""


@dataclass
class Sitting:
    """Somebody before a browser.

    Parameters
    ----------
    page
        Of Playwright.
    address
        Of the server.
    """

    page: Any
    address: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def hears(self, message: Any, provider: str) -> None:
        """Keep what the browser says of our pages; of a provider's it is not ours to mend."""
        if not message.location["url"].startswith(provider):
            self.said.append(message.text)

    def goes(self, path: str) -> None:
        """Open a page by its address."""
        self.page.goto(self.address + path)

    def logs_in(self, name: str, password: str = PASSWORD) -> None:
        """Log in by the form."""
        self.goes("/console/login")
        self.page.fill("input[name=person_id]", name)
        self.page.fill("input[name=password]", password)
        self.page.click("main button.first")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def presses(self, text: str) -> None:
        """Press a button, and wait for the page that comes of it, which says what was done."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=text, exact=True).click()
        assert self.page.query_selector(".said") is not None, self.text()

    def follows(self, selector: str) -> None:
        """Click what leads elsewhere, and wait for the page there: a click itself does not."""
        with self.page.expect_navigation():
            self.page.click(selector)

    def text(self) -> str:
        """What the page says."""
        return str(self.page.inner_text("main"))

    def looks(self, name: str) -> None:
        """Look at the page at both widths: no sideways scroll, nothing that keeps anybody out; and keep pictures."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            across = self.page.evaluate("document.documentElement.scrollWidth")
            assert across <= width, (self.page.url, across)
            assert self.overflowing() == [], self.page.url
            self.page.screenshot(path=ARTEFACTS / f"{name}-{width}.png", full_page=True)
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        assert self.barriers() == [], self.page.url

    def overflowing(self) -> list[str]:
        """Tables that pass the edge of their card, and are not in a place that scrolls."""
        found = self.page.eval_on_selector_all(".card table", PAST_THE_EDGE)
        return [str(each) for each in found]

    def barriers(self) -> list[str]:
        """What axe finds that is serious; the page's policy is set aside for its script, and for it alone."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Page.setBypassCSP", {"enabled": True})
        run = (
            ";axe.run().then(found => JSON.stringify(found.violations.filter("
            "each => ['serious', 'critical'].includes(each.impact)).map(each => each.id + ' ' + each.nodes[0].html)))"
        )
        found = session.send("Runtime.evaluate", {"expression": AXE + run, "awaitPromise": True})
        session.detach()
        return list(json.loads(found["result"]["value"]))


@contextmanager
def sitting(
    browser: Any,
    server: WorkflowServer,
    name: str | None,
    language: str = "en",
    theme: str = "light",
    provider: str = "data:",
) -> Iterator[Sitting]:
    """Somebody logged in before a browser, where he has a name; at the end nothing was wrong, and no other host was asked
    but a provider that lets him in."""  # fmt: skip
    context = browser.new_context(viewport={"width": WIDTHS[0], "height": 900}, accept_downloads=True)
    context.add_cookies(
        [
            {"name": f"limitkeeper_{kind}", "value": value, "url": f"{server.address}/console"}
            for kind, value in (("language", language), ("theme", theme))
        ]
    )
    found = Sitting(context.new_page(), server.address)
    found.page.on("console", lambda message: found.hears(message, provider))
    found.page.on("pageerror", lambda error: found.said.append(str(error)))
    found.page.on("request", lambda request: found.asked.append(request.url))
    if name:
        found.logs_in(name)
    yield found
    context.close()
    assert found.said == []
    assert [url for url in found.asked if not url.startswith((server.address, "data:", provider))] == []


def late_bills(account_id: str, now_us: int) -> list[dict[str, Any]]:
    """Six bills of an account, of which the last five were paid a week late."""
    now = dt.datetime.fromtimestamp(now_us / 1e6, dt.UTC)
    return [
        {"event_id": f"b-{account_id}-{k}", "account_id": account_id, "kind": "bill", "amount": 900_000, "paid": 900_000,
         "ts": (now - dt.timedelta(days=30 * (5 - k), minutes=1)).isoformat(), "minimum_due": 90_000,
         "days_past_due": 8 if k else 0}
        for k in range(6)
    ]  # fmt: skip


def lines(count: int) -> pl.DataFrame:
    """Accounts of as many customers, each with a large limit."""
    names = [f"line-{k}" for k in range(1, count + 1)]
    customers = [f"customer-{k}" for k in range(1, count + 1)]
    return pl.DataFrame(
        {"account_id": names, "customer_id": customers, "limit_cents": [float(LIMIT_CENTS)] * count}
    )


def staffed(server: WorkflowServer, customers: int) -> None:
    """Somebody of each role, with mandates; officers two, members three; and the customers, who log in by name."""
    roles = {"sue": STRATEGIST, "ann": OFFICER, "bob": OFFICER, "mia": COMMITTEE, "max": COMMITTEE, "moe": COMMITTEE,
             "ivy": COMPLIANCE, "oli": OPERATOR}  # fmt: skip
    people = {name: server.person(name, role) for name, role in roles.items()}
    for giver, name, tier in (
        ("mia", "ann", 2),
        ("mia", "bob", 2),
        ("max", "mia", 3),
        ("mia", "max", 3),
        ("mia", "moe", 3),
    ):
        people[giver].post("/v1/mandates", {"person_id": name, "tier": tier})
    for k in range(1, customers + 1):
        server.person(f"kim-{k}", CUSTOMER, customer_id=f"customer-{k}")


def proposed(server: WorkflowServer, account_ids: list[str]) -> None:
    """Let the bills of some accounts come late, until a case waits for each."""
    feed = server.service("core-bank", "events.send")
    feed.post("/v1/events", [event for name in account_ids for event in late_bills(name, server.clock())])
    ann = server.session("ann")
    awaited(lambda: len(ann.get("/v1/cases")["items"]) >= len(account_ids))
