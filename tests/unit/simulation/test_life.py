"""Simulated lives: what they promise of every event, and what hides behind them."""

import datetime as dt
import io
import math

import polars as pl
import pytest

from limitkeeper.connectors.events import read_events
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.simulation.life import SimulatedLife, simulated_life
from limitkeeper.simulation.mix import KINDS, RING_MEMBERS, TRIGGER_OF_KIND, Mix

ACCOUNTS, DAYS = 3_000, 180
SIGNS = {"purchase": 1, "cash_advance": 1, "charge": 1, "repayment": -1, "refund": -1}
SPENDS = ["purchase", "cash_advance"]


@pytest.fixture(scope="module")
def life() -> SimulatedLife:
    return simulated_life(ACCOUNTS, DAYS, seed=11)


@pytest.fixture(scope="module")
def ledger(life: SimulatedLife) -> pl.DataFrame:
    """Each event once, in time order, with its account's balance after it."""
    sign = pl.col("kind").replace_strict(SIGNS, default=0, return_dtype=pl.Int64)
    return (
        life.events.unique("event_id", keep="first")
        .with_columns(pl.col("event_id").str.split("-").list.last().cast(pl.Int64).alias("sequence"))
        .join(life.accounts.select("account_id", "limit_cents", "opening_balance_cents"), on="account_id")
        .join(life.truth.drop("simulated").rename({"kind": "who"}), on="account_id")
        .sort("account_id", "sequence")
        .with_columns((sign * pl.col("amount").fill_null(0)).alias("change"))
        .with_columns(
            (pl.col("opening_balance_cents") + pl.col("change").cum_sum().over("account_id")).alias("balance")
        )
    )


def of_kind(life: SimulatedLife, *kinds: str) -> pl.DataFrame:
    return life.truth.filter(pl.col("kind").is_in(kinds))


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def test_every_event_is_accepted(life: SimulatedLife) -> None:
    read = read_events(life.events, as_of=life.end)
    assert read.rejected.is_empty()
    assert read.accepted.height == life.events.height > 100 * ACCOUNTS


def test_every_row_says_that_it_is_simulated(life: SimulatedLife) -> None:
    for name in ("event_id", "account_id", "merchant_id", "device_id", "counterparty_id"):
        assert life.events[name].drop_nulls().str.starts_with("sim-").all(), name
    for frame in (life.accounts, life.truth):
        assert frame["simulated"].all()
        assert frame["account_id"].str.starts_with("sim-").all()


def test_same_seed_gives_the_same_bytes_and_another_seed_another_life() -> None:
    first, again, other = (simulated_life(50, 60, seed) for seed in (5, 5, 6))
    for name in ("events", "accounts", "truth"):
        assert parquet_bytes(getattr(first, name)) == parquet_bytes(getattr(again, name))
    assert not first.events.equals(other.events)


def test_life_of_an_account_does_not_depend_on_how_many_there_are(life: SimulatedLife) -> None:
    few = simulated_life(401, DAYS, seed=11)
    for name in ("events", "accounts", "truth"):
        among_many = getattr(life, name).join(
            few.accounts, on="account_id", how="semi", maintain_order="left"
        )
        assert getattr(few, name).equals(among_many), name


def test_late_and_duplicate_shares_do_not_change_the_life_itself() -> None:
    punctual = simulated_life(60, 90, 3, late_share=0, duplicate_share=0)
    untidy = simulated_life(60, 90, 3, late_share=0.2, duplicate_share=0.1)
    assert punctual.events["arrived_at"].equals(punctual.events["ts"].rename("arrived_at"))
    assert punctual.truth.equals(untidy.truth)
    once = untidy.events.drop("arrived_at").unique("event_id").sort("event_id")
    assert once.equals(punctual.events.drop("arrived_at").sort("event_id"))


def test_events_lie_in_the_period_and_in_arrival_order(life: SimulatedLife) -> None:
    assert life.events["ts"].is_between(life.start, life.end, closed="left").all()
    assert life.events["arrived_at"].is_sorted()
    assert not life.events["ts"].is_sorted()
    assert (
        (life.events["arrived_at"] - life.events["ts"])
        .is_between(dt.timedelta(0), dt.timedelta(days=90))
        .all()
    )


def test_late_and_duplicate_shares_are_as_asked(life: SimulatedLife) -> None:
    copies = life.events.height - life.events["event_id"].n_unique()
    once = life.events.unique("event_id", keep="first")
    late = once.filter(pl.col("arrived_at") > pl.col("ts")).height
    assert copies / once.height == pytest.approx(0.005, rel=0.1)
    assert late / once.height == pytest.approx(0.01, rel=0.1)


def test_duplicate_is_the_same_event_but_for_its_arrival(life: SimulatedLife) -> None:
    rows = life.events.drop("arrived_at")
    assert rows.unique().height == rows["event_id"].n_unique() < rows.height


def test_balances_add_up_to_the_end(life: SimulatedLife, ledger: pl.DataFrame) -> None:
    last = ledger.group_by("account_id", maintain_order=True).agg(pl.col("balance").last())
    both = last.join(life.truth, on="account_id")
    assert both.height == ACCOUNTS
    assert both["balance"].equals(both["closing_balance_cents"].rename("balance"))


def test_no_spend_goes_above_the_limit(ledger: pl.DataFrame) -> None:
    spends = ledger.filter(pl.col("kind").is_in(SPENDS))
    assert (spends["balance"] <= spends["limit_cents"]).all()
    assert (ledger.filter(pl.col("kind") == "charge")["balance"] > 0).all()


def test_first_event_sets_the_limit_of_the_account_table(ledger: pl.DataFrame) -> None:
    first = ledger.group_by("account_id").first()
    assert (first["kind"] == "limit_set").all()
    assert first["amount"].equals(first["limit_cents"].rename("amount"))


def test_what_a_bill_was_paid_is_what_was_repaid_between_statement_and_close(ledger: pl.DataFrame) -> None:
    repaid = (
        ledger.filter(pl.col("kind") == "repayment")
        .with_columns(pl.col("amount").cum_sum().over("account_id").alias("repaid"))
        .select("account_id", "ts", "repaid")
        .sort("ts")
    )
    bills = ledger.filter(pl.col("kind") == "bill").select("account_id", "ts", "paid")

    def until(days_before: int) -> pl.Series:
        moments = bills.with_row_index().with_columns(pl.col("ts") - pl.duration(days=days_before)).sort("ts")
        found = moments.join_asof(repaid, on="ts", by="account_id", check_sortedness=False)
        return found.sort("index")["repaid"].fill_null(0)

    assert bills.height > 4 * ACCOUNTS
    assert (until(0) - until(25)).equals(bills["paid"].rename("repaid"))


def test_bill_is_late_unless_its_minimum_was_repaid(ledger: pl.DataFrame) -> None:
    bills = ledger.filter((pl.col("kind") == "bill") & (pl.col("balance") > 0))
    unpaid = bills.filter(pl.col("paid") < pl.col("minimum_due"))
    assert (bills["paid"] <= bills["amount"]).all()
    assert (bills["minimum_due"] <= bills["amount"]).all()
    assert unpaid["days_past_due"].min() == 5
    assert bills.filter(pl.col("paid") >= pl.col("minimum_due"))["days_past_due"].max() < 5


def test_ninety_days_past_due_is_when_an_account_defaults(ledger: pl.DataFrame) -> None:
    bills = ledger.filter(pl.col("kind") == "bill")
    for column, days in (("thirty_days_late_at", 30), ("defaulted_at", 90)):
        far = bills.filter(pl.col("days_past_due") >= days)
        assert far.height > 20
        assert (far[column] <= far["ts"]).all()
        assert (bills.filter(pl.col(column).is_null())["days_past_due"] < days).all()


def test_nothing_is_drawn_after_default(ledger: pl.DataFrame) -> None:
    after = ledger.filter(pl.col("ts") > pl.col("defaulted_at") + pl.duration(days=1))
    assert after.height > 0
    assert after.filter(pl.col("kind").is_in(SPENDS)).is_empty()


def test_exposures_are_the_balances_at_onset_and_at_default(ledger: pl.DataFrame) -> None:
    for moment, exposure in (
        ("onset_at", "exposure_at_onset_cents"),
        ("defaulted_at", "exposure_at_default_cents"),
    ):
        before = ledger.filter(pl.col("ts") < pl.col(moment)).group_by("account_id").last()
        assert before.height > 50
        assert before["balance"].equals(before[exposure].rename("balance")), moment


def test_kinds_have_their_shares_and_rings_are_whole(life: SimulatedLife) -> None:
    shares = dict(zip(KINDS, Mix().shares, strict=True))
    counted = dict(life.truth["kind"].value_counts().iter_rows())
    for kind, share in shares.items():
        deviation = math.sqrt(ACCOUNTS * share * (1 - share))
        assert abs(counted[kind] - ACCOUNTS * share) < 4 * deviation, kind
    assert counted["cash_out_ring"] == ACCOUNTS // Mix().ring_cell * RING_MEMBERS
    assert set(life.truth.drop_nulls("ring")["ring"].value_counts()["count"]) == {RING_MEMBERS}


def test_trigger_and_onset_are_known_of_just_those_whom_something_befalls(life: SimulatedLife) -> None:
    struck = of_kind(life, *TRIGGER_OF_KIND)
    assert struck["onset_at"].null_count() == 0
    assert struck["trigger"].to_list() == [TRIGGER_OF_KIND[kind] for kind in struck["kind"]]
    spared = of_kind(life, "salaried", "seasonal", "dormant")
    assert spared.height + struck.height == ACCOUNTS
    assert (
        spared.select("onset_at", "trigger", "ring", "recovered_at").null_count().row(0)
        == (spared.height,) * 4
    )


def test_distressed_are_late_and_default_far_more_than_the_salaried(life: SimulatedLife) -> None:
    def shares(kind: str) -> tuple[float, float]:
        who = of_kind(life, kind)
        return tuple(
            1 - who[name].null_count() / who.height for name in ("thirty_days_late_at", "defaulted_at")
        )

    distressed, recovering, salaried = (shares(kind) for kind in ("distressed", "recovering", "salaried"))
    assert distressed[0] > 0.6
    assert distressed[1] > 0.2
    assert distressed[1] > 5 * recovering[1]
    assert salaried[0] < 0.05
    assert salaried[1] < 0.01


def test_recovered_accounts_pay_on_time_again(ledger: pl.DataFrame) -> None:
    bills = ledger.filter((pl.col("kind") == "bill") & (pl.col("who") == "recovering"))
    bad = bills.filter(pl.col("ts").is_between(pl.col("onset_at"), pl.col("recovered_at")))
    good = bills.filter(pl.col("ts") > pl.col("recovered_at") + pl.duration(days=60))
    assert (bad["days_past_due"] > 0).mean() > 3 * (good["days_past_due"] > 0).mean()


def test_ring_members_share_merchants_devices_and_a_counterparty(ledger: pl.DataFrame) -> None:
    deeds = ledger.filter((pl.col("who") == "cash_out_ring") & (pl.col("ts") > pl.col("onset_at")))
    for name, members in (("merchant_id", 5), ("device_id", 4), ("counterparty_id", 5)):
        used = deeds.filter((pl.col("kind") == "purchase") & pl.col(name).is_not_null())
        users = used.group_by("ring", name).agg(pl.col("account_id").n_unique().alias("accounts"))
        assert (users.group_by("ring").agg(pl.col("accounts").max())["accounts"] >= members).all(), name


def test_healthy_customers_share_devices_with_a_relative_or_a_shop_only(life: SimulatedLife) -> None:
    healthy = life.events.join(of_kind(life, "salaried", "seasonal"), on="account_id", how="semi")
    customers = healthy.join(life.accounts, on="account_id").group_by("device_id").agg(
        pl.col("customer_id").n_unique().alias("customers")
    )  # fmt: skip
    assert (customers["customers"] == 1).mean() > 0.9
    assert customers.drop_nulls()["customers"].max() > 10


def test_thief_comes_at_night_from_devices_never_seen_before(ledger: pl.DataFrame) -> None:
    stolen = ledger.filter(pl.col("who") == "taken_over").with_columns(
        (pl.col("ts") >= pl.col("onset_at")).alias("after"),
        (pl.col("ts").dt.convert_time_zone("Asia/Shanghai").dt.hour() < 6).alias("night"),
    )
    known = stolen.filter(~pl.col("after")).select("account_id", "device_id")
    first_days = stolen.filter(
        pl.col("after") & (pl.col("ts") < pl.col("onset_at") + pl.duration(days=1))
        & pl.col("kind").is_in(SPENDS) & pl.col("device_id").is_not_null()
    )  # fmt: skip
    strange = first_days.join(known, on=["account_id", "device_id"], how="anti")
    assert strange["account_id"].n_unique() > 0.8 * stolen["account_id"].n_unique()
    assert strange["night"].mean() > 0.9
    before = stolen.filter(~pl.col("after") & pl.col("kind").is_in(SPENDS))
    assert before["night"].mean() < 0.1


def test_flags_come_only_after_the_onset_of_what_was_confirmed(ledger: pl.DataFrame) -> None:
    flags = ledger.filter(pl.col("kind") == "flag")
    assert (flags["ts"] > flags["onset_at"]).all()
    reasons = {"cash_out_ring": "cash_out_confirmed", "taken_over": "account_takeover_confirmed"}
    assert set(flags.select("who", "reason").iter_rows()) == set(reasons.items())


def test_dormant_accounts_are_not_drawn_on_and_get_no_bill(ledger: pl.DataFrame) -> None:
    dormant = ledger.filter(pl.col("who") == "dormant")
    assert set(dormant["kind"]) <= {"limit_set", "login", "declined"}


def test_seasonal_spending_swings_more_than_salaried_spending(ledger: pl.DataFrame) -> None:
    months = (
        ledger.filter(pl.col("kind").is_in(SPENDS) & pl.col("who").is_in(["salaried", "seasonal"]))
        .group_by("who", "account_id", pl.col("ts").dt.month())
        .agg(pl.col("amount").sum())
        .group_by("who", "account_id")
        .agg(pl.col("amount").max() / pl.col("amount").mean())
        .group_by("who")
        .agg(pl.col("amount").median())
    )
    swing = dict(months.iter_rows())
    assert swing["seasonal"] > 1.2 * swing["salaried"]


def test_customers_with_two_lines_have_one_of_each_product_and_one_fate(life: SimulatedLife) -> None:
    lines = life.accounts.join(life.truth.select("account_id", "kind", "onset_at"), on="account_id")
    both = lines.filter(pl.len().over("customer_id") > 1)
    assert both["customer_id"].n_unique() > 0.02 * ACCOUNTS
    told = both.group_by("customer_id").agg(pl.col("product").sort(), pl.col("kind").n_unique(), pl.len())
    assert set(told["len"]) == {2}
    assert set(told["kind"]) == {1}
    assert all(products.to_list() == ["cash", "purchase"] for products in told["product"])


def test_declared_links_lead_to_another_customer_and_distress_runs_along_some(life: SimulatedLife) -> None:
    customer = dict(life.accounts.select("account_id", "customer_id").iter_rows())
    kind = dict(life.truth.select("account_id", "kind").iter_rows())
    links = [
        (here, there)
        for name in ("guarantor_account_id", "contact_account_id")
        for here, there in life.accounts.select("account_id", name).drop_nulls().iter_rows()
    ]
    assert 0.05 * ACCOUNTS < len(links) < 0.15 * ACCOUNTS
    assert all(customer[here] != customer[there] for here, there in links)
    of_distressed = [kind[there] == "distressed" for here, there in links if kind[here] == "distressed"]
    of_salaried = [kind[there] == "distressed" for here, there in links if kind[here] == "salaried"]
    assert sum(of_distressed) / len(of_distressed) > 2 * sum(of_salaried) / len(of_salaried)


def test_life_can_begin_at_any_instant() -> None:
    start = dt.datetime(2025, 7, 3, 17, 30, 0, 5, tzinfo=dt.UTC)
    life = simulated_life(40, 45, 1, start=start)
    assert life.events["ts"].min() == start
    assert life.events["ts"].max() < life.end == start + dt.timedelta(days=45)
    assert read_events(life.events).rejected.is_empty()


def test_mix_without_rings_has_none_and_one_of_rings_alone_has_nothing_else() -> None:
    none = simulated_life(30, 10, 1, mix=Mix(salaried=0.72, cash_out_ring=0.0))
    assert "cash_out_ring" not in none.truth["kind"]
    alone = Mix(0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    assert set(simulated_life(30, 10, 1, mix=alone).truth["kind"]) == {"cash_out_ring"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"accounts": 0}, "'accounts' is out of range"),
        ({"days": 4_000}, "'days' is out of range"),
        ({"seed": -1}, "'seed' is out of range"),
        ({"late_share": 1.5}, "'late_share' is out of range"),
        ({"duplicate_share": float("nan")}, "'duplicate_share' is out of range"),
        ({"start": dt.datetime(2026, 1, 1)}, "has no offset"),  # noqa: DTZ001 - that is the fault
    ],
)
def test_argument_out_of_range_is_refused_by_name(arguments: dict, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        simulated_life(**{"accounts": 5, "days": 5, "seed": 0, **arguments})


def test_share_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="'dormant' is out of range"):
        Mix(salaried=0.8, dormant=-0.03)
