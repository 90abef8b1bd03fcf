"""Errors in Chinese: each sentence as the wording file tells it, found when an error is told, not when it is raised."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from string import Formatter

import yaml

from limitkeeper.app.policy import POLICY, console_wording
from limitkeeper.core.compliance.register import REFUSALS, USERS

LETTERS_MAX = 1_000
"""Of a sentence that is held against patterns: a longer one has somebody's text in it."""

PROBLEM, WORD = "problem", "word"
"""Values that are told in Chinese themselves: one of the name of the first; those whose names begin so."""

ROLES = "role"
"""The group of words of which lists are told: who may do what is refused."""


@dataclass(frozen=True)
class Pattern:
    """A sentence with values in it, as ``There is no column '{name}'.``, and its Chinese with the same values."""

    english: str
    chinese: str

    @cached_property
    def start(self) -> str:
        """What it begins with, before its first value."""
        return next(iter(Formatter().parse(self.english)))[0]

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """What matches the sentence whole; compiled when a sentence first begins like it."""
        parts = [re.escape(text) + (f"(?P<{name}>.+?)" if name else "")
                 for text, name, _, _ in Formatter().parse(self.english)]  # fmt: skip
        return re.compile("".join(parts), re.DOTALL)

    @property
    def plain_letters(self) -> int:
        """How many letters are no value: of two patterns that match, the one with more says more."""
        return sum(len(text) for text, *_ in Formatter().parse(self.english))


@dataclass(frozen=True)
class Catalogue:
    """The Chinese of sentences by their kind: ``problem``, ``allowed`` or ``advice``.

    Parameters
    ----------
    sentences
        Of each kind, by the English sentence.
    patterns
        Of each kind, those that say most first.
    words
        That are put into sentences.
    roles
        Of people and services.
    """

    sentences: Mapping[str, Mapping[str, str]]
    patterns: Mapping[str, tuple[Pattern, ...]]
    words: Mapping[str, str]
    roles: Mapping[str, str]

    def chinese(self, kind: str, english: str) -> str | None:
        """A sentence in Chinese; None where there is none."""
        found = self.sentences[kind].get(english)
        if found is not None or len(english) > LETTERS_MAX:
            return found
        for pattern in self.patterns[kind]:
            if english.startswith(pattern.start) and (match := pattern.expression.fullmatch(english)):
                values = {name: self._within(name, value) for name, value in match.groupdict().items()}
                return None if None in values.values() else pattern.chinese.format(**values)
        return self._listed(english) if kind == "allowed" else None

    def _within(self, name: str, value: str) -> str | None:
        """A value in Chinese where it is a sentence or a word of ours; else as it is."""
        if name == PROBLEM:
            return self.chinese(PROBLEM, value)
        return self.words.get(value, value) if name.startswith(WORD) else value

    def _listed(self, english: str) -> str | None:
        """A list of roles."""
        names = english.split(", ")
        is_roles = all(name in self.roles for name in names)
        return "、".join(self.roles[name] for name in names) if is_roles else None


@cache
def catalogue() -> Catalogue:
    """The catalogue that the wording file holds; read once."""
    document = yaml.safe_load((POLICY / "wording" / "zh" / "problems.yaml").read_text(encoding="utf-8"))
    groups = console_wording("zh")
    kinds = ("problem", "allowed", "advice")
    patterns = {kind: [Pattern(*row) for row in document[kind]["patterns"].items()] for kind in kinds}
    patterns[PROBLEM] += [Pattern(*refusal) for refusal in REFUSALS.values()]
    words = {**document["words"], **USERS}
    for group in document["groups"]:
        words |= groups[group]
    return Catalogue(
        {kind: document[kind]["sentences"] for kind in kinds},
        {
            kind: tuple(sorted(found, key=lambda each: -each.plain_letters))
            for kind, found in patterns.items()
        },
        words,
        groups[ROLES],
    )


def in_chinese(problem: str, allowed: object = None, advice: str | None = None) -> dict[str, str]:
    """What an error says, in Chinese, as fields: those of its parts that have a Chinese text.

    Parameters
    ----------
    problem, allowed, advice
        As of :class:`limitkeeper.core.kernel.errors.LimitkeeperError`.

    Examples
    --------
    >>> in_chinese("There is no column 'pd'.", "1 or more", "Read it again.")
    {'problem_zh': '没有“pd”列。', 'allowed_zh': '1 或以上', 'advice_zh': '请重新读取。'}
    >>> in_chinese("Nobody ever said this.", 5)
    {}
    """
    given = {"problem": problem, "allowed": allowed, "advice": advice}
    found = {kind: catalogue().chinese(kind, str(text)) for kind, text in given.items() if text is not None}
    return {f"{kind}_zh": chinese for kind, chinese in found.items() if chinese is not None}
