"""A model as data: the columns it needs, what it derives from them, its scorecard and its challenger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import ModelError
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.risk.derivation import Derivation, derivation_from_document, with_derived
from limitkeeper.core.risk.pd_bands import PdBand, pd_bands_of_card
from limitkeeper.core.risk.scorecard import Scorecard, scorecard_from_document

FORMAT = "limitkeeper-model/1"

KINDS = ("pd", "lgd", "ccf")

TYPES = ("number", "number in text", "text")
"""How a column is read: as a number; as a number after its sign, unit and commas are taken off; as words."""


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column that a model reads.

    Parameters
    ----------
    name
        As in the lender's table.
    type
        One of `TYPES`.
    categories
        Of text: the words that have a code, in code order; any other is missing.
    """

    name: str
    type: str
    categories: tuple[str, ...] = ()

    def to_document(self) -> dict[str, object]:
        """The column as JSON holds it."""
        return {"name": self.name, "type": self.type, "categories": list(self.categories)}


@dataclass(frozen=True)
class Challenger:
    """A LightGBM model as text, with the columns it reads and its calibration.

    Parameters
    ----------
    names
        Its columns, raw or derived, in order.
    boosters
        LightGBM's own text format, one a member; their mean raw score counts.
    slope, intercept
        ``pd = 1 / (1 + exp(-(intercept + slope * raw score)))``.
    """

    names: tuple[str, ...]
    boosters: tuple[str, ...]
    slope: float
    intercept: float

    def to_document(self) -> dict[str, object]:
        """The challenger as JSON holds it."""
        return {
            "names": list(self.names),
            "boosters": list(self.boosters),
            "slope": self.slope,
            "intercept": self.intercept,
        }


@dataclass(frozen=True)
class Model:
    """A trained model: everything it takes to score, and nothing about who trained it when.

    Parameters
    ----------
    kind
        ``pd``, ``lgd`` or ``ccf``.
    target, positive, horizon
        What it predicts.
    inputs
        The columns it reads from a lender's table.
    missing_codes
        Values of numbers that stand for missing.
    derivations
        What is computed from them.
    scorecard
        The champion.
    challenger
        For ``pd``; None otherwise.
    card
        The model card; no part of the hash.
    """

    kind: str
    target: str
    positive: str
    horizon: str
    inputs: tuple[InputColumn, ...]
    missing_codes: tuple[float, ...]
    derivations: tuple[Derivation, ...]
    scorecard: Scorecard
    challenger: Challenger | None = None
    card: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def columns_needed(self) -> tuple[str, ...]:
        """The columns of the lender's table that scoring reads."""
        return tuple(column.name for column in self.inputs)

    @property
    def hash(self) -> str:
        """The content hash: of the parameters only."""
        return content_hash(
            [self.to_document(), None if self.challenger is None else self.challenger.to_document()]
        )

    @cached_property
    def pd_bands(self) -> tuple[PdBand, ...]:
        """How sure its PDs are, as its card has it; none of a model whose card does not say."""
        return pd_bands_of_card(self.card)

    def with_characteristics(self, columns: Columns) -> Columns:
        """The encoded columns and everything the scorecard reads besides."""
        used = set(self.scorecard.names)
        return with_derived(
            columns, [each for each in self.derivations if each.name in used], self.missing_codes
        )

    def to_document(self) -> dict[str, object]:
        """The champion as JSON holds it."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "target": self.target,
            "positive": self.positive,
            "horizon": self.horizon,
            "inputs": [column.to_document() for column in self.inputs],
            "missing_codes": list(self.missing_codes),
            "derivations": [derivation.to_document() for derivation in self.derivations],
            "scorecard": self.scorecard.to_document(),
        }


def model_from_documents(
    document: Mapping[str, Any], challenger: Mapping[str, Any] | None, card: Mapping[str, Any]
) -> Model:
    """A model from its JSON documents.

    Raises
    ------
    ModelError
        When a part is missing, of another format, or does not hold together.
    """
    if document.get("format") != FORMAT:
        raise ModelError("This is no model of this version.", value=document.get("format"), allowed=FORMAT)
    try:
        return Model(
            kind=document["kind"],
            target=document["target"],
            positive=document["positive"],
            horizon=document["horizon"],
            inputs=tuple(
                InputColumn(each["name"], each["type"], tuple(each["categories"]))
                for each in document["inputs"]
            ),
            missing_codes=tuple(document["missing_codes"]),
            derivations=tuple(map(derivation_from_document, document["derivations"])),
            scorecard=scorecard_from_document(document["scorecard"]),
            challenger=None
            if challenger is None
            else Challenger(
                tuple(challenger["names"]),
                tuple(challenger["boosters"]),
                challenger["slope"],
                challenger["intercept"],
            ),
            card=card,
        )
    except (KeyError, TypeError) as error:
        raise ModelError(f"The model lacks a part: {error!r}.", advice="Train it again.") from error
