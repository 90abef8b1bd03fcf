"""How often people decided otherwise than was proposed, counted on every store."""

from collections.abc import Iterator

import pytest

from limitkeeper.app.human_rates import Month, judged_months, months_of_people
from limitkeeper.app.monitoring_policy import monitoring_terms
from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, Actor
from limitkeeper.core.access.rights import ForbiddenError
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.store.sql import Store
from limitkeeper.store.work import work
from tests.appealed_decisions import NOW_US, act, case_act, decided, proposed, staffed, submitted

CAM = Actor("cam", frozenset({COMPLIANCE}))
TERMS = monitoring_terms(day_of(NOW_US))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    found = Store(store_url)
    found.take({})
    staffed(found)
    yield found
    found.close()


def months(store: Store, now_us: int = NOW_US + 40 * DAY_US, actor: Actor = CAM) -> list[Month]:
    with work(store, actor, now_us) as w:
        return months_of_people(w)


def test_what_people_granted_and_upheld_is_counted_in_its_month(store: Store) -> None:
    for number, answer in enumerate(("grant", "uphold"), start=1):
        act(store, submitted(store, decided(store, number=number)), "bob claim", f"bob {answer}")
    refused = proposed(store, "decrease", 3)
    for doing in ("claim", "refuse"):
        case_act(store, refused, "ann", doing)
    proposed(store, "decrease", 4)
    (month,) = months(store)
    assert month.name == f"{day_of(NOW_US):%Y-%m}"
    assert (month.answered, month.overturned) == (2, 1)
    assert (month.decided, month.overridden) == (3, 1), "one waits yet"


def test_the_month_that_is_not_over_is_left_out(store: Store) -> None:
    decided(store)
    assert months(store, NOW_US) == []


def test_a_customer_does_not_read_what_people_decided(store: Store) -> None:
    with pytest.raises(ForbiddenError):
        months(store, actor=Actor("kim", frozenset({CUSTOMER}), "a"))


def test_a_rate_that_leaps_is_an_alert_and_few_decisions_say_nothing() -> None:
    steady = [Month(f"2026-0{k}", 200, 20, 5, 1) for k in range(1, 5)]
    found = judged_months([*steady, Month("2026-05", 200, 80, 5, 5)], TERMS)
    override, overturn = found[-1]["figures"]
    assert (override["level"], override["is_new"]) == ("alert", True)
    assert (overturn["level"], overturn["why_not"]) == ("fine", "too_few")
    assert {figure["level"] for month in found[:-1] for figure in month["figures"]} == {"fine"}
    assert found[0]["figures"][0]["why_not"] == "nothing_before"
