"""Where one may go: the pages by the acts that they need."""

from collections.abc import Collection
from typing import Any

from limitkeeper.shells.console.session import ROOT

PLACES: tuple[tuple[str, str, str, tuple[str, ...], str, str], ...] = (
    ("overview", "o", "/", ("overview.read",), "Overview", "总览"),
    ("alerts", "a", "/alerts", ("alerts.read",), "Alerts", "预警"),
    ("accounts", "t", "/accounts", ("accounts.read",), "Accounts", "账户"),
    ("cases", "c", "/cases", ("case.read",), "Cases", "案件"),
    ("appeals", "p", "/appeals", ("appeal.list",), "Appeals", "申诉"),
    ("campaigns", "g", "/campaigns", ("campaign.read",), "Campaigns", "批量调整"),
    ("strategy", "s", "/strategy", ("release.read",), "Strategy", "策略"),
    ("compliance", "l", "/compliance", ("release.read",), "Compliance", "合规"),
    ("notices", "n", "/notices", ("notice.list", "appeal.list"), "Notices", "通知"),
    ("rights", "d", "/rights", ("rights.list",), "Personal data", "个人信息"),
    ("mandates", "m", "/mandates", ("mandate.read",), "Mandates", "授权"),
    ("people", "e", "/people", ("person.read",), "People", "人员"),
    ("deliveries", "b", "/deliveries", ("bank.read",), "Bank and messages", "核心系统与消息"),
    ("audit", "u", "/audit", ("audit.read",), "Audit", "审计"),
    ("my", "l", "/my", ("line.request",), "My lines", "我的额度"),
    ("inbox", "i", "/my/inbox", ("line.request",), "Inbox", "消息"),
    ("my_appeals", "a", "/my/appeals", ("line.request",), "My appeals", "我的申诉"),
    ("my_data", "d", "/my/data", ("line.request",), "My data", "我的信息"),
)
"""Each place: its name, its key after g, its path, the acts of which one is needed, and what it is called."""


def place_at(path: str) -> dict[str, Any] | None:
    """The place that a page belongs to, whoever may go there; None where it is of none.

    Examples
    --------
    >>> place_at("/console/cases/x")["en"], place_at("/console/me")
    ('Cases', None)
    """
    found = navigation({act for _, _, _, needed, _, _ in PLACES for act in needed}, path)
    return next((place for place in found if place["is_here"]), None)


def navigation(acts: Collection[str], path: str) -> list[dict[str, Any]]:
    """The places that somebody may go to, and which he is at.

    Examples
    --------
    >>> [place["name"] for place in navigation({"case.read"}, "/console/cases/x") if place["is_here"]]
    ['cases']
    >>> [place["name"] for place in navigation({"overview.read"}, "/console/me") if place["is_here"]]
    []
    """
    found = [
        {"name": name, "key": key, "path": ROOT + below, "en": english, "zh": chinese}
        for name, key, below, needed, english, chinese in PLACES
        if any(act in acts for act in needed)
    ]
    fitting = [
        each["path"]
        for each in found
        if path == each["path"] or (each["path"] != ROOT and path.startswith(each["path"] + "/"))
    ]
    here = max(fitting, key=len, default=None)
    return [place | {"is_here": place["path"] == here} for place in found]
