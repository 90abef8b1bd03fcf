"""A strategy's life by the real server: from its text through every gate to live, back again, and read by people."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from limitkeeper.app.life_evidence import UNVOUCHED
from limitkeeper.app.policy import market_parameters
from limitkeeper.app.regulation_policy import shipped_register
from limitkeeper.app.release_figures import figures_kept, review_figures
from limitkeeper.app.review import Models, reviewed_portfolio
from limitkeeper.app.strategies import PROBLEMS_MAX, strategy_from_text, strategy_path
from limitkeeper.app.strategy_document import FILE_BYTES_MAX
from limitkeeper.app.strategy_reading import PROBLEMS_TOLD_MAX
from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, CUSTOMER, STRATEGIST, SYSTEM
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES
from limitkeeper.shells.api.release_acts import ASSESSMENT_BYTES_MAX
from limitkeeper.shells.api.strategies import CHECKING, CHECKS_AT_ONCE, SEARCH_LETTERS, TEXT_BODY_BYTES_MAX
from limitkeeper.store.work import work
from tests.contract.test_life import MODEL, portfolio
from tests.fairness_screens import REPORT, screen_of
from tests.live_engines import state_bytes
from tests.workflow_server import Person, WorkflowServer, awaited, workflow_server

RELEASES, CHECK, TRY = "/v1/releases", "/v1/strategies/check", "/v1/strategies/try"
STANDARD, CAUTIOUS = (strategy_path(name).read_text(encoding="utf-8") for name in ("standard", "cautious"))
PARTS = ("purpose", "necessity", "effect_on_rights", "safeguards")
IMPACT = dict.fromkeys(PARTS, "said")
FAILED = ["sex: adverse-impact ratio 0.71"]


@dataclass
class House:
    """A server, and who works on its strategies."""

    server: WorkflowServer
    sam: Person
    kim: Person
    ivy: Person

    def acted(
        self, person: Person, release_id: str, act: str, content: object = None, status: int | None = None, **more: Any
    ) -> Any:  # fmt: skip
        """What an act answers, decided on as the release is now."""
        seen = person.asked("GET", f"{RELEASES}/{release_id}").headers["etag"]
        headers = {"if-match": seen}
        path = f"{RELEASES}/{release_id}/{act}"
        return person.asked("POST", path, content, status=status, headers=headers, **more).json()

    def decides(self, releases: list[str]) -> bool:
        """Whether the running server decides by releases that are live, the champion first."""
        found = self.ivy.get("/v1/strategies/live")
        runs = [found["release_id"], *(each["release_id"] for each in found["challengers"])]
        return found["standing"] == "live" and runs == releases

    def screen(self, release_id: str, failed: Sequence[str] = ()) -> dict[str, Any]:
        """A fairness report of a release."""
        return screen_of(self.sam.get(f"{RELEASES}/{release_id}"), failed)

    def drafted(self, text: str, **more: str) -> str:
        """The id of a draft."""
        return str(self.sam.post(RELEASES, {"strategy": text, **more})["release_id"])

    def approved(self, text: str) -> str:
        """The id of a release that has passed every gate but the last."""
        release_id = self.drafted(text)
        self.acted(self.sam, release_id, "validate")
        self.acted(self.ivy, release_id, "assess", {"assessment": IMPACT, "screen": self.screen(release_id)})
        self.acted(self.kim, release_id, "approve", {"words": "seen"})
        self.acted(self.ivy, release_id, "approve", {"words": "seen"})
        return release_id


def of_version(text: str, version: str) -> str:
    """A strategy of other content: of another version."""
    changed = text.replace('version: "2026-11"', f'version: "{version}"')
    assert changed != text
    return changed


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("releases")
    accounts = pl.DataFrame({"account_id": ["a-1", "a-2"], "limit_cents": [1_000_000.0, 2_000_000.0]})
    with workflow_server(f"sqlite:///{folder}/store.db", folder, accounts) as server:
        names = {"sam": STRATEGIST, "kim": COMMITTEE, "ivy": COMPLIANCE}
        for name, role in names.items():
            server.let_in(name, role)
        yield House(server, *(server.session(name) for name in names))


def test_strategy_comes_from_its_text_to_live_and_back_and_every_gate_is_shown(house: House) -> None:
    assert house.sam.get("/v1/strategies/live")["standing"] == "unreleased"
    one = house.approved(STANDARD)
    found = house.kim.get(f"{RELEASES}/{one}")
    assert {each["gate"]: each["standing"] for each in found["gates"]} == {
        "draft": "passed", "validate": "passed", "assess": "passed", "justify": "not_needed", "approve": "passed",
        "live": "open",
    }  # fmt: skip
    assert [(each["act"], each["by"]) for each in found["acts"]] == [
        ("draft", "sam"), ("validate", "sam"), ("assess", "ivy"), ("approve", "kim"), ("approve", "ivy"),
    ]  # fmt: skip
    assert found["acts"][2]["detail"]["assessment"] == IMPACT
    assert found["acts"][2]["detail"]["screen"]["accounts"] == REPORT["accounts"]
    assert {each["status"] for each in found["acts"][1]["detail"]["findings"]} <= {
        "met",
        "unknown",
        "outside",
    }

    dry = house.acted(house.kim, one, "live", {"share": 1}, params={"dry_run": True})
    assert [each["state"] for each in dry["items"]] == ["live"]
    assert house.kim.get(f"{RELEASES}/{one}")["state"] == "approved"
    live = house.acted(house.kim, one, "live", {})
    assert [(each["release_id"], each["share"]) for each in live["items"]] == [(one, 1.0)]
    awaited(lambda: house.decides([one]))

    two = house.approved(CAUTIOUS)
    house.acted(house.kim, two, "live", {"share": 0.25})
    assert house.kim.get(f"{RELEASES}/{one}")["share"] == 0.75
    awaited(lambda: house.decides([one, two]))
    (challenger,) = house.ivy.get("/v1/strategies/live")["challengers"]
    assert challenger == {"release_id": two, "name": "cautious", "version": "2026-11", "share": 0.25}
    assert house.acted(house.kim, two, "retire", {"words": "no better"})["state"] == "retired"
    three = house.approved(of_version(CAUTIOUS, "2026-12"))
    house.acted(house.kim, three, "live", {})
    awaited(lambda: house.decides([three]))
    refused = house.acted(house.kim, one, "rollback", {"words": "too many cuts"}, 409)
    assert (refused["rule"], refused["detail_zh"]) == ("state", "该版本当前状态不允许此操作。")
    back = house.acted(house.kim, three, "rollback", {"words": "too many cuts"})
    assert {each["release_id"]: each["state"] for each in back["items"]} == {one: "live", three: "retired"}
    awaited(lambda: house.decides([one]))
    assert house.kim.get(f"{RELEASES}/{three}")["acts"][-1]["detail"]["words"] == "too many cuts"
    assert house.ivy.get("/v1/audit/verify")["holds"]


def test_failed_screen_waits_for_the_words_of_compliance_and_the_report_is_listed(house: House) -> None:
    release_id = house.drafted(of_version(STANDARD, "screened"))
    house.acted(house.sam, release_id, "validate")
    screen = house.screen(release_id, FAILED)
    found = house.acted(house.sam, release_id, "assess", {"assessment": IMPACT, "screen": screen})
    failed = [*FAILED, UNVOUCHED]
    assert found["acts"][-1]["detail"]["screen"]["vouched_by"] is None, "its author's word alone"
    standing = {each["gate"]: each["standing"] for each in found["gates"]}
    assert (standing["justify"], standing["approve"]) == ("open", "later")
    refused = house.acted(house.kim, release_id, "approve", {}, 409)
    assert (refused["rule"], refused["value"]) == ("blocked", "; ".join(failed))
    assert house.acted(house.ivy, release_id, "justify", {}, 409)["rule"] == "words"
    house.acted(house.ivy, release_id, "justify", {"words": "no alternative was found"})
    assert house.acted(house.kim, release_id, "approve", {})["gates"][4]["missing"] == ["compliance"]
    newest = house.sam.get("/v1/fairness-reports", params={"limit": 1})["items"][0]
    assert (newest["release_id"], newest["failed"], newest["justified_by"]) == (release_id, failed, "ivy")
    assert newest["accounts"] == REPORT["accounts"]


def test_act_on_what_has_changed_is_refused_and_a_request_sent_again_does_nothing_twice(house: House) -> None:
    body, key = {"strategy": of_version(STANDARD, "again")}, {"idempotency-key": "once"}
    first, again = (house.sam.asked("POST", RELEASES, body, headers=key) for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    house.sam.asked("POST", RELEASES, body, status=409)
    path = f"{RELEASES}/{first.json()['release_id']}/validate"
    house.sam.asked("POST", path, status=428)
    stale = house.sam.asked("POST", path, status=412, headers={"if-match": '"9"'}).json()
    assert (stale["rule"], stale["detail_zh"]) == ("version", "须按版本的当前内容操作。")
    house.sam.asked("POST", path, headers={"if-match": first.headers["etag"]})
    house.sam.asked("POST", f"{RELEASES}/nothing/validate", status=404, headers={"if-match": '"1"'})


def test_author_does_not_approve_his_own_release_and_a_strategist_puts_nothing_live(house: House) -> None:
    release_id = house.drafted(of_version(STANDARD, "own"))
    for act in ("approve", "live", "justify", "rollback"):
        house.acted(house.sam, release_id, act, {}, 403)
    customer = house.server.person("cleo", CUSTOMER, customer_id="c-1")
    for path in (RELEASES, "/v1/strategies/live", "/v1/regulation", "/v1/fairness-reports"):
        customer.asked("GET", path, status=403)


def test_draft_names_models_and_columns_that_the_store_knows_and_no_file(house: House) -> None:
    text = of_version(STANDARD, "named")
    for unknown in ({"model_hash": "sha256:none"}, {"register_hash": "sha256:none"}):
        house.sam.asked("POST", RELEASES, {"strategy": text, **unknown}, status=404)
    strategy_hash = house.sam.get(f"{RELEASES}/{house.drafted(text)}")["strategy_hash"]
    house.sam.asked("POST", RELEASES, {"strategy": text, "model_hash": strategy_hash}, status=404)
    house.sam.asked("POST", RELEASES, {"strategy": text, "market": "XX"}, status=409)
    house.sam.asked("POST", RELEASES, {"strategy": text, "model": "models/pd"}, status=422)


def test_list_is_paged_newest_first_and_filtered(house: House) -> None:
    ids = [house.drafted(of_version(STANDARD, f"listed-{number}")) for number in range(3)]
    first = house.ivy.get(RELEASES, params={"limit": 2, "state": "draft", "market": "CN"})
    second = house.ivy.get(RELEASES, params={"limit": 2, "state": "draft", "cursor": first["next"]})
    listed = [each["release_id"] for each in (*first["items"], *second["items"])]
    assert listed[:3] == ids[::-1]
    assert house.ivy.get(RELEASES, params={"has_model": True})["items"] == []
    house.ivy.asked("GET", RELEASES, params={"state": "nowhere"}, status=422)


def test_check_tells_each_problem_with_line_and_hint_and_keeps_nothing(house: House) -> None:
    before = len(house.sam.get(RELEASES, params={"limit": 500})["items"])
    broken = STANDARD.replace("utilisation >=", "utilization >=")
    found = house.sam.post(CHECK, {"strategy": broken})
    assert (found["valid"], found["findings"]) == (False, None)
    line = found["problems"][0]["line"]
    assert "utilization >=" in broken.splitlines()[line - 1]
    assert found["problems"][0]["advice"] == "Did you mean 'utilisation'?"
    refused = house.sam.asked("POST", RELEASES, {"strategy": broken}, status=422).json()
    assert f"Line {line}, column" in refused["detail"]
    assert f"第 {line} 行" in refused["detail_zh"]
    assert found["problems"][0]["advice_zh"] == "是否指“utilisation”？"

    good = house.sam.post(CHECK, {"strategy": STANDARD})
    assert (good["valid"], good["problems"]) == (True, [])
    statuses = {each["rule"]: each["status"] for each in good["findings"]}
    assert statuses["CN.pipl_6_purpose"] == "met"
    assert len(house.sam.get(RELEASES, params={"limit": 500})["items"]) == before


def test_text_beyond_its_bound_is_refused_unread(house: House) -> None:
    house.sam.asked("POST", CHECK, {"strategy": "# " + "x" * FILE_BYTES_MAX}, status=422)
    house.sam.asked("POST", CHECK, {"strategy": "额" * (FILE_BYTES_MAX // 2)}, status=422)
    for path in (CHECK, RELEASES):
        house.sam.asked("POST", path, {"strategy": "x" * TEXT_BODY_BYTES_MAX}, status=413)
    release_id = house.drafted(of_version(STANDARD, "long"))
    long = {"assessment": IMPACT, "screen": {"failed": [], "notes": "x" * ASSESSMENT_BYTES_MAX}}
    house.acted(house.sam, release_id, "assess", long, 413)


def test_more_texts_than_are_checked_at_once_are_told_to_come_again(house: House) -> None:
    with ExitStack() as stack:
        for _ in range(CHECKS_AT_ONCE):
            stack.enter_context(CHECKING)
        for path in (CHECK, RELEASES):
            busy = house.sam.asked("POST", path, {"strategy": STANDARD}, status=429)
            assert int(busy.headers["retry-after"]) > 0
    assert house.sam.post(CHECK, {"strategy": STANDARD})["valid"]


def test_draft_is_tried_on_the_accounts_of_the_server_and_nothing_comes_of_it(house: House) -> None:
    before = house.server.engine.sequence, state_bytes(house.server.engine)
    flagged = of_version(STANDARD, "flagged").replace(
        "when: flag_count_90d >= 1", "when: limit_cents >= 1500000"
    )
    found = house.sam.post(TRY, {"strategy": flagged})
    assert (found["accounts"], found["sampled_accounts"], found["differing"]) == (2, 2, 1)
    (pair,), (example,) = found["pairs"], found["examples"]
    assert (pair["now"], pair["accounts"], example["account_id"]) == ("none", 1, "a-2")
    assert example["draft"]["action"] == pair["draft"]
    assert found["draft"]["rules"][example["draft"]["rule"]] == {"hits": 1, "decided": 1}
    assert found["now"]["strategy"] == "standard 2026-11"
    assert found["now"]["value"]["before"]["limit_cents"] == 3_000_000
    assert (house.server.engine.sequence, state_bytes(house.server.engine)) == before
    assert house.ivy.get("/v1/alerts") == []
    house.ivy.asked("POST", TRY, {"strategy": flagged}, status=403)


def test_draft_that_cannot_be_tried_here_says_why(house: House) -> None:
    own = "inputs:\n  bureau_score: {unit: points, description: Score, description_zh: 评分}\nrules:"
    text = of_version(STANDARD, "own-inputs").replace("rules:", own, 1)
    text = text.replace("utilisation >=", "bureau_score >= 1 and utilisation >=")
    refused = house.sam.asked("POST", TRY, {"strategy": text}, status=409).json()
    assert (refused["rule"], refused["value"]) == ("own_inputs", "bureau_score")
    assert "自有字段" in refused["detail_zh"]
    abroad = of_version(STANDARD, "abroad").replace("markets: [CN, TW]", "markets: [TW]")
    assert house.sam.asked("POST", TRY, {"strategy": abroad}, status=409).json()["rule"] == "market"
    house.sam.asked("POST", TRY, {"strategy": STANDARD, "model_hash": "sha256:none"}, status=404)
    house.sam.asked("POST", TRY, {"strategy": "name: half"}, status=422)
    house.sam.asked("POST", TRY, {"strategy": "x" * TEXT_BODY_BYTES_MAX}, status=413)


def test_register_tells_of_each_quantity_for_what_and_on_which_basis_it_is_known(house: House) -> None:
    whole = house.kim.get("/v1/register")
    names = {one["name"]: (each, one) for each in whole["items"] for one in each["names"]}
    assert set(names) == set(shipped_register().class_of)
    relations, contagion = names["contagion"]
    assert (whole["market"], relations["basis"], relations["retention_days"]) == ("CN", "consent", 365)
    assert relations["forbidden"] == [{"market": "EU", "rule": "EU.ccd2_18_no_social_data"}]
    assert (relations["is_forbidden"], contagion["unit"]) == (False, SHARED_QUANTITIES["contagion"].unit)
    assert names["sex"][1]["unit"] is None
    found = house.ivy.get("/v1/register", params={"search": " CONTAG"})["items"]
    assert [(each["class"], [one["name"] for one in each["names"]]) for each in found] == [
        ("relations", ["contagion"])
    ]
    assert house.ivy.get("/v1/register", params={"search": "no such thing"})["items"] == []
    house.ivy.asked("GET", "/v1/register", params={"search": "x" * (SEARCH_LETTERS + 1)}, status=422)


def test_problems_of_a_text_are_told_up_to_their_bound(house: House) -> None:
    found = house.sam.post(CHECK, {"strategy": "rules:\n" + "- {}\n" * 1_000})
    assert (found["problem_count"], len(found["problems"])) == (PROBLEMS_MAX, PROBLEMS_TOLD_MAX)


def test_report_that_is_none_is_refused_and_nothing_is_kept_of_it(house: House) -> None:
    release_id = house.drafted(of_version(STANDARD, "odd"))
    house.acted(house.sam, release_id, "validate")
    for screen in ({}, {"failed": "sex"}, {"failed": [], "findings": ["x"]}, {"failed": [], "accounts": "many"},
                   {"failed": ["x" * 501]}, {"failed": [], "findings": [{"value": "high"}]}):  # fmt: skip
        house.acted(house.sam, release_id, "assess", {"assessment": IMPACT, "screen": screen}, 422)
    empty = IMPACT | {"safeguards": " "}
    refused = house.acted(
        house.sam, release_id, "assess", {"assessment": empty, "screen": house.screen(release_id)}, 409
    )
    assert refused["rule"] == "words"
    assert house.ivy.get(f"{RELEASES}/{release_id}")["state"] == "validated"


def test_rules_are_told_as_a_table_with_thresholds_reasons_and_words_in_both_languages(house: House) -> None:
    found = house.ivy.get("/v1/strategies/live")
    assert [each["place"] for each in found["rules"]] == list(range(1, len(found["rules"]) + 1))
    rule = next(each for each in found["rules"] if each["id"] == "long_arrears")
    assert rule["when"].startswith("pd >= pd_close")
    assert {each["name"]: each["value"] for each in rule["thresholds"]}["pd_close"] == 0.7
    assert rule["reasons"][0]["text_zh"] == "近期在本平台还款逾期"
    assert {"name": "cool_down_days", "value": 14} in found["terms"]


def test_hits_of_the_last_portfolio_stand_beside_each_rule_once_a_review_was_kept(house: House) -> None:
    release_id = house.drafted(of_version(CAUTIOUS, "reviewed"))
    before = house.ivy.get(f"/v1/strategies/{release_id}")
    assert (before["standing"], before["review"]) == ("draft", None)
    assert {each["review"] for each in before["rules"]} == {None}
    lines, in_force = portfolio(), market_parameters("CN", dt.date(2026, 1, 1))
    found = reviewed_portfolio(lines, Models(MODEL), strategy_from_text(CAUTIOUS, "cautious"), in_force)
    with work(house.server.engine.store, SYSTEM, house.server.clock()) as w:
        figures_kept(w, release_id, lines, review_figures(found, in_force))
    after = house.ivy.get(f"/v1/strategies/{release_id}")
    assert (after["review"]["portfolio"], after["review"]["accounts"]) == (lines.name, 400)
    hits = {each["id"]: each["review"]["hits"] for each in after["rules"]}
    assert hits["violations_repeated"] == 200
    assert house.ivy.get(f"{RELEASES}/{release_id}")["review"]["rules"]["violations_repeated"]["hits"] == 200


def test_changes_between_two_versions_are_told_rule_by_rule(house: House) -> None:
    release_id = house.drafted(
        of_version(STANDARD, "stricter")
        .replace("value: 0.70", "value: 0.65")
        .replace("cool_down_days: 14", "cool_down_days: 21")
    )
    found = house.kim.get(f"/v1/strategies/{release_id}/changes", params={"since": "live"})
    changed = {"name": "pd_close", "before": 0.7, "after": 0.65}
    assert changed in found["parameters"]
    assert {"name": "cool_down_days", "before": 14, "after": 21} in found["terms"]
    by_rule = {each["rule"]: each for each in found["rules"]}
    assert by_rule["long_arrears"] == {
        "rule": "long_arrears", "kind": "changed", "fields": [], "thresholds": [changed],
    }  # fmt: skip
    assert house.kim.get("/v1/strategies/live/changes")["is_same"]
    house.kim.asked("GET", "/v1/strategies/live/changes", params={"since": "nothing"}, status=404)
    house.kim.asked("GET", "/v1/strategies/nothing", status=404)


def test_strategy_is_found_by_the_hash_that_traces_name_it_by(house: House) -> None:
    retired = strategy_from_text(of_version(STANDARD, "stricter").replace("value: 0.70", "value: 0.65")
                                 .replace("cool_down_days: 14", "cool_down_days: 21"), "stricter")  # fmt: skip
    found = house.ivy.get(f"/v1/strategies/{retired.hash}")
    assert (found["version"], found["standing"]) == ("stricter", "draft")
    live = house.ivy.get("/v1/strategies/live")
    assert house.ivy.get(f"/v1/strategies/{live['hash']}")["standing"] == live["standing"]
    house.ivy.asked("GET", f"/v1/strategies/sha256:{'0' * 64}", status=404)


def test_regulation_says_where_no_article_was_verified(house: House) -> None:
    found = house.ivy.get("/v1/regulation")
    assert found["market"] == "CN"
    unverified = [each for each in found["items"] if each["article"] is None]
    assert unverified
    assert all("article not verified" in each["source"] for each in unverified)
    assert all("条款未核实" in each["source_zh"] for each in unverified)
    clocks = house.ivy.get("/v1/regulation", params={"stage": "clock"})["items"]
    assert {each["stage"] for each in clocks} == {"clock"}
    assert all(each["values"] for each in clocks if each["check"] != "outside")
    assert house.ivy.get("/v1/regulation", params={"day": "2000-01-01"})["items"] == []
    house.ivy.asked("GET", "/v1/regulation", params={"day": "someday"}, status=422)
