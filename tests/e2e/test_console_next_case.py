"""On to the next case: whose clock comes first, that nobody else has, and that one may decide."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from limitkeeper.core.access.actors import OFFICER
from tests.console_forms import Browser
from tests.consoles import lines, proposed, sitting, staffed
from tests.workflow_server import WorkflowServer, workflow_server

NONE_WAITS = "No other case waits for you."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder: Path = tmp_path_factory.mktemp("next_case")
    with workflow_server(f"sqlite:///{folder}/store.db", folder, lines(4)) as found:
        staffed(found, customers=1)
        proposed(found, [f"line-{k}" for k in range(1, 5)])
        yield found


def waiting(server: WorkflowServer) -> list[str]:
    """The officers' cases that nobody has claimed, soonest clock first."""
    found = server.session("ann").get("/v1/cases", params={"state": "open", "tier": 2})["items"]
    return [str(each["case_id"]) for each in found]


def led_to(browser: Browser, after: str = "") -> str:
    """Where somebody is led on to: a case, or what the queue says."""
    found = browser.client.get("/console/cases/next", params={"after": after} if after else None)
    assert found.status_code == 303, found.text
    path = found.headers["location"]
    if path != "/console/cases":
        return str(path.removeprefix("/console/cases/"))
    said = re.search(r'class="said" role="status">✓ ([^<]+)<', browser.page(path))
    assert said, path
    return said[1]


def test_officer_is_led_past_what_others_have_and_the_committee_to_what_was_sent_up(
    server: WorkflowServer,
) -> None:
    first, second, third, _ = waiting(server)
    ann, bob, mia, moe = (Browser(server, name) for name in ("ann", "bob", "mia", "moe"))
    assert "data-next" in ann.page("/console/cases")
    assert led_to(ann) == led_to(bob) == first
    assert led_to(ann, after=first) == second
    assert led_to(mia) == NONE_WAITS  # of tier two she has no mandate
    server.session("bob").acted(first, "claim")
    assert "data-next" in ann.page(f"/console/cases/{first}")  # it is bob's now
    assert "data-next" not in bob.page(f"/console/cases/{first}")
    assert (led_to(ann), led_to(bob)) == (second, first)
    server.session("bob").acted(first, "send-up", "Large for us.")
    assert led_to(bob) == second
    assert led_to(mia) == led_to(moe) == first
    server.session("mia").acted(first, "vote-for", "As proposed.")
    assert "data-next" in mia.page(f"/console/cases/{first}")
    assert (led_to(mia), led_to(moe)) == (NONE_WAITS, first)
    server.session("max").post("/v1/absences", {"person_id": "moe", "deputy_id": "bob", "days": 1})
    assert led_to(bob) == second  # who sent it up decides it as nobody's deputy
    server.session("bob").acted(second, "claim")
    server.session("bob").acted(second, "ask", "Which employer?")
    assert led_to(bob) == third  # the other one waits for an answer


def test_officer_whose_mandate_is_small_is_led_past_what_is_beyond_it(server: WorkflowServer) -> None:
    cut = server.session("ann").get(f"/v1/cases/{waiting(server)[0]}")
    cut_cents = cut["limit_before_cents"] - cut["limit_after_cents"]
    people = ("sam", "tom", "una")
    for name in people:
        server.person(name, OFFICER)
    for name, most in (("sam", cut_cents - 1), ("tom", cut_cents)):
        server.session("mia").post("/v1/mandates", {"person_id": name, "tier": 2, "cut_cents_max": most})
    found = [led_to(Browser(server, name)) for name in people]
    assert found == [NONE_WAITS, waiting(server)[0], NONE_WAITS]


@pytest.mark.parametrize("name", ["sue", "ivy"])
def test_who_decides_nothing_is_led_nowhere(server: WorkflowServer, name: str) -> None:
    browser = Browser(server, name)
    assert "data-next" not in browser.page("/console/cases")
    assert "data-next" not in browser.page(f"/console/cases/{waiting(server)[0]}")
    browser.page("/console/cases/next", status=403)


def test_officer_decides_one_case_after_another_by_keys_until_none_waits(
    server: WorkflowServer, chromium: Any
) -> None:
    cases = waiting(server)
    assert len(cases) >= 2
    with sitting(chromium, server, "ann") as ann:
        ann.goes("/console/cases")
        assert "to the next case that waits for you" in ann.text()
        for case_id in cases:
            ann.page.keyboard.press("n")
            ann.page.wait_for_url(f"**/console/cases/{case_id}")
            assert "Next case" not in ann.text()
            ann.page.keyboard.press("d")
            with ann.page.expect_navigation():
                ann.page.keyboard.press("Enter")
            assert "It is yours to decide" in ann.text()
            ann.page.keyboard.press("d")
            ann.page.keyboard.type("Paid late five times.")
            ann.page.keyboard.press("n")  # a letter, while one writes
            ann.presses("Approve")
            ann.page.wait_for_selector("main [data-next]")
        ann.looks("case-ended-en-light")
        ann.page.keyboard.press("n")
        ann.page.wait_for_url("**/console/cases")
        assert NONE_WAITS in ann.text()
    with sitting(chromium, server, "ann", "zh", "dark") as ann:
        ann.goes(f"/console/cases/{cases[0]}")
        ann.looks("case-ended-zh-dark")
        ann.follows("text=下一案件")
        assert "没有其他待您处理的案件" in ann.text()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_place_that_is_open_is_in_view_on_a_telephone(
    server: WorkflowServer, chromium: Any, language: str
) -> None:
    with sitting(chromium, server, "ivy", language) as ivy:
        ivy.page.set_viewport_size({"width": 390, "height": 844})
        for path in ("/console/", "/console/mandates", "/console/audit"):
            ivy.goes(path)
            box = ivy.page.locator("nav [aria-current]").bounding_box()
            assert box["x"] >= 0, path
            assert box["x"] + box["width"] <= 390, path


def test_short_ids_stand_in_one_line_and_long_ones_break(server: WorkflowServer, chromium: Any) -> None:
    with sitting(chromium, server, "ann") as ann:
        ann.goes("/console/alerts?status=open")
        heights = ann.page.eval_on_selector_all(".id", "all => all.map(each => each.offsetHeight)")
        assert heights
        assert max(heights) < 30
        assert ann.page.locator("tbody th a").first.evaluate("each => each.getClientRects().length") <= 2
        ann.page.eval_on_selector_all(
            "td .id", "all => all.forEach(each => { each.textContent = 'x-'.repeat(90); })"
        )
        for width in (1280, 390):
            ann.page.set_viewport_size({"width": width, "height": 900})
            assert ann.page.evaluate("document.documentElement.scrollWidth") <= width
            assert ann.overflowing() == []
