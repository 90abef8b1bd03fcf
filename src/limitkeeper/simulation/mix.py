"""Who lives in a simulated portfolio: the hidden kinds and their shares."""

from dataclasses import dataclass, fields

from limitkeeper.core.kernel.errors import InputError

KINDS = ("salaried", "seasonal", "distressed", "recovering", "cash_out_ring", "taken_over", "dormant")
"""Hidden kinds of account; a kind's code is its position."""

SALARIED, SEASONAL, DISTRESSED, RECOVERING, CASH_OUT_RING, TAKEN_OVER, DORMANT = range(7)

TRIGGER_OF_KIND = {
    "distressed": "declining_repayment_capacity",
    "recovering": "declining_repayment_capacity",
    "cash_out_ring": "suspected_violation",
    "taken_over": "abnormal_consumption",
}
"""The trigger that ought to fire on an account of a kind; none ought to on the others."""

RING_MEMBERS = 6
"""Accounts of a cash-out ring."""

SHARE_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the hidden kinds; they add up to 1.

    Rings are whole: each stretch of ``ring_cell`` accounts holds one ring of :data:`RING_MEMBERS`.

    Raises
    ------
    InputError
        When a share is out of [0, 1], or the shares do not add up to 1.

    Examples
    --------
    >>> Mix().ring_cell
    300
    >>> Mix(salaried=0.9)
    Traceback (most recent call last):
    limitkeeper.core.kernel.errors.InputError: The shares of a mix do not add up to 1. Given: 1.2.
    """

    salaried: float = 0.70
    seasonal: float = 0.10
    distressed: float = 0.06
    recovering: float = 0.04
    cash_out_ring: float = 0.02
    taken_over: float = 0.01
    dormant: float = 0.07

    def __post_init__(self) -> None:
        for field in fields(self):
            share = getattr(self, field.name)
            if not 0 <= share <= 1:
                raise InputError(f"The share '{field.name}' is out of range.", value=share, allowed="0 to 1")
        total = sum(self.shares)
        if abs(total - 1) > SHARE_SLACK:
            raise InputError("The shares of a mix do not add up to 1.", value=round(total, 9))

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares in the order of :data:`KINDS`."""
        return tuple(getattr(self, kind) for kind in KINDS)

    @property
    def ring_cell(self) -> int:
        """Accounts among which one ring hides; 0 when there are no rings."""
        return max(RING_MEMBERS, round(RING_MEMBERS / self.cash_out_ring)) if self.cash_out_ring else 0
