"""``limitkeeper regulation`` as a compliance officer types it."""

import datetime as dt
import json
from pathlib import Path

from typer.testing import CliRunner

from limitkeeper.app.audit import Search, found_events
from limitkeeper.app.rights import request_made
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.shells.cli.main import application
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.contract.test_restoration import NOW_US, begun
from tests.vaults import SEAL

RUNNER = CliRunner()


def run(*words: str) -> tuple[int, str]:
    found = RUNNER.invoke(application, ["regulation", *words])
    return found.exit_code, found.output


def test_rules_of_a_market_are_listed_in_both_languages_with_their_sources() -> None:
    code, text = run("list", "--market", "CN", "--day", "2026-01-01")
    assert code == 0
    assert "CN.pipl_24_human (decision, block): Who refuses decisions by machine alone" in text
    assert "article 24]" in text
    chinese = run("list", "--market", "CN", "--lang", "zh")[1]
    assert "须由人工决定。 [《中华人民共和国个人信息保护法》第二十四条]" in chinese
    rules = json.loads(run("list", "--market", "CN", "--day", "2025-03-01", "--json")[1])
    [cap] = [rule for rule in rules if rule["id"] == "CN.internet_loans_cap"]
    assert cap["values"] == {"cents": 30_000_000.0}


def test_strategy_that_a_market_forbids_is_refused_by_the_name_of_the_rule() -> None:
    assert run("check", "standard", "--market", "CN")[0] == 0
    code, text = run("check", "standard", "--market", "EU")
    assert code == 3
    assert "failed   EU.ccd2_18_no_social_data" in text
    assert "Take relations out" in text
    assert "[Consumer Credit Directive (CCD2), article 18]" in text
    assert "'contagion' (rule linked_to_bad) may not be used in market EU" in text
    chinese = run("check", "standard", "--market", "EU", "--lang", "zh")[1]
    assert "[欧盟《消费者信贷指令》（CCD2）第18条]" in chinese
    assert "“contagion”（规则 linked_to_bad）不得在市场 EU 使用" in chinese
    assert "may not be used" not in chinese
    found = json.loads(run("check", "standard", "--market", "EU", "--json")[1])
    assert all(each["detail"] and each["detail_zh"] for each in found)


def test_empty_store_has_nothing_that_failed_and_the_facts_are_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'limitkeeper.db'}"
    Store(url).close()
    out, page = tmp_path / "facts.json", tmp_path / "facts.html"
    more = ("--out", str(out), "--page", str(page), "--lang", "zh")
    code, text = run("evaluate", "--market", "CN", "--from", "2026-01-01", "--store", url, *more)
    assert code == 0
    assert "0 findings failed" in text
    assert "没有规则未通过" in page.read_text(encoding="utf-8")
    facts = json.loads(out.read_text(encoding="utf-8"))
    assert (facts["market"], facts["subjects"], facts["audit"]["events"]) == ("CN", 0, 1)
    assert (facts["export"]["by"], facts["export"]["audit_number"]) == ("local", 0)
    assert "由 local 于" in page.read_text(encoding="utf-8")
    (event,) = found_events(Store(url), Search(act="export.give"))
    assert event["subject"] == "export:regulation"


def test_what_failed_is_told_in_the_language_that_is_asked_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'limitkeeper.db'}"
    store = begun(url)
    with work(store, SYSTEM, NOW_US) as w:
        request_made(w, SEAL, "c-1", "access", "")
    store.close()
    first = day_of(NOW_US)
    period = (
        "--from",
        first.isoformat(),
        "--to",
        (first + dt.timedelta(days=60)).isoformat(),
        "--store",
        url,
    )
    page = tmp_path / "facts.html"
    for language, said in (("en", "open for 61 days of 15"), ("zh", "已历时 61 天，期限 15 天")):
        asked = ("evaluate", "--market", "CN", *period, "--lang", language, "--page", str(page))
        code, text = run(*asked)
        assert code == 3
        assert f": {said}" in text
        assert f'<td class="detail">{said}</td>' in page.read_text(encoding="utf-8")


def test_market_that_there_is_not_is_refused_with_the_ones_that_there_are() -> None:
    found = RUNNER.invoke(application, ["regulation", "list", "--market", "CM"])
    assert found.exit_code != 0
    assert "CN, EU, TW, UK, US" in str(found.exception)
