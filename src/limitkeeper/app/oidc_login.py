"""Logins by a provider of OpenID Connect: a person comes back with a code, and has the roles that the provider says."""

import hashlib
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
import yaml
from cryptography.fernet import Fernet, InvalidToken

from limitkeeper.app.evidence import kept
from limitkeeper.app.mandates import authority_kept
from limitkeeper.app.people import LoginError, is_name, name_is_free, session_opened, sessions_ended
from limitkeeper.connectors.oidc import Client, Provider, Secrets
from limitkeeper.core.access.actors import CUSTOMER, SERVICE, STAFF_ROLES, SYSTEM
from limitkeeper.core.access.rights import clash
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError, did_you_mean
from limitkeeper.store.people_tables import identities, people
from limitkeeper.store.sql import Store
from limitkeeper.store.work import Work, work

SECRET_VARIABLE = "LIMITKEEPER_OIDC_SECRET"  # noqa: S105 - where it is, not what it is

LOGIN_SECONDS = 600
"""A login that has begun is over after so long."""

SPENT_MAX = 100_000
"""Logins that have come back and are remembered until they would be over, so that none comes back twice."""

GROUPS_MAX = 1_000
PARAMETER_LETTERS_MAX = 4_096

REFUSALS = {
    "no_role": (
        "Your account has no role here. Ask for one where you log in.",
        "您的账户在此没有角色，请在登录系统中申请。",
    ),
    "clash": (
        "Your account has roles that must be two people's.",
        "您的账户拥有必须由不同人员担任的角色。",
    ),
    "name": (
        "Your name cannot be used here, or is somebody else's.",
        "您的名称不可用，或已属于他人。",
    ),
    "ended": (
        "You are let in no more.",
        "您的访问权限已终止。",
    ),
}
"""Why somebody whom the provider knows is not let in, in English and Chinese."""


class OidcFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that says whom a provider's people are here."""

    issuer: str
    client_id: str
    redirect_url: str
    roles: dict[str, list[str]]
    scopes: tuple[str, ...] = ("openid",)
    roles_claim: str = "groups"
    person_claim: str = "preferred_username"
    customer_claim: str | None = None
    local_accounts: bool = True


@dataclass(frozen=True)
class Mapped:
    """Whom a provider's people are here.

    Parameters
    ----------
    roles
        Of each group; other groups give none.
    roles_claim, person_claim, customer_claim
        Where the token says groups, name, and the customer's id; a dot leads into an object. Without a customer's
        claim nobody is a customer.
    """

    roles: Mapping[str, frozenset[str]]
    roles_claim: str
    person_claim: str
    customer_claim: str | None

    def roles_of(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """The roles that a token's groups give, without those of a customer."""
        said = _claim(claims, self.roles_claim)
        groups = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        found = [self.roles.get(group) for group in groups[:GROUPS_MAX] if isinstance(group, str)]
        return frozenset().union(*(roles for roles in found if roles))

    def customer_of(self, claims: Mapping[str, Any]) -> str | None:
        """The customer's id that a token says, None where it says none."""
        said = _claim(claims, self.customer_claim) if self.customer_claim else None
        return said if isinstance(said, str) and said else None


class Login(NamedTuple):
    """A session's token, or why there is none, of :data:`REFUSALS`."""

    token: str | None
    refusal: str | None = None


@dataclass
class OidcLogins:
    """Logins by a provider, from the way out to the way back.

    What a login is known by lies sealed in the browser that began it, so that beginning one costs the server nothing,
    and another browser cannot end it.

    Parameters
    ----------
    provider
        Where people log in.
    mapped
        Whom they are here.
    local_accounts
        Whether passwords of ours still log in.
    """

    provider: Provider
    mapped: Mapped
    local_accounts: bool = True
    _seal: Fernet = field(default_factory=lambda: Fernet(Fernet.generate_key()), repr=False)
    _spent: OrderedDict[str, int] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def is_by_tls(self) -> bool:
        """Whether people come back to us by TLS, so that what their browsers keep goes by nothing else."""
        return self.provider.client.redirect_url.startswith("https:")

    def begun(self, now_us: int) -> tuple[str, str]:
        """Where a person is sent to log in, and what his browser keeps until he comes back.

        Raises
        ------
        ProviderError
            When the provider does not answer.
        """
        drawn = Secrets(*(secrets.token_urlsafe(32) for _ in range(3)))
        url = self.provider.authorization_url(drawn)
        kept = json.dumps([drawn.state, drawn.nonce, drawn.verifier]).encode()
        return url, self._seal.encrypt_at_time(kept, now_us // 1_000_000).decode()

    def finished(self, store: Store, returned: Mapping[str, str], kept: str | None, now_us: int) -> Login:
        """The session of a person who comes back.

        Parameters
        ----------
        store
            Of people and sessions.
        returned
            What the provider sent him back with: ``code`` and ``state``, ``iss`` where it says so, or ``error``.
        kept
            What his browser kept.
        now_us
            When, UTC microseconds.

        Raises
        ------
        LoginError
            When he did not begin it, it took too long, has come back before, or the provider refused him.
        ProviderError
            When the provider does not answer, or its token does not hold.
        """
        drawn = self._taken(returned.get("state", ""), kept, now_us // 1_000_000)
        try:
            claims = self._claims(returned, drawn, now_us // 1_000_000)
        except LimitkeeperError as error:
            with work(store, SYSTEM, now_us) as w:
                w.note("login.fail", "person:unknown", {"why": error.problem})
            raise
        with work(store, SYSTEM, now_us) as w:
            return vouched_session(w, self.provider.client.issuer, claims, self.mapped)

    def _claims(self, returned: Mapping[str, str], drawn: Secrets, now_s: int) -> Mapping[str, Any]:
        self.provider.check_issuer(returned.get("iss"))
        code = returned.get("code", "")
        if "error" in returned or not 0 < len(code) <= PARAMETER_LETTERS_MAX:
            raise LoginError("The provider let nobody in.", value=returned.get("error", "")[:100] or None,
                             advice="Log in again.")  # fmt: skip
        return self.provider.claims(code, drawn, now_s)

    def _taken(self, state: str, kept: str | None, now_s: int) -> Secrets:
        """What a login was begun with, once."""
        again = LoginError("The login is over, or was not begun here.", advice="Log in again.")
        try:
            opened = self._seal.decrypt_at_time((kept or "")[:PARAMETER_LETTERS_MAX], LOGIN_SECONDS, now_s)
        except InvalidToken as error:
            raise again from error
        drawn = Secrets(*json.loads(opened))
        with self._lock:
            if not secrets.compare_digest(drawn.state.encode(), state.encode()) or state in self._spent:
                raise again
            self._spent[state] = now_s
            while len(self._spent) > SPENT_MAX or next(iter(self._spent.values())) < now_s - LOGIN_SECONDS:
                self._spent.popitem(last=False)
        return drawn


def vouched_session(w: Work, issuer: str, claims: Mapping[str, Any], mapped: Mapped) -> Login:
    """The session of a person whom a provider vouches for; he is added or changed to what it says.

    It is told by its answer and not by an error, since what it takes away must be written.

    Parameters
    ----------
    w
        By the system.
    issuer
        The provider.
    claims
        Of its token: ``sub`` and what is mapped.
    mapped
        Whom its people are here.
    """
    roles, customer_id = mapped.roles_of(claims), mapped.customer_of(claims)
    if customer_id is not None:
        roles |= {CUSTOMER}
    identity = hashlib.sha256(f"{issuer}\n{claims['sub']}".encode()).hexdigest()
    known = w.row(sa.select(identities).where(identities.c.identity_hash == identity))
    person = (
        w.found(people, known["person_id"]) if known else _new_person(w, identity, issuer, claims, mapped)
    )
    if person is None:
        return _refused(w, "unknown", "name")
    refusal = "ended" if not person["is_active"] else None if roles else "no_role"
    refusal = refusal or ("clash" if clash(roles) else None)
    given = sorted(roles) if refusal is None else []
    before = json.loads(person["roles"])
    if given != before or customer_id != person["customer_id"]:
        changed = {"roles": json.dumps(given), "customer_id": customer_id}
        w.change(people, person["person_id"], person["version"], changed)
        authority_kept(w, person["person_id"], given)
        held = kept(("person", person | changed), was=[("person", person)])
        detail = {"roles": given, "before": before, "by": issuer} | held
        w.note("person.roles", f"person:{person['person_id']}", detail)
    if refusal is not None:
        sessions_ended(w, person["person_id"])
        return _refused(w, person["person_id"], refusal)
    return Login(session_opened(w, person["person_id"]))


def _new_person(
    w: Work, identity: str, issuer: str, claims: Mapping[str, Any], mapped: Mapped
) -> dict[str, Any] | None:
    """The person of a new identity, added by an operator without a password or new; None where the name is not his."""
    name = _claim(claims, mapped.person_claim)
    if not isinstance(name, str) or not is_name(name):
        return None
    taken = w.row(sa.select(people).where(people.c.person_id == name))
    linked = w.row(sa.select(identities.c.person_id).where(identities.c.person_id == name))
    if linked or (taken and taken["password_hash"] is not None) or not (taken or name_is_free(w, name)):
        return None
    if taken is None:
        row = {"person_id": name, "roles": "[]", "customer_id": None, "password_hash": None, "failures": 0,
               "locked_until_us": 0, "is_active": True, "version": 1}  # fmt: skip
        w.add(people, row)
        w.note("person.add", f"person:{name}", {"roles": [], "by": issuer} | kept(("person", row)))
    w.add(identities, {"identity_hash": identity, "issuer": issuer, "person_id": name, "version": 1})
    w.note("person.link", f"person:{name}", {"by": issuer})
    return w.found(people, name)


def _refused(w: Work, name: str, refusal: str) -> Login:
    w.note("login.refuse", f"person:{name}", {"why": refusal})
    return Login(None, refusal)


def _claim(claims: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - a provider may say anything
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return claims[path] if found is None and path in claims else found


def oidc_from_file(path: Path, client_secret: str) -> OidcLogins:
    """Logins as a file says.

    Parameters
    ----------
    path
        YAML: issuer, client, where people come back to, and roles of groups.
    client_secret
        From the environment.

    Raises
    ------
    InputError
        When the file cannot be read, something in it does not hold, or there is no secret.
    """
    try:
        said = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), OidcFile)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise InputError(f"The file of logins cannot be read: {error}.", value=path) from error
    if not client_secret:
        raise InputError("There is no secret of the client.", allowed=f"in {SECRET_VARIABLE}")
    for role in (role for roles in said.roles.values() for role in roles):
        if role not in STAFF_ROLES:
            advice = "A key makes a service, a claim a customer." if role in (SERVICE, CUSTOMER) else None
            raise InputError("There is no such role.", value=role, allowed=", ".join(STAFF_ROLES),
                             advice=advice or did_you_mean(role, STAFF_ROLES))  # fmt: skip
    client = Client(said.issuer, said.client_id, client_secret, said.redirect_url, said.scopes)
    mapped = Mapped({group: frozenset(roles) for group, roles in said.roles.items()}, said.roles_claim,
                    said.person_claim, said.customer_claim)  # fmt: skip
    return OidcLogins(Provider(client), mapped, said.local_accounts)
