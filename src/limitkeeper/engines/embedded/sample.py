"""A sample of the accounts as they stand, for figures of the whole portfolio that cost the engine next to nothing.

Who is in it is decided by the hash of his id: the same accounts each time, but for those that come. Up to
:data:`SAMPLE_ACCOUNTS` it is all of them.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from limitkeeper.connectors.events import id_hashes
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.kernel.missing import missing_document
from limitkeeper.core.review.risk_grid import (
    NOWHERE,
    RISK_GRADES,
    UTILISATION_BANDS,
    grid_cells,
    grid_sums,
)
from limitkeeper.core.review.value import SUMMED, has_value, value_totals
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.core.value.economics import VALUE_NAMES, Terms
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.requests import BusyError, Request
from limitkeeper.engines.embedded.shard import Shard

T = TypeVar("T")

SAMPLE_ACCOUNTS = 20_000

SLICE_ACCOUNTS = 4_000
"""Accounts that the engine looks at in one turn: events wait no longer than for these."""

HASHED_ACCOUNTS = 50_000
"""Ids that are hashed at once."""

ANSWER_SECONDS = 30.0

COMPARED = (
    "utilisation",
    "balance_cents",
    "spend_sum_30d_cents",
    "spend_velocity_7d_90d",
    "cash_share_30d",
    "night_share_30d",
    "merchant_top_share_30d",
    "refund_share_90d",
    "declined_count_7d",
    "late_share_6",
    "days_past_due_max_12",
    "completeness_6",
)
"""The features by which an account is compared with others and with its own past."""

QUANTILES = (0.10, 0.25, 0.50, 0.75, 0.90)

COMPARED_COLUMNS = [FEATURE_NAMES.index(name) for name in COMPARED]
LIMIT, BALANCE = FEATURE_NAMES.index("limit_cents"), FEATURE_NAMES.index("balance_cents")


class Members:
    """Which accounts of a shard are in the sample: those of the lowest hashes; ids only come, so each is hashed once.

    Parameters
    ----------
    size
        How many there are at most.
    """

    def __init__(self, size: int = SAMPLE_ACCOUNTS) -> None:
        self.size = size
        self.seen = 0
        self.hashes, self.numbers = np.zeros(0, np.uint64), np.zeros(0, np.int64)

    def grow(self, ids: list[str]) -> None:
        """Take in the accounts that came, by their ids in order."""
        for start in range(self.seen, len(ids), HASHED_ACCOUNTS):
            new = ids[start : start + HASHED_ACCOUNTS]
            self.hashes = np.concatenate([self.hashes, id_hashes(new).view(np.uint64)])
            self.numbers = np.concatenate([self.numbers, np.arange(start, start + len(new))])
            if len(self.hashes) > self.size:
                kept = np.argpartition(self.hashes, self.size)[: self.size]
                self.hashes, self.numbers = self.hashes[kept], self.numbers[kept]
            self.seen = start + len(new)


def members_of(parts: list[Members], size: int = SAMPLE_ACCOUNTS) -> list[NDArray[np.int64]]:
    """The accounts of each shard that are in the sample, numbers rising: the lowest hashes of all."""
    hashes = np.concatenate([part.hashes for part in parts])
    bound = np.partition(hashes, size - 1)[size - 1] if len(hashes) > size else np.iinfo(np.uint64).max
    return [np.sort(part.numbers[part.hashes <= bound]) for part in parts]


class Slice(NamedTuple):
    """Accounts as they stand: features ``(n, 45)``, PD, products, and values ``(6, n)``."""

    features: NDArray[np.float64]
    pd: NDArray[np.float64]
    products: NDArray[np.uint8]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures of a sample.

    Parameters
    ----------
    as_of_us
        When its last account was looked at, event time.
    portfolio
        Of all accounts, as JSON.
    peers
        By product: how many accounts there are of it in the sample, and their quantiles,
        ``(len(COMPARED), len(QUANTILES))``, NaN where none of them is known.
    """

    as_of_us: int
    portfolio: dict[str, Any]
    peers: dict[int, tuple[int, NDArray[np.float64]]]


class Sampler:
    """Looks at the sample when asked; see :class:`limitkeeper.app.kept.Kept` for how often that is.

    Parameters
    ----------
    engine
        Which runs.
    size
        Accounts that are looked at, at most.
    """

    def __init__(self, engine: Engine, size: int = SAMPLE_ACCOUNTS) -> None:
        self._engine, self._size = engine, size
        self._members = [Members(size) for _ in engine.state.shards]
        self._growing = threading.Lock()

    @property
    def accounts(self) -> int:
        """How many accounts there were when the members were asked for last."""
        return sum(members.seen for members in self._members)

    def members(self) -> list[NDArray[np.int64]]:
        """The accounts of each shard that are in the sample now; in no thread of the engine's."""
        with self._growing:
            for members, shard in zip(self._members, self._engine.state.shards, strict=True):
                members.grow(shard.ids)
            return members_of(self._members, self._size)

    def sample(self) -> Sample:
        """The sample as it stands; called by one at a time, in no thread of the engine's.

        Raises
        ------
        BusyError, StoppedError
            As of :meth:`Engine.take`.
        """
        engine = self._engine
        slices = [asked(engine, seen(place, numbers)) for place, numbers in in_turns(self.members())]
        return sample_of(engine, slices, self.accounts, engine.as_of_us())


def in_turns(members: Iterable[NDArray[np.int64]]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The accounts of each shard as many at a time as the engine looks at in one turn, with their shard's place."""
    for place, numbers in enumerate(members):
        for start in range(0, len(numbers), SLICE_ACCOUNTS):
            yield place, numbers[start : start + SLICE_ACCOUNTS]


def asked(engine: Engine, look: Callable[[Engine], T]) -> T:
    """What the engine answers to a look at some accounts, in its turn.

    Raises
    ------
    BusyError, StoppedError
        When it has no turn in time, or as of :meth:`Engine.take`.
    """
    try:
        found: T = engine.submit(Request("read", look)).result(ANSWER_SECONDS)
    except TimeoutError as error:
        raise BusyError("The engine has no turn for the portfolio.", advice="Come again later.") from error
    return found


def sample_of(engine: Engine, slices: list[Slice], accounts: int, as_of_us: int) -> Sample:
    """The figures of accounts that were looked at, of so many in all.

    Parameters
    ----------
    engine
        By whose policy they were assessed.
    slices, as_of_us
        What was seen, and when.
    accounts
        How many there are.
    """
    terms, whole = engine.policy.terms.watch, joined(slices)
    document = portfolio_document(whole, accounts, terms.policy.terms, has_model=terms.model is not None)
    return Sample(as_of_us, document, peers_of(whole))


def seen(place: int, numbers: NDArray[np.int64]) -> Callable[[Engine], Slice]:
    """A look of the engine at accounts of a shard, in its own thread."""

    def look(engine: Engine) -> Slice:
        shard: Shard = engine.state.shards[place]
        relations = engine.state.web.relations_of(place)
        features, found = shard.seen(numbers, engine.as_of_us(), engine.state.terms.watch, relations)
        assessment = found.assessment
        return Slice(features, assessment.pd, shard.standing.products[numbers], assessment.value_before)

    return look


def joined(slices: list[Slice]) -> Slice:
    """Slices one after another."""
    empty = Slice(np.empty((0, len(FEATURE_NAMES))), np.empty(0), np.empty(0, np.uint8), np.empty((6, 0)))
    features, pd, products, values = zip(empty, *slices, strict=True)
    return Slice(
        np.concatenate(features), np.concatenate(pd), np.concatenate(products), np.concatenate(values, axis=1)
    )


def portfolio_document(sample: Slice, accounts: int, terms: Terms, *, has_model: bool) -> dict[str, Any]:
    """The figures of a portfolio, a sample scaled up to it; without a model what needs a PD is null, and why.

    Parameters
    ----------
    sample
        Accounts as they stand.
    accounts
        How many there are in all.
    terms
        Of value, as decisions are assessed by.
    has_model
        Whether PDs are known.
    """
    sampled = len(sample.pd)
    scale = accounts / sampled if sampled else 1.0
    exposures = sample.values[VALUE_NAMES.index("ead_cents")]
    known = has_value(sample.values) if has_model else ~np.isnan(exposures)
    figures: dict[str, Any] = dict.fromkeys((*SUMMED, "raroc"))
    if has_model:
        figures = value_totals(sample.values[:, known], terms.opex_cents, terms.capital_benefit_rate)
    figures["ead_cents"] = float(exposures[known].sum())
    scaled = {
        name: each if each is None or name == "raroc" else round(each * scale)
        for name, each in figures.items()
    }
    return {
        "accounts": accounts,
        "sampled_accounts": sampled,
        "accounts_with_value": round(int(known.sum()) * scale),
        "limit_cents": round(float(np.nansum(sample.features[:, LIMIT])) * scale),
        "balance_cents": round(float(np.maximum(sample.features[:, BALANCE], 0.0).sum()) * scale),
        **scaled,
        "missing": None if has_model else missing_document("no_model"),
        "grid": _grid(sample, scale) if has_model else None,
    }


def _grid(sample: Slice, scale: float) -> dict[str, Any]:
    """The map of risk grade by utilisation, scaled up."""
    cells = grid_cells(sample.pd, sample.features[:, FEATURE_NAMES.index("utilisation")])
    exposures = np.nan_to_num(sample.values[VALUE_NAMES.index("ead_cents")])

    def whole(sums: NDArray[Any]) -> list[list[int]]:
        return [[round(each * scale) for each in row] for row in sums.tolist()]

    return {
        "pd_edges": list(RISK_GRADES),
        "utilisation_edges": list(UTILISATION_BANDS),
        "accounts": whole(grid_sums(cells)),
        "ead_cents": whole(grid_sums(cells, exposures)),
        "unknown_accounts": round(int((cells == NOWHERE).sum()) * scale),
    }


def peers_of(sample: Slice) -> dict[int, tuple[int, NDArray[np.float64]]]:
    """The quantiles of the compared features, by product; see :class:`Sample`."""
    found = {}
    for product in map(int, PRODUCT_CODES.values()):
        rows = sample.features[sample.products == product][:, COMPARED_COLUMNS]
        quantiles = np.full((len(COMPARED), len(QUANTILES)), np.nan)
        for place, column in enumerate(rows.T):
            known = column[~np.isnan(column)]
            if len(known):
                quantiles[place] = np.quantile(known, QUANTILES)
        found[product] = len(rows), quantiles
    return found
