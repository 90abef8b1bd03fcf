"""What may decide on a store: what is live in its market, and before that, or in a trial, what is named."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import sqlalchemy as sa

from limitkeeper.app.life import deciding_rows, live_rows
from limitkeeper.app.life_contents import released_of
from limitkeeper.app.release_evidence import held_to_acts, release_of
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.compliance.buckets import BUCKETS, buckets_of
from limitkeeper.core.compliance.life import LIVE, release_id_of
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.store.life_tables import release_acts, releases
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import store_heads
from limitkeeper.store.work import Work, reading

STANDARD = "standard"

TRIAL, REPLACED, UNRELEASED = "trial", "replaced", "unreleased"

SERVER_STANDINGS = {
    LIVE: "The champion that is live decides.",
    TRIAL: "A strategy is tried: it is not live, and the store is a trial's for ever.",
    REPLACED: "What is live has changed; the server takes it up within seconds, or its log says why it cannot.",
    UNRELEASED: "Nothing is live: a strategy that was named watches, and nothing takes effect by it.",
}
"""By what right a server's strategy decides."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A strategy and a model that decide about some accounts.

    Parameters
    ----------
    strategy, model
        What decides; without a model the PD is missing, and no rule that reads the score hits.
    buckets
        Of the accounts that a challenger decides about; the champion decides about the others.
    """

    strategy: Strategy
    model: Model | None
    buckets: range = range(0)

    @property
    def title(self) -> str:
        """What decides, in short, as the first line of a server names it."""
        scored = f"model {self.model.hash[7:15]}" if self.model else "no model: no rule reads a score"
        share = f", on {len(self.buckets) / BUCKETS:.2%} of the accounts" if self.buckets else ""
        return f"strategy {self.strategy.name} {self.strategy.version}, {scored}{share}"


def deciding(
    store_url: str,
    market: str,
    strategy: str | None,
    model: Model | None,
    *,
    must_be_live: bool,
    is_trial: bool = False,
) -> tuple[Arm, ...]:
    """What decides on a store: the champion, then challengers on shares of the accounts.

    Where something is live, nothing else decides, so that every proposal since then is one of what was approved.

    Parameters
    ----------
    store_url
        The store, which is made or brought up where it is not.
    market
        Whose release.
    strategy, model
        What is named; None for what is live, or the standard strategy.
    must_be_live
        Whether proposals lead to changes of limits.
    is_trial
        Whether what is named is tried, whatever is live.

    Raises
    ------
    LimitkeeperError
        When nothing is live where it must be, something else is named, or what is live is not what its acts led to.
    """
    store = Store(store_url, upgrades=True)
    try:
        store.upgrade()
        with reading(store, SYSTEM, 0) as w:
            found = () if is_trial else live_arms(w, market)
    finally:
        store.close()
    named = None if strategy is None else loaded_strategy(strategy_path(strategy))
    if not found:
        if must_be_live:
            raise PolicyError(
                "No strategy is live in this market, and with --workflow proposals lead to changes of limits.",
                value=market,
                advice="See docs/life.md: limitkeeper life draft; or try one with --trial.",
            )
        return (Arm(named or loaded_strategy(strategy_path(STANDARD)), model),)
    champion = found[0]
    others = [name for name, given, live in (("strategy", named, champion.strategy), ("model", model, champion.model))
              if given is not None and (live is None or given.hash != live.hash)]  # fmt: skip
    if others:
        raise PolicyError(
            f"This is not the {' and the '.join(others)} that is live in this market.",
            allowed=f"{champion.strategy.name} {champion.strategy.version}, "
            f"{champion.model.hash if champion.model else 'no model'}",
            advice="Leave --strategy and --model out, or put yours live: docs/life.md.",
        )
    return found


def live_arms(w: Work, market: str) -> tuple[Arm, ...]:
    """What is live in a market: the champion, then challengers; empty where nothing is.

    Raises
    ------
    LimitkeeperError
        When a release is not what its acts on the audit led to, or what is kept is not what its hash names.
    """
    return tuple(
        replace(_arm(w, row), buckets=release_of(row).own_buckets) for row in deciding_rows(w, market)
    )


def _arm(w: Work, row: Mapping[str, Any]) -> Arm:
    found = released_of(w, row)
    return Arm(found.strategy, found.model)


NO_MODEL = "none"
"""How a policy that is noted names its model, where it has none."""


def released_arm(w: Work, market: str, strategy_hash: str, model_hash: str) -> Arm | None:
    """A release of a store by its content, as one that decides; None where there is none."""
    row = w.kept(
        releases, release_id_of(strategy_hash, None if model_hash == NO_MODEL else model_hash, market)
    )
    return None if row is None else _arm(w, row)


def is_trial(w: Work) -> bool:
    """Whether a store is a trial's."""
    return _settings(w).get("trial") is True


def market_of(w: Work) -> str:
    """The market of a store that a server has taken."""
    return str(_settings(w)["market"])


def _settings(w: Work) -> dict[str, Any]:
    """What a store's state depends on; nothing where no server has taken it yet."""
    head = w.row(sa.select(store_heads.c.settings))
    return {} if head is None else dict(json.loads(head["settings"]))


def champion_of(w: Work, market: str) -> str | None:
    """The release that is a market's champion, None where nothing is live."""
    return next((row["release_id"] for row in live_rows(w, market) if row["is_champion"]), None)


def server_standing(w: Work, arms: Sequence[Arm]) -> dict[str, Any]:
    """By what right a server's strategy decides, which release it is, and which one is the champion.

    Parameters
    ----------
    w
        Of the server's store.
    arms
        What it decides by, the champion first.
    """
    market = market_of(w)
    live, runs = live_shares(w, market), shares_of(arms, market)
    champion = live[0][0] if live else None
    row = w.kept(releases, runs[0][0])
    if is_trial(w):
        standing = TRIAL
    elif champion is None:
        standing = UNRELEASED
    else:
        standing = LIVE if runs == live else REPLACED
    own = None if row is None else row["release_id"]
    challengers = [
        {"release_id": release_id, "name": arm.strategy.name, "version": arm.strategy.version,
         "share": len(arm.buckets) / BUCKETS}
        for (release_id, _), arm in zip(runs[1:], arms[1:], strict=True)
    ]  # fmt: skip
    return {"standing": standing, "release_id": own, "champion_id": champion, "market": market,
            "challengers": challengers}  # fmt: skip


Shares = list[tuple[str, range]]
"""Releases, the champion first, with the buckets that challengers have."""


def shares_of(arms: Sequence[Arm], market: str) -> Shares:
    """The releases that arms are of."""
    return [
        (release_id_of(arm.strategy.hash, arm.model.hash if arm.model else None, market), arm.buckets)
        for arm in arms
    ]


def live_shares(w: Work, market: str) -> Shares:
    """The releases that are live in a market; empty where nothing is."""
    return [(row["release_id"], release_of(row).own_buckets) for row in live_rows(w, market)]


def check_decided_by_live(w: Work, frame: pl.DataFrame) -> None:
    """Nothing, where the decisions of a table are of what is live, or of a trial; also where nobody's strategy decided.

    Parameters
    ----------
    w
        Of the store in which they are to take effect.
    frame
        Decisions have a ``decision_id``, and the ``strategy_hash`` and ``model_hash`` that decided.

    Raises
    ------
    LimitkeeperError
        When a strategy with its model decided that is not live here, a challenger about accounts that are not its own, or
        what is live is not what its acts on the audit led to.
    """
    names = {"decision_id", *DECIDED_BY} & set(frame.columns)
    decided = frame.select(pl.col(name).cast(pl.String) for name in names)
    decided = decided.filter(pl.any_horizontal(pl.all().is_not_null())) if names else decided
    if decided.is_empty():
        return
    market = _settings(w).get("market")  # what is live elsewhere decides nothing here
    rows = w.rows(
        sa.select(releases).where(
            releases.c.state == LIVE, sa.true() if market is None else releases.c.market == market
        )
    )
    held_to_acts(w, rows)
    live = {(row["strategy_hash"], row["model_hash"] or NO_MODEL) for row in rows}
    if not live and is_trial(w):
        return
    said = [pl.col(name) if name in names else pl.lit(None, pl.String).alias(name) for name in DECIDED_BY]
    given = set(decided.select(said).unique().rows())
    if given - live:
        raise PolicyError(
            "The decisions are of a strategy and a model that are not live here.",
            value="; ".join(sorted(map(_pair, given - live))[:3]),
            allowed="; ".join(sorted(map(_pair, live))) or "nothing is live",
            advice="Put them live first: docs/life.md. Rows without decision_id and hashes are nobody's decisions.",
        )
    for row in rows:
        _check_own_accounts(row, frame)


def _check_own_accounts(row: Mapping[str, Any], frame: pl.DataFrame) -> None:
    """Nothing, where all that a challenger decided is about its own accounts: its shadow decides nothing."""
    own, pair = release_of(row).own_buckets, (row["strategy_hash"], row["model_hash"] or NO_MODEL)
    if not own or "account_id" not in frame.columns:
        return
    by_it = pl.all_horizontal(
        pl.col(name).cast(pl.String) == each for name, each in zip(DECIDED_BY, pair, strict=True)
    )
    accounts = frame.filter(by_it)["account_id"].cast(pl.String).to_list()
    others = np.isin(buckets_of(accounts, row["market"]), own, invert=True)
    if others.any():
        raise PolicyError(
            "A challenger decided about accounts that are not its own.",
            value=accounts[int(np.argmax(others))],
            allowed=f"{len(own) / BUCKETS:.2%} of the accounts are {row['release_id']}'s",
            advice="Bring decisions.parquet of limitkeeper life review; what lies in shadow/ is for comparison alone.",
        )


DECIDED_BY = ("strategy_hash", "model_hash")
"""Columns of decisions that say what decided."""


def _pair(hashes: tuple[str | None, str | None]) -> str:
    return ", ".join(each or f"no {name}" for name, each in zip(DECIDED_BY, hashes, strict=True))


def live_since_sequence(store: Store, market: str) -> int:
    """The last micro-batch before anything was live in a market: what was proposed by then was approved by nobody."""
    query = (
        sa.select(release_acts.c.detail)
        .join(releases, releases.c.release_id == release_acts.c.release_id)
        .where(release_acts.c.act == "live", releases.c.market == market)
    )
    found = [json.loads(row["detail"])["sequence"] for row in store.rows(query)]
    return min(found, default=0)
