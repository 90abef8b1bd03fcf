"""The features of an account: names, units and meaning, in the order in which they are given out."""

import math

from limitkeeper.core.kernel.quantity import Quantity

NO_SPEND = "no spend in the window"
NO_BILLS = "no bill with an amount is known"


def _count(name: str, english: str, chinese: str) -> Quantity:
    return Quantity(name, "count", english, chinese, "never", 0.0)


def _cents(name: str, english: str, chinese: str, missing: str = "never", low: float = 0.0) -> Quantity:
    return Quantity(name, "cents", english, chinese, missing, low)


def _share(name: str, english: str, chinese: str, missing: str) -> Quantity:
    return Quantity(name, "share", english, chinese, missing, 0.0, 1.0)


def _days(name: str, english: str, chinese: str, missing: str) -> Quantity:
    return Quantity(name, "days", english, chinese, missing, 0.0)


WINDOWS = {"1h": ("1 hour", "1小时"), "1d": ("1 day", "1天"), "7d": ("7 days", "7天"), "30d": ("30 days", "30天"),
           "90d": ("90 days", "90天")}  # fmt: skip

FEATURES: tuple[Quantity, ...] = (
    *(_count(f"spend_count_{w}", f"Purchases and cash advances in {en}.", f"{zh}内消费与取现笔数。")
      for w, (en, zh) in WINDOWS.items()),
    *(_cents(f"spend_sum_{w}_cents", f"Sum of purchases and cash advances in {en}.", f"{zh}内消费与取现金额。")
      for w, (en, zh) in WINDOWS.items()),
    _cents("spend_mean_30d_cents", "Mean spend in 30 days.", "30天内单笔消费均值。", NO_SPEND),
    _cents("spend_mean_90d_cents", "Mean spend in 90 days.", "90天内单笔消费均值。", NO_SPEND),
    _cents("spend_std_30d_cents", "Population standard deviation of spend in 30 days.", "30天内消费金额标准差。",
           "fewer than 2 spends"),
    _cents("spend_std_90d_cents", "Population standard deviation of spend in 90 days.", "90天内消费金额标准差。",
           "fewer than 2 spends"),
    _cents("spend_max_30d_cents", "Largest spend in 30 days.", "30天内最大单笔消费。", NO_SPEND),
    Quantity("spend_zscore_90d", "standard deviations", "This spend against the 90 days before it.",
             "本笔消费相对此前90天的标准分。", "no spend event, fewer than 5 before it, or no spread"),
    Quantity("spend_velocity_7d_90d", "ratio", "Daily spend of 7 days against that of 90.",
             "7天日均消费与90天日均消费之比。", "no spend in 90 days", 0.0, 90.0 / 7.0 + 1e-9),
    _share("cash_share_30d", "Cash advances' share of the spend sum in 30 days.", "30天内取现金额占比。", NO_SPEND),
    _share("night_share_30d", "Share of spends between 00:00 and 06:00 local time, 30 days.", "30天内夜间消费笔数占比。",
           NO_SPEND),
    _share("round_share_30d", "Share of spends of a multiple of 100.00, 30 days.", "30天内整百金额消费笔数占比。", NO_SPEND),
    _count("merchant_count_30d", "Distinct known merchants of spends in 30 days.", "30天内不同商户数。"),
    _count("device_count_30d", "Distinct known devices of all events in 30 days.", "30天内不同设备数。"),
    _count("city_count_30d", "Distinct known cities of spends in 30 days.", "30天内不同城市数。"),
    _share("merchant_top_share_30d", "Largest known merchant's share of the spend sum, 30 days.",
           "30天内最大商户金额占比。", "no spend, or no merchant known"),
    Quantity("refund_share_90d", "ratio", "Refunds against purchases in 90 days.", "90天内退款与消费金额之比。",
             "no purchase", 0.0),
    _count("declined_count_7d", "Declined transactions in 7 days.", "7天内被拒交易笔数。"),
    _days("days_since_last_spend", "Days since the spend before this event.", "距上一笔消费的天数。", "none in 90 days"),
    Quantity("bills_12", "count", "Bills known, at most the last 12.", "已知账单数（最多12期）。", "never", 0.0, 12.0),
    _share("paid_full_share_6", "Share of the last 6 bills repaid in full.", "最近6期账单全额还款占比。", NO_BILLS),
    _share("minimum_only_share_6", "Share of the last 6 bills repaid at least the minimum, not in full.",
           "最近6期账单仅还最低额占比。", "no bill with a known minimum"),
    _share("late_share_6", "Share of the last 6 bills paid late.", "最近6期账单逾期占比。", NO_BILLS),
    _share("late_share_12", "Share of the last 12 bills paid late.", "最近12期账单逾期占比。", NO_BILLS),
    _days("days_past_due_max_12", "Most days past due over the last 12 bills.", "最近12期最长逾期天数。", NO_BILLS),
    _days("days_past_due_mean_6", "Mean days past due over the last 6 bills.", "最近6期平均逾期天数。", NO_BILLS),
    Quantity("on_time_streak", "count", "Newest bills in a row paid on time.", "最近连续按时还款期数。", "never", 0.0, 12.0),
    *(_share(f"completeness_{n}", f"Repaid share of the amounts of the last {n} bills.", f"最近{n}期账单还款完成率。",
             "nothing was billed") for n in (3, 6, 12)),
    _cents("balance_cents", "Balance; negative is a credit.", "账户余额（负数为溢缴款）。", "never", -math.inf),
    _cents("limit_cents", "Limit in force.", "当前额度。", "no limit known"),
    Quantity("utilisation", "ratio", "Balance against the limit, or that before the lender's last reduction.",
             "余额与额度（或最近一次降额前额度）之比。", "no limit, or limit 0"),
    _days("days_since_opened", "Whole days since the account was opened.", "开户以来的天数。", "no event yet"),
    _days("days_since_first_credit", "Whole days since the customer's first credit event known.",
          "客户首次信用记录以来的天数。", "none known"),
    _count("flag_count_90d", "Violation flags in 90 days.", "90天内违规标记数。"),
    Quantity("window_bounded", "flag", "The account had more events than are kept: its windows lack the oldest.",
             "事件数超过保留上限，窗口缺少最早的事件。", "never", 0.0, 1.0),
)  # fmt: skip
"""Every feature; the first 44 are the contract, in its order."""

FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
