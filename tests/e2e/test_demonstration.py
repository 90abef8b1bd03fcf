"""The demonstration as a newcomer finds it: a login a role, work that waits, a stream that goes on, an orderly end."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from structlog.testing import capture_logs

from limitkeeper.app.demo_bank import demo_bank
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.shells.console.session import SESSION_COOKIE, form_mark
from limitkeeper.shells.demonstration import PEOPLE
from limitkeeper.shells.visitors import CAMPAIGN_MAX, CUSTOMERS, PASSWORD, Unprepared, left_out_if_it_fails
from tests.workflow_server import awaited

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(required: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    required("shared_data")
    folder = tmp_path_factory.mktemp("demonstration")
    line = [sys.executable, "-m", "tests.e2e.served_demonstration", str(folder / "server")]
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            line,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    yield process.stdout.readline().strip().removesuffix("/console/")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    process.stdout.close()
    assert "Traceback" not in (folder / "log").read_text()


@contextmanager
def seated(address: str, name: str) -> Iterator[httpx.Client]:
    """Somebody who pressed his name on the start page."""
    given = {"person_id": name, "password": PASSWORD, "_mark": form_mark("")}
    english = {
        "limitkeeper_language": "en"
    }  # a customer's pages are in the language of his letters otherwise
    with httpx.Client(base_url=address, follow_redirects=True, cookies=english, timeout=60) as client:
        awaited(lambda: client.post("/console/login", data=given).status_code == 200)
        assert SESSION_COOKIE in client.cookies
        yield client


def test_start_page_shows_a_login_of_each_role_and_says_what_is_simulated(address: str) -> None:
    page = httpx.get(f"{address}/console/login", headers={"Accept-Language": "en"}).text
    for name in (*(name for name, _ in PEOPLE), CUSTOMERS[0]):
        assert f'value="{name}"' in page
    assert "Demonstration" in page
    assert "400 simulated lives" in page


def test_visitor_finds_work_an_appeal_a_campaign_and_a_customer_with_a_lowered_line(address: str) -> None:
    with seated(address, "ann") as ann:
        awaited(lambda: "Unused limits" in ann.get("/console/campaigns").text, 60.0)
        campaign = re.search(r"/console/campaigns/[0-9a-f]{32}", ann.get("/console/campaigns").text)
        assert campaign is not None
        assert "Against the whole portfolio" in ann.get(campaign.group()).text
        with seated(address, "sue") as sue:
            bearer = {"Authorization": f"Bearer {sue.cookies[SESSION_COOKIE]}"}
            path = campaign.group().replace("/console/", "/v1/")
            impact = httpx.get(f"{address}{path}", headers=bearer, timeout=60).json()["impact"]
        assert 10 <= impact["accounts"] <= CAMPAIGN_MAX
        assert impact["economic_profit_change_known"] == impact["accounts"]
        assert impact["raroc_before"] is not None
        assert "Question open" in ann.get("/console/cases").text
        assert "second instance" not in ann.get("/console/appeals").text
        assert ann.get("/console/appeals").text.count("/console/appeals/") == 1
    with seated(address, CUSTOMERS[0]) as kim:
        assert "My lines" in kim.get("/console/my").text
        assert "Planned:" in kim.get("/console/my").text


def test_what_the_past_proposed_and_the_review_would_not_do_waits_for_nobody(address: str) -> None:
    with seated(address, "ann") as ann:
        bearer = {"Authorization": f"Bearer {ann.cookies[SESSION_COOKIE]}"}

        def told(path: str) -> Any:
            return httpx.get(f"{address}{path}", headers=bearer, timeout=60).json()

        gone = told("/v1/proposals?status=lapsed&action=decrease&limit=20")
        assert gone
        for each in gone:
            worked = told(f"/v1/cases?account_id={each['account_id']}&limit=20")["items"]
            assert each["proposal_id"] not in {case["proposal_id"] for case in worked}


def test_strategist_finds_a_draft_to_take_through_its_gates_and_hits_beside_each_rule_that_decides(
    address: str,
) -> None:
    with seated(address, "sue") as sue:
        assert "standard 2026-11" in sue.get("/console/strategy/releases").text
        page = sue.get("/console/strategy").text
        assert "Hits on The bank as it opens" in page
        assert page.count('aria-label="hits ') == page.count('id="rule-') > 10


@pytest.mark.parametrize("error", [InputError("No account."), Unprepared("refused")])
def test_part_that_cannot_be_prepared_leaves_the_rest_to_be_prepared(error: Exception) -> None:
    with capture_logs() as logs, left_out_if_it_fails("campaign"):
        raise error
    (line,) = logs
    assert (line["event"], line["part"]) == ("demonstration_part_left_out", "campaign")


def test_stream_goes_on_while_one_looks(address: str) -> None:
    with seated(address, "mia") as mia:
        token = mia.cookies[SESSION_COOKIE]
        bearer = {"Authorization": f"Bearer {token}"}
        before = httpx.get(f"{address}/v1/overview", headers=bearer, timeout=60).json()["events"]["accepted"]
        awaited(
            lambda: (
                httpx.get(f"{address}/v1/overview", headers=bearer, timeout=60).json()["events"]["accepted"]
                > before
            ),
            180.0,  # a night hour, a minute here, may have none
        )


def test_bank_knows_no_protected_attribute_and_no_event_of_the_future(
    required: Callable[[str], Path],
) -> None:
    import datetime as dt

    from limitkeeper import CACHE_FOLDER
    from limitkeeper.connectors.taiwan import taiwan_statements

    required("shared_data")
    now = dt.datetime(2026, 11, 26, 9, 30, tzinfo=dt.UTC)
    bank = demo_bank(taiwan_statements(CACHE_FOLDER / "data", None)[:400], now, lives=40)
    assert not {"sex", "age_band", "marital_status", "education"} & set(bank.accounts.columns)
    times = pl.concat([bank.past["ts"], bank.coming["ts"]])
    assert times.max() <= now
    real = bank.past.filter(pl.col("account_id").str.starts_with("taiwan-"))
    assert bank.accounts["limit_cents"].max() <= 25_000_000, "New Taiwan dollars were told as yuan"
    assert real["ts"].dt.hour().unique().to_list() == [12]  # evening in Shanghai, whenever the server starts
    assert bank.past["ts"].max() <= bank.opens_at <= bank.coming["arrived_at"].min()
