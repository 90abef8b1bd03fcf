"""Protected attributes of the whole portfolio: a file of their own, read to measure and by nothing that decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from limitkeeper.app.life_evidence import kept_screen
from limitkeeper.connectors.tables import table
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.store.work import Work


@dataclass(frozen=True, slots=True)
class Attributes:
    """Where the attributes are. They are read anew for each measurement, and kept nowhere else.

    Parameters
    ----------
    file
        Parquet or CSV of the whole portfolio: ``account_id`` and the protected columns.
    protected
        Which columns those are.
    """

    file: Path
    protected: tuple[str, ...]

    def people(self) -> pl.DataFrame:
        """The accounts with their attributes.

        Raises
        ------
        InputError
            When the file cannot be read, or has not the columns.
        """
        return checked_people(table(self.file), self.protected)

    def treatment(self, w: Work, name: str, items: pl.DataFrame) -> dict[str, Any] | None:
        """How a campaign would treat groups, as it is kept of a fairness report; None where no account of it is known.

        Parameters
        ----------
        w
            Of who proposes it; its time tells which screens are in force.
        name
            What the campaign is called.
        items
            Columns of :data:`limitkeeper.app.campaign_rows.COLUMNS`.

        Raises
        ------
        InputError
            When the file cannot be read, or has not the columns.
        """
        # What learns is imported when somebody measures, so that no server waits for it at its start.
        from limitkeeper.app.fairness import decided_fairness, decided_rows
        from limitkeeper.app.policy import screens_in_force

        people, decided = self.people(), decided_rows(items)
        if people.join(decided, on="account_id", how="semi").is_empty():
            return None
        report = decided_fairness(
            "campaign", {"name": name}, decided, people, self.protected, screens_in_force(day_of(w.now_us))
        )
        return kept_screen(report, report["failed"])


def checked_people(people: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """A table of persons that has the columns, its accounts as texts.

    Raises
    ------
    InputError
        When one is not there.
    """
    for name in ("account_id", *columns):
        if name not in people.columns:
            raise InputError(
                f"The file of attributes has no column '{name}'.", allowed=", ".join(people.columns),
                advice=did_you_mean(name, people.columns),
            )  # fmt: skip
    return people.with_columns(pl.col("account_id").cast(pl.String))


def attributes_at(file: Path | None, protected: Sequence[str]) -> Attributes | None:
    """Protected attributes in a file, which is looked at once so that what is wrong with it is told at the start.

    Raises
    ------
    InputError
        When one is said without the other, the file cannot be read, or has not the columns.
    """
    if bool(file) != bool(protected):
        raise InputError(
            "A file of attributes and the names of its columns go together.",
            value=f"{file or 'no file'}; {', '.join(protected) or 'no columns'}", allowed="both, or neither",
        )  # fmt: skip
    if file is None:
        return None
    found = Attributes(file, tuple(protected))
    found.people()
    return found
