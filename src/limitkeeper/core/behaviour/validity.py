"""What makes a row an event: one kernel that every way in asks, whatever it read the row from."""

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import (
    AMOUNT_CENTS_MAX,
    BILL,
    BILL_CORRECTED,
    DECLINED,
    FLAG,
    FLAG_WITHDRAWN,
    LOGIN,
)
from limitkeeper.core.kernel.compiled import compiled

REASONS = (
    "event_id_missing", "account_id_missing", "id_not_plain", "ts_missing", "ts_unreadable", "kind_unknown",
    "amount_missing", "amount_not_whole", "amount_negative", "amount_too_large", "bill_incomplete",
    "bill_not_plausible", "in_future",
)  # fmt: skip
"""Why a row is refused; a code is the position, and the first that holds is given."""

(
    EVENT_ID_MISSING, ACCOUNT_ID_MISSING, ID_NOT_PLAIN, TS_MISSING, TS_UNREADABLE, KIND_UNKNOWN, AMOUNT_MISSING,
    AMOUNT_NOT_WHOLE, AMOUNT_NEGATIVE, AMOUNT_TOO_LARGE, BILL_INCOMPLETE, BILL_NOT_PLAUSIBLE, IN_FUTURE,
) = range(len(REASONS))  # fmt: skip

VALID = -1

NO_EVENT_ID, NO_ACCOUNT_ID, ODD_ID = 1, 2, 4
"""Bits of what is wrong with the ids of a row."""

NO_TIME_US = np.iinfo(np.int64).min
UNREAD_TIME_US = NO_TIME_US + 1
"""In place of a time: none was given; it cannot be read."""

UNKNOWN_KIND = -1

DAYS_PAST_DUE_MAX = 36_500

AMOUNT, PAID, MINIMUM, DAYS = range(4)


@compiled
def _implausible(value: float, missing: bool, most: float) -> bool:
    """Whether a figure of a bill is given and is negative, not whole, not finite or too large."""
    if missing:
        return False
    return not (0.0 <= value <= most) or value != np.floor(value)


@compiled
def _reason(  # noqa: C901, PLR0911, PLR0912 - one line a reason, in order
    ids: int, ts_us: int, kind: int, figures: NDArray[np.float64], missing: NDArray[np.bool_], as_of_us: int
) -> int:
    if ids & NO_EVENT_ID:
        return EVENT_ID_MISSING
    if ids & NO_ACCOUNT_ID:
        return ACCOUNT_ID_MISSING
    if ids & ODD_ID:
        return ID_NOT_PLAIN
    if ts_us == NO_TIME_US:
        return TS_MISSING
    if ts_us == UNREAD_TIME_US:
        return TS_UNREADABLE
    if kind == UNKNOWN_KIND:
        return KIND_UNKNOWN
    amount = figures[AMOUNT]
    if missing[AMOUNT]:
        if kind not in (DECLINED, LOGIN, FLAG, FLAG_WITHDRAWN):
            return AMOUNT_MISSING
    elif np.isnan(amount) or np.isinf(amount) or amount != np.floor(amount):
        return AMOUNT_NOT_WHOLE
    elif amount < 0:
        return AMOUNT_NEGATIVE
    elif amount > AMOUNT_CENTS_MAX:
        return AMOUNT_TOO_LARGE
    if kind in (BILL, BILL_CORRECTED):
        if missing[PAID] or missing[DAYS]:
            return BILL_INCOMPLETE
        if (
            _implausible(figures[PAID], missing[PAID], float(AMOUNT_CENTS_MAX))
            or _implausible(figures[MINIMUM], missing[MINIMUM], float(AMOUNT_CENTS_MAX))
            or _implausible(figures[DAYS], missing[DAYS], float(DAYS_PAST_DUE_MAX))
        ):
            return BILL_NOT_PLAUSIBLE
    return IN_FUTURE if ts_us > as_of_us else VALID


@compiled
def write_reasons(
    ids: NDArray[np.uint8],
    times_us: NDArray[np.int64],
    kinds: NDArray[np.int16],
    figures: NDArray[np.float64],
    missing: NDArray[np.bool_],
    as_of_us: int,
    reasons: NDArray[np.int8],
) -> None:
    """Write why each row is refused, or -1 where it is an event.

    Parameters
    ----------
    ids
        Bits of what is wrong with its ids, shape ``(n,)``.
    times_us
        UTC microseconds, or a mark that there is none.
    kinds
        Code of the kind, -1 unknown.
    figures
        ``amount, paid, minimum_due, days_past_due`` as given, shape ``(n, 4)``; NaN where missing or unread.
    missing
        Which of them were not given, shape ``(n, 4)``.
    as_of_us
        Later events lie in the future.
    reasons
        Where to write, shape ``(n,)``.
    """
    for i in range(reasons.shape[0]):
        reasons[i] = _reason(ids[i], times_us[i], kinds[i], figures[i], missing[i], as_of_us)
