"""What a campaign would do: accounts, exposure, cuts, and loss and profit where they are known."""

from typing import Any

import polars as pl

GROUPS_MAX = 50
"""Groups of each kind that are told; the smaller ones are put together."""

LARGEST = 10
"""Cuts that are told one by one."""

OTHERS = "others"


def impact_of(items: pl.DataFrame) -> dict[str, Any]:
    """The figures of a campaign's items.

    Parameters
    ----------
    items
        Columns of :data:`limitkeeper.app.campaign_rows.COLUMNS`.
    """
    items = items.with_columns(
        (pl.col("limit_before_cents") - pl.col("limit_after_cents")).alias("cut_cents")
    )
    figures = _figures(items)
    figures["limit_before_cents"] = _sum(items, "limit_before_cents")
    figures["limit_after_cents"] = _sum(items, "limit_after_cents")
    for name, column in (("expected_loss_change_cents", "loss_change_cents"),
                         ("economic_profit_change_cents", "profit_change_cents")):  # fmt: skip
        known = items[column].filter(items[column].is_finite().fill_null(value=False))
        figures[name] = float(known.sum()) if len(known) else None
        figures[name.replace("_cents", "_known")] = len(known)
    figures |= _raroc(items)
    for name in ("action", "segment", "trigger"):
        figures[f"by_{name}"] = _groups(items, name)
    shown = ("account_id", "action", "limit_before_cents", "limit_after_cents", "cut_cents")
    largest = items.sort(["cut_cents", "account_id"], descending=[True, False]).head(LARGEST)
    figures["largest"] = largest.select(shown).to_dicts()
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


def _figures(items: pl.DataFrame) -> dict[str, Any]:
    return {
        "accounts": items.height,
        "exposure_cents": _sum(items, "exposure_cents"),
        "cut_cents": _sum(items, "cut_cents"),
    }


def _sum(items: pl.DataFrame, name: str) -> int:
    return int(items[name].sum() or 0)


def _groups(items: pl.DataFrame, name: str) -> list[dict[str, Any]]:
    by = items.group_by(name).agg(pl.len().alias("accounts"), pl.col("exposure_cents", "cut_cents").sum())
    by = by.sort(["accounts", name], descending=[True, False], nulls_last=True)
    told = [{"name": row[name], **{key: int(row[key]) for key in ("accounts", "exposure_cents", "cut_cents")}}
            for row in by.head(GROUPS_MAX).iter_rows(named=True)]  # fmt: skip
    rest = by.slice(GROUPS_MAX)
    if rest.height:
        sums = {key: int(rest[key].sum()) for key in ("accounts", "exposure_cents", "cut_cents")}
        told.append({"name": OTHERS, **sums})
    return told
