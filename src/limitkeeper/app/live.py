"""What may decide on a store: what is live in its market, and before that, or in a trial, what is named."""

import json
from typing import Any

import polars as pl
import sqlalchemy as sa

from limitkeeper.app.life import live_champion, live_rows
from limitkeeper.app.strategies import loaded_strategy, strategy_path
from limitkeeper.core.compliance.life import LIVE, release_id_of
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.risk.model import Model
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.store.life_tables import release_acts, releases
from limitkeeper.store.sql import Store
from limitkeeper.store.tables import store_heads
from limitkeeper.store.work import Work

STANDARD = "standard"

TRIAL, REPLACED, UNRELEASED = "trial", "replaced", "unreleased"

SERVER_STANDINGS = {
    LIVE: "The champion that is live decides.",
    TRIAL: "A strategy is tried: it is not live, and the store is a trial's for ever.",
    REPLACED: "Another champion was put live since the server started, and decides from its next start.",
    UNRELEASED: "Nothing is live: a strategy that was named watches, and nothing takes effect by it.",
}
"""By what right a server's strategy decides."""


def deciding(
    store_url: str,
    market: str,
    strategy: str | None,
    model: Model | None,
    *,
    must_be_live: bool,
    is_trial: bool = False,
) -> tuple[Strategy, Model | None]:
    """The strategy and the model that decide on a store.

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
        When nothing is live where it must be, or something else is named.
    """
    store = Store(store_url, upgrades=True)
    try:
        store.upgrade()
        found = None if is_trial else live_champion(store, market)
    finally:
        store.close()
    named = None if strategy is None else loaded_strategy(strategy_path(strategy))
    if found is None:
        if must_be_live:
            raise PolicyError(
                "No strategy is live in this market, and with --workflow proposals lead to changes of limits.",
                value=market,
                advice="See docs/life.md: limitkeeper life draft; or try one with --trial.",
            )
        return named or loaded_strategy(strategy_path(STANDARD)), model
    others = [name for name, given, live in (("strategy", named, found.strategy), ("model", model, found.model))
              if given is not None and (live is None or given.hash != live.hash)]  # fmt: skip
    if others:
        raise PolicyError(
            f"This is not the {' and the '.join(others)} that is live in this market.",
            allowed=f"{found.strategy.name} {found.strategy.version}, {found.row['model_hash'] or 'no model'}",
            advice="Leave --strategy and --model out, or put yours live: docs/life.md.",
        )
    return found.strategy, found.model


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


def server_standing(w: Work, strategy_hash: str, model_hash: str | None) -> dict[str, Any]:
    """By what right a server's strategy decides, which release it is, and which one is the champion.

    Parameters
    ----------
    w
        Of the server's store.
    strategy_hash, model_hash
        What it decides by.
    """
    market = market_of(w)
    row = w.kept(releases, release_id_of(strategy_hash, model_hash, market))
    champion = champion_of(w, market)
    own = None if row is None else row["release_id"]
    if is_trial(w):
        standing = TRIAL
    elif champion is None:
        standing = UNRELEASED
    else:
        standing = LIVE if own == champion else REPLACED
    return {"standing": standing, "release_id": own, "champion_id": champion, "market": market}


def check_decided_by_live(w: Work, frame: pl.DataFrame) -> None:
    """Nothing, where the decisions of a table are of what is live, or of a trial; also where nobody's strategy decided.

    Parameters
    ----------
    w
        Of the store in which they are to take effect.
    frame
        Decisions have a ``decision_id`` and the ``strategy_hash`` that decided.

    Raises
    ------
    PolicyError
        When a strategy decided that is not live here.
    """
    names = {"decision_id", "strategy_hash"} & set(frame.columns)
    decided = frame.select(pl.col(name).cast(pl.String) for name in names)
    decided = decided.filter(pl.any_horizontal(pl.all().is_not_null())) if names else decided
    if decided.is_empty():
        return
    query = sa.select(releases.c.strategy_hash).where(releases.c.state == LIVE)
    live = {row["strategy_hash"] for row in w.rows(query)}
    if not live and is_trial(w):
        return
    given = set(decided["strategy_hash"].unique()) if "strategy_hash" in names else {None}
    if given - live:
        raise PolicyError(
            "The decisions are of a strategy that is not live here.",
            value=", ".join(sorted(each or "no strategy_hash" for each in given - live)[:3]),
            allowed=", ".join(sorted(live)) or "nothing is live",
            advice="Put it live first: docs/life.md. Rows without decision_id and strategy_hash are nobody's decisions.",
        )


def live_since_sequence(store: Store) -> int:
    """The last micro-batch before anything was live: what was proposed by then was proposed by nobody's approval."""
    query = (
        sa.select(release_acts.c.detail).where(release_acts.c.act == "live").order_by(release_acts.c.ts_us)
    )
    found = [json.loads(row["detail"])["sequence"] for row in store.rows(query)]
    return min(found, default=0)
