"""Every error that reaches a browser has its Chinese, and the catalogue holds nothing else."""

import ast
import json
import re
from string import Formatter

import pytest
import yaml

from limitkeeper.app.policy import POLICY
from limitkeeper.app.problem_wording import LETTERS_MAX, catalogue, in_chinese
from limitkeeper.core.compliance.register import (
    BASELESS,
    FORBIDDEN,
    FOREIGN,
    PROTECTED,
    UNREGISTERED,
    Use,
    Violation,
)
from tests.raised_sentences import KINDS, SOURCE, raised

DOCUMENT = yaml.safe_load((POLICY / "wording" / "zh" / "problems.yaml").read_text(encoding="utf-8"))


def names(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]


def plain(template: str) -> str:
    """A pattern as a sentence is collected: without the names of its values."""
    pieces = []
    for text, name, _, _ in Formatter().parse(template):
        pieces += [text.replace("{", "{{").replace("}", "}}"), "" if name is None else "{}"]
    return "".join(pieces)


def told(kind: str) -> set[str]:
    return {
        *(text for text in DOCUMENT[kind]["sentences"]),
        *(plain(text) for text in DOCUMENT[kind]["patterns"]),
    }


def has_values(text: str) -> bool:
    return "{}" in text


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_that_is_raised_has_a_chinese_text(kind: str) -> None:
    missing = {text: place for (of, text), place in raised().items() if of == kind and text not in told(kind)}
    assert missing == {}


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_of_the_catalogue_is_raised_somewhere(kind: str) -> None:
    known = {text for of, text in raised(every=True) if of == kind}
    assert told(kind) - known == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_pattern_matches_its_sentence_and_keeps_each_value(kind: str) -> None:
    for english, chinese in DOCUMENT[kind]["patterns"].items():
        assert sorted(names(english)) == sorted(names(chinese)), english
        values = {
            name: {"problem": "It breaks off."}.get(name, f"v{at}") for at, name in enumerate(names(english))
        }
        found = catalogue().chinese(kind, english.format(**values))
        values |= {"problem": "文件不完整。"} if "problem" in values else {}
        assert found == chinese.format(**values), english


def test_every_text_is_chinese_or_a_code_that_is_the_same_everywhere() -> None:
    texts = [row for kind in KINDS for part in DOCUMENT[kind].values() for row in part.items()]
    assert [
        english for english, chinese in texts if not re.search("[一-鿿：]", chinese) and chinese != english
    ] == []


def test_every_word_is_one_of_the_source_or_of_the_schema_of_strategies() -> None:
    known = {
        node.value
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(DOCUMENT["words"]) - known - meanings() == set()


def meanings() -> set[str]:
    """What the schema of strategies says of each of its parts: advice gives it."""
    text = (POLICY / "strategies" / "strategy.schema.json").read_text(encoding="utf-8")
    found: set[str] = set()

    def kept(part: dict[str, object]) -> dict[str, object]:
        if isinstance(part.get("description"), str):
            found.add(str(part["description"]))
        return part

    json.loads(text, object_hook=kept)
    return found


def test_meaning_of_each_part_of_a_strategy_is_told_in_chinese() -> None:
    assert meanings() - set(DOCUMENT["words"]) == set()


@pytest.mark.parametrize("kind", [BASELESS, FOREIGN, FORBIDDEN, PROTECTED, UNREGISTERED])
def test_use_that_the_register_refuses_is_told_in_chinese(kind: str) -> None:
    refused = Violation(kind, Use("sex", "credit_risk", "rule late"), "CN", "CN.rule", None)
    assert in_chinese(str(refused)) == {"problem_zh": refused.words.chinese}
    assert refused.words.chinese.startswith("“sex”（规则 late）")


def test_sentence_within_a_sentence_is_told_in_chinese_too() -> None:
    found = in_chinese(
        "The strategy does not hold. Line 3, column 7: There is no quantity or parameter 'pdd'."
    )
    assert found == {"problem_zh": "策略有误。第 3 行，第 7 列：没有名为“pdd”的变量或参数。"}


def test_sentence_whose_inner_sentence_has_no_chinese_stays_english() -> None:
    assert in_chinese("limit: Nobody ever said this.") == {}


def test_name_that_is_also_a_word_of_ours_is_left_as_it_was_given() -> None:
    assert in_chinese("There is no column 'model'.") == {"problem_zh": "没有“model”列。"}


def test_roles_that_may_do_what_is_refused_are_named_in_chinese() -> None:
    found = in_chinese("This is not yours to do.", "committee, officer")
    assert found == {"problem_zh": "您无权执行此操作。", "allowed_zh": "委员会成员、风险审批员"}


def test_text_longer_than_any_sentence_of_ours_is_not_held_against_patterns() -> None:
    assert in_chinese(f"There is no column '{'x' * LETTERS_MAX}'.") == {}
