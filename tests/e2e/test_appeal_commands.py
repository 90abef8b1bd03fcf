"""An appeal's way at the command line: written down for a customer, evidence, a question, the answer, the counts."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from limitkeeper.connectors.sealing import KEY_VARIABLE
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.cli.main import application
from limitkeeper.store.case_tables import cases
from limitkeeper.store.sql import Store
from tests.appealed_decisions import decided, in_effect, ledger_line, staffed
from tests.unit.connectors.test_evidence import pdf
from tests.vaults import MASTER_KEY_TEXT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(KEY_VARIABLE, MASTER_KEY_TEXT)
    monkeypatch.setattr("tests.appealed_decisions.NOW_US", time.time_ns() // 1_000)
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    found = Store(f"sqlite:///{folder}/limitkeeper.db")
    found.take({})
    staffed(found)
    decided(found)
    yield found
    found.close()


def invoke(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(application, ["appeal", *arguments, "--data", str(folder)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def submitted(folder: Path) -> str:
    text = invoke(folder, "submit", "--account", "a", "--text", "I paid.", "--as", "cem", "--json")
    return str(json.loads(text)["appeal_id"])


def test_appeal_with_a_pdf_is_granted_by_another_officer_and_counted(store: Store, folder: Path) -> None:
    appeal_id, file = submitted(folder), folder / "receipt.exe"
    file.write_bytes(pdf())
    evidence_id = invoke(folder, "evidence", appeal_id, "--add", str(file), "--as", "cem").strip()
    (waiting,) = json.loads(invoke(folder, "list", "--tier", "2", "--as", "bob", "--json"))
    assert (waiting["appeal_id"], waiting["state"]) == (appeal_id, "submitted")
    assert "submi" in invoke(folder, "list", "--as", "bob")
    with pytest.raises(RefusedError, match="had a part"):
        invoke(folder, "claim", appeal_id, "--as", "ann")
    invoke(folder, "claim", appeal_id, "--as", "bob")
    copy = folder / "copy.pdf"
    invoke(folder, "evidence", appeal_id, "--read", evidence_id, "--to", str(copy), "--as", "bob")
    assert copy.read_bytes() == pdf()
    invoke(folder, "ask", appeal_id, "--words", "Which bill?", "--as", "bob")
    invoke(folder, "answer", appeal_id, "--words", "That of May.", "--as", "cem")
    right = folder / "right.json"
    right.write_text(json.dumps([{"kind": "flag_withdrawn", "ts": "2026-11-01T00:00:00Z"}]))
    words = ("--words", "It was paid.", "--correct", str(right), "--as", "bob")
    answer = invoke(folder, "decide", appeal_id, "granted", *words, "--json")
    (case,) = store.rows(sa.select(cases).where(cases.c.kind == "appeal"))
    assert json.loads(answer)["new_case_id"] == case["case_id"]
    in_effect(store, time.time_ns() // 1_000 + 40 * 86_400_000_000)
    assert ledger_line(store).limit_cents == 1_000_000
    told = json.loads(invoke(folder, "show", appeal_id, "--as", "bob", "--json"))
    assert [each["act"] for each in told["acts"]] == ["submit", "evidence", "claim", "ask", "answer", "grant"]
    assert (told["acts"][4]["words"], told["evidence"][0]["kind"]) == ("That of May.", "pdf")
    assert "Which bill?" in invoke(folder, "show", appeal_id, "--as", "bob")
    counts = json.loads(invoke(folder, "stats", "--as", "bob", "--json"))
    assert (counts["all"]["granted"], counts["by_rule"][0]["rule"]) == (1, "late_repeatedly")
    assert "100%" in invoke(folder, "stats", "--as", "bob")
    assert "No appeal waits." in invoke(folder, "list", "--as", "bob")


def test_appeal_goes_up_and_is_brought_once_more(store: Store, folder: Path) -> None:
    appeal_id = submitted(folder)
    invoke(folder, "claim", appeal_id, "--as", "bob")
    invoke(folder, "send-up", appeal_id, "--words", "A question of policy.", "--as", "bob")
    invoke(folder, "claim", appeal_id, "--as", "eva")
    invoke(
        folder, "decide", appeal_id, "partly", "--limit", "700000", "--words", "Some of it.", "--as", "eva"
    )
    again = json.loads(invoke(folder, "again", appeal_id, "--words", "All of it.", "--as", "cem", "--json"))
    assert (again["instance"], again["tier"], again["granted_limit_cents"]) == (2, 3, 700_000)
    assert store.rows(sa.select(cases).where(cases.c.kind == "appeal"))


@pytest.mark.usefixtures("store")
def test_only_the_customer_withdraws(folder: Path) -> None:
    appeal_id = submitted(folder)
    with pytest.raises(ForbiddenError):
        invoke(folder, "withdraw", appeal_id, "--as", "bob")


@pytest.mark.parametrize(
    "arguments",
    [
        ("decide", "APPEAL", "grantd", "--words", "x"),
        ("decide", "APPEAL", "granted", "--words", "x", "--correct", "nowhere.json"),
        ("evidence", "APPEAL"),
        ("evidence", "APPEAL", "--add", "nowhere.pdf"),
    ],
)
def test_what_cannot_be_read_is_told(store: Store, folder: Path, arguments: tuple[str, ...]) -> None:
    appeal_id = submitted(folder)
    with pytest.raises(InputError):
        invoke(folder, *(each.replace("APPEAL", appeal_id) for each in arguments), "--as", "bob")
    assert not store.rows(sa.select(cases).where(cases.c.kind == "appeal"))
