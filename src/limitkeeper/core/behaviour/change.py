"""Change detection per account: a self-starting CUSUM on what is spent, how often, and how much is repaid.

An account is its own control: nothing is known of it beforehand, so its mean and scale are learned from the
same stream that is watched. Each observation is told in standard deviations of those before it and summed where
it goes the bad way; the sum against its threshold is the score, and 1 or more is an alarm.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limitkeeper.core.behaviour.events import ACCEPTED, BILL, CASH_ADVANCE, HOUR_US, LONG_AGO_US
from limitkeeper.core.kernel.compiled import compiled
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.prefetch import prefetch
from limitkeeper.core.kernel.quantity import Quantity

CHANGE_FORMAT = 1
"""Raised when what ``arrays`` gives changes its meaning."""

SCORE_LIMIT = 1.5
"""A score goes no higher, so that an account that is itself again is soon below 1."""

CHANGE_QUANTITIES = (
    Quantity("spend_change", "ratio", "Upward change of amounts spent or of spending's pace; 1 is an alarm.",
             "消费金额或频率相对自身以往的上升变化，达到1为报警。", "fewer than 20 spends, or not watched as events came",
             0.0, SCORE_LIMIT),
    Quantity("repayment_change", "ratio", "Downward change of the share of bills repaid; 1 is an alarm.",
             "账单还款比例相对自身以往的下降变化，达到1为报警。", "fewer than 6 bills, or not watched as events came",
             0.0, SCORE_LIMIT),
)  # fmt: skip
"""What is told of each account, in the order of the columns of :meth:`ChangeDetection.apply`."""


class StreamTerms(NamedTuple):
    """How one stream is watched, in standard deviations of the account's own.

    Parameters
    ----------
    reference
        Page's k: half the shift that is to be found soonest.
    threshold
        Page's h: the sum that is an alarm.
    warm_up_count
        Observations that only teach; 3 or more.
    memory_count
        Observations after which the oldest begin to fade.
    """

    reference: float
    threshold: float
    warm_up_count: int
    memory_count: int


class ChangeTerms(NamedTuple):
    """How accounts are watched. The run lengths are told, with their sources, in docs/change.md.

    Parameters
    ----------
    spend
        Of amounts and of pace alike. The default has a false alarm about every 14,000 spends (measured).
    repayment
        The default has a false alarm about every 800 bills (measured).
    deviation_limit
        An observation counts as no more than so many standard deviations: one alone is an outlier, not a change.
    scale_least
        Least standard deviation: of the logarithm of an amount, of the power of a gap, and of the share repaid.
    """

    spend: StreamTerms = StreamTerms(0.5, 8.0, 20, 200)
    repayment: StreamTerms = StreamTerms(0.5, 4.0, 6, 24)
    deviation_limit: float = 3.0
    scale_least: float = 0.1


GAP_POWER = 1 / 3.6
"""Exponential gaps to this power are very nearly normal (Nelson 1994)."""

NEWEST_US, LAST_SPEND_US = range(2)

STREAM_FIELDS = 4
COUNT, MEAN, SQUARES, SUM = range(STREAM_FIELDS)
AMOUNT, PACE, REPAYMENT = 0, STREAM_FIELDS, 2 * STREAM_FIELDS
NUMBER_FIELDS = 3 * STREAM_FIELDS

AHEAD = 8
"""Events by which an account's row is asked for before it is needed."""

LEAST_WARM_UP = 3
"""Two observations have one difference; the third is the first with a scale to be told in."""


@compiled
def normal_score(t: float, freedom: float) -> float:
    """Student's t with its degrees of freedom as the standard normal of the same rank (Wallace 1959)."""
    size = (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom * np.log1p(t * t / freedom))
    return size if t >= 0 else -size


@compiled
def observe(
    stream: NDArray[np.float32], x: float, sign: float, terms: StreamTerms, limit: float, scale_least: float
) -> None:
    """One more observation of a stream; ``sign`` is 1 where up is bad, -1 where down is."""
    count, mean, squares = stream[COUNT], np.float64(stream[MEAN]), np.float64(stream[SQUARES])
    if count >= 2:  # noqa: PLR2004 - two have a difference
        scale = max(np.sqrt(squares / (count - 1)), scale_least)
        if count >= terms.warm_up_count:
            t = sign * (x - mean) / scale * np.sqrt(count / (count + 1))
            score = min(max(normal_score(t, count - 1), -limit), limit)
            highest = SCORE_LIMIT * terms.threshold
            stream[SUM] = min(max(stream[SUM] + score - terms.reference, 0.0), highest)
        # An outlier teaches no more than it counts for, or it would hide those that follow it.
        x = min(max(x, mean - limit * scale), mean + limit * scale)
    weight = min(count + 1, np.float64(terms.memory_count))
    away = x - mean
    mean += away / weight
    kept = 1.0 if count < terms.memory_count else 1.0 - 1.0 / weight
    stream[COUNT] = weight
    stream[MEAN] = mean
    stream[SQUARES] = squares * kept + away * (x - mean)


@compiled
def stream_score(stream: NDArray[np.float32], terms: StreamTerms) -> float:
    """The sum against its threshold, NaN until the warm-up is over."""
    return stream[SUM] / terms.threshold if stream[COUNT] >= terms.warm_up_count else np.nan


@compiled
def write_scores(row: NDArray[np.float32], terms: ChangeTerms, out: NDArray[np.float64]) -> None:
    """Write an account's scores: spend is the higher of amount and pace."""
    amount, pace = stream_score(row[AMOUNT:PACE], terms.spend), stream_score(row[PACE:REPAYMENT], terms.spend)
    out[0] = np.fmax(amount, pace)
    out[1] = stream_score(row[REPAYMENT:NUMBER_FIELDS], terms.repayment)


@compiled
def apply_changes(
    times: NDArray[np.int64],
    numbers: NDArray[np.float32],
    terms: ChangeTerms,
    account: NDArray[np.int64],
    kind: NDArray[np.uint8],
    ts_us: NDArray[np.int64],
    amount_cents: NDArray[np.int64],
    paid_cents: NDArray[np.int64],
    status: NDArray[np.uint8],
    out: NDArray[np.float64],
) -> None:
    """Watch events in their order and write each one's scores."""
    limit, least = terms.deviation_limit, terms.scale_least
    for i in range(account.shape[0]):
        if i + AHEAD < account.shape[0]:
            prefetch(numbers[account[i + AHEAD]], 0)
            prefetch(times[account[i + AHEAD]], 0)
        row, known, t, amount = numbers[account[i]], times[account[i]], ts_us[i], amount_cents[i]
        if status[i] == ACCEPTED and t >= known[NEWEST_US]:
            known[NEWEST_US] = t
            if kind[i] <= CASH_ADVANCE and amount > 0:
                observe(row[AMOUNT:PACE], np.log(np.float64(amount)), 1.0, terms.spend, limit, least)
                if known[LAST_SPEND_US] != LONG_AGO_US:
                    gap = ((t - known[LAST_SPEND_US]) / HOUR_US) ** GAP_POWER
                    observe(row[PACE:REPAYMENT], gap, -1.0, terms.spend, limit, least)
                known[LAST_SPEND_US] = t
            elif kind[i] == BILL and amount > 0:
                share = min(max(paid_cents[i], 0), amount) / amount
                observe(row[REPAYMENT:NUMBER_FIELDS], share, -1.0, terms.repayment, limit, least)
        write_scores(row, terms, out[i])


@compiled
def write_all_scores(
    numbers: NDArray[np.float32], accounts: NDArray[np.int64], terms: ChangeTerms, out: NDArray[np.float64]
) -> None:
    """Write the scores of accounts as they are."""
    for i in range(accounts.shape[0]):
        write_scores(numbers[accounts[i]], terms, out[i])


class ChangeDetection:
    """The watched streams of all accounts, 64 bytes an account.

    For a stream of observations ``x``, with mean and standard deviation of the ``n`` before it::

        T = (x - mean) / sd * sqrt(n / (n + 1))     Student's t with n - 1 degrees of freedom
        U = normal score of T, at most 3 in size    standard normal, whatever the account's mean and scale
        S = max(0, S + U - k)                       S / h >= 1 is an alarm

    Watched are the logarithm of each amount spent (upward), the time since the spend before to the power of
    1/3.6 (downward: a faster pace) and the share repaid of each bill that has an amount (downward).

    Source: Page (1954), Continuous inspection schemes, Biometrika 41; Hawkins (1987), Self-starting cusum charts
    for location and scale, The Statistician 36; Wallace (1959), Bounds on normal approximations to Student's and
    the chi-square distributions, Ann. Math. Stat. 30; Nelson (1994), A control chart for parts-per-million
    nonconforming items, J. Quality Technology 26; winsorising: Hawkins and Olwell (1998), Cumulative Sum Charts
    and Charting for Quality Improvement.

    Parameters
    ----------
    terms
        How accounts are watched.

    Raises
    ------
    InputError
        When a warm-up is shorter than 3, longer than the memory, or a threshold or scale is not above 0.

    Examples
    --------
    >>> change = ChangeDetection()
    >>> change.add_accounts(1)
    >>> n, day_us = 30, 24 * 3_600_000_000
    >>> amounts = np.where(np.arange(n) < 24, 10_000, 90_000) + 500 * (np.arange(n) % 3)
    >>> scores = change.apply(np.zeros(n, np.int64), np.zeros(n, np.uint8), day_us * np.arange(n), amounts,
    ...                       np.zeros(n, np.int64), np.zeros(n, np.uint8))
    >>> scores[[18, 23, 24, 29], 0].round(2).tolist()
    [nan, 0.0, 0.31, 1.5]
    """

    def __init__(self, terms: ChangeTerms | None = None) -> None:
        self.terms = terms or ChangeTerms()
        for stream in (self.terms.spend, self.terms.repayment):
            if not LEAST_WARM_UP <= stream.warm_up_count <= stream.memory_count or not stream.threshold > 0:
                raise InputError(
                    "The terms of change detection do not hold.",
                    value=stream,
                    allowed=f"{LEAST_WARM_UP} <= warm_up_count <= memory_count, threshold above 0",
                )
        if not (self.terms.scale_least > 0 and self.terms.deviation_limit > 0):
            raise InputError(
                "The terms of change detection do not hold.",
                value=self.terms,
                allowed="scale_least and deviation_limit above 0",
            )
        self.count = 0
        self._times = np.zeros((0, 2), np.int64)
        self._numbers = np.zeros((0, NUMBER_FIELDS), np.float32)

    def add_accounts(self, count: int) -> None:
        """Add accounts of which nothing is known; they are numbered on from those there."""
        total = self.count + count
        if total > len(self._times):
            size = max(total, 2 * len(self._times))
            times, numbers = np.zeros((size, 2), np.int64), np.zeros((size, NUMBER_FIELDS), np.float32)
            times[: self.count], numbers[: self.count] = (
                self._times[: self.count],
                self._numbers[: self.count],
            )
            self._times, self._numbers = times, numbers
        self._times[self.count : total] = LONG_AGO_US
        self.count = total

    def apply(
        self,
        account: NDArray[np.int64],
        kind: NDArray[np.uint8],
        ts_us: NDArray[np.int64],
        amount_cents: NDArray[np.int64],
        paid_cents: NDArray[np.int64],
        status: NDArray[np.uint8],
    ) -> NDArray[np.float64]:
        """Watch events in arrival order; columns of shape ``(n,)`` as in an event batch.

        Parameters
        ----------
        account, kind, ts_us, amount_cents, paid_cents
            Of the events; a spend or bill of amount 0 is no observation.
        status
            What became of each. One that was not accepted, or is older than the newest of its account that was
            seen here, changes nothing.

        Returns
        -------
        Scores after each event, shape ``(n, 2)`` as :data:`CHANGE_QUANTITIES`, NaN until the warm-up is over.

        Raises
        ------
        InputError
            When an account is not there.
        """
        self._check(account)
        out = np.empty((len(account), len(CHANGE_QUANTITIES)))
        apply_changes(
            self._times,
            self._numbers,
            self.terms,
            account,
            kind,
            ts_us,
            amount_cents,
            paid_cents,
            status,
            out,
        )
        return out

    def scores(self, accounts: NDArray[np.int64]) -> NDArray[np.float64]:
        """The present scores of accounts, shape ``(n, 2)``.

        Raises
        ------
        InputError
            When an account is not there.
        """
        self._check(accounts)
        out = np.empty((len(accounts), len(CHANGE_QUANTITIES)))
        write_all_scores(self._numbers, accounts, self.terms, out)
        return out

    def of_one(self, account: int) -> "ChangeDetection":
        """What is seen of one account, alone."""
        one = ChangeDetection(self.terms)
        one.add_accounts(1)
        one._times[0], one._numbers[0] = self._times[account], self._numbers[account]
        return one

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The whole state as arrays, to be kept; :meth:`from_arrays` takes them back."""
        return {
            "format": np.array([CHANGE_FORMAT], np.int64),
            "times": self._times[: self.count],
            "numbers": self._numbers[: self.count],
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], terms: ChangeTerms | None = None
    ) -> "ChangeDetection":
        """The state that arrays hold.

        Raises
        ------
        InputError
            When an array is missing or they are of another format.
        """
        change = cls(terms)
        missing = set(change.arrays()) - set(arrays)
        if missing or arrays["format"].tolist() != [CHANGE_FORMAT]:
            raise InputError(
                "These arrays are no change detection of this version.",
                value=sorted(arrays),
                allowed=f"format {CHANGE_FORMAT} with {', '.join(change.arrays())}",
                advice="Build the state again from the events.",
            )
        change.count = len(arrays["times"])
        change._times = np.array(arrays["times"], dtype=np.int64, order="C")
        change._numbers = np.array(arrays["numbers"], dtype=np.float32, order="C")
        return change

    def _check(self, accounts: NDArray[np.int64]) -> None:
        if len(accounts) and not (accounts.min() >= 0 and accounts.max() < self.count):
            raise InputError(
                "An event belongs to no account.",
                value=int(accounts.max() if accounts.min() >= 0 else accounts.min()),
                allowed=f"0 to {self.count - 1}",
            )
