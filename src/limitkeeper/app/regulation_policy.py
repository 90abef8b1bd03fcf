"""Regulation and the register of features and purposes, as their files hold them."""

import datetime as dt
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from limitkeeper.app.policy import POLICY, markets
from limitkeeper.core.compliance.register import Register, register_from_document
from limitkeeper.core.compliance.regulation import (
    EVERYWHERE,
    RegulationRule,
    asked_hash,
    regulation_from_document,
)
from limitkeeper.core.kernel.errors import PolicyError, did_you_mean

REGULATION = POLICY / "regulation"
REGISTER = POLICY / "register" / "quantities.yaml"


def regulated_markets() -> tuple[str, ...]:
    """The markets whose regulation is kept; any other has what holds everywhere."""
    return tuple(sorted(path.stem for path in REGULATION.glob("*.yaml") if path.stem != "everywhere"))


@cache
def regulation() -> tuple[RegulationRule, ...]:
    """Every rule of every market, with what holds everywhere first.

    Raises
    ------
    PolicyError
        When a file does not hold.
    """
    found = list(regulation_from_document(EVERYWHERE, _document(REGULATION / "everywhere.yaml")))
    for market in regulated_markets():
        found += regulation_from_document(market, _document(REGULATION / f"{market}.yaml"))
    return tuple(found)


@lru_cache(maxsize=64)
def regulation_version(market: str, day: dt.date) -> str:
    """The rules that are in force in a market on a day, by content.

    Raises
    ------
    PolicyError
        When a file does not hold.
    """
    return asked_hash(regulation(), market, day)


@cache
def shipped_register() -> Register:
    """What is known of customers by the names that every strategy may use."""
    return register_from_document(_document(REGISTER))


def register_of(own: Path | None = None) -> Register:
    """The shipped register, with a lender's own columns.

    Raises
    ------
    PolicyError
        When his file does not hold, or says again what is registered.
    """
    if own is None:
        return shipped_register()
    return shipped_register().with_own(register_from_document(_document(own)))


def checked_market(market: str) -> str:
    """The market, if regulation or parameters of it are kept.

    Raises
    ------
    PolicyError
        When neither is.
    """
    known = sorted({*regulated_markets(), *markets()})
    if market not in known:
        raise PolicyError(
            "There is no such market.",
            value=market,
            allowed=", ".join(known),
            advice=did_you_mean(market, known),
        )
    return market


def register_from_text(text: str) -> Register:
    """The register that a YAML text holds.

    Raises
    ------
    PolicyError
        When it does not hold.
    """
    return register_from_document(_mapping(text, "text"))


def _document(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"The file cannot be read: {error}.", value=path) from error
    return _mapping(text, "file", path)


def _mapping(text: str, what: str, path: Path | None = None) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PolicyError(f"The {what} cannot be read: {error}.", value=path) from error
    if not isinstance(found, dict):
        raise PolicyError(f"The {what} holds no mapping.", value=path)
    return found
