"""How long work tells how far it is: the shell decides what to show."""

from typing import Protocol


class Progress(Protocol):
    """Told of each piece of work that is done."""

    def __call__(self, task: str, done: int, total: int) -> None:
        """``done`` of ``total`` pieces of ``task`` are finished."""


def unseen(task: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
