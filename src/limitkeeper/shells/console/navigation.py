"""Where one may go: the pages by the acts that they need."""

from collections.abc import Collection
from typing import Any

from limitkeeper.shells.console.session import ROOT

PLACES: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    ("overview", "/", ("overview.read",), "Overview", "总览"),
    ("alerts", "/alerts", ("alerts.read",), "Alerts", "预警"),
    ("accounts", "/accounts", ("accounts.read",), "Accounts", "账户"),
    ("cases", "/cases", ("case.read",), "Cases", "案件"),
    ("appeals", "/appeals", ("appeal.list",), "Appeals", "申诉"),
    ("campaigns", "/campaigns", ("campaign.read",), "Campaigns", "批量调整"),
    ("strategy", "/strategy", ("release.read",), "Strategy", "策略"),
    ("compliance", "/compliance", ("release.read",), "Compliance", "合规"),
    ("notices", "/notices", ("notice.list", "appeal.list"), "Notices", "通知"),
    ("rights", "/rights", ("rights.list",), "Personal data", "个人信息"),
    ("mandates", "/mandates", ("mandate.read",), "Mandates", "授权"),
    ("people", "/people", ("person.read",), "People", "人员"),
    ("deliveries", "/deliveries", ("bank.read",), "Bank and messages", "核心系统与消息"),
    ("audit", "/audit", ("audit.read",), "Audit", "审计"),
    ("my", "/my", ("line.request",), "My lines", "我的额度"),
    ("inbox", "/my/inbox", ("line.request",), "Inbox", "消息"),
    ("my_appeals", "/my/appeals", ("line.request",), "My appeals", "我的申诉"),
    ("my_data", "/my/data", ("line.request",), "My data", "我的信息"),
)
"""Each place: its name, its path, the acts of which one is needed, and what it is called."""


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
        {"name": name, "path": ROOT + below, "en": english, "zh": chinese}
        for name, below, needed, english, chinese in PLACES
        if any(act in acts for act in needed)
    ]
    fitting = [
        each["path"]
        for each in found
        if path == each["path"] or (each["path"] != ROOT and path.startswith(each["path"] + "/"))
    ]
    here = max(fitting, key=len, default=None)
    return [place | {"is_here": place["path"] == here} for place in found]
