"""The committee's seats by HTTP, at the command line and in the console: what waits, who settles it, who cannot."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from limitkeeper.core.access.actors import COMMITTEE, OFFICER
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.shells.cli.main import application
from limitkeeper.store.sql import Store
from tests.console_forms import Browser
from tests.consoles import sitting
from tests.workflow_server import Person, WorkflowServer, workflow_server

FIRST = (("max", "mia"), ("mia", "max"), ("mia", "moe"))
"""Who gives whom the first seats."""


@pytest.fixture
def server(store_url: str, tmp_path: Path) -> Iterator[WorkflowServer]:
    """Three members and three more who may ask; an officer."""
    with workflow_server(store_url, tmp_path) as found:
        people = {name: found.person(name, COMMITTEE) for name in ("mia", "max", "moe", "pal")}
        found.person("ann", OFFICER)
        for giver, name in FIRST:
            assert seat(people[giver], name)["pending"] is None
        yield found


def seat(giver: Person, name: str) -> Any:
    return giver.post("/v1/mandates", {"person_id": name, "tier": 3})


def test_seat_that_waits_says_who_asked_and_who_may_confirm_it_and_is_confirmed_once(
    server: WorkflowServer,
) -> None:
    mia, max_, pal, ann = (server.session(name) for name in ("mia", "max", "pal", "ann"))
    asked = seat(mia, "pal")
    assert (asked["pending"], asked["asked_by"], asked["may_confirm"]) == ("begin", "mia", ["max", "moe"])
    [listed] = ann.get("/v1/mandates", params={"is_pending": True})["items"]
    assert listed == asked
    assert asked not in ann.get("/v1/mandates", params={"is_pending": False})["items"]
    path = f"/v1/mandates/{asked['mandate_id']}"
    for who in (mia, pal, ann):
        refused = who.asked("POST", f"{path}/confirm", status=409).json()
        assert (refused["rule"], bool(refused["detail_zh"])) == ("second_member", True)
    once = {"Idempotency-Key": "once"}
    first, again = (max_.asked("POST", f"{path}/confirm", headers=once).json() for _ in range(2))
    assert first == again
    assert (first["pending"], first["asked_by"], first["may_confirm"], first["version"]) == (
        None,
        None,
        [],
        2,
    )
    gone = max_.asked("POST", f"{path}/confirm", status=409).json()
    assert "second member" in gone["detail"]
    max_.asked("POST", "/v1/mandates/nothing/confirm", status=404)
    max_.asked("POST", f"{path}/approve", status=422)


def test_end_of_a_seat_is_taken_back_and_an_absence_is_declined(server: WorkflowServer) -> None:
    mia, max_ = server.session("mia"), server.session("max")
    [seat_of_moe] = [each for each in mia.get("/v1/mandates")["items"] if each["person_id"] == "moe"]
    path = f"/v1/mandates/{seat_of_moe['mandate_id']}"
    assert mia.post(f"{path}/end")["pending"] == "end"
    max_.asked("POST", f"{path}/end", status=409)
    assert mia.post(f"{path}/decline")["pending"] is None
    away = mia.post("/v1/absences", {"person_id": "moe", "deputy_id": "pal", "days": 3})
    assert (away["pending"], away["may_confirm"]) == ("begin", ["max"])
    assert [away] == mia.get("/v1/absences", params={"is_pending": True})["items"]
    server.session("moe").asked("POST", f"/v1/absences/{away['absence_id']}/confirm", status=409)
    assert max_.post(f"/v1/absences/{away['absence_id']}/decline")["to_at"]
    assert mia.get("/v1/absences")["items"] == []
    assert server.person("ivy", "compliance").get("/v1/audit/verify")["holds"]


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(application, ["mandate", *arguments, "--data", str(folder)])
    if result.exception:
        raise result.exception
    return result.stdout


def test_seat_and_absence_wait_at_the_command_line_until_a_second_member_settles_them(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/limitkeeper.db").close()

    def listed() -> dict[str, Any]:
        return {each["person"]: each for each in json.loads(run(tmp_path, "list", "--json"))}

    for giver, name in FIRST:
        assert f"{name} decides" in run(tmp_path, "give", name, "--tier", "3", "--as", giver)
    said = run(tmp_path, "give", "pal", "--tier", "3", "--as", "mia")
    mandate_id = listed()["pal"]["mandate_id"]
    assert f"limitkeeper mandate confirm {mandate_id}" in " ".join(said.split())
    assert (listed()["pal"]["pending"], listed()["pal"]["asked_by"]) == ("begin", "mia")
    with pytest.raises(RefusedError, match="neither asked"):
        run(tmp_path, "confirm", mandate_id, "--as", "mia")
    run(tmp_path, "confirm", mandate_id, "--as", "max")
    assert listed()["pal"]["pending"] is None
    assert "waits" in run(tmp_path, "end", mandate_id, "--as", "moe")
    run(tmp_path, "decline", mandate_id, "--as", "mia")
    for settle, deputy in (("decline-absence", None), ("confirm-absence", "ann")):
        assert "waits" in run(tmp_path, "absent", "pal", "ann", "--as", "mia")
        away = listed()["pal"]["pending_absence"]
        assert (away["deputy_id"], away["asked_by"]) == ("ann", "mia")
        assert listed()["pal"]["deputy"] is None
        assert "to begin" not in run(tmp_path, "list")
        run(tmp_path, settle, away["absence_id"], "--as", "max")
        assert listed()["pal"]["deputy"] == deputy


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    """The same three members, and what waits: a seat, the end of one, an absence."""
    folder = tmp_path_factory.mktemp("seats")
    with workflow_server(f"sqlite:///{folder}/store.db", folder) as found:
        people = {name: found.person(name, COMMITTEE) for name in ("mia", "max", "moe", "pal")}
        found.person("ann", OFFICER)
        for giver, name in FIRST:
            seat(people[giver], name)
        yield found


def test_page_tells_each_what_waits_and_lets_only_a_second_member_settle_it(console: WorkflowServer) -> None:
    at = {name: Browser(console, name) for name in ("mia", "max", "moe", "pal", "ann")}
    given = {"person_id": "pal", "tier:integer": "3", "cut_cents_max:cents?": "", "exposure_cents_max:cents?": "",
             "days:number?": ""}  # fmt: skip
    path = "/console/mandates"
    at["mia"].sent(at["mia"].page(path), "/v1/mandates", **given)
    page = at["mia"].page(path)
    assert "It waits for a second member" in page, "and not that it is in force"
    [asked] = console.session("mia").get("/v1/mandates", params={"is_pending": True})["items"]
    confirm, decline = (f"/v1/mandates/{asked['mandate_id']}/{act}" for act in ("confirm", "decline"))
    for name, why in (("mia", "You asked for it"), ("pal", "It concerns you"), ("ann", "you have no seat")):
        page = at[name].page(path)
        assert "Waiting for a second member" in page
        assert why in page
        assert confirm not in page
        assert (decline in page) == (name == "mia"), "who asked takes it back"
        assert page.count('<th scope="row" data-name="Person">pal</th>') == 1, "not among those in force"
    at["max"].sent(at["max"].page(path), confirm)
    page = at["max"].page(path)
    assert "Waiting for a second member" not in page
    assert '<th scope="row" data-name="Person">pal</th>' in page
    at["mia"].sent(at["mia"].page(path), f"/v1/mandates/{asked['mandate_id']}/end")
    assert "It waits for a second member" in at["mia"].page(path)
    at["mia"].sent(at["mia"].page(path), decline)


def test_what_waits_is_read_and_settled_in_a_browser_in_both_languages(
    console: WorkflowServer, chromium: Any
) -> None:
    mia = console.session("mia")
    seat(mia, "tom")
    mia.post("/v1/absences", {"person_id": "moe", "deputy_id": "pal", "days": 3})
    seats = {each["person_id"]: each["mandate_id"] for each in mia.get("/v1/mandates")["items"]}
    mia.post(f"/v1/mandates/{seats['moe']}/end")
    with sitting(chromium, console, "mia", "zh") as found:
        found.goes("/console/mandates")
        assert "等待另一名委员确认" in found.text()
        assert "由您提出" in found.text()
        found.looks("mandates-waiting-zh")
    with sitting(chromium, console, "max", "en", theme="dark") as found:
        found.goes("/console/mandates")
        assert found.page.get_by_role("button", name="Confirm", exact=True).count() == 3
        found.looks("mandates-waiting-en")
        for left in (2, 1, 0):
            with found.page.expect_navigation():
                found.page.get_by_role("button", name="Confirm", exact=True).first.click()
            assert found.page.get_by_role("button", name="Confirm", exact=True).count() == left
    waiting = [
        mia.get(path, params={"is_pending": True})["items"] for path in ("/v1/mandates", "/v1/absences")
    ]
    assert waiting == [[], []]
    assert "moe" not in {each["person_id"] for each in mia.get("/v1/mandates")["items"]}
