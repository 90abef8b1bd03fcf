"""What was kept of an act, as facts that people read: never as the JSON that it is kept as."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from limitkeeper.shells.console.labels import label
from limitkeeper.shells.console.session import ROOT, quoted

FACTS_MAX = 60
"""Facts of one act that are shown; the others are counted."""

PAGES_OF = {
    "account": "/accounts/{}",
    "alert": "/alerts/{}",
    "case": "/cases/{}",
    "campaign": "/campaigns/{}",
    "appeal": "/appeals/{}",
    "customer": "/notices?customer_id={}",
    "notice": "/notices/{}",
    "person": "/audit?subject=person%3A{}",
    "request": "/rights/{}",
    "release": "/strategy/releases/{}",
}
"""The page about a thing, by its kind."""


class Fact(NamedTuple):
    """One thing that is known of something.

    Parameters
    ----------
    name
        Of the field; of one within another, both with a space.
    values
        As they are kept, one or those of a list: no lists and no objects.
    """

    name: str
    values: list[object]


def facts_of(detail: object, name: str = "") -> list[Fact]:
    """What an object says, as a list of facts; texts that are JSON themselves are read as well.

    Examples
    --------
    >>> facts_of({"into": ["a", "b"], "why": "no", "reach": {"tier": 3}, "kinds": '["bill"]'})
    ... # doctest: +NORMALIZE_WHITESPACE
    [Fact(name='into', values=['a', 'b']), Fact(name='why', values=['no']), Fact(name='reach tier', values=[3]),
     Fact(name='kinds', values=['bill'])]
    """
    found = list(_facts(detail, name))
    if len(found) > FACTS_MAX:
        found[FACTS_MAX:] = [Fact("…", [f"+{len(found) - FACTS_MAX}"])]
    return found


def _facts(value: object, name: str) -> Iterator[Fact]:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except ValueError:
            yield Fact(name, [value])
            return
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _facts(each, f"{name} {key}".strip())
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for place, each in enumerate(value, 1):
            yield from _facts(each, f"{name} {place}".strip())
    elif isinstance(value, list):
        yield Fact(name, value)
    else:
        yield Fact(name, [value])


def act_words(language: str, act: str, group: str = "act_done") -> str:
    """An act in words: the thing, and what is done with it.

    Parameters
    ----------
    language
        Of the words.
    act
        As it is kept, or of :data:`limitkeeper.core.access.rights.RIGHTS`.
    group
        ``act_done`` for what was done, ``right`` for what may be.

    Examples
    --------
    >>> act_words("en", "mandate.give"), act_words("zh", "case.clock.remind")
    ('Mandate: given', '案件：时限 提醒')
    """
    noun, _, rest = act.partition(".")
    thing = label(language, "act_thing", noun)
    if not rest:
        return thing
    said = " ".join(label(language, group, each) for each in rest.split("."))
    return f"{thing}{'：' if language == 'zh' else ': '}{said}"


def page_of(subject: str) -> str | None:
    """The page about what something was done to, ``kind:id``; None where there is none.

    Examples
    --------
    >>> page_of("account:a/7"), page_of("key:core-bank")
    ('/console/accounts/a%2F7', None)
    """
    kind, _, name = subject.partition(":")
    return ROOT + PAGES_OF[kind].format(quoted(name)) if name and kind in PAGES_OF else None


def in_one_cell(detail: Any) -> str:  # noqa: ANN401 - whatever an act kept
    """All facts in one line, as a cell of a table has them.

    Examples
    --------
    >>> in_one_cell({"tier": 2, "reach": {"accounts": 7}})
    'tier=2; reach accounts=7'
    """
    return "; ".join(
        f"{fact.name}={', '.join('' if each is None else str(each) for each in fact.values)}"
        for fact in _facts(detail, "")
    )
