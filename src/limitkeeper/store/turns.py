"""Turns of those who would all be first: given in the order in which they were asked for."""

import threading
import zlib
from collections import deque

import sqlalchemy as sa


class Turns:
    """One turn at a time, first come, first served.

    A plain lock goes to whoever is quick: a thread that gives it back and asks again at once, as one does that works
    through a long list, has it again before those who wait have woken up.

    Examples
    --------
    >>> turns = Turns()
    >>> turns.taken(1.0), turns.taken(0.01)
    (True, False)
    >>> turns.give_back()
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()

    def taken(self, seconds: float) -> bool:
        """Take a turn, and wait for it so long at most; whether it came."""
        with self._mutex:
            if not self._is_taken:
                self._is_taken = True
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(seconds):
            return True
        with self._mutex:
            if mine.is_set():  # it came as the waiting ended
                return True
            self._waiting.remove(mine)
        return False

    def give_back(self) -> None:
        """End a turn: the next who waits has it."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


def in_turn(connection: sa.Connection, name: str) -> None:
    """Wait until no other transaction has the turn of a name, and have it until the commit.

    In SQLite nothing is done: whoever writes is alone.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(zlib.crc32(name.encode()))))
