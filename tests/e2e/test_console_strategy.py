"""The console's pages of strategies, releases, drafts and compliance, by the real server."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from html import unescape
from typing import Any

import polars as pl
import pytest

from limitkeeper.app.policy import market_parameters
from limitkeeper.app.release_figures import figures_kept, review_figures
from limitkeeper.app.review import Models, reviewed_portfolio
from limitkeeper.app.strategies import strategy_from_text, strategy_path
from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, STRATEGIST, SYSTEM
from limitkeeper.store.life_tables import release_acts
from limitkeeper.store.work import work
from tests.console_forms import Browser
from tests.consoles import sitting
from tests.contract.test_life import MODEL, portfolio
from tests.fairness_screens import screen_of
from tests.workflow_server import WorkflowServer, awaited, workflow_server

RELEASES, NEW, TRY = "/console/strategy/releases", "/console/strategy/new", "/console/strategy/try"
STANDARD, CAUTIOUS = (strategy_path(name).read_text(encoding="utf-8") for name in ("standard", "cautious"))
SCRIPT = "<script>alert(1)</script>"
FAILED = {"screen": "adverse_impact_ratio", "attribute": "sex", "group": SCRIPT, "value": 0.71, "low": 0.66,
          "high": 0.77, "bound": 0.8, "status": "failed", "is_certain": True, "blocks": True}  # fmt: skip
PARTS = ("purpose", "necessity", "effect_on_rights", "safeguards")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder = tmp_path_factory.mktemp("strategies")
    accounts = pl.DataFrame({"account_id": ["a-1", "a-2"], "limit_cents": [1_000_000.0, 2_000_000.0]})
    with workflow_server(f"sqlite:///{folder}/store.db", folder, accounts) as found:
        for name, role in (("sue", STRATEGIST), ("mia", COMMITTEE), ("ivy", COMPLIANCE)):
            found.person(name, role)
        yield found


@pytest.fixture(scope="module")
def at(server: WorkflowServer) -> Callable[[str], Browser]:
    return cache(partial(Browser, server))


def of_version(text: str, version: str) -> str:
    """A strategy of other content: of another version."""
    return text.replace('version: "2026-11"', f'version: "{version}"')


def drafted(browser: Browser, text: str) -> str:
    """The id of a release that was drafted by the page."""
    sent = browser.sent(browser.page(NEW), "/v1/releases", strategy=text)
    assert re.fullmatch(RELEASES + "/[0-9a-f]{32}", sent.headers["location"])
    return sent.headers["location"].rsplit("/", 1)[1]


def acted(browser: Browser, release_id: str, act: str, status: int = 303, **more: Any) -> Any:
    """What the form of an act on a release is answered."""
    page = browser.page(f"{RELEASES}/{release_id}")
    return browser.sent(page, f"/v1/releases/{release_id}/{act}", status, **more)


def assessed(browser: Browser, release_id: str, report: dict[str, Any], status: int = 303) -> Any:
    """What the form of an assessment is answered, with the report as a file."""
    said = {f"assessment.{part}": f"{part} is said" for part in PARTS}
    files = {"screen:json": ("fairness.json", json.dumps(report).encode(), "application/json")}
    return acted(browser, release_id, "assess", status, files=files, **said)


def screen(browser: Browser, release_id: str, failed: Sequence[str] = ()) -> dict[str, Any]:
    """A fairness report of a release."""
    return screen_of(browser.server.session(browser.name).get(f"/v1/releases/{release_id}"), failed)


def approved(at: Callable[[str], Browser], text: str) -> str:
    """The id of a release that passed every gate but the last, all by the pages."""
    release_id = drafted(at("sue"), text)
    acted(at("sue"), release_id, "validate")
    assessed(at("ivy"), release_id, screen(at("ivy"), release_id))
    acted(at("mia"), release_id, "approve", words="seen")
    acted(at("ivy"), release_id, "approve", words="screens hold")
    return release_id


def test_strategy_is_shown_with_its_rules_its_path_and_its_parameters(at: Callable[[str], Browser]) -> None:
    page = at("ivy").page("/console/strategy")
    assert "Only watches" in page
    assert "Late now, sixty days or more in the last year, and default is likely." in page
    assert "pd &gt;= pd_close" in page
    assert "pd_close = 70%" in page
    assert "Recent payments here were late" in page
    assert page.index("Close") < page.index("Shielded: no change") < page.index("Restore")
    assert "Cool-down after an action: <strong>14 days" in page
    assert "−50%" in page
    assert "/console/strategy/new" not in page  # compliance drafts nothing


def test_release_goes_through_every_gate_by_its_forms_to_live_and_back(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    one = approved(at, STANDARD)
    sue = at("sue").page(f"{RELEASES}/{one}")
    assert "purpose is said" in sue
    assert "screens hold" in sue
    assert "Next: <strong>Live</strong>, by Committee member" in sue
    assert f'value="/v1/releases/{one}/live"' not in sue
    acted(at("mia"), one, "live", **{"share:percent": "100"})
    two = approved(at, CAUTIOUS)
    page = at("mia").page(f"{RELEASES}/{two}")
    assert "At 100 % these retire:" in page
    assert "standard 2026-11" in page
    acted(at("mia"), two, "live", **{"share:percent": "12.5 %"})
    listed = at("ivy").page(RELEASES)
    assert "challenger" in listed
    assert "12.50%" in listed
    assert "87.50%" in listed
    acted(at("mia"), two, "retire", words="no better")
    three = approved(at, of_version(CAUTIOUS, "2026-12"))
    acted(at("mia"), three, "live", **{"share:percent": "100"})
    awaited(lambda: decides(server) == three)
    assert "cautious 2026-12" in at("ivy").page("/console/strategy")
    acted(at("mia"), three, "rollback", words="too many cuts")
    gone = at("ivy").page(f"{RELEASES}/{three}")
    assert "too many cuts" in gone
    assert "Retired" in gone
    states = {
        each["release_id"]: each["state"] for each in server.session("ivy").get("/v1/releases")["items"]
    }
    assert (states[one], states[two], states[three]) == ("live", "retired", "retired")
    awaited(lambda: decides(server) == one)
    assert "The champion that is live decides." in at("ivy").page("/console/strategy")


def decides(server: WorkflowServer) -> str | None:
    """The release by which the running server decides, where it is the champion that is live."""
    found = server.session("ivy").get("/v1/strategies/live")
    return found["release_id"] if found["standing"] == "live" else None


def test_difference_is_told_rule_by_rule_with_what_it_was(at: Callable[[str], Browser]) -> None:
    stricter = of_version(STANDARD, "stricter").replace("pd_close: {value: 0.70", "pd_close: {value: 0.65")
    page = at("sue").page(f"{RELEASES}/{drafted(at('sue'), stricter)}")
    assert "rules that differ: 1" in page
    row = next(each for each in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if "pd_close" in each)
    assert re.findall(r"<strong>(\d+%)</strong>", row) == ["70%", "65%"]
    assert "<code>long_arrears</code>" in row
    assert "Changed" in row


def test_failed_screen_is_pictured_against_its_bound_and_waits_for_compliance(
    at: Callable[[str], Browser],
) -> None:
    release_id = drafted(at("sue"), of_version(STANDARD, "screened"))
    acted(at("sue"), release_id, "validate")
    report = screen(at("sue"), release_id, ["sex: adverse-impact ratio 0.71"])
    report["findings"] = [FAILED, *report["findings"]]
    assessed(at("sue"), release_id, report)
    for path in (f"{RELEASES}/{release_id}", "/console/compliance"):
        page = at("ivy").page(path)
        assert 'aria-label="0.710 (0.660–0.770), bound 0.800"' in page
        assert unescape(page).count(SCRIPT) >= 1
    assert "cannot be approved before compliance" in at("mia").page(f"{RELEASES}/{release_id}")
    acted(at("ivy"), release_id, "justify", words=SCRIPT)
    assert "justified the failed screens" in at("mia").page(f"{RELEASES}/{release_id}")
    assert "Justified by" in at("ivy").page("/console/compliance")
    acted(at("ivy"), release_id, "approve", words="seen")
    assert "You have approved it." in at("ivy").page(f"{RELEASES}/{release_id}")


def test_report_that_is_none_is_refused_in_words_and_nothing_is_kept(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    release_id = drafted(at("sue"), of_version(STANDARD, "odd"))
    acted(at("sue"), release_id, "validate")
    said = {f"assessment.{part}": "said" for part in PARTS}
    for content, told in ((b"no json", "This is no JSON."), (b"\xff\xfe", "The file is no text."),
                          (b"{}", "The screen says not what failed.")):  # fmt: skip
        files = {"screen:json": ("fairness.json", content, "application/json")}
        assert told in acted(at("sue"), release_id, "assess", 422, files=files, **said).text
    assert server.session("sue").get(f"/v1/releases/{release_id}")["state"] == "validated"


def test_role_without_the_right_gets_no_form_and_the_refusal_in_words(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    release_id = drafted(at("sue"), of_version(STANDARD, "own"))
    assert "Next: <strong>Validation</strong>" in at("mia").page(f"{RELEASES}/{release_id}")
    page = at("sue").page(f"{RELEASES}/{release_id}")
    path = f"/v1/releases/{release_id}/validate"
    forged = at("sue").sent(
        page, path, 403, _path=f"/v1/releases/{release_id}/live", **{"share:percent": "100"}
    )
    assert "This is not yours to see or do" in forged.text
    assert server.session("sue").get(f"/v1/releases/{release_id}")["state"] == "draft"
    assert "This is not yours to do." in at("mia").page(NEW, 403)


def test_draft_begins_from_what_decides_and_a_check_loses_nothing(at: Callable[[str], Browser]) -> None:
    sue = at("sue")
    page = sue.page(NEW)
    begun = unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)[1])
    assert strategy_from_text(begun, "begun").hash == strategy_from_text(STANDARD, "standard").hash
    broken = STANDARD.replace("utilisation >=", "utilization >=").replace("Lowers gradually", SCRIPT)
    found = sue.sent(page, "/v1/releases", 200, formaction=NEW, strategy=broken.replace("\n", "\r\n")).text
    assert unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", found, re.DOTALL)[1]) == broken
    line = 1 + next(k for k, each in enumerate(broken.splitlines()) if "utilization" in each)
    assert f'href="#line-{line}"' in found
    assert f'<li id="line-{line}" class="wrong">' in found
    assert "Did you mean &#39;utilisation&#39;?" in found
    assert SCRIPT not in found
    good = sue.sent(page, "/v1/releases", 200, formaction=NEW, strategy=of_version(STANDARD, "checked")).text
    assert "The strategy holds" in good
    assert "Met" in good
    long = sue.sent(page, "/v1/releases", 200, formaction=NEW, strategy="额" * 100_000).text
    assert "The strategy is too large." in long
    refused = sue.sent(page, "/v1/releases", 422, strategy=broken)
    assert "The strategy does not hold." in refused.text


def test_what_is_wrong_with_a_draft_is_told_in_chinese_to_who_reads_chinese(server: WorkflowServer) -> None:
    sue = Browser(server, "sue", "zh")
    page = sue.page(NEW)
    broken = STANDARD.replace("utilisation >=", "utilization >=")
    found = sue.sent(page, "/v1/releases", 200, formaction=NEW, strategy=broken).text
    assert "没有名为“utilization”的变量或参数。" in found
    assert "是否指“utilisation”？" in found
    assert "There is no quantity" not in found
    assert "Did you mean" not in found
    half = sue.sent(page, "/v1/releases", 200, formaction=NEW, strategy="name: half").text
    assert "缺少键“version”。" in half
    assert "含义：版本名称；决定中另记其内容的哈希。" in half
    assert "is missing" not in half
    refused = sue.sent(page, "/v1/releases", 422, strategy=broken).text
    assert "策略有误。第 " in refused
    assert "utilization" in refused
    assert "会逐行列出" in refused
    assert "The strategy does not hold" not in refused


def acting_on_relations(version: str) -> str:
    """A strategy that freezes by relations, which only alert."""
    before, after = of_version(STANDARD, version).split("id: linked_to_bad")
    return f"{before}id: linked_to_bad{after.replace('action: alert', 'action: freeze', 1)}"


def test_what_regulation_finds_against_a_draft_is_told_in_the_language_of_who_reads(
    server: WorkflowServer,
) -> None:
    told = {
        "en": "rule linked_to_bad: freeze on contagion, linked_accounts, linked_bad_share",
        "zh": "规则 linked_to_bad：依据 contagion, linked_accounts, linked_bad_share 作出处置 freeze",
    }
    for language, other in (("en", "zh"), ("zh", "en")):
        sue, text = Browser(server, "sue", language), acting_on_relations(language)
        checked = sue.sent(sue.page(NEW), "/v1/releases", 200, formaction=NEW, strategy=text).text
        refused = acted(sue, drafted(sue, text), "validate", 409).text
        for page in (checked, refused):
            assert told[language] in page
            assert told[other] not in page


def test_finding_that_was_kept_before_it_was_told_in_chinese_is_shown_in_english(
    server: WorkflowServer,
) -> None:
    release_id = drafted(Browser(server, "sue"), of_version(STANDARD, "kept"))
    acted(Browser(server, "sue"), release_id, "validate")
    old = {"rule": "CN.r", "title": "t", "title_zh": "某项要求", "source": "the old source", "severity": "warn",
           "subject": "strategy:s", "status": "failed", "detail": "the old detail", "on_failure": "do",
           "on_failure_zh": "处理"}  # fmt: skip
    new = old | {"source_zh": "某法", "detail_zh": "新的说明", "detail": "the new detail"}
    kept = json.dumps({"findings": [old, new]})
    is_it = (release_acts.c.release_id == release_id) & (release_acts.c.act == "validate")
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        w.connection.execute(release_acts.update().where(is_it).values(detail=kept))
    page = Browser(server, "sue", "zh").page(f"{RELEASES}/{release_id}")
    assert "<strong>the old detail</strong> 处理" in page
    assert "the old source" in page
    assert "<strong>新的说明</strong> 处理" in page
    assert "the new detail" not in page
    whole = server.session("ivy").get(f"/v1/releases/{release_id}")
    assert whole["acts"][1]["detail"]["findings"] == [old, new]


def test_draft_is_tried_on_the_portfolio_and_its_text_is_not_lost(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    sue = at("sue")
    page, before = sue.page(NEW), server.engine.sequence
    text = of_version(STANDARD, "tried").replace("when: flag_count_90d >= 1", "when: limit_cents >= 1500000")
    text = text.replace("Lowers gradually", SCRIPT)
    found = sue.sent(page, "/v1/releases", 200, formaction=TRY, strategy=text.replace("\n", "\r\n")).text
    assert unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", found, re.DOTALL)[1]) == text
    assert "Accounts whose action differs: 1" in found
    assert '/console/accounts/a-2"' in found
    assert "<code>violation_flagged</code>" in found
    assert "Exposure cut" in found
    assert SCRIPT not in found
    broken = sue.sent(page, "/v1/releases", 200, formaction=TRY, strategy="name: half").text
    assert "The strategy does not hold." in broken
    abroad = text.replace("markets: [CN, TW]", "markets: [TW]")
    assert (
        "not for this server&#39;s market"
        in sue.sent(page, "/v1/releases", 200, formaction=TRY, strategy=abroad).text
    )
    assert server.engine.sequence == before


def test_release_that_is_a_draft_is_tried_by_who_drafts_and_by_nobody_else(
    at: Callable[[str], Browser],
) -> None:
    release_id = drafted(at("sue"), of_version(CAUTIOUS, "tried-release"))
    path = f"{RELEASES}/{release_id}/try"
    assert path not in at("ivy").page(f"{RELEASES}/{release_id}")
    page = at("sue").page(f"{RELEASES}/{release_id}")
    found = at("sue").sent(page, f"{path}#tried", 200).text
    assert "Looked at: all accounts that this server knows." in found
    assert "cautious tried-release" in found
    acted(at("sue"), release_id, "validate")
    assert path not in at("sue").page(f"{RELEASES}/{release_id}")


def test_hits_stand_beside_each_rule_once_a_review_was_kept(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    text = of_version(CAUTIOUS, "reviewed")
    release_id = drafted(at("sue"), text)
    assert "--keep-as" in at("sue").page(f"{RELEASES}/{release_id}")
    lines, in_force = portfolio(), market_parameters("CN", dt.date(2026, 1, 1))
    found = reviewed_portfolio(lines, Models(MODEL), strategy_from_text(text, "cautious"), in_force)
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        figures_kept(w, release_id, lines, review_figures(found, in_force))
    page = at("sue").page(f"{RELEASES}/{release_id}")
    row = next(
        each
        for each in re.findall(r"<tr.*?</tr>", page, re.DOTALL)
        if 'id="rule-violations_repeated"' in each
    )
    assert 'aria-label="hits 200"' in row
    assert "On the last portfolio" in page


def test_regulation_says_what_was_not_verified_and_counts_leave_the_house_within_the_budget(
    at: Callable[[str], Browser],
) -> None:
    ivy = at("ivy")
    page = ivy.page("/console/compliance")
    assert "no verified article" in page
    assert "May not go on" in page
    assert "CN.pipl_50_request_answered" not in ivy.page("/console/compliance?stage=portfolio")
    today = re.search(r'max="(\d{4}-\d\d-\d\d)"', page)[1]
    days = {"from": today, "to": today, "epsilon:number": "1.5"}
    given = ivy.sent(page, "/console/compliance/aggregate", 200, **days).text
    assert "off by at most" in given
    assert "left of the year&#39;s budget" in given
    again = ivy.page("/console/compliance")
    assert "<strong>1.50</strong>" in again
    over = ivy.sent(again, "/console/compliance/aggregate", 422, **(days | {"epsilon:number": "9"}))
    assert "The year&#39;s privacy budget does not hold this." in over.text
    assert "Counts that leave the house" not in at("sue").page("/console/compliance")


def test_register_is_shown_as_a_table_and_searched_on_the_server(
    at: Callable[[str], Browser], server: WorkflowServer
) -> None:
    whole = at("ivy").page("/console/compliance")
    assert whole.count('<code class="soft">relations</code>') == 1
    assert "<code>spend_count_1h</code>" in whole
    assert "Protected: decides nothing" in whole
    assert "EU.ccd2_18_no_social_data" in whole
    found = at("ivy").page("/console/compliance?search=CONTAG&stage=portfolio")
    assert "<code>contagion</code>" in found
    assert "<code>spend_count_1h</code>" not in found
    assert 'name="stage" value="portfolio"' in found
    odd = at("ivy").page("/console/compliance?search=%3Cscript%3Ealert(1)" + "x" * 200)
    assert "Nothing of that name is registered." in odd
    chinese = Browser(server, "ivy", "zh").page("/console/compliance")
    assert "客户本人；与一切决策数据隔离" in chinese
    assert "《中华人民共和国个人信息保护法》第二十四条" in chinese
    assert "Personal Information Protection Law" not in chinese


def test_pages_hold_in_a_browser_at_both_widths(
    server: WorkflowServer, chromium: Any, at: Callable[[str], Browser]
) -> None:
    release_id = drafted(at("sue"), of_version(CAUTIOUS, "looked-at"))
    with sitting(chromium, server, "sue", "zh", "dark") as sue:
        sue.goes("/console/strategy")
        sue.looks("strategy-zh-dark")
        sue.goes("/console/compliance?search=spend")
        sue.looks("register-zh-dark")
    with sitting(chromium, server, "sue") as sue:
        sue.goes(f"{RELEASES}/{release_id}")
        sue.looks("release-en-light")
        sue.goes(NEW)
        sue.page.fill("textarea[name=strategy]", CAUTIOUS.replace("utilisation >=", "utilization >="))
        sue.page.click(f"button[formaction='{NEW}#checked']")
        sue.page.wait_for_selector(".listing .wrong")
        sue.looks("draft-checked-en-light")
        sue.page.fill("textarea[name=strategy]", of_version(STANDARD, "tried-here"))
        sue.page.click(f"button[formaction='{TRY}#tried']")
        sue.page.wait_for_selector("#tried")
        sue.looks("draft-tried-en-light")


def test_what_a_check_found_is_in_view_and_its_line_is_chosen_in_the_text(
    server: WorkflowServer, chromium: Any
) -> None:
    with sitting(chromium, server, "sue") as sue:
        sue.goes(NEW)
        sue.page.fill("textarea[name=strategy]", CAUTIOUS.replace("utilisation >=", "utilization >=", 1))
        sue.follows(f"button[formaction='{NEW}#checked']")
        heading = sue.page.locator("#checked h2").bounding_box()
        assert 0 <= heading["y"] < 900
        assert "1 problem\n" in sue.page.inner_text("#checked")
        sue.page.click("ol.problems a")
        assert "utilization >=" in sue.page.evaluate("getSelection().toString()")
        assert sue.page.evaluate("document.activeElement.scrollTop") > 0


@pytest.mark.parametrize("path", [TRY, f"{RELEASES}/{{}}/try"])
def test_page_that_came_of_a_form_is_no_dead_end_by_its_address(
    at: Callable[[str], Browser], path: str
) -> None:
    release_id = drafted(at("sue"), of_version(CAUTIOUS, "by-address")) if "{}" in path else ""
    at("sue").page(path.format(release_id))  # as after a change of the language
    assert "There is no such page." in at("sue").page("/console/act", 404)


def test_draft_that_is_kept_nowhere_is_not_left_without_a_question(
    server: WorkflowServer, chromium: Any
) -> None:
    with sitting(chromium, server, "sue") as sue:
        asked: list[str] = []
        sue.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
        sue.goes(NEW)
        sue.follows("nav [data-key=o]")  # nothing was written
        sue.goes(NEW)
        sue.page.locator("textarea[name=strategy]").press_sequentially("# a thought")
        sue.follows(f"button[formaction='{NEW}#checked']")  # it is sent along
        assert asked == []
        with sue.page.expect_event("dialog"):
            sue.page.click("nav [data-key=o]")
        assert asked == ["beforeunload"]
        assert "# a thought" in sue.page.input_value("textarea[name=strategy]")
