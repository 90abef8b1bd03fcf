"""The console's pages of persons' requests about their data, as compliance and customers see them, by the real server."""

from collections.abc import Iterator
from typing import Any

import pytest

from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER
from tests.console_forms import Browser
from tests.consoles import sitting
from tests.workflow_server import WorkflowServer, awaited, workflow_server

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder = tmp_path_factory.mktemp("console-rights")
    with workflow_server(f"sqlite:///{folder}/store.db", folder) as found:
        found.person("ivy", COMPLIANCE)
        for name in ("kim", "sam"):
            found.person(name, CUSTOMER, customer_id=f"c-{name}")
        yield found


@pytest.mark.parametrize(("name", "language"), [("kim", "en"), ("sam", "zh")])
def test_officer_extends_a_clock_and_answers_in_part_and_the_customer_reads_so(
    server: WorkflowServer, name: str, language: str
) -> None:
    customer, ivy = Browser(server, name, language), Browser(server, "ivy", language)
    request_id = server.logged_in(name).post("/v1/rights-requests", {"kind": "correct"})["request_id"]
    way, page = f"/v1/rights-requests/{request_id}", f"/console/rights/{request_id}"
    words = {"en": ("extended", "Done in part", "What is not done, and why", "Days by which the time was extended: 20"),
             "zh": ("已延长", "已部分办理", "未予办理的内容及原因", "延长天数: 20")}[language]  # fmt: skip
    before = ivy.page(page)
    assert words[0] not in customer.page("/console/my/data")
    assert words[2] in before
    ivy.sent(before, f"{way}/extend", **{"days:integer": "20", "words": f"two employers {SCRIPT}"})
    after = ivy.page(page)
    assert f"{way}/extend" not in after, "it is extended once"
    assert "two employers &lt;script&gt;" in after
    assert words[3] in after
    assert words[0] in ivy.page("/console/rights")
    assert words[0] in customer.page("/console/my/data")
    ivy.sent(after, f"{way}/partly", words="The address.", rest=f"The income is right {SCRIPT}.")
    ended = ivy.page(page)
    assert words[1] in ended
    assert f"{way}/partly" not in ended
    assert words[1] in customer.page("/console/my/data")
    assert "The income is right" in ended


def test_officer_answers_a_wish_to_withdraw_consents_in_part_by_ticking_those_that_he_withdraws(
    server: WorkflowServer,
) -> None:
    kim, ivy = server.logged_in("kim"), Browser(server, "ivy")
    for scope in ("bureau", "relations"):
        given = {"scope": scope, "gives": True, "text_version": "2026-11"}
        kim.post("/v1/customers/c-kim/consents", given)
    request_id = kim.post("/v1/rights-requests", {"kind": "withdraw_consent"})["request_id"]
    way, page = f"/v1/rights-requests/{request_id}", ivy.page(f"/console/rights/{request_id}")
    assert 'value="sharing"' not in page, "only what holds is withdrawn"
    parts = {"words": "Links.", "rest": "The credit report: your line needs it.", "scopes:list": "relations"}
    ivy.sent(page, f"{way}/partly", **parts)
    scopes = kim.get("/v1/customers/c-kim/consents")["scopes"]
    assert [each["scope"] for each in scopes if each["holds"]] == ["bureau"]
    assert kim.get(way)["state"] == "partly"


def test_request_that_is_a_deed_has_no_part_to_answer(server: WorkflowServer) -> None:
    kim, ivy = server.logged_in("kim"), Browser(server, "ivy")
    for kind in ("copy", "erase"):
        request_id = kim.post("/v1/rights-requests", {"kind": kind})["request_id"]
        page = ivy.page(f"/console/rights/{request_id}")
        assert f"{request_id}/partly" not in page
        assert f"{request_id}/extend" in page


@pytest.mark.parametrize(
    ("language", "warned"), [("en", "No account of this customer"), ("zh", "未找到该客户的账户")]
)
def test_request_of_somebody_who_has_no_account_here_says_so(
    server: WorkflowServer, language: str, warned: str
) -> None:
    bank = server.service(f"bank in {language}", "accounts.state")
    bank.post("/v1/accounts", [{"account_id": "a-sam", "customer_id": "c-sam", "limit_cents": 100_000}])
    ivy, api = Browser(server, "ivy", language), server.session("ivy")
    for customer_id, is_warned in (("c-smith", True), ("c-sam", False)):
        asked = {"kind": "access", "customer_id": customer_id}
        request_id = api.post("/v1/rights-requests", asked)["request_id"]
        assert (warned in ivy.page(f"/console/rights/{request_id}")) is is_warned


def test_page_of_a_request_says_that_a_copy_that_was_taken_answers_it(
    server: WorkflowServer, chromium: Any
) -> None:
    ivy = server.session("ivy")
    made = ivy.post("/v1/rights-requests", {"kind": "copy", "customer_id": "c-copied"})
    path = f"/v1/rights-requests/{made['request_id']}"
    ivy.post(f"{path}/verify", {"words": "A passport."}, headers={"If-Match": f'"{made["version"]}"'})
    with sitting(chromium, server, "ivy") as desk:
        desk.goes(f"/console/rights/{made['request_id']}")
        assert "the request is answered" not in desk.text()
        with desk.page.expect_download():
            desk.page.click("[data-answers] a")
        assert "the request is answered" in desk.text()
        awaited(lambda: ivy.get(path)["state"] == "done")
        desk.follows(".said a")
        assert "Answered" in desk.text()
