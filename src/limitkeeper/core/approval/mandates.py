"""Mandates: up to what a person decides, and who stands in for somebody absent."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from limitkeeper.core.behaviour.events import NEVER_US


@dataclass(frozen=True, slots=True)
class Mandate:
    """Up to what a person decides, from a time until before another.

    Parameters
    ----------
    person_id
        Whose.
    tier
        2 or 3; on tier 3 it is a seat on the committee.
    actions
        Which; empty for all.
    cut_cents_max, exposure_cents_max
        Of a case, minor units; None without a bound.
    from_us, to_us
        UTC microseconds.
    """

    person_id: str
    tier: int
    actions: frozenset[str] = frozenset()
    cut_cents_max: int | None = None
    exposure_cents_max: int | None = None
    from_us: int = 0
    to_us: int = NEVER_US

    def covers(self, tier: int, action: str, cut_cents: int, exposure_cents: int, now_us: int) -> bool:
        """Whether it is enough for a case on a tier, now.

        Examples
        --------
        >>> Mandate("p", 2, cut_cents_max=100).covers(2, "decrease", 101, 0, 1)
        False
        """
        return (
            self.tier == tier
            and self.from_us <= now_us < self.to_us
            and (not self.actions or action in self.actions)
            and (self.cut_cents_max is None or abs(cut_cents) <= self.cut_cents_max)
            and (self.exposure_cents_max is None or exposure_cents <= self.exposure_cents_max)
        )


@dataclass(frozen=True, slots=True)
class Absence:
    """A person who is away, and the deputy who decides under his mandate meanwhile."""

    person_id: str
    deputy_id: str
    from_us: int
    to_us: int = NEVER_US


@dataclass(frozen=True, slots=True)
class Mandates:
    """All mandates and absences.

    Examples
    --------
    >>> given = Mandates((Mandate("chief", 2),), (Absence("chief", "deputy", 10, 20),))
    >>> given.deciders(2, "close", 0, 0, 15), given.deciders(2, "close", 0, 0, 25)
    ({'deputy': 'chief'}, {'chief': 'chief'})
    """

    mandates: tuple[Mandate, ...] = ()
    absences: tuple[Absence, ...] = ()

    def deciders(
        self,
        tier: int,
        action: str,
        cut_cents: int,
        exposure_cents: int,
        now_us: int,
        parties: Collection[str] = (),
    ) -> dict[str, str]:
        """Who may decide on a case, and under whose mandate: his own, or that of an absent one whose deputy he is.

        Parties decide neither themselves nor by a deputy. A deputy who has a mandate of his own decides under that.
        """
        found: dict[str, str] = {}
        for each in self.mandates:
            holder, person = each.person_id, self._present(each.person_id, now_us)
            if {holder, person}.isdisjoint(parties) and each.covers(
                tier, action, cut_cents, exposure_cents, now_us
            ):
                found[person] = holder if holder == person else found.get(person, holder)
        return found

    def deciders_of_all(
        self,
        tier: int,
        changes: Iterable[tuple[str, int]],
        exposure_cents: int,
        now_us: int,
        parties: Collection[str] = (),
    ) -> dict[str, str]:
        """Who may decide on a case of several actions, each with its cut: under one and the same mandate's holder.

        Examples
        --------
        >>> given = Mandates((Mandate("ann", 2), Mandate("bob", 2, frozenset({"close"}))))
        >>> given.deciders_of_all(2, [("close", 5), ("decrease", 5)], 0, 0)
        {'ann': 'ann'}
        """
        first, *others = (
            self.deciders(tier, action, cut_cents, exposure_cents, now_us, parties)
            for action, cut_cents in changes
        )
        return {
            who: holder for who, holder in first.items() if all(each.get(who) == holder for each in others)
        }

    def begun_by(self, then_us: int) -> "Mandates":
        """Those that had begun by a time, of mandates and of absences.

        Examples
        --------
        >>> given = Mandates((Mandate("old", 3, from_us=1), Mandate("new", 3, from_us=9)))
        >>> given.begun_by(5).deciders(3, "close", 0, 0, 9)
        {'old': 'old'}
        """
        return Mandates(
            tuple(each for each in self.mandates if each.from_us <= then_us),
            tuple(each for each in self.absences if each.from_us <= then_us),
        )

    def _present(self, person_id: str, now_us: int) -> str:
        """The person, or the deputy in place; a deputy's own deputy is not asked."""
        return next(
            (
                each.deputy_id
                for each in self.absences
                if each.person_id == person_id and each.from_us <= now_us < each.to_us
            ),
            person_id,
        )
