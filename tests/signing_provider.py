"""A small provider of OpenID Connect on loopback that signs as it is told: also what no provider should."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "limitkeeper", "a secret/with:signs"
BACK = "http://127.0.0.1:1/v1/login/oidc/callback"


def new_key() -> RSAKey:
    return RSAKey.generate_key(2_048, {"kid": uuid.uuid4().hex, "use": "sig"})


@dataclass
class SigningProvider:
    """What it says, which a test may spoil.

    Parameters
    ----------
    said
        Laid over the claims of the next token; None takes a claim away.
    signs_with
        A key that it does not publish, where a test says so.
    algorithm
        HS256 and none are forged.
    """

    port: int = 0
    back: str = BACK
    key: RSAKey = field(default_factory=new_key)
    said: dict[str, Any] = field(default_factory=dict)
    signs_with: RSAKey | None = None
    algorithm: str = "RS256"
    asked: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    checks_verifier: bool = True
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/realm"

    def logged_in(self, url: str) -> dict[str, str]:
        """What a person comes back with whom we sent to a URL."""
        parts = urlsplit(url)
        assert parts.path == "/realm/authorize"
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, self.back)
        code = uuid.uuid4().hex
        self._codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if path.endswith("openid-configuration"):
            return 200, {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                "authorization_response_iss_parameter_supported": True, **self.metadata,
            }  # fmt: skip
        if path.endswith("/keys"):
            return 200, {"keys": [self.key.as_dict(private=False), {"kty": "of a later day", "kid": "x"}]}
        expected = base64.b64encode(b"limitkeeper:a%20secret%2Fwith%3Asigns").decode()
        asked = self._codes.pop(form["code"], None)
        if authorization != f"Basic {expected}" or asked is None:
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if self.checks_verifier and challenge.decode().rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "s-1", "aud": CLIENT, "iat": now, "exp": now + 60,
                  "nonce": asked["nonce"], "preferred_username": "ann", "groups": ["risk"]} | self.said  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.signs_with or self.key
        header = {"alg": self.algorithm, "kid": self.key.kid}
        token = jwt.encode(header, claims, key) if self.algorithm == "RS256" else self._forged(header, claims)
        return 200, {"id_token": token, "access_token": "a", "token_type": "Bearer"}

    def _forged(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """A token without a signature, or with one by the public key as if it were a shared secret."""
        parts = [
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)
        ]
        signed = b".".join(parts)
        mac = hmac.digest(self.key.as_pem(private=False), signed, "sha256")
        end = base64.urlsafe_b64encode(mac).rstrip(b"=") if self.algorithm == "HS256" else b""
        return b".".join((signed, end)).decode()


@contextlib.contextmanager
def signing_provider() -> Iterator[SigningProvider]:
    """A provider that answers until the end of the block."""
    provider = SigningProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._told({}, "")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._told(form, self.headers.get("authorization", ""))

        def _told(self, form: dict[str, str], authorization: str) -> None:
            status, document = provider.answer(self.path, form, authorization)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield provider
        finally:
            server.shutdown()
