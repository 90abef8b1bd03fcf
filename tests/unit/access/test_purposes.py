"""Every look at personal data says for what."""

import re
from pathlib import Path

import pytest

import limitkeeper
from limitkeeper.core.access.actors import CUSTOMER, OFFICER, Actor
from limitkeeper.core.access.purposes import LOOK_PURPOSES, LOOKS, PURPOSES, look_purpose
from limitkeeper.core.access.rights import RIGHTS
from limitkeeper.shells.console.labels import label

ANN = Actor("ann", frozenset({OFFICER}))
SOURCE = Path(limitkeeper.__file__).parent


def test_every_right_to_look_has_a_purpose() -> None:
    looks = {act for act in RIGHTS if re.search(r"\.(read|list|explain|evidence|statistics)$", act)}
    assert set(PURPOSES) == looks
    assert set(PURPOSES.values()) <= set(LOOK_PURPOSES)


def test_every_look_that_is_noted_anywhere_is_had_by_a_right_with_a_purpose() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py")))
    noted = set(
        re.findall(
            r'\b(?:note|noted|listed)\(\s*(?:actor, |w, )?"(\w+\.(?:look|read|list|explain|preview|copy))"',
            text,
        )
    )
    assert {"account.look", "case.look", "notice.list", "rights.copy", "appeal.list", "audit.list"} <= noted
    assert noted <= set(LOOKS)
    assert set(LOOKS.values()) <= set(PURPOSES)


def test_look_of_which_no_purpose_is_known_cannot_be_noted() -> None:
    with pytest.raises(KeyError):
        look_purpose("salary.look", ANN)


def test_customer_looks_at_what_is_his_own_and_an_act_has_no_purpose() -> None:
    kim = Actor("kim", frozenset({CUSTOMER}), "c-1")
    assert {look_purpose(each, kim) for each in LOOKS} == {"own_access"}
    assert look_purpose("case.claim", ANN) is None


@pytest.mark.parametrize("purpose", LOOK_PURPOSES)
def test_every_purpose_has_its_words_in_both_languages(purpose: str) -> None:
    words = {label(language, "look_purpose", purpose) for language in ("en", "zh")}
    assert len(words) == 2
    assert not words & {purpose, purpose.replace("_", "-")}
