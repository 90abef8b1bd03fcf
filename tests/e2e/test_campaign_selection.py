"""Accounts chosen for a campaign by an expression: over HTTP, and in the console by way of its dry run."""

import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import polars as pl
import pytest
import sqlalchemy as sa

from limitkeeper.core.access.actors import OFFICER, STRATEGIST
from limitkeeper.shells.console.session import SESSION_COOKIE, form_mark
from limitkeeper.store.audit_tables import shown_accounts
from tests.console_forms import Browser
from tests.consoles import LIMIT_CENTS, late_bills, lines
from tests.workflow_server import PASSWORD, WorkflowServer, workflow_server

SELECTION = "/v1/campaigns/selection"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder: Path = tmp_path_factory.mktemp("selection")
    with workflow_server(f"sqlite:///{folder}/store.db", folder, lines(4)) as found:
        found.person("sue", STRATEGIST)
        found.person("ann", OFFICER)
        feed = found.service("core-bank", "events.send")
        feed.post("/v1/events", late_bills("line-3", found.clock()))
        yield found


def chosen(server: WorkflowServer, where: str, **more: object) -> pl.DataFrame:
    answer = server.session("sue").asked("GET", SELECTION, params={"where": where, "share": 0.75} | more)
    return pl.read_csv(io.BytesIO(answer.content))


def test_expression_chooses_accounts_with_the_limits_that_they_would_get(server: WorkflowServer) -> None:
    found = chosen(server, "late_share_6 > 0.5")
    assert found["account_id"].to_list() == ["line-3"]
    rows = server.engine.store.rows(sa.select(shown_accounts.c.account_id))
    assert [row["account_id"] for row in rows] == ["line-3"]  # who is chosen finds that he was
    assert found["limit_before_cents"].to_list() == [LIMIT_CENTS]
    assert found["limit_after_cents"].to_list() == [14_250_000]
    assert chosen(server, "not (late_share_6 > 0.5)").is_empty()  # of the others it is not known
    assert chosen(server, "is_missing(late_share_6)").height == 3
    assert chosen(server, "limit_cents > 0", least_cents=LIMIT_CENTS).is_empty()


def test_table_is_proposed_as_any_other(server: WorkflowServer) -> None:
    sue = server.session("sue")
    table = sue.asked("GET", SELECTION, params={"where": "limit_cents > 0", "share": 0.9}).content
    dry = sue.client.post("/v1/campaigns", params={"name": "n", "reasons": "product_change", "dry_run": True},
                          content=table, headers={"content-type": "text/csv"}).json()  # fmt: skip
    counts = dry["impact"]["counts"]
    assert counts["read"] == 4 == counts["taken"] + sum(counts["set_aside"].values())


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("utilisatoin < 1", "utilisation"),
        ("import os", "expression"),
        ("contagion > 0.1", "register"),
        ("sex == 1", "sex"),
        ("age > 30", "limit_cents"),
        ("days_since_opened > 30", "is not worked out on this server"),
    ],
)
def test_expression_that_does_not_hold_is_told_with_what_would(
    server: WorkflowServer, where: str, said: str
) -> None:
    answer = server.session("sue").asked("GET", SELECTION, params={"where": where, "share": 0.8}, status=422)
    assert said in answer.text


def test_only_a_strategist_chooses(server: WorkflowServer) -> None:
    server.session("ann").asked(
        "GET", SELECTION, params={"where": "limit_cents > 0", "share": 0.5}, status=403
    )


def test_page_shows_the_impact_of_what_was_chosen_and_submits_it(server: WorkflowServer) -> None:
    with httpx.Client(
        base_url=server.address, follow_redirects=True, headers={"Accept-Language": "en"}
    ) as sue:
        sue.post("/console/login", data={"person_id": "sue", "password": PASSWORD, "_mark": form_mark("")})
        mark = {"_mark": form_mark(sue.cookies[SESSION_COOKIE]), "name": "Less", "reasons": "product_change"}
        page = sue.post(
            "/console/campaigns/select", data=mark | {"where": "limit_cents > 0", "share_percent": "80"}
        )
        assert "This is what it would do" in page.text
        assert "line-1,19000000,15200000" in page.text
        wrong = sue.post(
            "/console/campaigns/select", data=mark | {"where": "limit_cents >", "share_percent": "80"}
        )
        assert wrong.status_code == 422
        assert "limit_cents &gt;</textarea>" in wrong.text
        assert sue.get("/console/nowhere").status_code == 404
        assert "There is no such page" in sue.get("/console/nowhere").text


@pytest.mark.parametrize(("language", "not_found"), [("en", "No row can be taken"), ("zh", "没有可采用的行")])
def test_example_of_the_page_holds_and_its_numbers_are_told_by_their_field(
    server: WorkflowServer, language: str, not_found: str
) -> None:
    sue, new = Browser(server, "sue", language), "/console/campaigns/new"
    page, select = sue.page(new), "/console/campaigns/select"
    example = unescape(re.search(r'name="where"[^>]*placeholder="([^"]*)"', page)[1])
    sue.sent(page, select, 200, name="n", where=example, share_percent="80", reasons="product_change")
    wrong = sue.sent(page, select, 422, name="n", where="limit_cents > 0", share_percent="many")
    assert re.search("(per cent: This is no number|百分比：这不是数字)", wrong.text)
    assert 'href="/console/compliance#register"' in page
    sue.page(select)  # by its address, as after a change of the language
    none = sue.sent(page, new, 200, do="look", name="n", rows="account_id,limit_after_cents\nnobody,100\n")
    assert not_found in none.text
    assert 'value="propose"' not in none.text
