"""The console's forms: nothing filled in is sent as such, what is promised of files holds, nothing typed is lost."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from limitkeeper.app.limits import LimitChange, planned
from limitkeeper.core.access.actors import CUSTOMER, STRATEGIST, SYSTEM
from limitkeeper.shells.console import portal
from limitkeeper.shells.console.application import FORM_FILES
from limitkeeper.shells.console.session import SESSION_COOKIE, form_mark
from limitkeeper.store.work import work
from tests.console_forms import Browser
from tests.consoles import LIMIT_CENTS, lines, proposed, sitting, staffed
from tests.workflow_server import WorkflowServer, awaited, workflow_server

LANGUAGES = ("en", "zh")
LESS_CENTS = 4_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder: Path = tmp_path_factory.mktemp("console-forms")
    many = pl.DataFrame(
        {"account_id": [f"many-{k:02}" for k in range(1, portal.LINES_SHOWN + 4)]}
    ).with_columns(customer_id=pl.lit("customer-many"), limit_cents=pl.lit(float(LIMIT_CENTS)))
    stated = pl.concat([lines(5), many])
    with workflow_server(f"sqlite:///{folder}/store.db", folder, stated) as found:
        staffed(found, customers=2)
        found.person("kim-4", CUSTOMER, customer_id="customer-4")
        found.person("kim-many", CUSTOMER, customer_id="customer-many")
        proposed(found, ["line-1", "line-2", "line-4", "line-5"])
        ann = found.session("ann")
        for account_id in ("line-1", "line-2", "line-4", "line-5"):
            ann.acted(case_of(found, account_id), "claim")
            ann.acted(case_of(found, account_id), "approve", "Paid late five times.")
        yield found


def case_of(server: WorkflowServer, account_id: str) -> str:
    """The case of the decision on an account."""
    (case,) = server.session("ann").get("/v1/cases", params={"account_id": account_id, "kind": "decision"})[
        "items"
    ]
    return str(case["case_id"])


def decision_page(server: WorkflowServer, k: int) -> str:
    """Where a customer reads why his line was cut, and appeals."""
    return f"/console/my/lines/line-{k}/decisions/{case_of(server, f'line-{k}')}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_restoration_of_a_line_without_a_cut_in_the_ledger_is_answered_by_the_ledger(
    server: WorkflowServer, language: str
) -> None:
    ann = Browser(server, "ann", language).client
    mark = form_mark(ann.cookies[SESSION_COOKIE])
    refused = ann.post("/console/act", data={"_mark": mark, "_path": "/v1/lines/line-4/restorations"})
    assert refused.status_code == 409
    assert {"en": "There is nothing to give back.", "zh": "没有可以恢复的额度。"}[language] in refused.text


def test_strategist_proposes_to_restore_a_line_that_was_cut(server: WorkflowServer) -> None:
    with work(server.engine.store, SYSTEM, server.clock()) as w:
        planned(w, LimitChange("line-3", "decrease", LIMIT_CENTS, LESS_CENTS, w.now_us, "risk", "customer-3"))
    ann = server.session("ann")
    awaited(lambda: ann.get("/v1/accounts/line-3")["standing"]["limit_before_reduction_cents"] == LIMIT_CENTS)
    sue = Browser(server, "sue")
    sue.sent(sue.page("/console/accounts/line-3"), "/v1/lines/line-3/restorations")
    (case,) = ann.get("/v1/cases", params={"account_id": "line-3"})["items"]
    assert (case["kind"], case["limit_after_cents"]) == ("restoration", LIMIT_CENTS)


def test_roles_with_nothing_ticked_are_none_and_who_has_none_begins_with_himself(
    server: WorkflowServer,
) -> None:
    server.person("zed", STRATEGIST)
    oli = Browser(server, "oli")
    oli.sent(oli.page("/console/people"), "/v1/people/zed/roles")
    zed = Browser(server, "zed").client
    zed.follow_redirects = True
    for path in ("/console/home", "/console/login"):
        assert zed.get(path).url.path == "/console/me"


@pytest.mark.parametrize("language", LANGUAGES)
def test_form_of_too_many_files_is_refused_in_the_language_of_the_page(
    server: WorkflowServer, language: str
) -> None:
    kim = Browser(server, "kim-1", language)
    files = [("file", (f"{k}.txt", b"proof", "text/plain")) for k in range(FORM_FILES + 1)]
    refused = kim.sent(kim.page(decision_page(server, 1)), "/console/my/appeals", 413, files, text="Mine.")
    assert {"en": "10 files, 5,000 fields, 26 MB in all", "zh": "10 个文件、5,000 个字段，合计 26 MB"}[
        language
    ] in refused.text
    assert "bytes" not in refused.text


def test_files_that_are_too_many_are_told_before_they_are_sent_and_an_appeal_keeps_its_words(
    server: WorkflowServer, chromium: Any, tmp_path: Path
) -> None:
    files = [tmp_path / f"{k}.txt" for k in range(FORM_FILES + 1)]
    for file in files:
        file.write_text("proof", encoding="utf-8")
    with sitting(chromium, server, "kim-1", "zh") as kim:
        kim.goes(decision_page(server, 1))
        kim.page.fill("textarea[name=text]", "我写了很久的话")
        kim.page.set_input_files("input[type=file]", files)
        said = kim.page.eval_on_selector("input[type=file]", "field => field.validationMessage")
        assert said == "一次最多 5 份，每份不超过 5 MB；提交后可继续补充。"
        kim.page.eval_on_selector("input[type=file]", "field => field.setCustomValidity('')")
        kim.page.click("text=提交申诉")
        kim.page.wait_for_selector(".answer:not([hidden])")
        assert "表单过大或无法读取。" in kim.text()
        assert kim.page.input_value("textarea[name=text]") == "我写了很久的话"
        kim.page.route("**/console/my/appeals", lambda route: route.fulfill(status=502, body="Bad gateway"))
        kim.page.click("text=提交申诉")
        kim.page.wait_for_selector(".answer >> text=未收到可识别的答复")
        assert kim.page.input_value("textarea[name=text]") == "我写了很久的话"
        kim.said.clear()  # the browser itself notes the refusals


def test_as_many_and_as_large_files_as_are_promised_come_with_an_appeal(server: WorkflowServer) -> None:
    kim = Browser(server, "kim-1")
    page = kim.page(decision_page(server, 1))
    most, size = (int(re.search(rf'data-{name}="(\d+)"', page)[1]) for name in ("most", "bytes"))
    assert f"up to {size // 1_000_000} MB each, at most {most}" in page
    files = [("file", (f"{k}.txt", b"%d" % k * size, "text/plain")) for k in range(most)]
    made = kim.sent(page, "/console/my/appeals", files=files, text="Mine.")
    appeal = server.session("bob").get(f"/v1/appeals/{made.headers['location'].rpartition('/')[2]}")
    assert [each["size_bytes"] for each in appeal["evidence"]] == [size] * most


def test_customer_who_withdrew_an_appeal_is_told_so_and_appeals_again(server: WorkflowServer) -> None:
    server.person("kim-5", CUSTOMER, customer_id="customer-5")
    kim, line, decision = Browser(server, "kim-5"), "/console/my/lines/line-5", decision_page(server, 5)
    for turn in ("Mine.", "It was my employer."):
        page = kim.page(decision)
        assert ("You withdrew your appeal of" in page) == (turn != "Mine.")
        assert ("Appeal again" in kim.page(line)) == (turn != "Mine.")
        place = kim.sent(page, "/console/my/appeals", text=turn).headers["location"]
        appeal_id = place.rpartition("/")[2]
        assert f"{place}" in kim.page(line), "the last appeal is the one that is shown"
        assert "Submit the appeal" not in kim.page(decision)
        kim.sent(kim.page(place), f"/v1/appeals/{appeal_id}/withdraw")
        withdrawn = kim.page(place)
        assert "You may appeal against the decision again until" in withdrawn
        assert "<dt>Answered</dt>" not in withdrawn
        assert f'href="{decision}#appeal"' in withdrawn


@pytest.mark.parametrize("language", LANGUAGES)
def test_operator_is_led_from_an_alert_to_no_page_that_is_not_his(
    server: WorkflowServer, language: str
) -> None:
    alert = server.session("oli").get("/v1/alerts", params={"account_id": "line-1"})[0]
    for name, is_led in (("oli", False), ("ann", True)):
        browser = Browser(server, name, language)
        page, feed = browser.page(f"/console/alerts/{alert['alert_id']}"), browser.page("/console/alerts")
        assert ('href="/console/accounts/line-1"' in page) == is_led
        assert ('href="/console/cases?' in page) == is_led
        template = feed.split("<template>")[1].split("</template>")[0]
        assert ('href="/console/accounts/' in template) == is_led


def test_officer_submits_the_appeal_of_a_customer_who_called_from_the_decided_case(
    server: WorkflowServer,
) -> None:
    ann, path = Browser(server, "ann"), f"/console/cases/{case_of(server, 'line-2')}"
    assert "/v1/appeals" not in Browser(server, "mia").page(path)
    made = ann.sent(ann.page(path), "/v1/appeals", text="My salary came late <script>alert(1)</script>.")
    place = made.headers["location"]
    assert "My salary came late &lt;script&gt;" in Browser(server, "bob").page(place)
    after = ann.page(path)
    assert f'href="{place}"' in after
    assert 'value="/v1/appeals"' not in after, "it is appealed against once"
    nothing = "/console/appeals?account_id=none"
    assert "limitkeeper appeal submit" in ann.page(nothing)
    assert "limitkeeper appeal submit" not in Browser(server, "mia").page(nothing)


def test_form_of_an_appeal_on_a_decided_case_fits_and_keeps_nobody_out(
    server: WorkflowServer, chromium: Any
) -> None:
    with sitting(chromium, server, "ann", "zh") as ann:
        ann.goes(f"/console/cases/{case_of(server, 'line-5')}")
        ann.page.click("text=客户来信或来电：代为提交申诉")
        ann.looks("case-appeal-zh-light")


def test_key_that_is_refused_keeps_what_was_filled_in_and_a_good_one_is_shown(
    server: WorkflowServer, chromium: Any
) -> None:
    with sitting(chromium, server, "oli", "zh") as oli:
        oli.goes("/console/people/keys")
        oli.page.fill("input[name=service_id]", "core-bank")
        oli.page.check("input[value='events.send']")
        oli.page.fill("input[name='days:number']", "ninety")
        oli.page.click("button:text-is('创建')")
        oli.page.wait_for_selector("form:has([name=service_id]) .answer:not([hidden])")
        assert oli.page.input_value("input[name=service_id]") == "core-bank"
        assert oli.page.is_checked("input[value='events.send']")
        oli.page.fill("input[name='days:number']", "30")
        oli.page.click("button:text-is('创建')")
        oli.page.wait_for_selector("code.secret")
        assert "仅显示这一次" in oli.page.title() + oli.text()
        oli.said.clear()  # the browser itself notes the refusal
        oli.page.click("text=已保存")
        oli.page.wait_for_url("**/console/people/keys")
        assert "core-bank" in oli.text()


def test_count_that_is_refused_keeps_what_was_filled_in_and_a_good_one_is_shown(
    server: WorkflowServer, chromium: Any
) -> None:
    with sitting(chromium, server, "ivy", "en") as ivy:
        ivy.goes("/console/compliance")
        ivy.page.fill("input[name=from]", ivy.page.get_attribute("input[name=from]", "max"))
        ivy.page.fill("input[name='epsilon:number']", "much")
        ivy.page.fill("textarea[name='segments:lines?']", "gold")
        ivy.page.click("text=Count and spend")
        ivy.page.wait_for_selector(".answer:not([hidden])")
        assert ivy.page.input_value("textarea[name='segments:lines?']") == "gold"
        ivy.page.fill("input[name='epsilon:number']", "0.5")
        ivy.page.click("text=Count and spend")
        ivy.page.wait_for_selector("h1:has-text('Customers whose limit changed')")
        ivy.said.clear()  # the browser itself notes the refusal


def test_filter_of_one_list_keeps_the_other_list_as_it_was_chosen(server: WorkflowServer) -> None:
    page = Browser(server, "oli").page("/console/deliveries?state=failed&account_id=line-1&status=sent")
    bank, messages = re.findall(r'<form class="filters".*?</form>', page, re.DOTALL)
    assert '<input type="hidden" name="status" value="sent">' in bank
    assert '<input type="hidden" name="account_id" value="line-1">' in messages
    assert '<input type="hidden" name="state" value="failed">' in messages


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_beyond_the_first_page_are_on_the_next(server: WorkflowServer, language: str) -> None:
    kim, path, seen = Browser(server, "kim-many", language), "/console/my", set[str]()
    while path:
        page = kim.page(path)
        seen |= set(re.findall(r'<h2><a href="/console/my/lines/([^"]+)"', page))
        found = re.search(r'rel="next" href="([^"]+)"', page)
        path = unescape(found[1]) if found else ""
    assert seen == {f"many-{k:02}" for k in range(1, portal.LINES_SHOWN + 4)}


@pytest.mark.parametrize(
    ("language", "given", "said"),
    [
        ("en", "0", ("limit: A limit of 0 closes the line.", "To close it, use “Close the line”.")),
        ("zh", "0", ("额度：额度为 0 即关闭账户。", "如需关闭，请使用“关闭账户”。")),
        ("en", "a lot", ("limit: This is no amount.", "as 6,000 or 1250.50")),
        ("zh", "a lot", ("额度：这不是金额。", "如 6,000 或 1250.50")),
        ("en", "999,000", ("A request lowers the limit, or closes the line.", "999,000", "0 to ¥189,999.99")),
        ("zh", "999,000", ("申请只能降低额度或关闭账户。", "999,000", "0 至 ¥189,999.99")),
    ],
)
def test_limit_that_is_none_to_lower_to_is_told_in_amounts_as_people_write_them(
    server: WorkflowServer, language: str, given: str, said: tuple[str, ...]
) -> None:
    kim, path = Browser(server, "kim-2", language), "/v1/lines/line-2/requests"
    fields = {"limit_cents:limit": given}
    refused = kim.sent(kim.page("/console/my/lines/line-2"), path, 422, **fields).text
    assert all(each in refused for each in said)
    assert "cents" not in refused
    assert server.session("kim-2").get("/v1/lines/line-2")["requests"] == []


def test_request_that_was_taken_back_is_told_as_one_that_does_not_come(server: WorkflowServer) -> None:
    kim, line = Browser(server, "kim-2"), "/console/my/lines/line-2"
    fields = {"limit_cents:limit": "100,000"}
    kim.sent(kim.page(line), "/v1/lines/line-2/requests", **fields)
    assert "You asked for this yourself.</p>" in kim.page(line)
    kim.sent(kim.page(line), "/v1/lines/line-2/requests/take-back")
    assert "You asked for this yourself. It was cancelled and does not come.</p>" in kim.page(line)


@pytest.mark.parametrize("language", LANGUAGES)
def test_empty_file_is_told_as_one(server: WorkflowServer, language: str) -> None:
    kim = Browser(server, "kim-4", language)
    place = kim.sent(kim.page(decision_page(server, 4)), "/console/my/appeals", text="Mine.").headers[
        "location"
    ]
    path = f"/v1/appeals/{place.rpartition('/')[2]}/evidence"
    refused = kim.sent(kim.page(place), path, 422, [("file", ("empty.txt", b"", "text/plain"))]).text
    for each in {"en": ("No file came, or one that is empty.", "empty.txt", "Choose a file that holds something."),
                 "zh": ("未收到文件，或文件为空。", "empty.txt", "请选择有内容的文件。")}[language]:  # fmt: skip
        assert each in refused
    kim.sent(kim.page(place), path.replace("evidence", "withdraw"))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/console/cases/none", ("Under “Cases” there is nothing like this.", "To “Cases”")),
        ("/console/accounts/none", ("Under “Accounts” there is nothing like this.", "To “Accounts”")),
    ],
)
def test_what_is_not_there_leads_back_to_where_it_would_be(
    server: WorkflowServer, path: str, said: tuple[str, ...]
) -> None:
    page = Browser(server, "ann").page(path, 404)
    assert all(each in page for each in said)
    assert "no such row" not in page
