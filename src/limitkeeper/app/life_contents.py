"""What releases are made of: strategies, models and registers, kept in the store under the hashes of their contents."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.evidence import kept
from limitkeeper.app.regulation_policy import register_from_text, shipped_register
from limitkeeper.app.strategies import strategy_from_text
from limitkeeper.connectors.models import CARD, CHALLENGER, MODEL
from limitkeeper.core.compliance.register import Register
from limitkeeper.core.kernel.errors import InputError, PolicyError
from limitkeeper.core.risk.model import Model, model_from_documents
from limitkeeper.core.strategy.definition import Strategy
from limitkeeper.store.life_tables import artefacts, releases
from limitkeeper.store.work import MissingError, Work

ARTEFACT_BYTES_MAX = 64_000_000
"""Of one strategy, model or register, before compression."""

SEE = "See limitkeeper life list, or GET /v1/releases."
SEE_SUCH = "See limitkeeper life list, or GET /v1/releases, for those that have one."


@dataclass(frozen=True, slots=True)
class Released:
    """What a release is made of, read back from the store and held against its hashes.

    Parameters
    ----------
    row
        Of the release.
    strategy
        Which.
    model
        That goes with it, None where no rule reads a score.
    register
        The shipped one with the lender's own columns.
    """

    row: Mapping[str, Any]
    strategy: Strategy
    model: Model | None
    register: Register


def released(w: Work, release_id: str) -> Released:
    """What a release is made of.

    Raises
    ------
    MissingError
        When there is none.
    PolicyError
        When what is kept is not what its hash names.
    """
    return released_of(w, release_row_of(w, release_id))


def released_of(w: Work, row: Mapping[str, Any]) -> Released:
    """What the release of a row is made of; errors as of :func:`released`."""
    register = shipped_register()
    if row["register_hash"] is not None:
        own = register_from_text(kept_register(w, row["register_hash"]))
        _same(own.hash, row["register_hash"])
        register = register.with_own(own)
    model = None if row["model_hash"] is None else kept_model(w, row["model_hash"])
    return Released(row, released_strategy(w, row), model, register)


def released_strategy(w: Work, row: Mapping[str, Any]) -> Strategy:
    """The strategy of a release, without its model.

    Raises
    ------
    PolicyError
        When what is kept is not what its hash names.
    """
    return kept_strategy(w, row["strategy_hash"])


def kept_strategy(w: Work, strategy_hash: str) -> Strategy:
    """A strategy that some release of the store has brought in; errors as of :func:`kept_model`."""
    text = _content(w, strategy_hash, "strategy").decode()
    strategy = strategy_from_text(text, f"strategy {strategy_hash}")
    _same(strategy.hash, strategy_hash)
    return strategy


def released_text(w: Work, row: Mapping[str, Any]) -> str:
    """The text of a release's strategy, as it was drafted."""
    return _content(w, row["strategy_hash"], "strategy").decode()


def kept_model(w: Work, model_hash: str) -> Model:
    """A model that some release of the store has brought in.

    Raises
    ------
    MissingError
        When there is none.
    PolicyError
        When what is kept is not what its hash names.
    """
    documents = json.loads(_content(w, model_hash, "model"))
    model = model_from_documents(documents[MODEL], documents.get(CHALLENGER), documents[CARD])
    _same(model.hash, model_hash)
    return model


def kept_register(w: Work, register_hash: str) -> str:
    """The text of a lender's own columns that some release of the store has brought in.

    Raises
    ------
    MissingError
        When there is none.
    """
    return _content(w, register_hash, "register").decode()


def release_row_of(w: Work, release_id: str) -> dict[str, Any]:
    """The row of a release.

    Raises
    ------
    MissingError
        When there is none.
    """
    row = w.kept(releases, release_id)
    if row is None:
        raise MissingError("There is no such release.", value=release_id, advice=SEE)
    return row


def release_of_strategy(w: Work, strategy_hash: str) -> str:
    """The id of the newest release of a strategy, whatever its model and market.

    Raises
    ------
    MissingError
        When there is none.
    """
    found = sa.select(releases.c.release_id).where(releases.c.strategy_hash == strategy_hash)
    row = w.row(found.order_by(releases.c.made_us.desc(), releases.c.release_id).limit(1))
    if row is None:
        raise MissingError("There is no such release.", value=strategy_hash, advice=SEE)
    return str(row["release_id"])


def keep_content(w: Work, name_hash: str, kind: str, name: str, content: bytes) -> None:
    """Keep a content under its hash, once.

    Raises
    ------
    InputError
        When it is too large.
    """
    if len(content) > ARTEFACT_BYTES_MAX:
        raise InputError(
            f"The {kind} is too large.", value=len(content), allowed=f"{ARTEFACT_BYTES_MAX} bytes"
        )
    if w.row(sa.select(artefacts.c.hash).where(artefacts.c.hash == name_hash)) is None:
        row = {"hash": name_hash, "kind": kind, "name": name, "content": zlib.compress(content),
               "added_us": w.now_us, "added_by": w.actor.actor_id}  # fmt: skip
        w.add(artefacts, row)
        w.note("artefact.keep", f"artefact:{name_hash}", {"kind": kind} | kept(("artefact", row)))


def _content(w: Work, name_hash: str, kind: str) -> bytes:
    row = w.kept(artefacts, name_hash)
    if row is None or row["kind"] != kind:
        raise MissingError(f"The store holds no such {kind}.", value=name_hash, advice=SEE_SUCH)
    return zlib.decompress(row["content"])


def _same(found: str, named: str) -> None:
    if found != named:
        raise PolicyError("What is kept is not what its hash names.", value=found, allowed=named)


def model_documents(model: Model) -> dict[str, Any]:
    """A model as it is kept."""
    found: dict[str, Any] = {MODEL: model.to_document(), CARD: dict(model.card)}
    if model.challenger is not None:
        found[CHALLENGER] = model.challenger.to_document()
    return found
