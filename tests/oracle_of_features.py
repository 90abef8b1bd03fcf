"""An obvious, slow computation of every feature, straight from the definitions: the oracle of the ring and the scan."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

DAY = 86_400_000_000
WINDOWS = {"1h": DAY // 24, "1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}
NOT_CREDIT = {"login", "declined", "flag", "flag_withdrawn"}
NAN = math.nan


@dataclass(frozen=True)
class Event:
    account: int
    ts: int
    kind: str
    amount: int = 0
    paid: int = 0
    minimum_due: int = -1
    days_past_due: int = 0
    merchant: int = 0
    device: int = 0
    city: int = 0
    id: int = 0
    night: bool = False
    seq: int = 0

    @property
    def spend(self) -> bool:
        return self.kind in {"purchase", "cash_advance"}


def applied(history: list[Event]) -> list[tuple[str, dict[str, float] | None]]:
    """Each event's status, and its features where it was accepted, in arrival order."""
    known: list[Event] = []
    results: list[tuple[str, dict[str, float] | None]] = []
    for seq, arriving in enumerate(history):
        event = replace(arriving, seq=seq)
        own = [e for e in known if e.account == event.account]
        if own and event.ts < max(e.ts for e in own) - 90 * DAY:
            results.append(("too_late", None))
        elif any(e.id == event.id for e in own):
            results.append(("duplicate", None))
        else:
            known.append(event)
            own = sorted([*own, event], key=lambda e: (e.ts, e.seq))
            results.append(
                ("accepted", features([e for e in own if (e.ts, e.seq) <= (event.ts, event.seq)], event))
            )
    return results


def mean(values: list[int]) -> float:
    return float(Fraction(sum(values), len(values))) if values else NAN


def deviation(values: list[int]) -> float:
    if len(values) < 2:
        return NAN
    centre = Fraction(sum(values), len(values))
    return math.sqrt(sum((value - centre) ** 2 for value in values) / len(values))


def share(part: float, whole: float) -> float:
    return float(Fraction(part) / Fraction(whole)) if whole else NAN


def features(past: list[Event], event: Event) -> dict[str, float]:
    """The features of the last event of its account's past, which ends with it."""
    window = {name: [e for e in past if e.ts >= event.ts - size] for name, size in WINDOWS.items()}
    spends = {name: [e for e in events if e.spend] for name, events in window.items()}
    amounts = {name: [e.amount for e in events] for name, events in spends.items()}
    found: dict[str, float] = {}
    for name in WINDOWS:
        found[f"spend_count_{name}"] = len(amounts[name])
        found[f"spend_sum_{name}_cents"] = sum(amounts[name])
    for name in ("30d", "90d"):
        found[f"spend_mean_{name}_cents"] = mean(amounts[name])
        found[f"spend_std_{name}_cents"] = deviation(amounts[name])
    found["spend_max_30d_cents"] = max(amounts["30d"], default=NAN)
    before = [e.amount for e in spends["90d"] if e is not event]
    found["spend_zscore_90d"] = NAN
    if event.spend and len(before) >= 5 and deviation(before) > 0:
        found["spend_zscore_90d"] = (event.amount - mean(before)) / deviation(before)
    found["spend_velocity_7d_90d"] = share(Fraction(sum(amounts["7d"]), 7), Fraction(sum(amounts["90d"]), 90))
    cash = sum(e.amount for e in spends["30d"] if e.kind == "cash_advance")
    found["cash_share_30d"] = share(cash, sum(amounts["30d"]))
    count = len(spends["30d"])
    found["night_share_30d"] = share(sum(e.night for e in spends["30d"]), count)
    found["round_share_30d"] = share(sum(a > 0 and a % 10_000 == 0 for a in amounts["30d"]), count)
    merchants: dict[int, int] = {}
    for e in spends["30d"]:
        if e.merchant:
            merchants[e.merchant] = merchants.get(e.merchant, 0) + e.amount
    found["merchant_count_30d"] = len(merchants)
    found["device_count_30d"] = len({e.device for e in window["30d"] if e.device})
    found["city_count_30d"] = len({e.city for e in spends["30d"] if e.city})
    found["merchant_top_share_30d"] = (
        share(max(merchants.values()), sum(amounts["30d"])) if merchants else NAN
    )
    kind_sum = {
        kind: sum(e.amount for e in window["90d"] if e.kind == kind) for kind in ("refund", "purchase")
    }
    found["refund_share_90d"] = share(kind_sum["refund"], kind_sum["purchase"])
    found["declined_count_7d"] = sum(e.kind == "declined" for e in window["7d"])
    earlier = [e.ts for e in spends["90d"] if e is not event]
    found["days_since_last_spend"] = (event.ts - earlier[-1]) / DAY if earlier else NAN
    found |= bill_features(bills_put_right(past)[-12:])
    found |= level_features(past)
    found["days_since_opened"] = (event.ts - past[0].ts) // DAY
    credit = [e.ts for e in past if e.kind not in NOT_CREDIT]
    found["days_since_first_credit"] = (event.ts - credit[0]) // DAY if credit else NAN
    flags, withdrawn = (sum(e.kind == kind for e in window["90d"]) for kind in ("flag", "flag_withdrawn"))
    found["flag_count_90d"] = max(flags - withdrawn, 0)
    return found


def bills_put_right(past: list[Event]) -> list[Event]:
    """Bills in order of time; a correction stands in the place of the bill before it of the same time."""
    bills: list[Event] = []
    for e in past:
        if e.kind == "bill_corrected" and bills and bills[-1].ts == e.ts:
            bills[-1] = e
        elif e.kind in {"bill", "bill_corrected"}:
            bills.append(e)
    return bills


def bill_features(bills: list[Event]) -> dict[str, float]:
    billed = [b for b in bills if b.amount > 0]
    six = billed[-6:]
    known = [b for b in six if b.minimum_due >= 0]
    streak = 0
    for b in reversed(bills):
        if b.days_past_due:
            break
        streak += 1
    return {
        "bills_12": len(bills),
        "paid_full_share_6": share(sum(b.paid >= b.amount for b in six), len(six)),
        "minimum_only_share_6": share(sum(b.minimum_due <= b.paid < b.amount for b in known), len(known)),
        "late_share_6": share(sum(b.days_past_due > 0 for b in six), len(six)),
        "late_share_12": share(sum(b.days_past_due > 0 for b in billed), len(billed)),
        "days_past_due_max_12": max((b.days_past_due for b in billed), default=NAN),
        "days_past_due_mean_6": mean([b.days_past_due for b in six]),
        "on_time_streak": streak,
        **{
            f"completeness_{n}": share(
                sum(min(b.paid, b.amount) for b in bills[-n:]), sum(b.amount for b in bills[-n:])
            )
            for n in (3, 6, 12)
        },
    }


def level_features(past: list[Event]) -> dict[str, float]:
    balance, limit, reference = 0, None, None
    for e in past:
        if e.kind in {"purchase", "cash_advance", "charge"}:
            balance += e.amount
        elif e.kind in {"refund", "repayment"}:
            balance -= e.amount
        elif e.kind == "balance_set":
            balance = e.amount
        elif e.kind == "limit_set":
            reference = limit if limit is not None and e.amount < limit else None
            limit = e.amount
    against = reference if reference is not None else limit
    return {
        "balance_cents": balance,
        "limit_cents": NAN if limit is None else limit,
        "utilisation": share(balance, against) if against else NAN,
    }
