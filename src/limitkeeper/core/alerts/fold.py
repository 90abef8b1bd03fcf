"""What a decision changes of what stands: alerts opened or updated, freezes begun, proposals made.

One cause gives one alert: all hits of a trigger on an account within the quiet time of the last are the same
alert, which is updated, and told again only where it grows worse or another rule joins. A proposal is made again
only where it asks for more, for the opposite, or where the earlier one is no longer valid.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.alerts.standing import (
    ALERT_FIELDS,
    ALERT_TRIGGERS,
    BARRED_RULES,
    COUNT,
    FIRST_ALERT,
    FREEZE_CONFIRMED,
    FROZEN_FOR_VIOLATION,
    FROZEN_RULE,
    FROZEN_SINCE_US,
    HITS_KEPT,
    LAST_FREEZE_US,
    NO_SLOT,
    OPENED_US,
    PROPOSED_ACTION,
    PROPOSED_LIMIT,
    PROPOSED_US,
    RULES,
    SEEN_US,
    SEVERITY,
    Matrix,
    slot_of,
)
from limitkeeper.core.behaviour.events import LIMIT_SET, NEVER_US
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.strategy.actions import Action

SILENT, OPENED, WORSE, UPDATED = range(4)
"""What became of a trigger's alert: nothing; opened; grew worse or another rule joined; seen again."""

NONE, ALERT, DECREASE, FREEZE, CLOSE, RESTORE = (int(action) for action in Action)

STRENGTH = (0, 0, 1, 2, 3, 0)
"""How much an action takes, in the order of ``Action``: an open proposal gives way to a stronger one."""


class FoldTerms(NamedTuple):
    """What the fold reads of a strategy and of the market's parameters.

    ``trigger_masks`` has the rules of each trigger that do something; ``release_mask`` those whose last hit
    matters; tuples by rule for severity and whether a violation is suspected.
    """

    trigger_masks: tuple[int, ...]
    release_mask: int
    severities: tuple[int, ...]
    for_violation: tuple[int, ...]
    quiet_us: int
    proposal_valid_us: int
    least_step_cents: int
    freeze_us: int


@compiled
def fold_alert(alert: NDArray[np.int64], hits: int, t: int, terms: FoldTerms) -> int:
    """Fold the hits of one trigger into its alert; what became of it."""
    severity = 0
    for rule in range(len(terms.severities)):
        if hits >> rule & 1:
            severity = max(severity, terms.severities[rule])
    if alert[COUNT] == 0 or t - alert[SEEN_US] > terms.quiet_us:
        alert[OPENED_US] = alert[SEEN_US] = t
        alert[COUNT], alert[SEVERITY], alert[RULES] = 1, severity, hits
        return OPENED
    worse = severity > alert[SEVERITY] or (hits & ~alert[RULES]) != 0
    alert[SEEN_US] = max(alert[SEEN_US], t)
    alert[COUNT] += 1
    alert[SEVERITY] = max(alert[SEVERITY], severity)
    alert[RULES] |= hits
    return WORSE if worse else UPDATED


@compiled
def is_new_proposal(row: NDArray[np.int64], action: int, limit_after: int, t: int, terms: FoldTerms) -> bool:
    """Whether a proposal says more than the open one."""
    before = row[PROPOSED_ACTION]
    if before == NONE or t - row[PROPOSED_US] > terms.proposal_valid_us:
        return True
    if (action == RESTORE) != (before == RESTORE):
        return True
    if action == before:
        return action != FREEZE and abs(limit_after - row[PROPOSED_LIMIT]) >= terms.least_step_cents
    return STRENGTH[action] > STRENGTH[before]


@compiled
def fold_decisions(
    slots: NDArray[np.int32],
    rows: Matrix,
    top: NDArray[np.int64],
    marks: NDArray[np.int32],
    mark: int,
    accounts: NDArray[np.int64],
    times_us: NDArray[np.int64],
    kinds: NDArray[np.int16],
    hits: NDArray[np.int64],
    rules: NDArray[np.int16],
    effects: NDArray[np.uint8],
    limits_after: NDArray[np.int64],
    terms: FoldTerms,
    alerts: NDArray[np.uint8],
    alert_rows: NDArray[np.int64],
    proposed: NDArray[np.bool_],
    pending: NDArray[np.bool_],
) -> int:
    """Fold decisions in order; an account's rows behind one that changed what decides wait for another round.

    Parameters
    ----------
    slots, rows, top, marks
        Of :class:`~limitkeeper.core.alerts.standing.Standing`; changed.
    mark
        Number of this round, new each time.
    accounts, times_us, kinds
        Of the events, shape ``(n,)``.
    hits, rules, effects, limits_after
        Of the proposals, shape ``(n,)``.
    terms
        Of the strategy and the market.
    alerts, alert_rows
        What became of each trigger's alert, ``(n, 4)``, and the alert as it then stood, ``(n, 4, 5)``.
    proposed
        Whether a proposal is made, ``(n,)``.
    pending
        Written: which rows wait.

    Returns
    -------
    How many wait.
    """
    waiting = 0
    for i in range(accounts.shape[0]):
        account = accounts[i]
        if marks[account] == mark:
            pending[i] = True
            waiting += 1
            continue
        pending[i] = False
        effect, t = int(effects[i]), times_us[i]
        acts = effect not in (NONE, ALERT)
        if slots[account] == NO_SLOT and hits[i] == 0 and not acts:
            continue
        row = rows[slot_of(slots, rows, top, account)]
        if kinds[i] == LIMIT_SET:
            row[PROPOSED_ACTION] = NONE
        kept, barred = hits[i] & terms.release_mask, row[BARRED_RULES] & hits[i]
        if row[HITS_KEPT] != kept or row[BARRED_RULES] != barred:
            row[HITS_KEPT], row[BARRED_RULES] = kept, barred
            marks[account] = mark
        begins = effect == FREEZE and (
            row[FROZEN_SINCE_US] == NEVER_US
            or (row[FROZEN_FOR_VIOLATION] == 0 and t - row[FROZEN_SINCE_US] >= terms.freeze_us)
        )
        if begins:
            row[FROZEN_SINCE_US] = row[LAST_FREEZE_US] = t
            row[FROZEN_RULE], row[FREEZE_CONFIRMED] = rules[i], 0
            row[FROZEN_FOR_VIOLATION] = terms.for_violation[rules[i]]
            marks[account] = mark
        for trigger in range(ALERT_TRIGGERS):
            hit = hits[i] & terms.trigger_masks[trigger]
            if hit != 0:
                first = FIRST_ALERT + trigger * ALERT_FIELDS
                alert = row[first : first + ALERT_FIELDS]
                alerts[i, trigger] = fold_alert(alert, hit, t, terms)
                alert_rows[i, trigger] = alert
        # A freeze that stands was proposed when it began, however long ago.
        stands = effect == FREEZE and row[LAST_FREEZE_US] != t and row[PROPOSED_ACTION] == FREEZE
        # One that begins is proposed whatever else is open: it acts already, and somebody must confirm it.
        if acts and not stands and (begins or is_new_proposal(row, effect, limits_after[i], t, terms)):
            row[PROPOSED_ACTION], row[PROPOSED_LIMIT], row[PROPOSED_US] = effect, limits_after[i], t
            proposed[i] = True
    return waiting
