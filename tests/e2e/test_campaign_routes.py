"""A campaign by the real server: its impact looked at, proposed by a table, split, approved, worked off, cancelled."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, OFFICER, STRATEGIST
from limitkeeper.shells.api.campaigns import UPLOADED_ROWS_MAX
from tests.simulated_accounts import campaign_rows
from tests.workflow_server import Person, WorkflowServer, awaited, workflow_server

CAMPAIGNS = "/v1/campaigns"
NAMED = {"name": "autumn", "reasons": "product_change"}
CSV, PARQUET = {"content-type": "text/csv"}, {"content-type": "application/vnd.apache.parquet"}


@pytest.fixture
def server(store_url: str, tmp_path: Path) -> Iterator[WorkflowServer]:
    with workflow_server(store_url, tmp_path) as found:
        yield found


@pytest.fixture
def sue(server: WorkflowServer) -> Person:
    return server.person("sue", STRATEGIST)


def parquet(frame: pl.DataFrame) -> bytes:
    found = io.BytesIO()
    frame.write_parquet(found)
    return found.getvalue()


def propose(person: Person, body: bytes, headers: dict[str, str], status: int = 201, **more: Any) -> Any:
    answer = person.client.post(CAMPAIGNS, content=body, params=NAMED | more, headers=headers)
    assert (answer.status_code, person.faults("post", CAMPAIGNS, answer)) == (status, []), answer.text
    return answer.json()


def count(person: Person) -> int:
    return len(person.get(CAMPAIGNS)["items"])


def test_campaign_goes_from_a_table_by_way_of_a_split_to_planned_changes(
    server: WorkflowServer, sue: Person
) -> None:
    frame = pl.concat([campaign_rows(6), campaign_rows(1)])
    dry = propose(sue, parquet(frame), PARQUET, 200, dry_run=True)
    assert (dry["campaign_id"], count(sue)) == (None, 0)
    assert dry["left_out"] == [
        {"row": 7, "account_id": "a00000", "kind": "refused", "reason": "account_repeated"}
    ]
    rows = frame.to_dicts()
    same = [
        propose(sue, *each, 200, dry_run=True)
        for each in (
            (frame.write_csv().encode(), CSV),
            (json.dumps(rows).encode(), {"content-type": "application/json"}),
        )
    ]
    assert same == [dry, dry]

    key = {"idempotency-key": "autumn"}
    first, again = (propose(sue, parquet(frame), PARQUET | key) for _ in range(2))
    assert first == again == dry | {"campaign_id": first["campaign_id"]}
    path = f"{CAMPAIGNS}/{first['campaign_id']}"
    seen = sue.asked("GET", path)
    found = seen.json()
    assert (found["state"], found["items"], found["impact"]) == ("open", 6, dry["impact"])

    parting = {"where": "segment = gold"}
    for headers, status in (({}, 428), ({"if-match": '"9"'}, 412)):
        sue.asked("POST", f"{path}/split", parting, status=status, headers=headers)
    match = {"if-match": seen.headers["etag"]}
    for body in ({}, parting | {"accounts": ["a00000"]}, {"where": "colour = red"}):
        sue.asked("POST", f"{path}/split", body, status=422, headers=match)
    sue.asked("POST", f"{path}/split", {"accounts": ["nobody"]}, status=409, headers=match)
    gold, plain = sue.post(f"{path}/split", parting, headers=match)["parts"]
    sue.asked("POST", f"{path}/split", parting, status=409, headers=match)
    parts = {each: sue.get(f"{CAMPAIGNS}/{each}") for each in (gold, plain)}
    assert [each["impact"]["accounts"] for each in parts.values()] == [3, 3]
    assert sum(each["impact"]["cut_cents"] for each in parts.values()) == dry["impact"]["cut_cents"]
    more = propose(sue, campaign_rows(8)[6:].write_csv().encode(), CSV, 200, dry_run=True)
    assert sorted(more["beside"].pop("with")) == sorted(parts)
    assert more["beside"] == {
        "campaigns": 2, "accounts": 8,
        "exposure_cents": more["impact"]["exposure_cents"] + dry["impact"]["exposure_cents"],
    }  # fmt: skip

    ann, chief = server.person("ann", OFFICER), server.person("chief", COMMITTEE)
    chief.post("/v1/mandates", {"person_id": "ann", "tier": 2})
    ann.acted(gold, "claim")
    ann.acted(gold, "approve", "good")
    awaited(lambda: ann.get(f"{CAMPAIGNS}/{gold}")["state"] == "planned")
    assert ann.get(f"{CAMPAIGNS}/{gold}")["planned"] == 3

    cancelled = ann.post(f"{CAMPAIGNS}/{plain}/cancel", {"why": "The board said no."})
    assert (cancelled["state"], cancelled["cancel_why"]) == ("cancelled", "The board said no.")
    ann.asked("POST", f"{CAMPAIGNS}/{plain}/cancel", {"why": "Again."}, status=409)
    ann.post(f"{CAMPAIGNS}/{gold}/cancel", {"why": "The board said no."})
    awaited(lambda: ann.get(f"{CAMPAIGNS}/{gold}")["state"] == "cancelled")
    assert ann.get(f"{CAMPAIGNS}/{gold}")["cancelled"] == 3
    ivy, cursor, names = server.person("ivy", COMPLIANCE), None, []
    while cursor or not names:
        page = ivy.get(CAMPAIGNS, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        names += [(each["name"], each["state"]) for each in page["items"]]
        cursor = page["next"]
    assert sorted(names) == [("autumn", "split"), ("autumn (1)", "cancelled"), ("autumn (2)", "cancelled")]


def test_account_that_a_csv_writes_with_zeros_before_it_stays_that_account(sue: Person) -> None:
    rows = b"account_id,limit_before_cents,limit_after_cents,segment\n0012,100,50,07\n12,100,60,7\n"
    impact = propose(sue, rows, CSV, 200, dry_run=True)["impact"]
    assert [(each["account_id"], each["limit_after_cents"]) for each in impact["largest"]] == [
        ("0012", 50), ("12", 60),
    ]  # fmt: skip
    assert {each["name"] for each in impact["by_segment"]} == {"07", "7"}


def test_body_that_is_no_table_of_a_campaign_is_refused_and_changes_nothing(sue: Person) -> None:
    one = "account_id,limit_before_cents,limit_after_cents{}\na,100,50{}\n"
    too_long = b"account_id\n" + b"a\n" * (UPLOADED_ROWS_MAX + 1)
    for body, headers in (
        (b"", CSV), (b"{broken", {"content-type": "application/json"}), (b"PAR1", PARQUET), (b"x", {}),
        (b'[{"account_id": "a", "colour": 1}]', {"content-type": "application/json"}),
        (b"limit_after_cents\n5\n", CSV), (too_long, CSV),
        (parquet(pl.DataFrame({"account_id": ["a"], "limit_after_cents": [[1]]})), PARQUET),
        (parquet(pl.DataFrame({"account_id": ["a"], "rule": ["r"], "trace": ["[1]"]})), PARQUET),
        (parquet(pl.DataFrame({"account_id": ["a"], "reason_codes": ["late"]})), PARQUET),
    ):  # fmt: skip
        propose(sue, body, headers, 422)
    propose(sue, one.format("", "").encode(), CSV, 422, reasons="no_such_reason")
    propose(sue, one.format("", "").encode(), CSV, 422, effective="soon")
    propose(sue, one.format("", "").encode(), CSV, 422, effective="9999-12-31T23:59:59Z")
    propose(sue, b"account_id,limit_after_cents\na,50\n", CSV, 409)  # nobody knows the limit before
    propose(sue, one.format(",decision_id", ",d-1").encode(), CSV, 409)  # no strategy is live that decided so
    texts = {"segment": "x" * 201, "trigger": "a\0b", "customer_id": "y" * 201}
    for name, text in texts.items():
        row = {"account_id": "a", "limit_before_cents": 100, "limit_after_cents": 50, name: text}
        found = propose(
            sue, json.dumps([row]).encode(), {"content-type": "application/json"}, 200, dry_run=True
        )
        assert found["left_out"][0]["reason"] == "text_too_long"
    assert count(sue) == 0
