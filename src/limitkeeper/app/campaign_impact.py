"""What a campaign would do: accounts, exposure, cuts, and loss and profit where they are known."""

from typing import Any

import polars as pl

GROUPS_MAX = 50
"""Groups of each kind that are told; the smaller ones are put together."""

LARGEST = 10
"""Changes that are told one by one."""

OTHERS = "others"

SUMS = ("exposure_cents", "cut_cents", "raised_cents")
"""What is told of each group, and of all."""


def impact_of(items: pl.DataFrame) -> dict[str, Any]:
    """The figures of a campaign's items.

    Parameters
    ----------
    items
        Columns of :data:`limitkeeper.app.campaign_rows.COLUMNS`.
    """
    change = pl.col("limit_before_cents") - pl.col("limit_after_cents")
    # Apart, so that what rises hides nothing of what is cut.
    items = items.with_columns(
        change.clip(lower_bound=0).alias("cut_cents"), (-change).clip(lower_bound=0).alias("raised_cents")
    )
    figures: dict[str, Any] = {"accounts": items.height} | {name: _sum(items, name) for name in SUMS}
    figures["limit_before_cents"] = _sum(items, "limit_before_cents")
    figures["cut_from_cents"] = _sum(items.filter(pl.col("cut_cents") > 0), "limit_before_cents")
    figures["limit_after_cents"] = _sum(items, "limit_after_cents")
    for name, column in (("expected_loss_change_cents", "loss_change_cents"),
                         ("economic_profit_change_cents", "profit_change_cents")):  # fmt: skip
        known = items[column].filter(items[column].is_finite().fill_null(value=False))
        figures[name] = float(known.sum()) if len(known) else None
        figures[name.replace("_cents", "_known")] = len(known)
    figures |= _raroc(items)
    for name in ("action", "segment", "trigger"):
        figures[f"by_{name}"] = _groups(items, name)
    shown = ("account_id", "action", "limit_before_cents", "limit_after_cents", "cut_cents", "raised_cents")
    order = ["cut_cents", "raised_cents", "account_id"]
    figures["largest"] = (
        items.sort(order, descending=[True, True, False]).head(LARGEST).select(shown).to_dicts()
    )
    return figures


def _raroc(items: pl.DataFrame) -> dict[str, Any]:
    """The return on the economic capital of all accounts together, before and after, of those that tell it."""
    needed = [f"{name}_{when}_cents" for name in ("capital", "return") for when in ("before", "after")]
    known = items.filter(pl.all_horizontal(pl.col(needed).is_finite().fill_null(value=False)))
    figures: dict[str, Any] = {"raroc_known": known.height}
    for when in ("before", "after"):
        capital = float(known[f"capital_{when}_cents"].sum())
        figures[f"raroc_{when}"] = (
            float(known[f"return_{when}_cents"].sum()) / capital if capital > 0 else None
        )
    return figures


def _sum(items: pl.DataFrame, name: str) -> int:
    return int(items[name].sum() or 0)


def _groups(items: pl.DataFrame, name: str) -> list[dict[str, Any]]:
    by = items.group_by(name).agg(pl.len().alias("accounts"), pl.col(SUMS).sum())
    by = by.sort(["accounts", name], descending=[True, False], nulls_last=True)
    told = [{"name": row[name], **{key: int(row[key]) for key in ("accounts", *SUMS)}}
            for row in by.head(GROUPS_MAX).iter_rows(named=True)]  # fmt: skip
    rest = by.slice(GROUPS_MAX)
    if rest.height:
        sums = {key: int(rest[key].sum()) for key in ("accounts", *SUMS)}
        told.append({"name": OTHERS, **sums})
    return told
