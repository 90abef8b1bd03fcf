"""Logins by a provider through the real server: a real Keycloak, and one that misbehaves."""

import html
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from limitkeeper.app.login_attempts import FAILURES_MAX
from limitkeeper.app.oidc_login import Mapped, OidcLogins
from limitkeeper.connectors.oidc import Client, Provider
from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, OFFICER
from limitkeeper.shells.api.access import OPEN_PATHS
from limitkeeper.shells.api.login_oidc import BACK_PATH, COOKIE, OPEN_PATHS_OIDC, OUT_PATH
from tests.broker.kafka import free_ports
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
    logins = OidcLogins(Provider(client), MAPPED, local_accounts=False)
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
