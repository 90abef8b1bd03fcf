"""Figures that cost something, kept for a while: many who ask cost little more than one."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """A value that is made when somebody asks, at most so often, by one at a time.

    Who asks while another makes it anew gets the one before; only the first ever is waited for.

    Parameters
    ----------
    make
        Makes it, in the thread of who asks.
    seconds
        How long it is kept.
    clock
        Seconds that never go back.

    Examples
    --------
    >>> made = iter(range(10))
    >>> kept = Kept(lambda: next(made), 60.0)
    >>> kept.value(), kept.value()
    (0, 0)
    """

    def __init__(
        self, make: Callable[[], T], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make, self._seconds, self._clock = make, seconds, clock
        self._turn = threading.Lock()
        self._made: tuple[float, T] | None = None

    def value(self) -> T:
        """The value, made anew where it is too old."""
        made = self._made
        if made is not None and self._clock() - made[0] < self._seconds:
            return made[1]
        if not self._turn.acquire(blocking=made is None):
            assert made is not None
            return made[1]
        try:
            if self._made is None or self._clock() - self._made[0] >= self._seconds:
                self._made = self._clock(), self._make()
            return self._made[1]
        finally:
            self._turn.release()
