"""The console in a real browser: the main path of officer, committee and customer; who is let in where."""

import datetime as dt
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from limitkeeper.shells.console import alerts
from limitkeeper.shells.console.navigation import PLACES
from limitkeeper.shells.console.session import SESSION_COOKIE, form_mark
from limitkeeper.shells.console.times import time_text
from tests.console_forms import Browser
from tests.consoles import WIDTHS, lines, proposed, sitting, staffed
from tests.workflow_server import PASSWORD, WorkflowServer, workflow_server

SCRIPT = "<script>document.title = 'taken'</script>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder: Path = tmp_path_factory.mktemp("console")
    with workflow_server(f"sqlite:///{folder}/store.db", folder, lines(5)) as found:
        staffed(found, customers=2)
        proposed(found, ["line-1", "line-2", "line-3"])
        yield found


def case_of(server: WorkflowServer, account_id: str) -> str:
    """The case of an account."""
    (case,) = server.session("ann").get("/v1/cases", params={"account_id": account_id})["items"]
    return str(case["case_id"])


def test_officer_goes_from_alert_to_account_to_case_and_approves_it(
    server: WorkflowServer, chromium: Any
) -> None:
    with sitting(chromium, server, "ann") as ann:
        assert "Work that waits" in ann.text()
        ann.looks("overview-en-light")
        ann.follows("nav >> text=Alerts")
        ann.looks("alerts-en-light")
        ann.follows("tr:has-text('line-1') a[data-row]")
        assert "Newest bills in a row paid on time" in ann.text()
        ann.follows("main >> text=To the account")
        ann.looks("account-en-light")
        ann.goes("/console/cases?account_id=line-1")
        ann.follows("tbody a[data-row]")
        assert "A case is decided by the one who has claimed it." not in ann.text()
        ann.presses("Claim")
        ann.looks("case-en-light")
        ann.page.fill("textarea[name=words]", f"Paid late five times. {SCRIPT} {'long' * 90}")
        ann.presses("Approve")
        assert "Approved" in ann.text()
        assert ann.page.evaluate("document.documentElement.scrollWidth") <= max(WIDTHS)
        assert SCRIPT in ann.text()
        assert ann.page.title() != "taken"


def test_what_is_refused_is_said_beside_the_form_and_loses_no_words(
    server: WorkflowServer, chromium: Any
) -> None:
    case_id = case_of(server, "line-2")
    with sitting(chromium, server, "bob", "zh", "dark") as bob:
        bob.goes(f"/console/cases/{case_id}")
        bob.page.fill("textarea[name=words]", "已与客户联系")
        server.session("ann").acted(case_id, "comment", "I look at it too.")
        bob.page.click("button:has-text('备注')")
        bob.page.wait_for_selector(".answer:not([hidden])")
        assert "必须基于案件的最新状态作出决定" in bob.text()
        assert bob.page.input_value("textarea[name=words]") == "已与客户联系"
        bob.said.clear()  # the browser itself notes that the answer was a 412
        bob.looks("case-zh-dark")
        bob.follows(".answer a")
        assert "I look at it too." in bob.text()


def test_committee_votes_with_dissent_until_its_quorum(server: WorkflowServer, chromium: Any) -> None:
    case_id = case_of(server, "line-2")
    ann = server.session("ann")
    ann.acted(case_id, "claim")
    ann.acted(case_id, "send-up", "Large for us.")
    still = {"mia": ("mia", "max", "moe"), "max": ("max", "moe"), "moe": ("moe",)}
    for name, button in (("mia", "投赞成票"), ("max", "投反对票"), ("moe", "投赞成票")):
        with sitting(chromium, server, name, "zh") as member:
            member.goes(f"/console/cases/{case_id}")
            assert f"尚未投票： {'、'.join(sorted(still[name]))}" in member.text()
            member.page.fill("textarea[name=words]", "已阅")
            member.presses(button)
    with sitting(chromium, server, "mia", "zh", "dark") as mia:
        mia.goes(f"/console/cases/{case_id}")
        assert "已批准" in mia.text()
        assert "异议" in mia.text()
        mia.looks("case-voted-zh-dark")


def test_committee_of_which_too_few_may_vote_is_told_how_its_case_ends(server: WorkflowServer) -> None:
    case_id = case_of(server, "line-3")
    ann = server.session("ann")
    ann.acted(case_id, "claim")
    ann.acted(case_id, "send-up", "Large for us.")
    mia = Browser(server, "mia")
    assert "Yet to vote: max, mia, moe" in mia.page(f"/console/cases/{case_id}")
    server.session("moe").acted(case_id, "recuse")
    assert "the case lapses at the end of its clock" in mia.page(f"/console/cases/{case_id}")


def test_customer_reads_why_and_appeals_with_a_file_and_another_officer_grants_it(
    server: WorkflowServer, chromium: Any, tmp_path: Path
) -> None:
    ann = server.session("ann")
    case_id = case_of(server, "line-1")
    if ann.get(f"/v1/cases/{case_id}")["is_live"]:
        ann.acted(case_id, "claim")
        ann.acted(case_id, "approve", "Paid late five times.")
    file = tmp_path / "<img src=x onerror=alert(1)>.txt"
    file.write_text("The employer pays on the 5th now.", encoding="utf-8")
    broken = tmp_path / "proof.pdf"
    broken.write_bytes(b"%PDF-1.4\n1 0 obj\n")
    with sitting(chromium, server, "kim-1", "zh") as kim:
        kim.looks("my-lines-zh-light")
        kim.follows("main h2 a")
        kim.looks("my-line-zh-light")
        kim.follows("text=查看完整说明")
        kim.looks("my-decision-zh-light")
        kim.page.fill("textarea[name=text]", f"发薪日改到了五号。{SCRIPT}")
        kim.page.set_input_files("input[type=file]", [file, broken])
        kim.presses("提交申诉")
        told = kim.page.inner_text(".said")
        assert "申诉已提交，但以下文件未收到：proof.pdf：" in told
        assert "无法将该文件作为 PDF 接收：文件不完整，或结尾后有多余内容。" in told
        assert "cannot" not in told
        assert "答复期限" in kim.text()
        assert SCRIPT in kim.text()
        assert file.name in kim.text()
        kim.looks("my-appeal-zh-light")
    with sitting(chromium, server, "ann", "en") as party:
        party.goes("/console/appeals")
        party.follows("tbody a[data-row]")
        assert "somebody else answers this appeal" in party.text()
    with sitting(chromium, server, "bob", "en") as bob:
        bob.goes("/console/appeals")
        bob.looks("appeals-en-light")
        bob.follows("tbody a[data-row]")
        bob.presses("Claim")
        assert SCRIPT in bob.text()
        assert file.name in bob.text()
        bob.looks("appeal-en-light")
        bob.page.select_option("select[name=outcome]", "granted")
        bob.page.fill("form:has(select[name=outcome]) textarea", "The day of payment was moved.")
        bob.presses("Answer")
        assert "Granted" in bob.text()
    with sitting(chromium, server, "kim-1", "en", "dark") as kim:
        kim.goes("/console/my/appeals")
        assert "Granted" in kim.text()
        kim.looks("my-appeals-en-dark")


def test_timeline_and_statistics_say_no_codes_on_chinese_pages(server: WorkflowServer) -> None:
    client = seated(server, "ann")
    client.cookies.set("limitkeeper_language", "zh", path="/console")
    account = client.get("/console/accounts/line-1").text
    marks = re.findall(r"<circle[^>]*><title>[-0-9: ]+([^<]*)</title>", account)
    assert "还款能力下降" in marks
    assert [mark for mark in marks if re.search("[A-Za-z]", mark)] == []
    page = client.get("/console/appeals").text
    tables = re.findall(r'aria-label="按[^"]*">(<table>.*?</table>)', page)
    assert len(tables) == 3
    assert [each for each in tables if re.search("[A-Za-z]{3}", re.sub("<[^>]*>", "", each))] == []


def test_customer_takes_a_copy_refuses_machines_and_lowers_a_line_that_he_takes_back(
    server: WorkflowServer, chromium: Any
) -> None:
    with sitting(chromium, server, "kim-2", "en") as kim:
        kim.goes("/console/my/data")
        kim.looks("my-data-en-light")
        kim.presses("Refuse them")
        assert "a person decides always" in kim.text()
        kim.page.select_option("select[name=kind]", "copy")
        kim.presses("Ask")
        with kim.page.expect_download() as download:
            kim.page.click("text=Take your copy to read")
        assert "customer-2" in Path(download.value.path()).read_text(encoding="utf-8")
        kim.goes("/console/my/lines/line-2")
        kim.page.fill("input[inputmode=decimal]", "100,000")
        kim.presses("Lower it")
        assert "¥100,000" in kim.text()
        kim.presses("Take my request back")
        assert "Your request is taken back" in kim.text()
        kim.goes("/console/my/inbox")
        kim.looks("my-inbox-en-light")
        kim.follows("tbody a[data-row]")
        assert "To the line" in kim.text()


def test_letter_after_g_goes_to_its_place_from_any_page(server: WorkflowServer, chromium: Any) -> None:
    with sitting(chromium, server, "ann", "zh") as ann:
        for key, path in (
            ("o", "/"),
            ("c", "/cases"),
            ("p", "/appeals"),
            ("a", "/alerts"),
            ("s", "/strategy"),
        ):
            ann.goes("/console/mandates")
            ann.page.keyboard.press("g")
            ann.page.keyboard.press(key)
            ann.page.wait_for_url(f"**/console{path}")
            assert ann.page.get_attribute(f"nav [data-key={key}]", "aria-keyshortcuts") == f"g {key}"


def test_filter_waits_for_its_button(server: WorkflowServer, chromium: Any) -> None:
    with sitting(chromium, server, "ann") as ann:
        ann.goes("/console/cases")
        ann.page.focus("select[name=kind]")
        ann.page.keyboard.press("ArrowDown")
        assert ann.page.input_value("select[name=kind]")
        assert ann.page.evaluate("document.activeElement.name") == "kind"
        ann.follows("form.filters button")
        assert "kind=" in ann.page.url


@pytest.mark.parametrize("name", ["sue", "ann", "mia", "ivy", "oli", "kim-1"])
def test_each_role_sees_its_places_and_is_told_of_the_others(server: WorkflowServer, name: str) -> None:
    client = seated(server, name)
    client.cookies.set("limitkeeper_language", "en", path="/console")
    acts = set(server.session(name).get("/v1/me")["acts"])
    for _, _, path, needed, english, _ in PLACES:
        found = client.get(f"/console{path}")
        if path == "/" and not acts & set(
            needed
        ):  # the console's own address leads everybody to where he begins
            assert (found.status_code, found.url.path) == (200, "/console/my")
            continue
        assert found.status_code == (200 if acts & set(needed) else 403), (path, found.text[-600:])
        text = html.unescape(found.text)
        assert english in text if acts & set(needed) else f"“{english}” is not among your pages." in text
        assert not any(act in text for act in needed)


def test_customers_pages_are_in_the_language_and_zone_of_his_letters(server: WorkflowServer) -> None:
    client = seated(server, "kim-2")
    assert "我的额度" in client.get("/console/my").text
    kim, home = server.session("kim-2"), "/v1/customers/customer-2"
    scope = kim.get(f"{home}/consents")["scopes"][0]
    given = {"scope": scope["scope"], "gives": True, "text_version": scope["texts"][0]["version"]}
    kim.post(f"{home}/consents", given)
    at = kim.get(f"{home}/consents")["items"][0]["at"]
    seen = {"If-Match": f'"{kim.get(home)["version"]}"'}
    wished = {"language": "en", "time_zone": "Pacific/Auckland"}
    assert kim.client.patch(home, json=wished, headers=seen).status_code == 200
    page = client.get("/console/my/data").text
    assert "<option selected>Pacific/Auckland</option>" in page
    assert f"<li>{time_text(at, 'Pacific/Auckland')} " in page


def seated(server: WorkflowServer, name: str) -> httpx.Client:
    """Somebody's browser without scripts, logged in."""
    client = httpx.Client(base_url=server.address, follow_redirects=True, headers={"Accept-Language": "en"})
    server.clients.append(client)
    client.post("/console/login", data={"person_id": name, "password": PASSWORD, "_mark": form_mark("")})
    return client


def test_nobody_is_led_to_the_login_and_back(server: WorkflowServer, chromium: Any) -> None:
    with sitting(chromium, server, None, "zh") as somebody:
        somebody.goes("/console/cases?tier=2")
        somebody.looks("login-zh-light")
        somebody.page.fill("input[name=person_id]", "ann")
        somebody.page.fill("input[name=password]", PASSWORD)
        somebody.page.click("main button.first")
        somebody.page.wait_for_url("**/console/cases?tier=2")


def test_form_of_another_site_or_session_changes_nothing(server: WorkflowServer) -> None:
    client = seated(server, "oli")
    token = client.cookies[SESSION_COOKIE]
    act = {"_path": "/v1/people/sue/unlock", "_then": "/console/alerts"}
    elsewhere = {"Origin": "https://elsewhere.test"}
    assert client.post("/console/act", data=act).status_code == 403
    assert client.post("/console/act", data=act | {"_mark": form_mark("another")}).status_code == 403
    good = act | {"_mark": form_mark(token)}
    assert client.post("/console/act", data=good, headers=elsewhere).status_code == 403
    assert client.post("/console/act", data=good).status_code == 200
    assert client.post("/console/act", data=good | {"_path": "/healthz"}).status_code == 400
    assert (
        client.post("/console/act", data=good | {"_then": "https://elsewhere.test"}).url.path == "/console/"
    )


def test_every_answer_is_guarded_and_the_session_is_kept_from_scripts(server: WorkflowServer) -> None:
    client = seated(server, "ann")
    for path in ("/console/cases", "/console/nothing", "/console/login", "/console/static/console.js"):
        headers = client.get(path, follow_redirects=False).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-frame-options"], headers["referrer-policy"]) == ("DENY", "same-origin")
    given = {"person_id": "ann", "password": PASSWORD, "_mark": form_mark(client.cookies[SESSION_COOKIE])}
    begun = client.post("/console/login", data=given, follow_redirects=False)
    kept = begun.headers["set-cookie"].lower()
    assert "httponly" in kept
    assert "samesite=lax" in kept
    assert client.get("/console/cases").headers["cache-control"] == "no-store"


def test_session_that_was_ended_opens_no_page_and_hears_nothing(server: WorkflowServer) -> None:
    client = seated(server, "sue")
    token = client.cookies[SESSION_COOKIE]
    assert client.get("/console/cases").status_code == 200
    client.post("/console/logout", data={"_mark": form_mark(token)})
    client.cookies.set(SESSION_COOKIE, token, path="/console")
    assert client.get("/console/cases").url.path == "/console/login"
    assert client.get("/console/stream").status_code == 401


@pytest.mark.parametrize("place", ["cases", "appeals", "rights"])
def test_filter_that_is_none_shows_what_waits(server: WorkflowServer, place: str) -> None:
    found = seated(server, "ivy").get(f"/console/{place}?show=whatever")
    assert found.status_code == 200
    assert "waiting" in found.text


def test_wrong_password_is_told_and_keeps_the_name(server: WorkflowServer) -> None:
    client = httpx.Client(base_url=server.address)
    server.clients.append(client)
    found = client.post(
        "/console/login", data={"person_id": "moe", "password": "wrong", "_mark": form_mark("")}
    )
    assert found.status_code == 401
    assert 'value="moe"' in found.text
    assert 'role="alert"' in found.text


def test_older_alerts_are_those_of_the_same_filter(
    server: WorkflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "PAGE_ROWS", 1)
    ann = server.session("ann")
    now = dt.datetime.fromtimestamp(server.clock() / 1e6, dt.UTC).isoformat()
    flags = [{"event_id": f"flag-{name}", "account_id": name, "ts": now, "kind": "flag", "reason": "cash-out"}
             for name in ("line-3", "line-5")]  # fmt: skip
    server.service("flags", "events.send").post("/v1/events", flags)
    wanted = [
        each["alert_id"] for each in ann.get("/v1/alerts", params={"status": "open", "current": "true"})
    ]
    assert len(wanted) > 1
    cookies = {SESSION_COOKIE: ann.client.headers["authorization"].removeprefix("Bearer ")}
    path, seen = "/console/alerts", []
    while path:
        text = httpx.get(server.address + path, cookies=cookies).text
        seen += re.findall(r'<tr data-id="(\w+)"', text)
        found = re.search(r'rel="next" href="([^"]+)"', text)
        path = html.unescape(found.group(1)) if found else ""
    assert seen == wanted
