"""Every feature as one DuckDB query, from the definitions: a second opinion, and a peer in the benchmark.

Events are in time order. The key orders an account's events by time and, among equal times, by arrival, so that
``RANGE`` with an offset ends at the event itself; the offset grows by its place among equal times.
"""

import duckdb
import polars as pl

from limitkeeper.core.behaviour.events import DAY_US, KINDS, EventBatch
from limitkeeper.core.behaviour.features import FEATURE_NAMES

TIES = 1_024
WINDOWS_US = {"1h": DAY_US // 24, "1d": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US, "90d": 90 * DAY_US}
OVER = ", ".join(
    f"w{name} AS (PARTITION BY account ORDER BY key RANGE BETWEEN {size * TIES} + tie PRECEDING AND CURRENT ROW)"
    for name, size in WINDOWS_US.items()
)
BEFORE = (
    f"(PARTITION BY account ORDER BY key RANGE BETWEEN {90 * DAY_US * TIES} + tie PRECEDING "
    "AND CURRENT ROW EXCLUDE CURRENT ROW)"
)
PAST = "(PARTITION BY account ORDER BY key ROWS UNBOUNDED PRECEDING)"
SPEND = "FILTER (kind IN ('purchase', 'cash_advance'))"


def _aggregates() -> str:
    counts = [f"count(*) {SPEND} OVER w{w} AS spend_count_{w}" for w in WINDOWS_US]
    sums = [f"coalesce(sum(amount) {SPEND} OVER w{w}, 0) AS spend_sum_{w}_cents" for w in WINDOWS_US]
    flags, withdrawn = (f"count(*) FILTER (kind = '{kind}') OVER w90d" for kind in ("flag", "flag_withdrawn"))
    return ",\n".join(
        [
            *counts,
            *sums,
            *(f"avg(amount) {SPEND} OVER w{w} AS spend_mean_{w}_cents" for w in ("30d", "90d")),
            *(f"stddev_pop(amount) {SPEND} OVER w{w} AS spend_std_{w}" for w in ("30d", "90d")),
            f"max(amount) {SPEND} OVER w30d AS spend_max_30d_cents",
            f"count(*) {SPEND} OVER {BEFORE} AS before_count",
            f"avg(amount) {SPEND} OVER {BEFORE} AS before_mean",
            f"stddev_pop(amount) {SPEND} OVER {BEFORE} AS before_std",
            f"max(ts) {SPEND} OVER {BEFORE} AS before_ts",
            "coalesce(sum(amount) FILTER (kind = 'cash_advance') OVER w30d, 0) AS cash_30d",
            "count(*) FILTER (kind IN ('purchase', 'cash_advance') AND night) OVER w30d AS night_30d",
            "count(*) FILTER (kind IN ('purchase', 'cash_advance') AND rounded) OVER w30d AS round_30d",
            f"count(DISTINCT merchant) {SPEND} OVER w30d AS merchant_count_30d",
            "count(DISTINCT device) OVER w30d AS device_count_30d",
            f"count(DISTINCT city) {SPEND} OVER w30d AS city_count_30d",
            "coalesce(sum(amount) FILTER (kind = 'refund') OVER w90d, 0) AS refunded_90d",
            "sum(amount) FILTER (kind = 'purchase') OVER w90d AS bought_90d",
            "count(*) FILTER (kind = 'declined') OVER w7d AS declined_count_7d",
            f"greatest({flags} - {withdrawn}, 0) AS flag_count_90d",
            f"min(ts) OVER {PAST} AS opened",
            f"min(ts) FILTER (kind NOT IN ('login', 'declined', 'flag', 'flag_withdrawn')) OVER {PAST} AS credited",
            f"count(*) FILTER (kind = 'balance_set') OVER {PAST} AS balances_set",
        ]
    )


QUERY = f"""
WITH keyed AS (
  SELECT *, ts * {TIES} + tie AS key, amount > 0 AND amount % 10000 = 0 AS rounded
  FROM (SELECT *, row_number() OVER (PARTITION BY account, ts ORDER BY seq) - 1 AS tie FROM events)
),
windowed AS (SELECT *, {_aggregates()} FROM keyed WINDOW {OVER}),
balances AS (
  SELECT seq, sum(CASE WHEN kind IN ('refund', 'repayment') THEN -amount
    WHEN kind IN ('purchase', 'cash_advance', 'charge', 'balance_set') THEN amount ELSE 0 END)
    OVER (PARTITION BY account, balances_set ORDER BY key ROWS UNBOUNDED PRECEDING) AS balance_cents
  FROM windowed
),
top_merchants AS (
  SELECT seq, max(total) AS largest FROM (
    SELECT e.seq, sum(p.amount) AS total
    FROM keyed e JOIN keyed p ON p.account = e.account AND p.key <= e.key AND p.ts >= e.ts - {30 * DAY_US}
    WHERE p.kind IN ('purchase', 'cash_advance') AND p.merchant IS NOT NULL
    GROUP BY e.seq, p.merchant
  ) GROUP BY seq
),
limits AS (
  SELECT account, key, amount AS limit_cents,
    CASE WHEN amount < lag(amount) OVER (PARTITION BY account ORDER BY key)
      THEN lag(amount) OVER (PARTITION BY account ORDER BY key) ELSE amount END AS against
  FROM keyed WHERE kind = 'limit_set'
),
placed AS (  -- a correction has the place of the bill of its time
  SELECT account, key, {{'a': amount, 'p': paid, 'm': minimum_due, 'd': days_past_due}} AS one,
    sum(is_new) OVER (PARTITION BY account ORDER BY key ROWS UNBOUNDED PRECEDING) AS place
  FROM (SELECT *, (kind = 'bill' OR ts IS DISTINCT FROM lag(ts) OVER (PARTITION BY account ORDER BY key))::INT AS is_new
    FROM keyed WHERE kind IN ('bill', 'bill_corrected'))
),
standing AS (
  SELECT account, place, list(one) OVER (PARTITION BY account ORDER BY place ROWS 10 PRECEDING) AS eleven
  FROM (SELECT account, place, last(one ORDER BY key) AS one FROM placed GROUP BY account, place)
),
bill_lists AS (
  SELECT p.account, p.key, list_append(coalesce(s.eleven, []), p.one) AS twelve
  FROM placed p LEFT JOIN standing s ON s.account = p.account AND s.place = p.place - 1
),
billed AS (SELECT *, list_filter(twelve, lambda x: x.a > 0) AS owed, owed[-6:] AS six FROM bill_lists),
bills AS (
  SELECT account, key, len(twelve) AS bills_12,
    len(list_filter(six, lambda x: x.p >= x.a)) / nullif(len(six), 0) AS paid_full_share_6,
    len(list_filter(six, lambda x: x.m >= 0 AND x.m <= x.p AND x.p < x.a))
      / nullif(len(list_filter(six, lambda x: x.m >= 0)), 0) AS minimum_only_share_6,
    len(list_filter(six, lambda x: x.d > 0)) / nullif(len(six), 0) AS late_share_6,
    len(list_filter(owed, lambda x: x.d > 0)) / nullif(len(owed), 0) AS late_share_12,
    list_max(list_transform(owed, lambda x: x.d)) AS days_past_due_max_12,
    list_avg(list_transform(six, lambda x: x.d)) AS days_past_due_mean_6,
    coalesce(list_position(list_transform(list_reverse(twelve), lambda x: x.d > 0), true) - 1, len(twelve))
      AS on_time_streak,
    {
    ", ".join(
        f"list_sum(list_transform(twelve[-{n}:], lambda x: least(x.p, x.a))) "
        f"/ nullif(list_sum(list_transform(twelve[-{n}:], lambda x: x.a)), 0) AS completeness_{n}"
        for n in (3, 6, 12)
    )
}
  FROM billed
)
SELECT w.* , b.* EXCLUDE (account, key, bills_12, on_time_streak),
  coalesce(bills_12, 0) AS bills_12, coalesce(on_time_streak, 0) AS on_time_streak, balance_cents, limit_cents,
  CASE WHEN spend_count_30d > 1 THEN spend_std_30d END AS spend_std_30d_cents,
  CASE WHEN spend_count_90d > 1 THEN spend_std_90d END AS spend_std_90d_cents,
  CASE WHEN kind IN ('purchase', 'cash_advance') AND before_count >= 5
    THEN (amount - before_mean) / nullif(before_std, 0) END AS spend_zscore_90d,
  spend_sum_7d_cents / 7 / nullif(spend_sum_90d_cents / 90, 0) AS spend_velocity_7d_90d,
  cash_30d / nullif(spend_sum_30d_cents, 0) AS cash_share_30d,
  night_30d / nullif(spend_count_30d, 0) AS night_share_30d,
  round_30d / nullif(spend_count_30d, 0) AS round_share_30d,
  largest / nullif(spend_sum_30d_cents, 0) AS merchant_top_share_30d,
  refunded_90d / nullif(bought_90d, 0) AS refund_share_90d,
  (w.ts - before_ts) / {DAY_US} AS days_since_last_spend,
  balance_cents / nullif(against, 0) AS utilisation,
  (w.ts - opened) // {DAY_US} AS days_since_opened, (w.ts - credited) // {DAY_US} AS days_since_first_credit
FROM windowed w JOIN balances USING (seq) LEFT JOIN top_merchants USING (seq)
ASOF LEFT JOIN limits l ON l.account = w.account AND l.key <= w.key
ASOF LEFT JOIN bills b ON b.account = w.account AND b.key <= w.key
ORDER BY w.seq
"""  # noqa: S608 - our own text

CONTRACT = FEATURE_NAMES[:44]


def sql_events(batch: EventBatch) -> pl.DataFrame:
    """A batch as the query's table; missing is NULL."""
    ids = {name: pl.Series(getattr(batch, name)).replace(0, None) for name in ("merchant", "device", "city")}
    return pl.DataFrame(
        {
            "seq": range(len(batch)),
            "account": batch.account,
            "ts": batch.ts_us,
            "kind": [KINDS[code] for code in batch.kind.tolist()],
            "amount": batch.amount_cents,
            "paid": batch.paid_cents,
            "minimum_due": batch.minimum_due_cents,
            "days_past_due": batch.days_past_due,
            "night": batch.night,
            **ids,
        }
    )


def sql_features(events: pl.DataFrame, threads: int = 2) -> pl.DataFrame:
    """The contract's features of each event, in order, NULL where missing."""
    with duckdb.connect() as database:
        database.execute(f"SET threads = {threads}")
        database.register("events", events.to_arrow())
        names = ", ".join(f"{name}::DOUBLE AS {name}" for name in CONTRACT)
        found: pl.DataFrame = database.sql(f"SELECT {names} FROM ({QUERY})").pl()  # noqa: S608 - our own text
        return found
