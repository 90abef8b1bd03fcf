"""Strategies and their releases: what decides now, which releases there are, and one with its gates."""

import asyncio
from typing import Any

from starlette.responses import Response

from limitkeeper.core.compliance.life import STATES
from limitkeeper.shells.console.asking import ProblemError
from limitkeeper.shells.console.fairness import placed_findings
from limitkeeper.shells.console.look import Look, PageRoute
from limitkeeper.shells.console.session import quoted
from limitkeeper.shells.console.strategy_draft import trial

OTHERS_SHOWN = 50
"""Releases that one may be compared with: the newest."""


async def deciding_strategy(look: Look) -> Response:
    """The strategy that decides now: its rules, its path, its parameters."""
    return look.page("strategy", found=await look.ask.get("/v1/strategies/live"), thresholds=thresholds_of)


async def release_list(look: Look) -> Response:
    """Releases, the newest first."""
    names = ("state", "market", "has_model", "cursor")
    wanted = {name: look.asked(name) for name in names}
    return look.page("releases", found=await look.ask.get("/v1/releases", **wanted, limit=50), states=STATES)


async def one_release(look: Look) -> Response:
    """One release: its gates and what was done at each, its rules, and what differs from another one."""
    return await _release(look, {})


async def tried_release(look: Look) -> Response:
    """One release with what it would do to the accounts that the server knows."""
    way = f"/v1/strategies/{look.request.path_params['release_id']}"
    found, text = await asyncio.gather(look.ask.get(way), look.ask.get(f"{way}/text"))
    wanted = {"strategy": text["strategy"], "model_hash": found["model_hash"]}
    return await _release(look, await trial(look, wanted))


async def _release(look: Look, values: dict[str, Any]) -> Response:
    release_id = look.request.path_params["release_id"]
    since = look.asked("since", "live")
    release = await look.ask.get(f"/v1/releases/{release_id}")
    strategy, now, changes, others = await asyncio.gather(
        look.found(f"/v1/strategies/{release_id}"),
        look.found("/v1/strategies/live"),
        look.found(f"/v1/strategies/{release_id}/changes?since={quoted(since)}"),
        look.ask.get("/v1/releases", limit=OTHERS_SHOWN),
    )
    return look.page(
        "release", release=release, strategy=strategy, now=now, changes=changes, since=since,
        others=[each for each in others["items"] if each["release_id"] != release["release_id"]],
        would=await live_tried(look, release), thresholds=thresholds_of, acts=acts_at(release),
        placed_findings=placed_findings, **({"tried": None, "problem": None} | values),
    )  # fmt: skip


async def live_tried(look: Look, release: dict[str, Any]) -> dict[str, Any] | None:
    """What putting a release live for all accounts would change, or why it cannot be; None to who may not do it."""
    if release["state"] != "approved" or not look.may("release.live"):
        return None
    path = f"/v1/releases/{release['release_id']}/live?dry_run=true"
    try:
        found = await look.ask.answer(
            "POST", path, json={"share": 1}, headers={"If-Match": f'"{release["version"]}"'}
        )
    except ProblemError as error:
        return {"problem": error.document, "items": []}
    return {"problem": None, "items": found.json()["items"]}


def acts_at(release: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What was done at each gate of a release; what came after it went live is at the last.

    Examples
    --------
    >>> acts_at({"gates": [{"gate": "draft"}, {"gate": "live"}], "acts": [{"act": "draft"}, {"act": "retire"}]})
    {'draft': [{'act': 'draft'}], 'live': [{'act': 'retire'}]}
    """
    found: dict[str, list[dict[str, Any]]] = {each["gate"]: [] for each in release["gates"]}
    for act in release["acts"]:
        found[act["act"] if act["act"] in found else "live"].append(act)
    return found


def thresholds_of(strategy: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters that a strategy's rules read, each with the rules that read it.

    Examples
    --------
    >>> rules = [{"id": name, "thresholds": [{"name": "pd_high", "value": 0.4}]} for name in ("a", "b")]
    >>> thresholds_of({"rules": rules})
    [{'name': 'pd_high', 'value': 0.4, 'rules': ['a', 'b']}]
    """
    found: dict[str, dict[str, Any]] = {}
    for rule in strategy["rules"]:
        for each in rule["thresholds"]:
            found.setdefault(each["name"], each | {"rules": []})["rules"].append(rule["id"])
    return list(found.values())


PAGES = (
    PageRoute("/strategy", deciding_strategy),
    PageRoute("/strategy/releases", release_list),
    PageRoute("/strategy/releases/{release_id}", one_release),
    PageRoute("/strategy/releases/{release_id}/try", one_release),
    PageRoute("/strategy/releases/{release_id}/try", tried_release, method="POST", act="release.draft"),
)
