"""What was kept of an act, in words of both languages."""

import re
from pathlib import Path

import pytest

import limitkeeper.app
from limitkeeper.core.access.purposes import LOOKS
from limitkeeper.core.access.rights import RIGHTS
from limitkeeper.core.appeal import appeals
from limitkeeper.core.approval import cases
from limitkeeper.core.compliance import requests
from limitkeeper.shells.console.audit import plain_cell
from limitkeeper.shells.console.details import FACTS_MAX, act_words, facts_of, in_one_cell
from limitkeeper.shells.console.labels import labels

SOURCES = Path(limitkeeper.app.__file__).parent

NOTED = sorted({act for source in SOURCES.glob("*.py")
                for act in re.findall(r'note\(\s*"([a-z_.]+)"', source.read_text(encoding="utf-8"))})  # fmt: skip

SETTLED = ("propose", "confirm", "decline", "end")
"""What is done with a mandate and an absence alike."""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_act_has_words(language: str) -> None:
    words = labels(language)
    acts = [*NOTED, *LOOKS, *(f"case.{act}" for act in cases.ACTS), *(f"appeal.{act}" for act in appeals.ACTS),
            *(f"rights.{act}" for act in requests.ACTS), "consent.given", "consent.withdrawn",
            "evidence.adopt", *(f"{what}.{act}" for what in ("mandate", "absence") for act in SETTLED)]  # fmt: skip
    assert len(acts) > 60
    for group, names in (("act_done", acts), ("right", RIGHTS)):
        for noun, *rest in (act.split(".") for act in names):
            assert noun in words["act_thing"]
            assert [each for each in rest if each not in words[group]] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_act_without_words_is_told_as_it_is_kept(language: str) -> None:
    assert act_words(language, "comet.seen_twice").startswith("comet")


def test_facts_are_bounded_and_the_others_counted() -> None:
    found = facts_of({f"f{place}": place for place in range(FACTS_MAX + 5)})
    assert len(found) == FACTS_MAX + 1
    assert found[-1].values == ["+5"]


def test_text_that_only_looks_like_json_is_told_as_it_is() -> None:
    assert facts_of({"why": "{not json"})[0].values == ["{not json"]
    assert in_one_cell({"rows": [{"a": 1}, {"a": None}]}) == "rows 1 a=1; rows 2 a="


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_cell_that_a_spreadsheet_would_compute_is_a_text(sign: str) -> None:
    assert plain_cell(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"
