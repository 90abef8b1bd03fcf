"""Letters by SMS gateways and webhooks, on real HTTP servers; secrets stay in the environment."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from limitkeeper.connectors.channels import CHANNELS_MAX, channels_from_file
from limitkeeper.connectors.gateway import gateway
from limitkeeper.connectors.letters import Letter, LetterError, LetterRefusedError
from limitkeeper.core.kernel.errors import InputError
from tests.receiver import Receiver

PHONE = "+8613900000000"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.shutdown()
    found.server_close()


def letter(address: str = PHONE) -> Letter:
    return Letter("ab" * 32, address, "Your credit line **** 1 is paused", "Whole\n\ntext", "<p>", "Short 短")


def channel_file(folder: Path, text: str) -> Path:
    path = folder / "channels.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_sms_goes_to_the_gateway_in_its_short_form(receiver: Receiver, tmp_path: Path) -> None:
    receiver.statuses, receiver.content = [200, 200], b'{"result": {"message_id": 1, "status": "ok"}}'
    url = f"smseagle://token@127.0.0.1:{receiver.server_port}/{{address}}"
    channels = channels_from_file(channel_file(tmp_path, "sms: {apprise_env: SMS}"), {"SMS": url})
    channels["sms"](letter())
    receiver.content = b'{"result": {"message_id": 1, "status": "error"}}'
    with pytest.raises(LetterError):
        channels["sms"](letter())
    (_, body), *_ = receiver.taken
    sent = json.loads(body)["params"]
    assert (sent["to"], sent["message"], sent["access_token"]) == (PHONE, "Short 短", "token")


def test_webhook_gets_the_whole_text_the_address_and_the_same_id_each_time(receiver: Receiver) -> None:
    url = f"json://127.0.0.1:{receiver.server_port}/notices?:to={{address}}&+X-Letter={{letter_id}}"
    channel = gateway(url, is_short=False, is_phone=False)
    for _ in range(2):
        channel.send(letter())
    assert [headers["x-letter"] for headers, _ in receiver.taken] == ["ab" * 32] * 2
    sent = json.loads(receiver.taken[0][1])
    assert (sent["title"], sent["message"], sent["to"]) == (letter().subject, "Whole\n\ntext", PHONE)


@pytest.mark.parametrize(
    "address",
    ["a/../b?c=d&:message=x#e", "名 字@x", "{letter_id}", "a'b\"c;d,e", "http://evil.test/"],
)
def test_address_changes_nothing_but_itself(receiver: Receiver, address: str) -> None:
    url = f"json://127.0.0.1:{receiver.server_port}/notices?:to={{address}}&+X-Letter={{letter_id}}"
    gateway(url, is_short=False, is_phone=False).send(letter(address))
    (headers, body), *others = receiver.taken
    sent = json.loads(body)
    assert not others
    assert (headers["x-letter"], sent["message"], sent["to"]) == ("ab" * 32, "Whole\n\ntext", address)


@pytest.mark.parametrize("address", ["", "a%2Fb", "a\nb", "a" * 255])
def test_address_that_cannot_be_written_into_a_url_is_refused_for_good(address: str) -> None:
    with pytest.raises(LetterRefusedError):
        gateway("json://127.0.0.1:1?:to={address}", is_short=False, is_phone=False).send(letter(address))


@pytest.mark.parametrize("status", [500, 404, 302])
def test_endpoint_that_does_not_take_it_is_asked_again_later(receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    channel = gateway(
        f"json://127.0.0.1:{receiver.server_port}?:to={{address}}", is_short=False, is_phone=False
    )
    with pytest.raises(LetterError) as found:
        channel.send(letter())
    assert not isinstance(found.value, LetterRefusedError)
    channel.send(letter())


def test_endpoint_that_is_away_is_asked_again_later_and_no_line_names_the_address(
    capfd: pytest.CaptureFixture[str],
) -> None:
    channel = gateway("smseagle://token@127.0.0.1:1/{address}", is_short=True, is_phone=True)
    with pytest.raises(LetterError) as found:
        channel.send(letter())
    assert PHONE[1:] not in f"{found.value}{channel}{letter()}{capfd.readouterr()}"


@pytest.mark.parametrize("address", ["", "123", "kim@mail.test", "+49 151", "+49,+50", "1" * 16])
def test_address_that_is_no_phone_number_is_refused_for_good(address: str) -> None:
    channel = gateway("smseagle://token@127.0.0.1:1/{address}", is_short=True, is_phone=True)
    with pytest.raises(LetterRefusedError):
        channel.send(letter(address))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("json://host/secret", "where the address goes"),
        ("json://{address}/secret", "does not choose the host"),
        ("nothing://secret/{address}", "cannot be used"),
        ("secret {address}", "cannot be used"),
    ],
)
def test_url_that_does_not_hold_is_refused_at_the_start_and_not_told(
    tmp_path: Path, url: str, problem: str
) -> None:
    with pytest.raises(InputError, match=problem) as found:
        channels_from_file(channel_file(tmp_path, "crm: {apprise_env: CRM}"), {"CRM": url})
    assert "secret" not in str(found.value)
    assert "CRM" in str(found.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names none"),
        ("[mail]", "names none"),
        ("a: [", "cannot be read"),
        ("\n".join(f"c{number}: {{}}" for number in range(CHANNELS_MAX + 1)), "too many"),
        ("mail: smtp://x", "not complete"),
        ("mail: {smtp_env: A, apprise_env: B}", "not complete"),
        ("a-name-of-seventeen: {apprise_env: CRM}", "not complete"),
        ("crm: {apprise_env: CRM, adress: phone}", "Did you mean 'address'"),
        ("crm: {apprise_env: CRM, text: long}", "unknown text"),
        ("crm: {apprise_env: AWAY}", "not in the environment.*AWAY"),
        ("mail: {smtp_env: CRM}", "mail server's URL"),
    ],
)
def test_file_that_does_not_hold_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        channels_from_file(channel_file(tmp_path, text), {"CRM": "json://host?:to={address}"})


def test_mail_stands_in_the_file_too(tmp_path: Path) -> None:
    url = "smtp://mail.lender.test?from=credit@lender.test"
    assert list(channels_from_file(channel_file(tmp_path, "mail: {smtp_env: M}"), {"M": url})) == ["mail"]
