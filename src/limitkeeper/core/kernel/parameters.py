"""Dated parameters: floors, hurdles, caps and clocks, each with its unit, source and history."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean
from limitkeeper.core.kernel.hashing import content_hash

FIELDS = {"description", "description_zh", "unit", "source", "values"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its meaning, unit, source, and its values by the day from which each holds."""

    name: str
    description: str
    description_zh: str
    unit: str
    source: str
    values: tuple[tuple[dt.date, float], ...]

    def at(self, day: dt.date) -> float:
        """The value in force on a day.

        Raises
        ------
        PolicyError
            When the day is before the first value.
        """
        held = [value for start, value in self.values if start <= day]
        if not held:
            raise PolicyError(
                f"Parameter '{self.name}' has no value on that day.",
                value=day,
                allowed=f"{self.values[0][0]} or later",
                advice="Add the earlier value to its file.",
            )
        return held[-1]


@dataclass(frozen=True, slots=True)
class Parameters:
    """The values of all parameters on one day, named by a hash of what they are.

    Examples
    --------
    >>> document = {"hurdle": {"description": "Least return on capital", "description_zh": "最低资本回报",
    ...     "unit": "annual rate", "source": "board", "values": {"2024-01-01": 0.10, "2026-01-01": 0.12}}}
    >>> parameters_in_force(parameters_from_document(document), dt.date(2025, 6, 1))["hurdle"]
    0.1
    """

    day: dt.date
    values: Mapping[str, float]
    hash: str

    def __getitem__(self, name: str) -> float:
        try:
            return self.values[name]
        except KeyError:
            raise PolicyError(
                f"No parameter '{name}' is in force on {self.day}.", advice=did_you_mean(name, self.values)
            ) from None


def parameters_from_document(document: Mapping[str, object]) -> dict[str, Parameter]:
    """The parameters that a YAML document holds: name -> description, unit, source, values by date.

    Raises
    ------
    PolicyError
        When a field is missing or unknown, a date is no date, or a value no number.
    """
    parameters = {}
    for name, entry in document.items():
        if not isinstance(entry, Mapping) or set(entry) != FIELDS or not entry["values"]:
            raise PolicyError(
                f"Parameter '{name}' is not complete.", value=entry, allowed=", ".join(sorted(FIELDS))
            )
        try:
            dated = sorted(
                (dt.date.fromisoformat(str(day)), float(value)) for day, value in entry["values"].items()
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise PolicyError(
                f"Parameter '{name}' has a value that is not 'date: number': {error}.", value=entry["values"]
            ) from error
        texts = {field: str(entry[field]) for field in FIELDS - {"values"}}
        parameters[name] = Parameter(name=name, values=tuple(dated), **texts)
    return parameters


def parameters_in_force(parameters: Mapping[str, Parameter], day: dt.date) -> Parameters:
    """The values in force on a day, with their hash; a parameter whose first day has not come has none."""
    begun = {name: each for name, each in sorted(parameters.items()) if each.values[0][0] <= day}
    values = {name: parameter.at(day) for name, parameter in begun.items()}
    return Parameters(day, MappingProxyType(values), content_hash(values))
