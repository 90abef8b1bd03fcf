"""What is wrong with a body, told to people in both languages."""

from typing import Annotated, Literal

import msgspec
import pytest

from limitkeeper.app.problem_wording import in_chinese
from limitkeeper.shells.api.unreadable import unreadable


class Part(msgspec.Struct):
    number: int


class Given(msgspec.Struct, forbid_unknown_fields=True):
    person_id: str
    password: Annotated[str, msgspec.Meta(min_length=12, max_length=20)] | None = None
    roles: Annotated[list[str], msgspec.Meta(min_length=1, max_length=2)] = []
    tier: Annotated[int, msgspec.Meta(ge=2, le=3)] = 2
    days: Annotated[float, msgspec.Meta(gt=0, lt=36_600)] = 2
    kind: Literal["done", "failed"] = "done"
    gives: bool = True
    parts: list[Part] = []
    day: Annotated[str, msgspec.Meta(pattern="^[0-9]$")] = "1"


FIELDS = [
    ({"password": "short"}, "password", "12 letters or more", "“密码”填写有误。", "12 个字符或以上"),
    ({"password": "s" * 30}, "password", "20 letters or fewer", "“密码”填写有误。", "20 个字符或以内"),
    ({"password": 5}, "password", "a text", "“密码”填写有误。", "文本"),
    ({"roles": []}, "roles", "1 or more", "“角色”填写有误。", "1 或以上"),
    ({"roles": ["a", "b", "c"]}, "roles", "2 or fewer", "“角色”填写有误。", "2 或更少"),
    ({"roles": None}, "roles", "a list", "“角色”填写有误。", "列表"),
    ({"tier": 1}, "tier", "2 or more", "“审批级别”填写有误。", "2 或以上"),
    ({"tier": 9}, "tier", "3 or less", "“审批级别”填写有误。", "3 或以下"),
    ({"tier": 2.5}, "tier", "a whole number", "“审批级别”填写有误。", "整数"),
    ({"days": 0}, "days", "more than 0", "“天数”填写有误。", "大于 0"),
    ({"days": 36_600}, "days", "less than 36600", "“天数”填写有误。", "小于 36600"),
    ({"days": "ninety"}, "days", "a number", "“天数”填写有误。", "数字"),
    ({"kind": "x"}, "kind", "done, failed", "“类型”填写有误。", None),
    ({"gives": 1}, "gives", "true or false", "“gives”填写有误。", "true 或 false"),
    (
        {"parts": [{"number": "x"}]},
        "parts[0].number",
        "a whole number",
        "“parts[0].number”填写有误。",
        "整数",
    ),
]


def told(body: object) -> tuple[str, str | None, dict[str, str]]:
    """What is said of a body, and its Chinese."""
    with pytest.raises(msgspec.DecodeError) as refused:
        msgspec.json.decode(msgspec.json.encode(body), type=Given)
    error = unreadable(refused.value, Given)
    return error.problem, error.allowed, in_chinese(error.problem, error.allowed)


@pytest.mark.parametrize(("given", "field", "allowed", "chinese", "allowed_chinese"), FIELDS)
def test_field_is_named_with_what_is_allowed_there(
    given: dict[str, object], field: str, allowed: str, chinese: str, allowed_chinese: str | None
) -> None:
    problem, said, found = told({"person_id": "zed"} | given)
    assert (problem, said) == (f"The field '{field}' is not as it should be.", allowed)
    assert (found["problem_zh"], found.get("allowed_zh")) == (chinese, allowed_chinese)


@pytest.mark.parametrize(
    ("given", "problem", "chinese"),
    [
        ({}, "The field 'person_id' is missing.", "未填写“登录名”。"),
        (
            {"person_id": "zed", "parts": [{}]},
            "The field 'parts[0].number' is missing.",
            "未填写“parts[0].number”。",
        ),
        ({"person_id": "zed", "more": 1}, "There is no field 'more'.", "没有字段“more”。"),
    ],
)
def test_field_that_is_missing_or_unknown_is_named(
    given: dict[str, object], problem: str, chinese: str
) -> None:
    said, _, found = told(given)
    assert (said, found["problem_zh"]) == (problem, chinese)


@pytest.mark.parametrize("body", [[], None, {"person_id": "zed", "day": "x"}])
def test_what_has_no_words_of_ours_is_told_as_the_decoder_says_it(body: object) -> None:
    problem, allowed, _ = told(body)
    assert problem.startswith("The body cannot be read: Expected ")
    assert str(allowed).startswith("an object with person_id, password")
