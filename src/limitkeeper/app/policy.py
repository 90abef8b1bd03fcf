"""Dated parameters of a market, as the policy files hold them."""

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml

from limitkeeper.core.kernel.errors import PolicyError, did_you_mean
from limitkeeper.core.kernel.parameters import (
    Parameter,
    Parameters,
    parameters_from_document,
    parameters_in_force,
)
from limitkeeper.core.notice.reasons import Wording, wording_from_document

POLICY = Path(str(files("limitkeeper.policy")))

FAIRNESS_SCREENS = POLICY / "fairness" / "screens.yaml"


def markets() -> tuple[str, ...]:
    """The markets that have parameters."""
    return tuple(sorted(path.stem for path in (POLICY / "parameters" / "markets").glob("*.yaml")))


def parameters_from_files(paths: Iterable[Path]) -> dict[str, Parameter]:
    """The parameters that YAML files hold; a later file replaces what an earlier one says.

    Raises
    ------
    PolicyError
        When a file cannot be read or does not hold.
    """
    parameters: dict[str, Parameter] = {}
    for path in paths:
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise PolicyError(f"The parameter file cannot be read: {error}.", value=path) from error
        if not isinstance(document, dict):
            raise PolicyError(
                "The parameter file holds no parameters.", value=path, allowed="name: {values: ...}"
            )
        parameters |= parameters_from_document(document)
    return parameters


def market_parameters(market: str, day: dt.date, overrides: Path | None = None) -> Parameters:
    """The parameters in force in a market on a day: the shipped ones, then a lender's own file.

    Parameters
    ----------
    market
        Such as ``CN``; see :func:`markets`.
    day
        The day of the decision.
    overrides
        A YAML file of the same form whose parameters replace the shipped ones.

    Raises
    ------
    PolicyError
        When the market is unknown, or a file or a value does not hold.
    """
    own = parameters_from_files([overrides]) if overrides else {}
    return parameters_in_force({**shipped_parameters(market), **own}, day)


@cache
def shipped_parameters(market: str) -> Mapping[str, Parameter]:
    """The dated parameters that come with a market; for reading only.

    Raises
    ------
    PolicyError
        When the market is unknown.
    """
    if market not in markets():
        raise PolicyError(
            "There are no parameters for that market.",
            value=market,
            allowed=", ".join(markets()),
            advice=did_you_mean(market, markets()),
        )
    folder = POLICY / "parameters"
    return parameters_from_files([*sorted(folder.glob("*.yaml")), folder / "markets" / f"{market}.yaml"])


def screens_in_force(day: dt.date, overrides: Path | None = None) -> Parameters:
    """The bounds of the screens on a day: the shipped ones, then a lender's own file.

    Raises
    ------
    PolicyError
        When a file or a value does not hold.
    """
    return parameters_in_force(
        parameters_from_files([FAIRNESS_SCREENS, *([overrides] if overrides else [])]), day
    )


LANGUAGES = ("en", "zh")


def checked_language(language: str) -> str:
    """The language, if there is wording in it.

    Raises
    ------
    PolicyError
        When there is none.
    """
    if language not in LANGUAGES:
        raise PolicyError(
            "There is no wording in that language.", value=language, allowed=", ".join(LANGUAGES)
        )
    return language


@cache
def reason_wording(language: str) -> dict[str, Wording]:
    """The wording of every reason in a language.

    Raises
    ------
    PolicyError
        When there is no wording in that language, or it is not complete.
    """
    checked_language(language)
    path = POLICY / "wording" / language / "reasons.yaml"
    return wording_from_document(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def console_wording(language: str) -> dict[str, dict[str, str]]:
    """The words of codes that pages show, by group; for reading only.

    Raises
    ------
    PolicyError
        When there is no wording in that language.
    """
    path = POLICY / "wording" / checked_language(language) / "console.yaml"
    found: dict[str, dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def page_notes(page: str) -> dict[str, list[str]]:
    """What a reader of a page must know, by language: of ``demo``, ``taiwan_months``."""
    paths = {language: POLICY / "wording" / language / f"{page}.yaml" for language in LANGUAGES}
    return {
        language: yaml.safe_load(path.read_text(encoding="utf-8"))["notes"]
        for language, path in paths.items()
    }
