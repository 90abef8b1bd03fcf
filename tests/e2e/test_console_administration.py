"""The console's pages of campaigns, mandates, people, the bank, the audit, notices and oneself, by the real server."""

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from limitkeeper.app.customer_preferences import preferences_set
from limitkeeper.app.notices import contact_added, written
from limitkeeper.connectors.letters import Letter, LetterRefusedError
from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, OFFICER, OPERATOR, STRATEGIST, SYSTEM
from limitkeeper.core.notice.notice import NoticeFacts
from limitkeeper.shells.console import audit
from limitkeeper.shells.console.session import form_mark
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.tables import outbox
from limitkeeper.store.work import work
from tests.console_forms import Browser
from tests.simulated_accounts import campaign_rows
from tests.vaults import SEAL
from tests.workflow_server import PASSWORD, WorkflowServer, awaited, workflow_server

NEW_PASSWORD = "another long password"  # noqa: S105 - of people that are none


SCRIPT = "<script>alert(1)</script>"


def nobody_home(letter: Letter) -> None:
    """A channel whose every letter is refused for good."""
    raise LetterRefusedError(f"nobody lives here {SCRIPT}", value=letter.address)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder = tmp_path_factory.mktemp("console")
    with workflow_server(f"sqlite:///{folder}/store.db", folder, channels={"mail": nobody_home}) as found:
        for name, role in (("sue", STRATEGIST), ("ann", OFFICER), ("chief", COMMITTEE), ("ivy", COMPLIANCE),
                           ("oli", OPERATOR)):  # fmt: skip
            found.person(name, role)
        yield found


@pytest.fixture(scope="module")
def at(server: WorkflowServer) -> Callable[[str], Browser]:
    return cache(partial(Browser, server))


def table(count: int = 6) -> str:
    return campaign_rows(count).write_csv()


def proposed(browser: Browser, name: str, rows: str) -> tuple[str, str]:
    """A campaign that was proposed by the page: its path, and the page of its dry run."""
    fields = {"name": name, "rows": rows, "reasons": "product_change"}
    dry = browser.sent(
        browser.page("/console/campaigns/new"), "/console/campaigns/new", 200, do="look", **fields
    )
    made = browser.sent(dry.text, "/console/campaigns/new", do="propose", **fields)
    return made.headers["location"], dry.text


def test_campaign_is_looked_at_first_then_submitted_and_split_and_stopped(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    sue, api = at("sue"), server.session("sue")
    rows = table() + table(1).splitlines()[1] + "\n"
    before = len(api.get("/v1/campaigns")["items"])
    fields = {"name": SCRIPT, "rows": rows, "reasons": "product_change"}
    form = sue.page("/console/campaigns/new")
    dry = sue.sent(form, "/console/campaigns/new", 200, do="look", **fields).text
    assert "Nothing is changed yet" in dry
    assert "The account stands in an earlier row." in dry
    assert SCRIPT not in dry
    assert unescape(re.search(r"<textarea name=\"rows\"[^>]*>(.*?)</textarea>", dry, re.DOTALL)[1]) == rows
    assert len(api.get("/v1/campaigns")["items"]) == before
    first, again = (sue.sent(dry, "/console/campaigns/new", do="propose", **fields) for _ in range(2))
    path = first.headers["location"]
    assert path == again.headers["location"]
    page = sue.page(path)
    assert unescape(page).count(SCRIPT) >= 1
    assert "Only a campaign that waits" not in page
    campaign_id = path.rpartition("/")[2]
    assert api.get(f"/v1/campaigns/{campaign_id}")["items"] == 6
    assert f"/console/cases/{campaign_id}" in page
    assert f'href="{path}"' in sue.page(f"/console/cases/{campaign_id}")
    assert "Open its case" in page
    assert f'href="{path}"' in sue.page("/console/campaigns")
    others, dry_of_others = proposed(sue, "others", campaign_rows(90)[88:].write_csv())
    assert re.search(
        r"other campaigns of yours \(\d+\): \d+ accounts and ¥[\d,.]+ in all", unescape(dry_of_others)
    )
    case_page = unescape(sue.page(others.replace("/campaigns/", "/cases/")))
    assert re.search(
        r"other campaigns of the same person \(\d+\): \d+ accounts and ¥[\d,.]+ in all", case_page
    )
    sue.sent(page, f"/v1/campaigns/{campaign_id}/split", where="segment = gold")
    after = sue.page(path)
    assert api.get(f"/v1/campaigns/{campaign_id}")["state"] == "split"
    assert "Only a campaign that waits is split." in after
    part = next(each for each in api.get("/v1/campaigns")["items"] if each["split_from"] == campaign_id)
    part_path = f"/console/campaigns/{part['campaign_id']}"
    sue.sent(sue.page(part_path), f"/v1/campaigns/{part['campaign_id']}/cancel", why=SCRIPT)
    assert api.get(f"/v1/campaigns/{part['campaign_id']}")["cancel_why"] == SCRIPT
    assert "Cancelled because" in sue.page(part_path)


def test_file_of_a_campaign_is_read_and_what_it_lacks_is_said_beside_what_was_filled_in(
    at: Callable[[str], Browser],
) -> None:
    sue = at("sue")
    form = sue.page("/console/campaigns/new")
    content = "account_id,limit_before_cents,limit_after_cents,segment\nf1,1000,500,金卡\n"
    for encoded in (content.encode("utf-8-sig"), content.encode("gb18030")):
        files = {"table": ("rows.csv", encoded, "text/csv")}
        shown = sue.sent(
            form, "/console/campaigns/new", 200, files, do="look", name="n", reasons="product_change"
        )
        assert "金卡" in shown.text
    for rows, said in (("", "There is no table."), ("a,b\n1,2\n", "account")):
        shown = sue.sent(form, "/console/campaigns/new", 422, do="look", name="kept", rows=rows)
        assert said in shown.text
        assert 'value="kept"' in shown.text


def test_whoever_may_not_propose_is_told_so_and_proposes_nothing(at: Callable[[str], Browser]) -> None:
    sue, ann = at("sue"), at("ann")
    assert "Only risk strategists propose" in ann.page("/console/campaigns/new")
    forged = ann.client.post("/console/campaigns/new", data={
        "_mark": form_mark(ann.client.cookies["limitkeeper_session"]), "name": "n", "rows": table(1),
        "do": "propose"})  # fmt: skip
    assert forged.status_code == 403
    assert "This is not yours to see or do" in forged.text
    assert sue.client.post("/console/campaigns/new", data={"name": "n", "rows": table(1)}).status_code == 403


def test_mandate_is_given_in_whole_amounts_and_an_absence_is_noted_and_both_are_ended(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    chief, api = at("chief"), server.session("chief")
    page = chief.page("/console/mandates")
    given = {"person_id": "ann", "tier:integer": "2", "actions:list": ["decrease", "freeze"],
             "cut_cents_max:cents?": "50,000", "exposure_cents_max:cents?": "", "days:number?": "30"}  # fmt: skip
    chief.sent(page, "/v1/mandates", **given)
    found = next(each for each in api.get("/v1/mandates")["items"] if each["person_id"] == "ann")
    assert (found["tier"], found["actions"], found["cut_cents_max"], found["exposure_cents_max"]) == (
        2, ["decrease", "freeze"], 5_000_000, None,
    )  # fmt: skip
    page = chief.page("/console/mandates")
    assert "¥50,000" in page
    assert "no bound" in page
    chief.sent(page, "/v1/mandates", 409, **(given | {"person_id": "chief"}))
    chief.sent(page, "/v1/absences", **{"person_id": "ann", "deputy_id": "bob", "days:number": "7"})
    (away,) = api.get("/v1/absences")["items"]
    assert away["deputy_id"] == "bob"
    page = chief.page("/console/mandates")
    assert '<datalist id="people"><option value="ann"></option><option value="bob"></option>' in page
    chief.sent(page, "/v1/absences", 409, **{"person_id": "ann", "deputy_id": "chief", "days:number": "7"})
    ending = f"/v1/absences/{away['absence_id']}/end"
    assert ending not in at("sue").page("/console/mandates")
    chief.sent(chief.page("/console/mandates"), ending)
    assert api.get("/v1/absences")["items"] == []
    chief.sent(page, f"/v1/mandates/{found['mandate_id']}/end")
    assert "ann" not in {each["person_id"] for each in api.get("/v1/mandates")["items"]}
    looked = at("sue").page("/console/mandates")
    assert "/v1/mandates" not in looked
    assert "Members of the committee give and end mandates" in looked


def test_field_that_does_not_hold_is_named_with_what_is_allowed_in_the_language_of_the_page(
    server: WorkflowServer,
) -> None:
    new = {"person_id": "eve", "roles:list": ["officer"], "password?": "short", "customer_id?": ""}
    for language, said in (
        ("en", ("The field &#39;password&#39; is not as it should be.", "12 letters or more")),
        ("zh", ("“密码”填写有误。", "12 个字符或以上")),
    ):
        oli = Browser(server, "oli", language)
        refused = oli.sent(oli.page("/console/people"), "/v1/people", 422, **new).text
        assert all(each in refused for each in said)
        assert "Expected" not in refused


def test_person_is_let_in_changed_and_let_out_by_an_operator_alone(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    oli, api = at("oli"), server.session("oli")
    page = oli.page("/console/people")
    oli.sent(page, "/v1/people", **{"person_id": "<script>alert(1)", "roles:list": ["officer"]})
    page = oli.page("/console/people")
    assert "&lt;script&gt;alert(1)" in page
    new = {"person_id": "ned", "roles:list": ["officer"], "password?": PASSWORD, "customer_id?": ""}
    oli.sent(page, "/v1/people", **new)
    page = oli.page("/console/people")
    oli.sent(page, "/v1/people", 422, **(new | {"person_id": "two", "roles:list": ["officer", "operator"]}))
    page = oli.page("/console/people")
    oli.sent(page, "/v1/people/ned/roles", **{"roles:list": ["officer", "committee"]})
    oli.sent(page, "/v1/people/ned/password", password=NEW_PASSWORD)
    assert server.nobody().post("/v1/login", {"person_id": "ned", "password": NEW_PASSWORD})
    for _ in range(12):
        server.nobody().client.post("/v1/login", json={"person_id": "ned", "password": "wrong wrong wrong"})
    page = oli.page("/console/people")
    assert "Locked" in page
    oli.sent(page, "/v1/people/ned/unlock")
    oli.sent(page, "/v1/people/ned/end")
    known = {each["person_id"]: each for each in api.get("/v1/people")["items"]}
    assert (known["ned"]["roles"], known["ned"]["is_active"]) == (["committee", "officer"], False)
    assert "ned" not in oli.page("/console/people")
    assert "ned" in oli.page("/console/people?show=out")
    assert "for good" in oli.page("/console/people?show=out")
    idle = {"person_id": "idle", "roles:list": "", "password?": PASSWORD, "customer_id?": ""}
    oli.sent(page, "/v1/people", **idle)
    assert "none: may only log in" in oli.page("/console/people")
    ivy = at("ivy").page("/console/people")
    assert "ann" in ivy
    assert "/v1/people" not in ivy
    assert "This is not yours to see or do" in at("ann").page("/console/people", 403)


def test_key_is_shown_once_and_ends(at: Callable[[str], Browser], server: WorkflowServer) -> None:
    oli = at("oli")
    page = oli.page("/console/people/keys")
    asked = {
        "service_id": "core-bank",
        "scopes:list": ["events.send", "limit.acknowledge"],
        "days:number": "90",
    }
    shown = oli.sent(page, "/v1/keys", 200, **asked)
    key = re.search(r'<code class="secret">([^<]+)</code>', shown.text)[1]
    service = httpx.get(f"{server.address}/v1/me", headers={"authorization": f"Bearer {key}"})
    assert service.json()["acts"] == ["events.send", "limit.acknowledge"]
    page = oli.page("/console/people/keys")
    assert key not in page
    assert "core-bank" in page
    oli.sent(page, "/v1/keys/core-bank/end")
    assert "No service has a key." in oli.page("/console/people/keys")


def test_message_that_was_given_up_is_told_as_facts_and_sent_again(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    row = {"subject": "s-1", "topic": "bank", "status": "dead", "attempts": 9, "error": SCRIPT, "due_us": 0,
           "content": '{"account_id": "a-7", "limit": {"cents": 5}}'}  # fmt: skip
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        w.connection.execute(sa.insert(outbox).values(**row))
    oli = at("oli")
    page = oli.page("/console/deliveries")
    assert "<dt>limit cents</dt>" in page
    assert '{"' not in unescape(page)
    number = server.session("oli").get("/v1/outbox")[0]["id"]
    oli.sent(page, f"/v1/outbox/{number}/retry")
    assert server.session("oli").get("/v1/outbox") == []
    officer = at("ann").page("/console/deliveries")
    assert "Commands to the core banking system" in officer
    assert "Messages to other systems" not in officer


def test_notice_that_nobody_took_is_listed_read_with_its_deliveries_and_sent_again(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    facts = NoticeFacts(
        "freeze_lifted", f"**** {SCRIPT}", "¥", limit_after_cents=100, effective_day=dt.date(2026, 9, 21)
    )
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        preferences_set(w, "c-1", {"quiet_from_hour": 0, "quiet_to_hour": 0})  # at whatever hour this runs
        contact_added(w, SEAL, "c-1", "mail", "kim@mail.test", 0)
        notice_id = written(w, SEAL, "c-1", "a-1", facts, "en")
    oli, api = at("oli"), server.session("oli")
    awaited(lambda: api.get("/v1/notices/states")["items"])
    page = oli.page("/console/notices")
    assert "Freeze lifted" in page
    assert "c-1" in page
    assert "Freeze lifted" not in oli.page("/console/notices?state=out")
    for who in ("customer_id=c-1", "account_id=a-1"):
        told = at("ivy").page(f"/console/notices?{who}")
        assert f'href="/console/notices/{notice_id}"' in told
    assert "was told nothing" in at("ivy").page("/console/notices?customer_id=c-1&account_id=a-2")
    oli.page("/console/notices?state=lost", 422)
    one = at("ann").page(f"/console/notices/{notice_id}")
    assert "Mail" in one
    assert f"**** {SCRIPT}" in unescape(one)
    assert "nobody lives here" in one
    oli.sent(page, f"/v1/notices/{notice_id}/retry")
    assert f'"/v1/notices/{notice_id}/retry"' not in at("ann").page(f"/console/notices/{notice_id}")
    assert "Whose notices?" in at("ann").page("/console/notices")
    assert "This is not yours to see or do" in at("sue").page("/console/notices", 403)


def test_audit_is_searched_paged_and_exported_without_formulas(
    at: Callable[[str], Browser], server: WorkflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        for place in range(60):
            w.note("case.comment", f"case:{place:04}", {"why": SCRIPT, "into": ["a", "b"]})
        w.note("case.comment", '=HYPERLINK("x")', {"limit_cents": 5_000})
    ivy = at("ivy")
    page = ivy.page("/console/audit?act=case.comment")
    assert "Case: commented" in page
    assert "a, b" in page
    assert "¥50" in page
    assert 'href="/console/cases/0059"' in page
    second = ivy.page(unescape(re.search(r'rel="next" href="([^"]+)"', page)[1]))
    assert "case:0001" in second
    assert "case:0059" not in second
    export = unescape(re.search(r'href="(/console/audit/export[^"]*)"', page)[1])
    found = ivy.client.get(export)
    assert found.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(found.text.removeprefix("\ufeff"), newline="")))
    assert len(lines) == 61
    assert (lines[0]["subject"], lines[1]["detail"]) == ('\'=HYPERLINK("x")', f"into=a, b; why={SCRIPT}")
    (mark,) = {line["export"] for line in lines}
    assert re.fullmatch(r"ivy 20\S+ oversight audit \d+ [0-9a-f]{64}", mark)
    assert "Export: given" in ivy.page("/console/audit?subject=export:audit")
    day = lines[0]["at"][:10]  # UTC; where the market is, it may be the next one
    around = [str(dt.date.fromisoformat(day) + dt.timedelta(days=days)) for days in (-1, 1)]
    of_days = ivy.page(f"/console/audit?act=case.comment&from={around[0]}&to={around[1]}")
    assert "case:0059" in of_days
    assert all(f'value="{each}"' in of_days for each in around)
    assert "Nothing like that was done" in ivy.page(f"/console/audit?act=case.comment&to={around[0]}")
    link = unescape(re.search(r'href="(/console/audit/export[^"]*)"', of_days)[1])
    assert len(ivy.client.get(link).text.splitlines()) == 62
    assert "soon" in ivy.page("/console/audit?from=soon", 422)
    monkeypatch.setattr(audit, "EXPORTED_ROWS_MAX", 10)
    monkeypatch.setattr(audit, "ROWS_AT_ONCE", 4)
    bounded = ivy.client.get(export).text.splitlines()
    assert len(bounded) == 1 + 10 + 1
    assert bounded[-1].startswith("Only the newest 10 events")
    for path in ("/console/audit", "/console/audit/verify", "/console/audit/export"):
        assert "This is not yours to see or do" in at("oli").page(path, 403)


def test_search_of_the_audit_offers_acts_by_words_and_the_kinds_of_a_bare_id(
    at: Callable[[str], Browser],
) -> None:
    page = at("ivy").page("/console/audit?subject=a-7")
    assert 'href="/console/audit?subject=account%3Aa-7"' in page
    assert '<option value="account.look">Account: looked at</option>' in page
    assert "subject=account%3Aa-7" not in at("ivy").page("/console/audit?subject=case:a-7")


def test_audit_page_tells_whether_the_chain_holds_and_where_it_breaks(tmp_path: Path) -> None:
    with workflow_server(f"sqlite:///{tmp_path}/store.db", tmp_path) as server:
        server.person("ivy", COMPLIANCE)
        ivy = Browser(server, "ivy")
        assert "The chain holds" in ivy.page("/console/audit/verify")
        with work(server.engine.store, SYSTEM, server.clock()) as w:
            w.connection.execute(
                audit_events.update().where(audit_events.c.number == 1).values(actor_id="eve")
            )
        broken = ivy.page("/console/audit/verify")
        assert "The chain is broken" in broken
        assert "At event 1." in broken


def test_own_password_is_changed_when_it_is_said_twice(server: WorkflowServer) -> None:
    server.person("pat", OFFICER)
    pat = Browser(server, "pat")
    page = pat.page("/console/me")
    assert "Risk officer" in page
    assert "claim, comment, decide" in page
    wrong = pat.sent(page, "/console/me", 422, password=NEW_PASSWORD, again="other")
    assert "not the same" in wrong.text
    done = pat.sent(page, "/console/me", password=NEW_PASSWORD, again=NEW_PASSWORD)
    assert done.headers["location"] == "/console/login"
    assert pat.client.get("/console/me").headers["location"].startswith("/console/login")
    assert server.nobody().post("/v1/login", {"person_id": "pat", "password": NEW_PASSWORD})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_is_told_in_its_language_to_whoever_may_see_it(
    server: WorkflowServer, language: str
) -> None:
    titles = {
        "sue": {"/console/campaigns": ("Campaigns", "批量调整"),
                "/console/campaigns/new": ("New campaign", "新建批量调整"),
                "/console/mandates": ("Mandates", "授权"), "/console/me": ("sue", "sue")},
        "oli": {"/console/people": ("People", "人员"), "/console/people/keys": ("Services&#39; keys", "服务密钥"),
                "/console/deliveries": ("Bank and messages", "核心系统与消息"), "/console/notices": ("Notices", "通知")},
        "ivy": {"/console/audit": ("Audit", "审计"), "/console/notices": ("Notices", "通知"),
                "/console/notices?customer_id=nobody": ("Notices", "通知")},
    }  # fmt: skip
    for name, pages in titles.items():
        browser = Browser(server, name, language)
        for path, words in pages.items():
            assert f"<h1>{words[language == 'zh']}" in browser.page(path)


PAGES_OF = {
    "sue": ("/console/campaigns", "/console/campaigns/new", "/console/mandates", "/console/me"),
    "oli": ("/console/people", "/console/people/keys", "/console/deliveries"),
    "ivy": ("/console/audit", "/console/audit/verify", "/console/notices"),
    "chief": ("/console/mandates",),
}


@pytest.mark.parametrize(("language", "width", "theme"), [("en", 1280, "light"), ("zh", 390, "dark")])
def test_pages_are_quiet_and_fit_and_a_campaign_is_proposed_in_a_browser(
    server: WorkflowServer, chromium: Any, language: str, width: int, theme: str
) -> None:
    said: list[str] = []
    elsewhere: list[str] = []
    for name, paths in PAGES_OF.items():
        context = chromium.new_context(viewport={"width": width, "height": 900}, base_url=server.address)
        token = Browser(server, name).client.cookies["limitkeeper_session"]
        kept = {"session": token, "language": language, "theme": theme}
        context.add_cookies([
            {"name": f"limitkeeper_{part}", "value": value, "url": f"{server.address}/console"}
            for part, value in kept.items()
        ])  # fmt: skip
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: elsewhere.append(request.url))
        for path in paths:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate("document.querySelectorAll('h1').length") == 1
        if name == "sue":
            page.goto("/console/campaigns/new")
            table = page.locator("form[action='/console/campaigns/new']")
            table.locator("input[name=name]").fill(f"by hand {language} {SCRIPT}")
            rows = {"name": "rows.csv", "mimeType": "text/csv", "buffer": named_rows(language).encode()}
            page.set_input_files("input[name=table]", rows)
            table.locator("details summary").click()
            table.locator("input[value=product_change]").check()
            page.click("button[value=look]")
            page.click("button[value=propose]")
            page.wait_for_url(re.compile("/console/campaigns/[0-9a-f]{32}$"))
            assert SCRIPT in page.inner_text("h1")
            page.fill("textarea[name=why]", "over")
            page.click("button.danger")
            page.wait_for_selector(".tag.cancelled")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        context.close()
    assert said == []
    assert [url for url in elsewhere if not url.startswith(server.address)] == []


def named_rows(language: str) -> str:
    """Rows of accounts that no other campaign has."""
    return table().replace("\na", f"\n{language}")
