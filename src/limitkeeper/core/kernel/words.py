"""What is said in English and Chinese at once."""

from collections.abc import Iterable
from typing import NamedTuple


class Words(NamedTuple):
    """The same in English and Chinese.

    Examples
    --------
    >>> Words("open for {days:.0f} days", "已历时 {days:.0f} 天").filled(days=20.2)
    Words(english='open for 20 days', chinese='已历时 20 天')
    """

    english: str
    chinese: str

    def filled(self, **values: object) -> "Words":
        """With values in their places, the same in both."""
        return Words(self.english.format(**values), self.chinese.format(**values))


def listed(each: Iterable[Words]) -> Words:
    """Several things said, one after the other, without their full stops.

    Examples
    --------
    >>> listed([Words("It is late.", "时间已晚。"), Words("Nobody is in.", "无人在内。")])
    Words(english='It is late; Nobody is in', chinese='时间已晚；无人在内')
    """
    said = tuple(each)
    return Words(
        "; ".join(one.english.removesuffix(".") for one in said),
        "；".join(one.chinese.removesuffix("。") for one in said),
    )
