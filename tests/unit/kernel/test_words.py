"""What is said in English and Chinese at once, and how an error tells what was found."""

from types import MappingProxyType

from limitkeeper.core.kernel.errors import RuleError
from limitkeeper.core.kernel.words import Words


class HouseError(RuleError):
    RULES = MappingProxyType({"shut": ("The door is shut.", "门已关闭。")})


def test_rule_alone_is_told_as_it_stands() -> None:
    error = HouseError("shut")
    assert (str(error), error.chinese) == ("The door is shut.", "门已关闭。")


def test_what_was_found_is_told_after_the_rule_in_both_languages() -> None:
    found = [Words("it is late", "时间已晚"), Words("Nobody is in.", "无人在内。")]
    error = HouseError("shut", value="door", details=found)
    assert str(error) == "The door is shut: it is late; Nobody is in. Given: door."
    assert error.chinese == "门已关闭：时间已晚；无人在内。"
