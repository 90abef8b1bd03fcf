"""A provider of OpenID Connect: where people log in, and what its signed tokens say of them."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, Key, KeySet

from limitkeeper.core.kernel.errors import InputError, LimitkeeperError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that are taken: only those whose key is not shared with us."""

ASK_SECONDS = 10.0
ANSWER_BYTES_MAX = 1_000_000
"""The largest document that is read of a provider."""

KNOWN_SECONDS = 3_600.0
"""For so long what a provider says of itself is not asked again."""

NEW_KEY_SECONDS = 10.0
"""A key that is not known is looked for at most so often: providers change theirs without notice."""

LEEWAY_SECONDS = 60
"""That two clocks may differ by."""


class ProviderError(LimitkeeperError):
    """A provider that does not answer, or whose answer does not hold."""


@dataclass(frozen=True, slots=True)
class Client:
    """What a provider knows us as.

    Parameters
    ----------
    issuer
        The provider, ``https://...``; http only on this machine.
    client_id, client_secret
        What it registered for us.
    redirect_url
        Where it sends people back to.
    scopes
        Asked for; ``openid`` among them.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_url: str
    scopes: tuple[str, ...] = ("openid",)

    def __post_init__(self) -> None:
        for url in (self.issuer, self.redirect_url):
            checked_url(url)
        if "openid" not in self.scopes:
            raise InputError("A login asks for openid.", value=", ".join(self.scopes), allowed="openid, ...")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one login is known by: random, each used for one thing.

    Parameters
    ----------
    state
        Comes back with the person.
    nonce
        Comes back within the signed token.
    verifier
        Proves that the code was asked for by us (PKCE).
    """

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def checked_url(url: str) -> str:
    """A URL whose content nobody on the way can read or change.

    Raises
    ------
    InputError
        When it is none.

    Examples
    --------
    >>> checked_url("https://login.lender.test/realms/lender")
    'https://login.lender.test/realms/lender'
    """
    parts = urlsplit(url)
    near = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or parts.scheme not in (("http", "https") if near else ("https",)):
        raise InputError(
            "The URL cannot be used for logins.",
            value=url,
            allowed="https://HOST/PATH; http only on this machine",
        )
    return url


@dataclass
class Provider:
    """A provider of OpenID Connect, found by its discovery document; what it says is kept for a while.

    Parameters
    ----------
    client
        What it knows us as.
    """

    client: Client
    _http: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=ASK_SECONDS, follow_redirects=False), repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _metadata: tuple[float, Mapping[str, Any]] | None = None
    _keys: tuple[float, KeySet] | None = None

    def close(self) -> None:
        """Give its connections back."""
        self._http.close()

    def authorization_url(self, secrets: Secrets) -> str:
        """Where a person is sent to log in.

        Raises
        ------
        ProviderError
            When the provider does not answer, or not as it should.
        """
        return str(
            prepare_grant_uri(
                self._endpoint("authorization_endpoint"),
                client_id=self.client.client_id,
                response_type="code",
                redirect_uri=self.client.redirect_url,
                scope=" ".join(self.client.scopes),
                state=secrets.state,
                nonce=secrets.nonce,
                code_challenge=create_s256_code_challenge(secrets.verifier),
                code_challenge_method="S256",
            )
        )

    def check_issuer(self, issuer: str | None) -> None:
        """Check that an answer came from this provider and no other that we might be confused with.

        Parameters
        ----------
        issuer
            ``iss`` of the answer, as of RFC 9207; None where it has none.

        Raises
        ------
        ProviderError
            When it is another's, or missing although the provider promises it.
        """
        promised = self.metadata().get("authorization_response_iss_parameter_supported", False)
        if issuer != self.client.issuer and (issuer is not None or promised):
            raise ProviderError(
                "The answer is of another provider.", value=issuer, allowed=self.client.issuer
            )

    def claims(self, code: str, secrets: Secrets, now_s: int) -> Mapping[str, Any]:
        """What the provider's signed token says of the person who has a code.

        Parameters
        ----------
        code
            As it came back with the person; the provider takes it once.
        secrets
            Of this login.
        now_s
            The clock, UTC seconds.

        Raises
        ------
        ProviderError
            When the provider does not take the code, or its token does not hold: signature, issuer, audience,
            time, nonce.
        """
        token = self._token(code, secrets.verifier)
        try:
            signed = jwt.decode(str(token.get("id_token", "")), self._key_of, algorithms=list(ALGORITHMS))
            options = {
                "iss": {"essential": True, "value": self.client.issuer},
                "aud": {"essential": True, "value": self.client.client_id},
                "nonce": {"essential": True, "value": secrets.nonce},
            }
            known = {"client_id": self.client.client_id, "nonce": secrets.nonce,
                     "access_token": token.get("access_token")}  # fmt: skip
            found = CodeIDToken(signed.claims, signed.header, options, known)
            found.validate(now_s, LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise ProviderError(f"The provider's token does not hold: {error}.") from error
        if not isinstance(found["sub"], str) or not found["sub"]:
            raise ProviderError("The provider's token is nobody's.")
        return dict(found)

    def metadata(self) -> Mapping[str, Any]:
        """What the provider says of itself.

        Raises
        ------
        ProviderError
            When it does not answer, or says that it is another.
        """
        with self._lock:
            if self._metadata is None or time.monotonic() - self._metadata[0] > KNOWN_SECONDS:
                url = get_well_known_url(self.client.issuer, external=True)
                found = OpenIDProviderMetadata(self._document("GET", url))
                if found.get("issuer") != self.client.issuer:
                    raise ProviderError(
                        "The provider says that it is another.", value=found.get("issuer"), allowed=self.client.issuer
                    )  # fmt: skip
                self._metadata = (time.monotonic(), found)
            return self._metadata[1]

    def end_session_url(self) -> str | None:
        """Where a person ends his session at the provider (OpenID Connect RP-Initiated Logout 1.0).

        None where it says nowhere, or nobody has logged in since we started: it is not asked for this.
        """
        said = self._metadata[1].get("end_session_endpoint") if self._metadata else None
        if not isinstance(said, str):
            return None
        return str(add_params_to_uri(checked_url(said), [("client_id", self.client.client_id)]))

    def _endpoint(self, name: str) -> str:
        url = self.metadata().get(name)
        if not isinstance(url, str):
            raise ProviderError("The provider does not say where it is done.", value=name)
        return checked_url(url)

    def _token(self, code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_url,
            "code_verifier": verifier,
        }
        ways = self.metadata().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        name, secret = self.client.client_id, self.client.client_secret
        if "client_secret_basic" in ways:
            pair = (quote(name, safe=""), quote(secret, safe=""))  # RFC 6749, section 2.3.1
            return self._document("POST", self._endpoint("token_endpoint"), data=form, auth=pair)
        form |= {"client_id": name, "client_secret": secret}
        return self._document("POST", self._endpoint("token_endpoint"), data=form)

    def _key_of(self, signature: GuestProtocol) -> Key:
        """The key that a token says it is signed with; asked for again where it is a new one."""
        kid = signature.headers().get("kid")
        where = self._endpoint("jwks_uri")
        with self._lock:
            held = self._keys
            age = float("inf") if held is None else time.monotonic() - held[0]
            is_new = held is not None and kid not in {key.kid for key in held[1]}
            if held is None or age > KNOWN_SECONDS or (is_new and age > NEW_KEY_SECONDS):
                held = (time.monotonic(), KeySet.import_key_set(self._document("GET", where)))  # type: ignore[arg-type]
                self._keys = held
            return held[1].get_by_kid(kid)

    def _document(self, method: str, url: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own
        """A JSON object of the provider, read within bounds."""
        try:
            with self._http.stream(method, url, headers={"accept": "application/json"}, **given) as answer:
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > ANSWER_BYTES_MAX:
                        raise ProviderError("The provider's answer is too large.", value=url)
        except httpx.HTTPError as error:
            raise ProviderError(
                f"The provider cannot be reached: {type(error).__name__}.", value=url
            ) from error
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not answer.is_success or not isinstance(found, dict):
            why = found.get("error") if isinstance(found, dict) else None
            raise ProviderError(
                f"The provider answered {answer.status_code}: {why or 'no reason'}.", value=url
            )
        return found
