"""What a customer prefers: language, time zone, quiet hours, people instead of automation."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from limitkeeper.app.notice_policy import FIRST_MARKET, NoticePolicy, notice_policy
from limitkeeper.app.ownership import owner_of
from limitkeeper.core.kernel.instants import instant, us_of
from limitkeeper.core.notice.quiet_hours import QuietHours
from limitkeeper.store.notice_tables import customers
from limitkeeper.store.work import Work


def served_market(w: Work) -> NoticePolicy:
    """What the store's market asks of notices."""
    return notice_policy(w.store_settings.get("market", FIRST_MARKET))


def default_customer(w: Work) -> dict[str, Any]:
    """The preferences of a customer who has said nothing: language of the store's market, time zone of the store."""
    market = served_market(w)
    return {
        "language": market.language, "time_zone": w.store_settings.get("time_zone", market.time_zone),
        "quiet_from_hour": 22, "quiet_to_hour": 8, "refuses_automation": False,
    }  # fmt: skip


def customer_row(w: Work, customer_id: str) -> dict[str, Any]:
    """A customer's preferences, the market's where he has said nothing."""
    row = w.kept(customers, customer_id)
    return row or {"customer_id": customer_id, "version": 0, **default_customer(w)}


def owner_row(w: Work, account_id: str) -> dict[str, Any]:
    """The preferences of the customer of a line, as of :func:`customer_row`."""
    return customer_row(w, owner_of(w, account_id).customer_id)


def zone_of(customer: Mapping[str, Any]) -> ZoneInfo:
    """Where a customer's days begin: the days that he is told are his own."""
    return ZoneInfo(customer["time_zone"])


def preferences_set(w: Work, customer_id: str, values: Mapping[str, Any]) -> None:
    """Change a customer's preferences."""
    row = customer_row(w, customer_id)
    if row["version"] == 0:
        w.add(customers, row | dict(values) | {"version": 1})
    else:
        w.change(customers, customer_id, row["version"], dict(values))
    w.note("customer.prefer", f"customer:{customer_id}", {"changed": sorted(values)})


def quiet_hours(customer: Mapping[str, Any]) -> QuietHours:
    """When a customer is not written to."""
    return QuietHours(customer["quiet_from_hour"], customer["quiet_to_hour"], zone_of(customer))


def letter_us(customer: Mapping[str, Any], now_us: int) -> int:
    """When a letter that is written now goes out at the earliest: in no quiet hour."""
    return us_of(quiet_hours(customer).over(instant(now_us)))
