"""A bell that tells threads of this process that there may be something for them, so that they need not look often."""

import threading


class Bell:
    """Rung by whoever wrote something, heard by all who wait for it.

    Examples
    --------
    >>> bell = Bell()
    >>> heard = bell.rung
    >>> bell.ring()
    >>> bell.awaited(heard, 60.0)
    True
    """

    def __init__(self) -> None:
        self.rung = 0
        self._changed = threading.Condition()

    def ring(self) -> None:
        """Wake all who wait."""
        with self._changed:
            self.rung += 1
            self._changed.notify_all()

    def awaited(self, heard: int, seconds: float) -> bool:
        """Wait until it was rung since a number of times, but so long at most; whether it was."""
        with self._changed:
            return self._changed.wait_for(lambda: self.rung != heard, seconds)
