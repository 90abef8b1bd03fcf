"""Rules as people read them: thresholds in their units, until when a rule holds, sentences one after another."""

from functools import partial
from typing import Any

import pytest

from limitkeeper.app.strategies import known_market_parameters, loaded_strategy, strategy_names, strategy_path
from limitkeeper.app.strategy_reading import strategy_document
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES
from limitkeeper.shells.console.labels import label, labels
from limitkeeper.shells.console.look import environment
from limitkeeper.shells.console.rules import SHOWN_AS, held_until, rule_book, unit_of

PARAMETERS = {"pd_freeze": 0.5, "hysteresis_pd": 0.05, "hurdle_rate": 0.12, "bills": 2.0}
VALUES = {"pd": 0.47, "on_time_streak": 0.0, "raroc": -0.1, "is_frozen": 1.0}


def until(release: str | None, language: str = "en") -> str | None:
    rule = {"release": release, "values": VALUES, "parameters": PARAMETERS}
    return held_until(rule, language, lambda value, unit: f"{value:g} {unit}", {})


PD, PD_ZH = "“Calibrated probability of default”", "“校准后的违约概率”"
ON_TIME, ON_TIME_ZH = "“Newest bills in a row paid on time”", "“最近连续按时还款期数”"
RETURN, RETURN_ZH = "“Risk-adjusted return on capital”", "“风险调整后资本回报率”"

RELEASES = {
    "pd < pd_freeze - hysteresis_pd or on_time_streak >= bills": (
        f"{PD} falls below 0.45 share or {ON_TIME} reaches 2 count",
        f"{PD_ZH}低于 0.45 share，或{ON_TIME_ZH}达到 2 count",
    ),
    "pd <= 0.2 and\n raroc > hurdle_rate  # both": (
        f"{PD} is 0.2 share or less and {RETURN} rises above 0.12 annual rate",
        f"{PD_ZH}不超过 0.2 share，且{RETURN_ZH}高于 0.12 annual rate",
    ),
    "on_time_streak == 2": (f"{ON_TIME} is 2 count", f"{ON_TIME_ZH}为 2 count"),
}

TOO_MUCH = (
    None,
    "not is_frozen",
    "0.1 < pd < 0.2",
    "pd < raroc",
    "pd != 0.1",
    "pd < bills / 0",
    "pd < 0.1 and (pd > 0 or raroc > 0)",
    "abs(pd) < 0.1",
    "pd < max(bills, 1)",
    "unheard_of < 0.1",
    "pd <",
)


@pytest.mark.parametrize("release", RELEASES)
def test_release_of_a_rule_is_told_in_words(release: str) -> None:
    assert (until(release), until(release, "zh")) == RELEASES[release]


@pytest.mark.parametrize("release", TOO_MUCH)
def test_release_that_says_more_than_a_sentence_can_is_left_as_it_is(release: str | None) -> None:
    assert until(release) is None


@pytest.mark.parametrize("name", strategy_names())
def test_every_release_that_is_shipped_is_told_in_words_and_every_threshold_has_its_unit(name: str) -> None:
    strategy = loaded_strategy(strategy_path(name))
    market = dict.fromkeys(known_market_parameters(), 0.1)
    book = rule_book([strategy_document(strategy, market)], "en")
    for rule in strategy.rules:
        assert rule.description.rstrip(".") == book.words[rule.id]
        given: dict[str, Any] = {"release": rule.release and rule.release.text, "values": SHARED_QUANTITIES,
                                 "parameters": dict.fromkeys(strategy.quantities, 0.1) | market}  # fmt: skip
        told = held_until(given, "zh", lambda value, unit: f"{value} {unit}", book.units)
        assert (told is None) == (rule.release is None)
    read = {each for rule in strategy.rules for each in rule.names}
    assert read <= book.units.keys()
    assert [each for each in read if unit_of(each, book.units) != SHOWN_AS.get(each, book.units[each])] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_rules_of_a_tier_follow_one_another_as_sentences(language: str) -> None:
    page = environment().from_string(
        '{% import "parts.html.j2" as ui with context %}{{ ui.tier_rules(names) }}'
    )
    said = page.render(
        names=["large_cut", "large_customer"],
        label=partial(label, language),
        t=lambda english, chinese: chinese if language == "zh" else english,
    )
    first, second = (labels(language)["tier_rule"][name] for name in ("large_cut", "large_customer"))
    assert f">{first}{'' if language == 'zh' else ' '}{second}<" in said
