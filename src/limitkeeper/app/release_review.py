"""A portfolio reviewed by what is live: each account by its own release; what others would have decided is kept apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from limitkeeper.app.exports import Export
from limitkeeper.app.life_contents import Released
from limitkeeper.app.portfolio import Portfolio
from limitkeeper.app.release_evidence import release_of
from limitkeeper.app.release_figures import review_figures
from limitkeeper.app.review import Models, Review, decisions, reviewed_portfolio
from limitkeeper.connectors.tables import table_written
from limitkeeper.core.compliance.life import LIVE, deciding_release
from limitkeeper.core.kernel.errors import InputError, PolicyError
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.kernel.progress import Progress, unseen


@dataclass(frozen=True, slots=True)
class ReleaseReview:
    """What came of a review by releases.

    Parameters
    ----------
    decided
        One row an account, by the release that decides on it: ``release_id`` and the columns of decisions.
    shadows
        By release: what it would have decided on the other accounts. Never a proposal.
    champion
        The champion's review, for its counts and rejects.
    figures
        By release: what it did, or would have done, on the whole portfolio.
    """

    decided: pl.DataFrame
    shadows: dict[str, pl.DataFrame]
    champion: Review
    figures: dict[str, dict[str, Any]]


def reviewed_by_releases(
    portfolio: Portfolio, releases: Sequence[Released], parameters: Parameters, progress: Progress = unseen
) -> ReleaseReview:
    """Every account of a portfolio assessed by each release, and decided on by its own.

    Parameters
    ----------
    portfolio
        What is reviewed.
    releases
        The live ones of its market; others are shadows only.
    parameters
        Of the market, on the day.
    progress
        Told of each finished chunk.

    Raises
    ------
    LimitkeeperError
        When nothing is live, a release has no model, or the portfolio lacks a column that a model reads.
    """
    lives = [release_of(each.row) for each in releases]
    live = [each for each in lives if each.state == LIVE]
    champion = next((each for each in live if each.is_champion), None)
    if champion is None:
        raise PolicyError(
            "No strategy is live in this market.", value=portfolio.market, advice="See docs/life.md."
        )
    shadows: dict[str, pl.DataFrame] = {}
    reviews: dict[str, Review] = {}
    figures: dict[str, dict[str, Any]] = {}
    for each in releases:
        if each.model is None:
            raise InputError(
                "A review needs a model, and the release has none.", value=each.row["release_id"]
            )
        found = reviewed_portfolio(
            portfolio, Models(each.model), each.strategy, parameters, progress=progress
        )
        release_id = str(each.row["release_id"])
        shadows[release_id] = decisions(found.reviewed, progress).insert_column(
            0, pl.lit(release_id).alias("release_id")
        )
        reviews[release_id] = found
        figures[release_id] = review_figures(found, parameters)
    salt, parts = portfolio.market, []
    for release_id, decided in shadows.items():
        names = [deciding_release(str(account), salt, live) for account in decided["account_id"]]
        own = pl.Series(
            [name is not None and name.release_id == release_id for name in names], dtype=pl.Boolean
        )
        parts.append(decided.filter(own))
        shadows[release_id] = decided.filter(~own)
    order = pl.DataFrame({"account_id": list(reviews[champion.release_id].reviewed.account_ids)})
    together = pl.concat(parts)
    decided = order.join(together, on="account_id", how="inner", maintain_order="left").select(
        together.columns
    )
    return ReleaseReview(decided, shadows, reviews[champion.release_id], figures)


def written_apart(found: ReleaseReview, out: Path, mark: Export) -> dict[str, dict[str, Any]]:
    """Write decisions and, in a folder of their own, shadows; by release how many accounts and actions.

    Parameters
    ----------
    found
        The review.
    out
        Folder of ``decisions.parquet`` and ``shadow/RELEASE.parquet``.
    mark
        Of who takes them, in the metadata of each.
    """
    folder = out / "shadow"
    folder.mkdir(parents=True, exist_ok=True)
    table_written(found.decided, out / "decisions.parquet", mark.metadata())
    counts = {}
    for release_id, shadow in found.shadows.items():
        table_written(shadow, folder / f"{release_id}.parquet", mark.metadata())
        own = found.decided.filter(pl.col("release_id") == release_id)
        counts[release_id] = {"accounts": own.height, "decided": _actions(own), "shadow": _actions(shadow)}
    return counts


def _actions(decided: pl.DataFrame) -> dict[str, int]:
    """How many of each action, in order of its name."""
    return dict(decided.group_by("action").len().sort("action").iter_rows())
