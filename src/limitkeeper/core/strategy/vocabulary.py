"""Every name that a strategy's expressions may use: behaviour, relations, risk, value, account, its own."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from limitkeeper.core.behaviour.change import CHANGE_QUANTITIES
from limitkeeper.core.behaviour.features import FEATURES
from limitkeeper.core.kernel.quantity import Quantity
from limitkeeper.core.relations.quantities import RELATION_QUANTITIES
from limitkeeper.core.strategy.account import ACCOUNT_QUANTITIES
from limitkeeper.core.value.quantities import QUANTITIES

SHARED_QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        quantity.name: quantity
        for quantity in (
            *FEATURES,
            *CHANGE_QUANTITIES,
            *RELATION_QUANTITIES,
            *QUANTITIES,
            *ACCOUNT_QUANTITIES,
        )
    }
)
"""The names that every strategy may use, in the order of the stages."""

SCORE_NAMES = frozenset(quantity.name for quantity in QUANTITIES) - {"undrawn_cents", "lgd", "ccf"}
"""Names that follow from the score: a rule that uses one used the score."""


def vocabulary(*others: Iterable[Quantity]) -> dict[str, Quantity]:
    """The shared names and others: a strategy's own inputs and parameters, a market's parameters.

    Examples
    --------
    >>> vocabulary([Quantity("bureau_score", "points", "Bureau score", "征信评分")])["bureau_score"].unit
    'points'
    """
    return dict(SHARED_QUANTITIES) | {quantity.name: quantity for group in others for quantity in group}
