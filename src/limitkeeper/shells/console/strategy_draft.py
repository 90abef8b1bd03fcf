"""A new strategy: its text, what is wrong with it line by line, and the draft that comes of it."""

import asyncio
from typing import Any

from starlette.responses import Response

from limitkeeper.shells.console.asking import ProblemError
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import quoted

MODELS_SHOWN = 100
"""Releases that are looked through for models and own columns: the newest."""

MODEL = "model_hash?"
"""The form's field of the model; empty: none."""


async def new_draft(look: Look) -> Response:
    """A text to begin with: that of the strategy that decides, or of a release."""
    start = look.asked("from", "live")
    found = await look.ask.get(f"/v1/strategies/{quoted(start)}/text")
    return await _page(look, found["strategy"], {})


async def checked_draft(look: Look) -> Response:
    """The text with what is wrong with it, so that nothing that was written is lost."""
    given, text = await _written(look)
    values: dict[str, Any] = {"chosen": given}
    try:
        answer = await look.ask.answer("POST", "/v1/strategies/check", json={"strategy": text})
        checked = answer.json()
        values["checked"] = checked | {"problems": [look.told(each) for each in checked["problems"]]}
    except ProblemError as error:
        values["problem"] = error.document
    return await _page(look, text, values)


async def tried_draft(look: Look) -> Response:
    """The text with what it would do to the accounts that the server knows; nothing that was written is lost."""
    given, text = await _written(look)
    wanted: dict[str, Any] = {"strategy": text}
    if MODEL in given:
        wanted["model_hash"] = given[MODEL] or None
    return await _page(look, text, {"chosen": given} | await trial(look, wanted))


async def trial(look: Look, wanted: dict[str, Any]) -> dict[str, Any]:
    """What came of trying a draft, or why it was not tried.

    Parameters
    ----------
    look
        Of who tries it.
    wanted
        As ``POST /v1/strategies/try`` takes it.
    """
    try:
        return {"tried": (await look.ask.answer("POST", "/v1/strategies/try", json=wanted)).json()}
    except ProblemError as error:
        return {"problem": error.document}


async def _written(look: Look) -> tuple[dict[str, str], str]:
    """The fields of the form, and the text in it."""
    form = await look.request.form()
    given = {name: value for name, value in form.items() if isinstance(value, str)}
    return given, given.get("strategy", "").replace("\r\n", "\n")


async def _page(look: Look, text: str, values: dict[str, Any]) -> Response:
    releases, now = await asyncio.gather(
        look.ask.get("/v1/releases", limit=MODELS_SHOWN), look.found("/v1/strategies/live")
    )
    given = {
        "checked": None, "tried": None, "problem": None, "chosen": {}, "text": text, "now": now,
        "models": named(releases["items"], "model_hash", "model"),
        "registers": named(releases["items"], "register_hash", "strategy"),
    }  # fmt: skip
    return look.page("strategy_new", **(given | values), problems_at=problems_at)


def named(releases: list[dict[str, Any]], hash_name: str, name: str) -> dict[str, str]:
    """The contents that releases have, by their hashes, and what each is called.

    Examples
    --------
    >>> named([{"model_hash": "sha256:a", "model": "logistic"}, {"model_hash": None}], "model_hash", "model")
    {'sha256:a': 'logistic'}
    """
    return {each[hash_name]: each[name] for each in releases if each[hash_name]}


def problems_at(checked: dict[str, Any] | None) -> dict[int, list[dict[str, Any]]]:
    """The problems of a check by their lines.

    Examples
    --------
    >>> problems_at({"problems": [{"line": 3, "problem": "a"}, {"line": 3, "problem": "b"}]})
    {3: [{'line': 3, 'problem': 'a'}, {'line': 3, 'problem': 'b'}]}
    """
    found: dict[int, list[dict[str, Any]]] = {}
    for each in (checked or {"problems": ()})["problems"]:
        found.setdefault(each["line"], []).append(each)
    return found


PAGES = (
    PageRoute("/strategy/new", new_draft, act="release.draft"),
    PageRoute("/strategy/new", checked_draft, method="POST", act="release.draft"),
    PageRoute("/strategy/try", new_draft, act="release.draft"),
    PageRoute("/strategy/try", tried_draft, method="POST", act="release.draft"),
)
