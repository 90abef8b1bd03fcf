"""Messages to a webhook, signed as Standard Webhooks says, so that any of its libraries can verify them."""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from limitkeeper.core.kernel.errors import InputError, LimitkeeperError

SEND_SECONDS = 10.0
"""A whole post, from the look-up of the name to the end of the answer."""

ANSWER_BYTES_MAX = 65_536
"""Of an answer, which nobody reads; a connection with more of it is not used again."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of a secret, not one
SECRET_BYTES_MIN = 24


class DeliveryError(LimitkeeperError):
    """A message that was not taken."""


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` of a message: ``v1,`` and base64 of HMAC-SHA256 of ``id.timestamp.body``.

    Source
    ------
    Standard Webhooks 1.0.0, section "Signature scheme".

    Examples
    --------
    >>> signature(b"secret", "m-1", 1674087231, b"{}")
    'v1,1LC3TxcWbO1JlkbYNUNqpUr9zzF806YDPd+uBeBeCF4='
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def secret_bytes(text: str) -> bytes:
    """The key behind a secret as Standard Webhooks writes it: ``whsec_`` and base64 of 24 to 64 bytes.

    Raises
    ------
    InputError
        When it is none.
    """
    advice = "Make one: echo whsec_$(head -c 32 /dev/urandom | base64)"
    try:
        key = base64.b64decode(text.strip().removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise InputError("The webhook's secret is no base64.", advice=advice) from error
    if len(key) < SECRET_BYTES_MIN:
        raise InputError(
            "The webhook's secret is too short.",
            value=f"{len(key)} bytes",
            allowed=f"{SECRET_BYTES_MIN} or more",
            advice=advice,
        )
    return key


def checked_url(url: str) -> str:
    """The URL of a webhook.

    Raises
    ------
    InputError
        When it is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("The webhook's URL cannot be used.", value=url, allowed="https://HOST/PATH")
    return url


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint of somebody else's, and the key that it knows us by; used by one thread at a time."""

    url: str
    secret: bytes = field(repr=False)
    _runner: asyncio.Runner = field(default_factory=asyncio.Runner, repr=False, init=False)
    _client: httpx.AsyncClient = field(
        default_factory=lambda: httpx.AsyncClient(timeout=SEND_SECONDS), repr=False, init=False
    )

    def close(self) -> None:
        """Give its connections back."""
        self._runner.run(self._client.aclose())
        self._runner.close()

    def send(self, message_id: str, timestamp: int, body: bytes) -> None:
        """Send a message; the same id again where it is sent again.

        Raises
        ------
        DeliveryError
            When the endpoint does not answer 2xx.
        """
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.secret, message_id, timestamp, body),
        }
        try:
            status = self._runner.run(self._post(body, headers))
        except (httpx.HTTPError, TimeoutError) as error:
            raise DeliveryError(f"The webhook cannot be reached: {type(error).__name__}.") from error
        if not httpx.codes.is_success(status):
            raise DeliveryError("The webhook refused the message.", value=status, allowed="2xx")

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer; each step has a bound of the client's, but only together do they have this one."""
        async with (
            asyncio.timeout(SEND_SECONDS),
            self._client.stream("POST", self.url, content=body, headers=headers) as answer,
        ):
            read = 0
            async for part in answer.aiter_raw():
                read += len(part)
                if read > ANSWER_BYTES_MAX:
                    break
            return answer.status_code
