"""Logins by a provider through the real server: a real Keycloak, and one that misbehaves."""

import html
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from limitkeeper.app.login_attempts import FAILURES_MAX
from limitkeeper.app.oidc_login import Mapped, OidcLogins
from limitkeeper.connectors.oidc import Client, Provider
from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, OFFICER
from limitkeeper.shells.api.access import OPEN_PATHS
from limitkeeper.shells.api.login_oidc import BACK_PATH, COOKIE, OPEN_PATHS_OIDC, OUT_PATH, THEN_COOKIE
from limitkeeper.shells.console.session import PROVIDER_COOKIE, SESSION_COOKIE
from tests.broker.kafka import free_ports
from tests.consoles import Sitting, sitting
from tests.provider import keycloak as real
from tests.signing_provider import BACK, CLIENT, SECRET, SigningProvider, signing_provider
from tests.workflow_server import PASSWORD, WorkflowServer, workflow_server

MAPPED = Mapped(
    {"risk-team": frozenset({OFFICER}), "committee": frozenset({COMMITTEE})},
    "groups", "preferred_username", "customer_id",
)  # fmt: skip


@pytest.fixture(scope="module")
def lender(keycloak: real.Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    """A server whose people log in by Keycloak alone."""
    folder: Path = tmp_path_factory.mktemp("lender")
    port, _ = free_ports()
    client = Client(keycloak.issuer, real.CLIENT, real.SECRET, f"http://127.0.0.1:{port}{BACK_PATH}")
    with closing(Provider(client)) as provider:
        logins = OidcLogins(provider, MAPPED, local_accounts=False)
        with workflow_server(f"sqlite:///{folder}/store.db", folder, oidc=logins, port=port) as found:
            yield found


def logged_in(server: WorkflowServer, name: str, password: str = real.PASSWORD) -> httpx.Response:
    """What a browser ends with that is sent to Keycloak, says name and password there, and is sent back."""
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        page = browser.get(server.address + OUT_PATH)
        assert "Set-Cookie" in page.history[0].headers
        assert page.history[0].status_code == 303
        action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
        assert action, page.text
        for (
            cookie
        ) in browser.cookies.jar:  # Keycloak's are for safe places; browsers count loopback among them
            cookie.secure = False
        return browser.post(html.unescape(action[1]), data={"username": name, "password": password})


def test_keycloak_lets_people_in_with_the_roles_of_their_groups(lender: WorkflowServer) -> None:
    for name, roles, customer in (
        ("ann", [OFFICER], None),
        ("mia", [COMMITTEE], None),
        ("kim", ["customer"], "c-1"),
    ):
        found = logged_in(lender, name)
        assert found.status_code == 200, found.text
        assert found.headers["cache-control"] == "no-store"
        person = lender.nobody()
        assert person.faults("get", BACK_PATH, found) == []
        person.client.headers["authorization"] = f"Bearer {found.json()['token']}"
        me = person.get("/v1/me")
        assert (me["person_id"], me["roles"], me["customer_id"]) == (name, roles, customer)
        person.asked("GET", "/v1/cases", status=200 if customer is None else 403)
        person.post("/v1/logout")
        person.asked("GET", "/v1/me", status=401)


def test_keycloak_lets_nobody_in_without_a_role_or_with_a_wrong_password(lender: WorkflowServer) -> None:
    carl = logged_in(lender, "carl")
    assert (carl.status_code, carl.json()["rule"]) == (403, "no_role")
    assert carl.json()["detail_zh"]
    wrong = logged_in(lender, "ann", "not the password")
    assert wrong.headers["content-type"].startswith("text/html")  # Keycloak asks again


def test_code_of_keycloak_is_taken_once_and_in_its_own_browser(lender: WorkflowServer) -> None:
    found = logged_in(lender, "ann")
    with httpx.Client() as another:
        assert another.get(found.url).status_code == 401
        sent = found.request.headers["cookie"]
        assert COOKIE in sent
        assert another.get(found.url, headers={"cookie": sent}).status_code == 401


def test_passwords_of_ours_are_switched_off_where_only_the_provider_vouches(lender: WorkflowServer) -> None:
    answer = lender.nobody().asked(
        "POST", "/v1/login", {"person_id": "ann", "password": real.PASSWORD}, status=401
    )
    assert answer.json()["advice"] == f"GET {OUT_PATH}"


def says_who_he_is(sitting: Sitting, name: str) -> None:
    """Press the console's button, and fill in Keycloak's form."""
    sitting.page.click("main a.button")
    sitting.page.fill("input[name=username]", name)
    sitting.page.fill("input[name=password]", real.PASSWORD)
    sitting.page.click("[type=submit]")
    sitting.page.wait_for_url(lambda url: url.startswith(f"{sitting.address}/console/"))


def test_person_comes_from_keycloak_to_the_page_he_asked_for_and_logs_out(
    lender: WorkflowServer, keycloak: real.Keycloak, chromium: Any
) -> None:
    with sitting(chromium, lender, None, provider=keycloak.address) as ann:
        ann.goes("/console/cases?tier=2")
        assert ann.page.query_selector("input[name=password]") is None  # only the provider logs in
        ann.looks("login-provider-en-light")
        says_who_he_is(ann, "ann")
        assert ann.page.url == f"{lender.address}/console/cases?tier=2"
        assert ann.page.inner_text(".who").split() == ["ann", "Risk", "officer"]
        cookies = {each["name"]: each for each in ann.page.context.cookies(f"{lender.address}/console")}
        for name in (SESSION_COOKIE, PROVIDER_COOKIE):
            assert (cookies[name]["path"], cookies[name]["httpOnly"], cookies[name]["sameSite"]) == (
                "/console", True, "Lax")  # fmt: skip
        left = {each["name"] for each in ann.page.context.cookies(lender.address + BACK_PATH)}
        assert left.isdisjoint((COOKIE, THEN_COOKIE, SESSION_COOKIE))
        token = cookies[SESSION_COOKIE]["value"]
        ann.follows("button:has-text('Log out')")
        assert "At the company's login you still are" in ann.text()
        ann.looks("logged-out-provider-en-light")
        again = lender.nobody()
        again.client.headers["authorization"] = f"Bearer {token}"
        again.asked("GET", "/v1/me", status=401)
        ann.follows("main >> text=Log out there as well")
        ann.follows("[type=submit]")  # Keycloak asks whether he means it
        ann.goes("/console/login/oidc")
        assert ann.page.query_selector("input[name=username]") is not None  # and asks who he is again


def test_person_without_a_role_is_told_so_at_the_console_in_his_language(
    lender: WorkflowServer, keycloak: real.Keycloak, chromium: Any
) -> None:
    with sitting(chromium, lender, None, "zh", provider=keycloak.address) as carl:
        carl.goes("/console/login?then=/console/cases")
        says_who_he_is(carl, "carl")
        assert "您的账户在此没有角色，请在登录系统中申请。" in carl.text()
        assert "公司登录会话仍然有效" in carl.text()
        assert urlsplit(carl.page.url).path == "/console/login"
        carl.looks("no-role-provider-zh-light")
        assert SESSION_COOKIE not in {each["name"] for each in carl.page.context.cookies()}
        carl.said.clear()  # the browser itself notes that the page's status was 403


@pytest.fixture
def provider() -> Iterator[SigningProvider]:
    with signing_provider() as found:
        yield found


@pytest.fixture
def server(provider: SigningProvider, tmp_path: Path) -> Iterator[WorkflowServer]:
    mapped = Mapped({"risk": frozenset({OFFICER})}, "groups", "preferred_username", None)
    logins = OidcLogins(Provider(Client(provider.issuer, CLIENT, SECRET, BACK)), mapped)
    with workflow_server(f"sqlite:///{tmp_path}/store.db", tmp_path, oidc=logins) as found:
        yield found


def test_cookie_of_a_login_is_for_the_server_alone_and_gone_afterwards(
    server: WorkflowServer, provider: SigningProvider
) -> None:
    with httpx.Client(base_url=server.address) as browser:
        out = browser.get(OUT_PATH)
        cookie = out.headers["set-cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", f"Path={OUT_PATH}", "Max-Age=600"))
        back = browser.get(BACK_PATH, params=provider.logged_in(out.headers["location"]))
        assert back.status_code == 200, back.text
        assert "Max-Age=0" in back.headers["set-cookie"]
        provider.said = {"groups": []}
        out = browser.get(OUT_PATH)
        refused = browser.get(BACK_PATH, params=provider.logged_in(out.headers["location"]))
        assert (refused.status_code, refused.json()["rule"]) == (403, "no_role")
        assert "Max-Age=0" in refused.headers["set-cookie"]


def out_of_the_console(browser: httpx.Client, then: str) -> httpx.Response:
    return browser.get("/console/login/oidc", params={"then": then})


WAYS = (
    ("/console/cases?tier=2", "/console/cases?tier=2"),
    ("/console/accounts/账户", "/console/accounts/%E8%B4%A6%E6%88%B7"),
    ("https://elsewhere.test/console", "/console/home"),
    ("//elsewhere.test/console", "/console/home"),
    ("/console/../\\elsewhere.test", "/console/home"),
    ("/v1/people", "/console/home"),
    ("/console/" + "a" * 4_000, "/console/home"),
    ("", "/console/home"),
)
"""What somebody asks to go on to, and where he comes to."""


def test_way_back_leads_to_the_console_and_nowhere_else(
    server: WorkflowServer, provider: SigningProvider
) -> None:
    for then, place in WAYS:
        with httpx.Client(base_url=server.address) as browser:
            out = out_of_the_console(browser, then)
            cookies = out.headers.get_list("set-cookie")
            assert [cookie.partition("=")[0] for cookie in cookies] == [COOKIE, THEN_COOKIE]
            for cookie in cookies:
                assert all(
                    part in cookie for part in ("HttpOnly", "SameSite=lax", f"Path={OUT_PATH}", "Max-Age=600")
                )
            back = browser.get(BACK_PATH, params=provider.logged_in(out.headers["location"]))
            assert (back.status_code, back.headers["location"]) == (303, place)
            assert back.content == b""  # the token is in the cookie alone
            assert browser.get("/console/me").status_code == 200


def test_place_that_somebody_else_laid_into_the_browser_is_not_gone_on_to(
    server: WorkflowServer, provider: SigningProvider
) -> None:
    with httpx.Client(base_url=server.address) as browser:
        out = browser.get(OUT_PATH)
        browser.cookies.set(THEN_COOKIE, "https%3A//elsewhere.test/", path=OUT_PATH)
        back = browser.get(BACK_PATH, params=provider.logged_in(out.headers["location"]))
        assert back.headers["location"] == "/console/home"


def test_login_of_another_browser_ends_in_no_session_and_in_words(
    server: WorkflowServer, provider: SigningProvider
) -> None:
    with httpx.Client(base_url=server.address) as thief, httpx.Client(base_url=server.address) as victim:
        stolen = provider.logged_in(out_of_the_console(thief, "/console").headers["location"])
        out_of_the_console(victim, "/console/cases")
        back = victim.get(BACK_PATH, params=stolen)
        assert back.headers["location"] == "/console/login?refused=over&then=%2Fconsole%2Fcases"
        assert SESSION_COOKIE not in victim.cookies
        page = victim.get(back.headers["location"])
        assert (page.status_code, "was not begun in this browser" in page.text) == (401, False)
        english = victim.get(back.headers["location"], headers={"accept-language": "en"})
        assert "was not begun in this browser" in english.text
        assert "you still are" not in english.text


def test_refusals_at_the_console_are_said_in_words_of_ours(
    server: WorkflowServer, provider: SigningProvider
) -> None:
    with httpx.Client(base_url=server.address, headers={"accept-language": "en"}) as browser:
        provider.said = {"nonce": "another"}
        back = browser.get(
            BACK_PATH, params=provider.logged_in(out_of_the_console(browser, "").headers["location"])
        )
        page = browser.get(back.headers["location"])
        assert (page.status_code, "does not answer as it should" in page.text) == (502, True)
        made_up = browser.get("/console/login", params={"refused": "<b>call this number</b>"})
        assert (made_up.status_code, "call this number" in made_up.text) == (200, False)


def test_way_out_of_the_api_ends_at_the_api_after_one_of_the_console_that_came_to_no_end(
    server: WorkflowServer, provider: SigningProvider
) -> None:
    with httpx.Client(base_url=server.address) as browser:
        out_of_the_console(browser, "/console/cases")
        out = browser.get(OUT_PATH)
        back = browser.get(BACK_PATH, params=provider.logged_in(out.headers["location"]))
        assert (back.status_code, "token" in back.json()) == (200, True)


def test_cookies_are_for_tls_alone_where_people_come_back_by_tls(
    provider: SigningProvider, tmp_path: Path
) -> None:
    client = Client(provider.issuer, CLIENT, SECRET, "https://limits.lender.test" + BACK_PATH)
    mapped = Mapped({"risk": frozenset({OFFICER})}, "groups", "preferred_username", None)
    logins = OidcLogins(Provider(client), mapped)
    provider.back = client.redirect_url
    with (
        workflow_server(f"sqlite:///{tmp_path}/store.db", tmp_path, oidc=logins) as server,
        httpx.Client(base_url=server.address) as browser,
    ):
        out = out_of_the_console(browser, "/console/me")
        cookies = out.headers.get_list("set-cookie")
        assert all("Secure" in cookie for cookie in cookies)
        sent = {"cookie": "; ".join(cookie.partition(";")[0] for cookie in cookies)}
        back = browser.get(BACK_PATH, params=provider.logged_in(out.headers["location"]), headers=sent)
        begun = [each for each in back.headers.get_list("set-cookie") if "Path=/console" in each]
        assert [each.partition("=")[0] for each in begun] == [SESSION_COOKIE, PROVIDER_COOKIE]
        assert all("Secure" in each and "HttpOnly" in each for each in begun)


def test_failure_of_the_provider_is_told_as_its_own_and_stands_in_the_audit(
    server: WorkflowServer, provider: SigningProvider
) -> None:
    nobody = server.nobody()
    out = nobody.client.get(OUT_PATH)
    provider.said = {"nonce": "another"}
    nobody.asked("GET", BACK_PATH, params=provider.logged_in(out.headers["location"]), status=502)
    inspector = server.person("ivy", COMPLIANCE)
    acts = [each["act"] for each in inspector.get("/v1/audit")["items"]]
    assert "login.fail" in acts


def test_every_route_but_logins_has_a_rule_where_there_is_a_provider(server: WorkflowServer) -> None:
    free = {
        path
        for path, operations in server.document["paths"].items()
        for operation in operations.values()
        if "security" not in operation
    }
    assert free - OPEN_PATHS == OPEN_PATHS_OIDC


def test_address_that_fails_again_and_again_is_kept_out_whatever_name_it_tries(
    server: WorkflowServer,
) -> None:
    ann, nobody = server.person("ann", OFFICER), server.nobody()
    known = ann.get("/v1/me")
    statuses: list[int] = []

    def tried(number: int) -> None:
        given = {"person_id": f"name-{number}", "password": "not the password"}
        statuses.append(nobody.client.post("/v1/login", json=given).status_code)

    threads = [threading.Thread(target=tried, args=(number,)) for number in range(FAILURES_MAX + 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(401), statuses.count(429)) == (FAILURES_MAX, 10)
    refused = nobody.asked("POST", "/v1/login", {"person_id": "ann", "password": PASSWORD}, status=429)
    assert int(refused.headers["retry-after"]) > 60
    nobody.asked("GET", BACK_PATH, params={"state": "x", "code": "x"}, status=429)
    assert ann.get("/v1/me") == known  # who is in stays in
    server.clock.forward(int(refused.headers["retry-after"]) * 1_000_000)
    assert server.logged_in("ann")
