"""People and keys at the command line: the first operator, roles, and who may act then."""

import base64
import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from limitkeeper.app.oidc_login import SECRET_VARIABLE
from limitkeeper.app.people import FAILURES_MAX, LoginError, key_actor, session_of
from limitkeeper.connectors.sealing import KEY_VARIABLE
from limitkeeper.core.access.actors import COMMITTEE, OFFICER, OPERATOR, SYSTEM
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError
from limitkeeper.shells.cli.main import application
from limitkeeper.shells.serving import workflow_of
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work

PASSWORD = "correct horse battery"  # noqa: S105 - of a person that is none
OTHER = "another long password"


def run(folder: Path, *arguments: str, typed: str = "", code: int = 0) -> str:
    result = CliRunner().invoke(application, [*arguments, "--data", str(folder)], input=typed)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def shown(folder: Path, *arguments: str, typed: str = "") -> list | dict:
    result = CliRunner().invoke(application, [*arguments, "--json", "--data", str(folder)], input=typed)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def is_in(folder: Path, person: str, password: str) -> bool:
    store = Store(f"sqlite:///{folder}/limitkeeper.db")
    try:
        return session_of(store, person, password, time.time_ns() // 1_000) is not None
    finally:
        store.close()


@pytest.fixture
def staffed(tmp_path: Path) -> Path:
    """A store with an operator, an officer and a member of the committee."""
    run(tmp_path, "person", "add", "chief", "--first", typed=PASSWORD + "\n")
    for name, role in (("ann", OFFICER), ("mia", COMMITTEE)):
        run(tmp_path, "person", "add", name, "--role", role, "--as", "chief", typed=PASSWORD + "\n")
    return tmp_path


def test_first_person_is_an_operator_and_only_of_a_store_that_knows_nobody(tmp_path: Path) -> None:
    run(tmp_path, "person", "add", "chief", "--first", typed=PASSWORD + "\n")
    (chief,) = shown(tmp_path, "person", "list", "--as", "chief")
    assert (chief["roles"], chief["has_password"]) == ([OPERATOR], True)
    with pytest.raises(ForbiddenError):
        run(tmp_path, "person", "add", "eve", "--first", typed=PASSWORD + "\n")
    run(tmp_path, "person", "add", "eve", "--first", "--role", OFFICER, typed=PASSWORD + "\n", code=2)
    run(tmp_path, "person", "add", "eve", "--role", OFFICER, typed=PASSWORD + "\n", code=2)


def test_password_is_read_from_the_input_and_logs_in(staffed: Path) -> None:
    assert is_in(staffed, "ann", PASSWORD)
    run(staffed, "person", "password", "ann", "--as", "ann", typed=OTHER + "\n")
    assert not is_in(staffed, "ann", PASSWORD)
    assert is_in(staffed, "ann", OTHER)
    with pytest.raises(ForbiddenError):
        run(staffed, "person", "password", "mia", "--as", "ann", typed=OTHER + "\n")
    run(staffed, "person", "password", "mia", "--as", "chief", typed=OTHER + "\n")
    with pytest.raises(InputError, match="too short"):
        run(staffed, "person", "password", "ann", "--as", "ann")


def test_operator_makes_neither_himself_nor_one_person_everything(staffed: Path) -> None:
    with pytest.raises(ForbiddenError, match="himself"):
        run(staffed, "person", "roles", "chief", "--role", OPERATOR, "--as", "chief")
    for roles in ((OPERATOR, COMMITTEE), ("compliance", OFFICER), ("compliance", OPERATOR)):
        given = [part for role in roles for part in ("--role", role)]
        with pytest.raises(InputError, match="not one person's"):
            run(staffed, "person", "roles", "ann", *given, "--as", "chief")
    with pytest.raises(InputError, match="last operator"):
        run(staffed, "person", "end", "chief", "--as", "chief")
    for name in ("system", " ann", "a" * 201, "a\nb"):
        with pytest.raises(InputError, match="name"):
            run(staffed, "person", "add", name, "--role", OFFICER, "--as", "chief", typed=PASSWORD + "\n")


def test_name_is_trusted_only_while_the_store_knows_nobody(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/limitkeeper.db").close()
    told = run(tmp_path, "mandate", "give", "ann", "--tier", "2", "--as", "somebody")
    assert "knows nobody: somebody is trusted" in told
    run(tmp_path, "person", "add", "chief", "--first", typed=PASSWORD + "\n")
    with pytest.raises(LoginError, match="Nobody of that name"):
        run(tmp_path, "mandate", "give", "ann", "--tier", "2", "--as", "somebody")


def test_act_is_done_by_whose_roles_allow_it_and_by_nobody_else(
    staffed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, base64.b64encode(bytes(32)).decode())
    give = ("mandate", "give", "ann", "--tier", "2", "--as")
    for name in ("chief", "ann"):
        with pytest.raises(ForbiddenError, match="committee"):
            run(staffed, *give, name)
    assert "knows nobody" not in run(staffed, *give, "mia")
    with pytest.raises(ForbiddenError):
        run(staffed, "person", "add", "eve", "--role", OFFICER, "--as", "mia", typed=PASSWORD + "\n")
    with pytest.raises(LimitkeeperError, match="no such row in cases"):  # she may act, but there is no case
        run(staffed, "case", "claim", "none", "--as", "ann")
    run(staffed, "person", "roles", "ann", "--role", "strategist", "--as", "chief")
    with pytest.raises(ForbiddenError):
        run(staffed, "case", "claim", "none", "--as", "ann")
    run(staffed, "person", "end", "mia", "--as", "chief")
    with pytest.raises(LoginError):
        run(staffed, *give, "mia")
    listed = ("person", "list", "--as", "chief")
    assert [each["person_id"] for each in shown(staffed, *listed, "--ended")] == ["mia"]
    assert [each["person_id"] for each in shown(staffed, *listed, "--role", "strategist")] == ["ann"]


def test_locked_account_is_opened_by_an_operator(staffed: Path) -> None:
    for _ in range(FAILURES_MAX):
        assert not is_in(staffed, "ann", OTHER)
    assert [
        each["is_locked"] for each in shown(staffed, "person", "list", "--as", "chief", "--role", OFFICER)
    ] == [True]
    assert not is_in(staffed, "ann", PASSWORD)
    assert "yes" in run(staffed, "person", "list", "--as", "chief")
    run(staffed, "person", "unlock", "ann", "--as", "chief")
    assert is_in(staffed, "ann", PASSWORD)


def test_key_is_shown_once_and_ends(staffed: Path) -> None:
    made = shown(staffed, "key", "make", "core-bank", "--scope", "events.send", "--as", "chief")
    assert isinstance(made, dict)
    (kept,) = shown(staffed, "key", "list")
    assert (kept["service_id"], kept["scopes"], kept["ends_at"]) == (
        "core-bank", ["events.send"], made["ends_at"],
    )  # fmt: skip
    assert made["key"] not in json.dumps(kept)
    store = Store(f"sqlite:///{staffed}/limitkeeper.db")
    with work(store, SYSTEM, time.time_ns() // 1_000) as w:
        assert key_actor(w, made["key"]).scopes == {"events.send"}
    assert "core-bank" in run(staffed, "key", "list")
    with pytest.raises(ForbiddenError):
        run(staffed, "key", "end", "core-bank", "--as", "ann")
    assert "1 keys" in run(staffed, "key", "end", "core-bank", "--as", "chief")
    with pytest.raises(LoginError), work(store, SYSTEM, time.time_ns() // 1_000) as w:
        key_actor(w, made["key"])
    store.close()
    assert "No service has a key" in run(staffed, "key", "list")


def test_service_is_never_called_as_a_person_is(staffed: Path) -> None:
    with pytest.raises(InputError, match="a person is"):
        run(staffed, "key", "make", "ann", "--scope", "events.send", "--as", "chief")
    run(staffed, "key", "make", "robot", "--scope", "events.send", "--as", "chief")
    with pytest.raises(InputError, match="taken"):
        run(staffed, "person", "add", "robot", "--role", OFFICER, "--as", "chief", typed=PASSWORD + "\n")


def test_server_takes_the_provider_of_a_file_and_only_with_workflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "oidc.yaml"
    file.write_text("issuer: https://login.lender.test\nclient_id: limitkeeper\nroles: {risk: [officer]}\n"
                    "redirect_url: https://limits.lender.test/v1/login/oidc/callback\n")  # fmt: skip
    monkeypatch.setenv(KEY_VARIABLE, base64.b64encode(bytes(32)).decode())
    with pytest.raises(InputError, match=SECRET_VARIABLE):
        workflow_of(tmp_path, "CN", None, oidc=file)
    monkeypatch.setenv(SECRET_VARIABLE, "secret")
    found = workflow_of(tmp_path, "CN", None, oidc=file).oidc
    assert found
    assert found.mapped.roles == {"risk": {OFFICER}}
    assert "--workflow" in run(tmp_path, "serve", "--oidc", str(file), code=2)


def test_customer_is_added_with_his_id_and_no_password_where_another_vouches(staffed: Path) -> None:
    run(staffed, "person", "add", "kim", "--role", "customer", "--customer", "c-1", "--no-password",
        "--as", "chief")  # fmt: skip
    (kim,) = shown(staffed, "person", "list", "--as", "chief", "--role", "customer")
    assert (kim["customer_id"], kim["has_password"]) == ("c-1", False)
