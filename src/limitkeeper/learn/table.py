"""A table ready to learn from, and what one part of the work on it gives: folds and the final fit alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, cpu_count, delayed  # type: ignore[import-untyped]
from numpy.typing import NDArray

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.progress import Progress
from limitkeeper.core.risk.derivation import Derivation, with_derived
from limitkeeper.core.risk.model import Challenger
from limitkeeper.core.risk.scorecard import Scorecard
from limitkeeper.learn.challenger import challenger_score, fitted_challenger
from limitkeeper.learn.champion import Champion, Material, fitted_champion, folds_of
from limitkeeper.learn.proposals import proposed_derivations

FOLDS = 5
"""Parts of the stratified validation."""

SIDE_BY_SIDE_VALUES = 100_000
"""A table with fewer values is learned in this process: starting others would take longer."""


@dataclass(frozen=True, slots=True)
class Table:
    """A lender's table as numbers, with its target.

    Parameters
    ----------
    columns
        The encoded columns, ``(k, n)``; nothing derived yet.
    target
        ``(n,)``; 0 or 1, or a share.
    categories
        Text column -> how many codes it has.
    missing_codes
        Values of numbers that stand for missing.
    share
        Whether the target is a share.
    """

    columns: Columns
    target: NDArray[np.float64]
    categories: Mapping[str, int]
    missing_codes: NDArray[np.float64]
    share: bool = False

    def material(self, fitted_rows: NDArray[np.int64]) -> tuple[Material, tuple[Derivation, ...]]:
        """Every row with what the fitted rows suggest to derive; and the derivations."""
        numbers = [name for name in self.columns.names if name not in self.categories]
        seen = Columns(tuple(numbers), self.columns.values[np.ix_(self.columns.rows(numbers), fitted_rows)])
        derivations = proposed_derivations(seen, self.missing_codes.tolist())
        columns = with_derived(self.columns, derivations, self.missing_codes.tolist())
        return Material(columns, self.target, self.categories, self.missing_codes, self.share), derivations


class ChampionPart(NamedTuple):
    """A champion from some rows, and its PDs of all."""

    champion: Champion
    scorecard: Scorecard
    derivations: tuple[Derivation, ...]
    pd: NDArray[np.float64]


class ChallengerPart(NamedTuple):
    """A challenger from some rows, and its PDs of all."""

    challenger: Challenger
    derivations: tuple[Derivation, ...]
    pd: NDArray[np.float64]


def champion_part(table: Table, fitted_rows: NDArray[np.int64], seed: int) -> ChampionPart:
    """The champion from some rows: derivations, bins, characteristics, penalty, calibration found on them."""
    material, derivations = table.material(fitted_rows)
    champion = fitted_champion(material.at(fitted_rows), seed)
    scorecard = champion.scorecard(derivations)
    return ChampionPart(champion, scorecard, derivations, scorecard.scored(material.columns).pd)


def challenger_part(table: Table, fitted_rows: NDArray[np.int64], seed: int) -> ChallengerPart:
    """The challenger from some rows: derivations, constraints, rounds, calibration found on them."""
    material, derivations = table.material(fitted_rows)
    challenger = fitted_challenger(material.at(fitted_rows), seed)
    return ChallengerPart(challenger, derivations, challenger_score(challenger, material.columns))


class Learned(NamedTuple):
    """The final fits on every row, and each fold's fits with the rows held out of it."""

    champion: ChampionPart
    challenger: ChallengerPart | None
    champion_folds: list[ChampionPart]
    challenger_folds: list[ChallengerPart]
    held_rows: list[NDArray[np.int64]]


def learned(table: Table, seed: int, progress: Progress) -> Learned:
    """Everything that is fitted: champion and challenger on each fold and on every row, side by side."""
    folds = folds_of(table.target, FOLDS, seed, share=table.share)
    everything = np.arange(len(table.target))
    parts = [everything, *(fitted_rows for fitted_rows, _ in folds)]
    makers = [champion_part] if table.share else [champion_part, challenger_part]
    work = [(maker, rows) for maker in makers for rows in parts]
    done = []
    for part in made(table, work, seed):
        done.append(part)
        progress("fit and validate", len(done), len(work))
    champions, challengers = done[: len(parts)], done[len(parts) :]
    return Learned(
        champions[0],
        challengers[0] if challengers else None,
        champions[1:],
        challengers[1:],
        [held for _, held in folds],
    )


def held_out_pd(
    parts: Sequence[Any], held_rows: Sequence[NDArray[np.int64]], rows: int
) -> NDArray[np.float64]:
    """The prediction for each row by the fold's model that never saw it."""
    pd = np.empty(rows)
    for part, held in zip(parts, held_rows, strict=True):
        pd[held] = part.pd[held]
    return pd


def made(table: Table, work: Sequence[tuple[Any, NDArray[np.int64]]], seed: int) -> Iterator[Any]:
    """Each part of the work in order, by as many processes as there are cores."""
    processes = 1 if table.columns.values.size < SIDE_BY_SIDE_VALUES else min(cpu_count(), len(work))
    parallel = Parallel(n_jobs=processes, return_as="generator")
    return iter(parallel(delayed(maker)(table, rows, seed) for maker, rows in work))
