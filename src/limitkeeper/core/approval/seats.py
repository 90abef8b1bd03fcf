"""The committee's seats: which change to them waits for a second member, and who may be the second."""

from collections.abc import Collection
from dataclasses import dataclass

from limitkeeper.core.approval.refusals import RefusedError

BEGIN, END = "begin", "end"
"""What waits: a seat or an absence to begin, or one to end; until it is confirmed it is as it was."""


@dataclass(frozen=True, slots=True)
class Seats:
    """Who sits on the committee: persons, however many seats each has.

    Parameters
    ----------
    held
        Who has a seat in force.
    ever
        Who has one, or had one.
    """

    held: frozenset[str] = frozenset()
    ever: frozenset[str] = frozenset()

    def asks_second(self, asker: str, quorum: int) -> bool:
        """Whether what somebody would change of the committee waits for a second member.

        It does once as many have sat as decide: not only while so many sit, or who gives up his own seat could then
        fill the committee alone. Where nobody else sits any more it begins anew, as a new lender's does.

        Parameters
        ----------
        asker
            Who asks for the change.
        quorum
            Votes that the committee needs.

        Examples
        --------
        >>> three, left = frozenset({"mia", "max", "moe"}), frozenset({"mia"})
        >>> [Seats(held, three).asks_second("mia", 3) for held in (three, left)], Seats(left, left).asks_second("max", 3)
        ([True, False], False)
        """
        return len(self.ever) >= quorum and bool(self.held - {asker})

    def confirmers(self, asker: str, concerned: Collection[str]) -> frozenset[str]:
        """Who may confirm or decline a change: whoever has a seat, and neither asked for it nor is concerned by it.

        Examples
        --------
        >>> sorted(Seats(frozenset({"mia", "max", "moe"})).confirmers("mia", {"moe"}))
        ['max']
        """
        return self.held - {asker, *concerned}

    def check_second(self, who: str, asker: str, concerned: Collection[str]) -> None:
        """Nothing, where somebody may confirm or decline a change.

        Raises
        ------
        RefusedError
            When he may not.
        """
        if who not in self.confirmers(asker, concerned):
            raise RefusedError("second_member", value=who, advice="Leave it to another member.")
