"""Logins by a provider, on every store: whom it vouches for, and every way to get in that there must not be."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from limitkeeper.app.oidc_login import (
    LOGIN_SECONDS,
    SECRET_VARIABLE,
    Login,
    Mapped,
    OidcLogins,
    oidc_from_file,
)
from limitkeeper.app.people import LoginError, key_made, person_added, person_ended, roles_set, session_actor
from limitkeeper.app.verification import evidence_verified
from limitkeeper.connectors import oidc
from limitkeeper.connectors.oidc import ANSWER_BYTES_MAX, Client, Provider, ProviderError
from limitkeeper.core.access.actors import COMMITTEE, CUSTOMER, OFFICER, OPERATOR, SYSTEM, Actor
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.store.audit_tables import audit_events
from limitkeeper.store.people_tables import people
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.signing_provider import BACK, CLIENT, SECRET, SigningProvider, new_key, signing_provider

MAPPED = Mapped(
    {"risk": frozenset({OFFICER}), "board": frozenset({COMMITTEE}), "it": frozenset({OPERATOR})},
    "groups", "preferred_username", "ids.customer",
)  # fmt: skip


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    yield found
    found.close()


@pytest.fixture
def provider() -> Iterator[SigningProvider]:
    with signing_provider() as found:
        yield found


@pytest.fixture
def logins(provider: SigningProvider) -> Iterator[OidcLogins]:
    with closing(Provider(Client(provider.issuer, CLIENT, SECRET, BACK))) as asked:
        yield OidcLogins(asked, MAPPED)


def now_us() -> int:
    return time.time_ns() // 1_000


def login(logins: OidcLogins, provider: SigningProvider, store: Store, **said: Any) -> Login:
    provider.said = said
    url, kept = logins.begun(now_us())
    return logins.finished(store, provider.logged_in(url), kept, now_us())


def actor(store: Store, found: Login) -> Actor:
    assert found.token, found.refusal
    with work(store, SYSTEM, now_us()) as w:
        return session_actor(w, found.token)


def acts(store: Store) -> list[str]:
    return [row["act"] for row in store.rows(sa.select(audit_events).order_by(audit_events.c.number))]


def test_person_is_made_at_the_first_login_and_follows_the_provider_at_each(
    logins: OidcLogins, provider: SigningProvider, store: Store
) -> None:
    first = login(logins, provider, store, groups=["risk", "choir", 7])
    assert actor(store, first) == Actor("ann", frozenset({OFFICER}))
    second = login(logins, provider, store, groups=["board"], preferred_username="renamed")
    assert actor(store, second) == Actor("ann", frozenset({COMMITTEE}))
    assert actor(store, first).roles == {COMMITTEE}
    (row,) = store.rows(sa.select(people))
    assert row["password_hash"] is None
    assert acts(store) == ["person.add", "person.link", "person.roles", "login", "person.roles", "login"]
    assert evidence_verified(store).faults == []


def test_customer_is_who_the_provider_says(
    logins: OidcLogins, provider: SigningProvider, store: Store
) -> None:
    found = login(
        logins, provider, store, sub="s-2", preferred_username="kim", groups=None, ids={"customer": "c-1"}
    )
    assert actor(store, found) == Actor("kim", frozenset({CUSTOMER}), "c-1")
    both = login(logins, provider, store, sub="s-2", groups=["risk"], ids={"customer": "c-1"})
    assert both == Login(None, "clash")
    assert evidence_verified(store).faults == [], "he was none of those inside for a moment"


def test_person_without_a_role_is_refused_and_loses_his_sessions(
    logins: OidcLogins, provider: SigningProvider, store: Store
) -> None:
    first = login(logins, provider, store)
    actor(store, first)
    for groups in (None, [], ["choir"], "choir", {"risk": 1}):
        assert login(logins, provider, store, groups=groups) == Login(None, "no_role")
    with pytest.raises(LoginError):
        actor(store, first)
    assert login(logins, provider, store, groups=["it", "board"]) == Login(None, "clash")
    assert actor(store, login(logins, provider, store, groups="risk")).roles == {OFFICER}
    assert acts(store).count("login.refuse") == 6


def test_person_who_was_ended_here_stays_out(
    logins: OidcLogins, provider: SigningProvider, store: Store
) -> None:
    actor(store, login(logins, provider, store))
    with work(store, SYSTEM, now_us()) as w:
        person_ended(w, "ann")
    assert login(logins, provider, store) == Login(None, "ended")


def test_nobody_takes_over_the_name_of_another(
    logins: OidcLogins, provider: SigningProvider, store: Store
) -> None:
    with work(store, SYSTEM, now_us()) as w:
        person_added(w, "chief", [OPERATOR], "correct horse battery")
        person_added(w, "bob", [OFFICER])
        key_made(w, "robot", ["events.send"], 1)
    actor(store, login(logins, provider, store))
    for name in ("ann", "chief", "robot", "system", " x", "a" * 201, 7, None):
        assert login(logins, provider, store, sub="s-9", preferred_username=name) == Login(None, "name")
    invited = login(logins, provider, store, sub="s-8", preferred_username="bob", groups=["board"])
    assert actor(store, invited) == Actor("bob", frozenset({COMMITTEE}))
    assert login(logins, provider, store, sub="s-7", preferred_username="bob") == Login(None, "name")


@pytest.mark.parametrize(
    "said",
    [{"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"aud": None}, {"aud": [CLIENT, "another"]},
     {"aud": [CLIENT, "another"], "azp": "another"}, {"iss": "http://127.0.0.1/other"}, {"iss": None},
     {"exp": 1}, {"exp": None}, {"iat": None}, {"nbf": 32_503_680_000}, {"sub": None}, {"sub": ""}, {"sub": 5},
     {"at_hash": "another"}],
    ids=str,
)  # fmt: skip
def test_token_that_does_not_hold_lets_nobody_in(
    logins: OidcLogins, provider: SigningProvider, store: Store, said: dict[str, Any]
) -> None:
    with pytest.raises(ProviderError):
        login(logins, provider, store, **said)
    assert store.rows(sa.select(people)) == []


def test_token_with_another_signature_lets_nobody_in(
    logins: OidcLogins, provider: SigningProvider, store: Store
) -> None:
    provider.signs_with = new_key()
    with pytest.raises(ProviderError, match="bad_signature"):
        login(logins, provider, store)
    provider.signs_with = None
    for algorithm in ("HS256", "none"):
        provider.algorithm = algorithm
        with pytest.raises(ProviderError, match=algorithm):
            login(logins, provider, store)
    provider.algorithm = "RS256"
    assert login(logins, provider, store).token


def test_new_key_of_the_provider_is_found_and_an_unknown_one_is_not_asked_for_again_and_again(
    logins: OidcLogins, provider: SigningProvider, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor(store, login(logins, provider, store))
    provider.key = new_key()
    with pytest.raises(ProviderError):  # too soon after the last look
        login(logins, provider, store)
    monkeypatch.setattr(oidc, "NEW_KEY_SECONDS", -1.0)
    actor(store, login(logins, provider, store))
    monkeypatch.undo()
    provider.key = new_key()
    asked = provider.asked.count("/realm/keys")
    for _ in range(3):
        with pytest.raises(ProviderError):
            login(logins, provider, store)
    assert provider.asked.count("/realm/keys") == asked
    assert len([path for path in provider.asked if path.endswith("configuration")]) == 1


def test_login_comes_back_once_in_time_and_in_the_browser_that_began_it(
    logins: OidcLogins, provider: SigningProvider, store: Store
) -> None:
    url, kept = logins.begun(now_us())
    returned = provider.logged_in(url)
    other_url, other = logins.begun(now_us())
    late = now_us() + (LOGIN_SECONDS + 1) * 1_000_000
    elsewhere = OidcLogins(logins.provider, MAPPED).begun(now_us())[1]
    for browser, when in (
        (None, now_us()),
        ("", now_us()),
        (other, now_us()),
        (elsewhere, now_us()),
        (kept, late),
    ):
        with pytest.raises(LoginError):
            logins.finished(store, returned, browser, when)
    assert logins.finished(store, returned, kept, now_us()).token
    again = provider.logged_in(url)  # another code of the same login
    with pytest.raises(LoginError):
        logins.finished(store, again, kept, now_us())
    assert logins.finished(store, provider.logged_in(other_url), other, now_us()).token


def test_code_of_somebody_elses_login_is_of_no_use(
    logins: OidcLogins, provider: SigningProvider, store: Store
) -> None:
    url, kept = logins.begun(now_us())
    stolen_url, _ = logins.begun(now_us())
    stolen = provider.logged_in(stolen_url)
    injected = provider.logged_in(url) | {"code": stolen["code"]}
    with pytest.raises(ProviderError, match="invalid_grant"):  # its verifier is another
        logins.finished(store, injected, kept, now_us())
    provider.checks_verifier = False  # and where the provider forgets to look, its nonce is
    url, kept = logins.begun(now_us())
    stolen = provider.logged_in(stolen_url)
    with pytest.raises(ProviderError, match="nonce"):
        logins.finished(store, provider.logged_in(url) | {"code": stolen["code"]}, kept, now_us())


@pytest.mark.parametrize(
    ("change", "kind"),
    [({"iss": "https://evil.test"}, ProviderError), ({"iss": None}, ProviderError), ({"code": ""}, LoginError),
     ({"code": "x" * 5_000}, LoginError), ({"error": "access_denied"}, LoginError), ({"state": "x"}, LoginError),
     ({"state": "ü"}, LoginError)],
    ids=str,
)  # fmt: skip
def test_answer_of_another_or_none_lets_nobody_in(
    logins: OidcLogins, provider: SigningProvider, store: Store, change: dict[str, Any], kind: type[Exception]
) -> None:
    url, kept = logins.begun(now_us())
    returned = {
        name: value for name, value in (provider.logged_in(url) | change).items() if value is not None
    }
    with pytest.raises(kind):
        logins.finished(store, returned, kept, now_us())


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://evil.test"}, {"token_endpoint": None}, {"token_endpoint": "http://evil.test/token"},
     {"jwks_uri": "ftp://127.0.0.1/x"}, {"more": "x" * ANSWER_BYTES_MAX}],
    ids=lambda given: next(iter(given)),
)  # fmt: skip
def test_provider_that_says_what_cannot_be_lets_nobody_in(
    logins: OidcLogins, provider: SigningProvider, store: Store, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    with pytest.raises((ProviderError, InputError)):
        login(logins, provider, store)


def test_provider_that_is_away_is_told(store: Store) -> None:
    away = OidcLogins(Provider(Client("http://127.0.0.1:9/realm", CLIENT, SECRET, BACK)), MAPPED)
    with pytest.raises(ProviderError, match="cannot be reached"):
        away.begun(now_us())
    assert store.rows(sa.select(people)) == []


def test_operator_changes_roles_until_the_next_login(
    logins: OidcLogins, provider: SigningProvider, store: Store
) -> None:
    found = login(logins, provider, store)
    with work(store, SYSTEM, now_us()) as w:
        person_added(w, "chief", [OPERATOR])
        roles_set(w, "ann", [COMMITTEE])
    assert actor(store, found).roles == {COMMITTEE}
    assert actor(store, login(logins, provider, store)).roles == {OFFICER}


GOOD = f"""
issuer: https://login.lender.test/realms/lender
client_id: limitkeeper
redirect_url: {BACK}
roles: {{risk: [officer], board: [committee]}}
"""


@pytest.mark.parametrize(
    "text",
    [GOOD.replace("officer", "offizer"), GOOD.replace("officer", "customer"), GOOD.replace("officer", "service"),
     GOOD.replace("https://login", "http://login"), GOOD + "scopes: [profile]\n", GOOD + "rolls: x\n",
     GOOD.replace("roles:", "x:"), GOOD.replace("[officer]", "officer"), "[", "5"],
)  # fmt: skip
def test_file_that_does_not_hold_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "oidc.yaml"
    path.write_text(text)
    with pytest.raises(InputError):
        oidc_from_file(path, "secret")


def test_file_is_read_strictly_and_needs_the_secret_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "oidc.yaml"
    path.write_text(GOOD + "local_accounts: false\n")
    found = oidc_from_file(path, "secret")
    assert (found.local_accounts, found.mapped.roles["board"]) == (False, {COMMITTEE})
    assert "secret" not in repr(found)
    with pytest.raises(InputError, match=SECRET_VARIABLE):
        oidc_from_file(path, "")
    with pytest.raises(InputError):
        oidc_from_file(tmp_path / "none.yaml", "secret")
