import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

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
    webhook = Webhook("http://127.0.0.1:9/hook", secret_bytes(SECRET))
    with closing(webhook), pytest.raises(DeliveryError, match="cannot be reached"):
        webhook.send("m-1", 1, b"{}")


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"]
)
def test_endpoint_that_answers_byte_by_byte_is_left_in_time(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limitkeeper.connectors.webhook.SEND_SECONDS", 0.5)
    is_over = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(answer)
            while not is_over.wait(0.05):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        slow = threading.Thread(target=drip, args=(listening,))
        slow.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
        guard = threading.Timer(
            30, is_over.set
        )  # without a bound the answer would end here, and be no failure
        guard.start()
        webhook = Webhook(url, secret_bytes(SECRET))
        with closing(webhook), pytest.raises(DeliveryError, match="TimeoutError"):
            webhook.send("m-1", 1, b"{}")
        is_over.set()
        guard.cancel()
        slow.join()


def test_answer_without_an_end_is_not_read_to_it(receiver: Receiver) -> None:
    receiver.content = b"x" * 3_000_000
    receiver.statuses += [200, 500]
    with closing(Webhook(receiver.url, secret_bytes(SECRET))) as webhook:
        webhook.send("m-1", 1, b"{}")
        with pytest.raises(DeliveryError, match="refused"):
            webhook.send("m-2", 1, b"{}")


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
