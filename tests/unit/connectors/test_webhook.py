import base64
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from limitkeeper.connectors.webhook import DeliveryError, Webhook, checked_url, secret_bytes
from limitkeeper.core.kernel.errors import InputError
from tests.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found
        found.shutdown()


def test_message_is_verified_by_another_library(receiver: Receiver) -> None:
    body = '{"type": "alert.opened", "data": {"说": "明"}}'.encode()
    with closing(Webhook(receiver.url, secret_bytes(SECRET))) as webhook:
        webhook.send("m-1", int(time.time()), body)
    headers, taken = receiver.taken[0]
    assert Verifier(SECRET).verify(taken, headers)["type"] == "alert.opened"


def test_changed_message_is_not_verified(receiver: Receiver) -> None:
    with closing(Webhook(receiver.url, secret_bytes(SECRET))) as webhook:
        webhook.send("m-1", int(time.time()), b'{"limit": 1}')
    headers, _ = receiver.taken[0]
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(b'{"limit": 2}', headers)


@pytest.mark.parametrize("status", [301, 400, 410, 500])
def test_answer_that_is_no_success_is_a_failed_delivery(receiver: Receiver, status: int) -> None:
    receiver.statuses.append(status)
    with pytest.raises(DeliveryError), closing(Webhook(receiver.url, secret_bytes(SECRET))) as webhook:
        webhook.send("m-1", 1, b"{}")


def test_endpoint_that_is_away_is_a_failed_delivery() -> None:
    with pytest.raises(DeliveryError, match="cannot be reached"):
        Webhook("http://127.0.0.1:9/hook", secret_bytes(SECRET)).send("m-1", 1, b"{}")


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_c2hvcnQ=", "not base64 at all!"])
def test_weak_secret_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="secret"):
        secret_bytes(text)


@pytest.mark.parametrize("url", ["example.org/hook", "ftp://example.org", "http://"])
def test_url_that_is_no_endpoint_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="URL"):
        checked_url(url)


def test_secret_is_not_shown() -> None:
    assert "secret" not in repr(Webhook("https://example.org", b"x" * 32))
