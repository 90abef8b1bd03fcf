"""Whose consent to relations was withdrawn, as the monitor holds to it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from limitkeeper.core.relations.state import Relations

NumberOf = Callable[[str], int | None]
"""The number of an account among those of all shards, None where it is not known."""


@dataclass
class Unlinked:
    """Accounts and customers, by their ids, whose consent to relations was withdrawn.

    Parameters
    ----------
    ids
        No declaration links them; where it is True, nothing else does.
    """

    ids: dict[str, bool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.ids)

    def __contains__(self, account_id: str) -> bool:
        return account_id in self.ids

    def tell(
        self, ids: Sequence[str], relations: Relations, number_of: NumberOf, *, is_withdrawn: bool, needs_consent: bool
    ) -> None:  # fmt: skip
        """Keep whether a customer's consent was withdrawn; given again, what is seen from now on counts.

        Parameters
        ----------
        ids
            Of his accounts, and his own; those that are not known yet are held to it when they come.
        relations, number_of
            Of all accounts.
        is_withdrawn
            Whether it was, and not given again.
        needs_consent
            Whether links by shared ids need it too, and not declarations alone.
        """
        known = [number for each in ids if (number := number_of(each)) is not None]
        relations.release(np.array(known, np.int64))
        for each in ids:
            self.ids.pop(each, None)
        if is_withdrawn:
            self.ids |= dict.fromkeys(ids, needs_consent)
            self.hold(ids, relations, number_of)

    def own(self, owners: Mapping[str, str | None]) -> None:
        """Let accounts, by their ids, be held to what their customers withdrew."""
        self.ids |= {each: self.ids[owner] for each, owner in owners.items() if owner in self.ids}

    def hold(self, ids: Iterable[str], relations: Relations, number_of: NumberOf) -> None:
        """Hold accounts of these to it that are known; others stay as they are."""
        found: dict[bool, list[int]] = {False: [], True: []}
        for each in ids:
            if each in self.ids and (number := number_of(each)) is not None:
                found[self.ids[each]].append(number)
        for needs_consent, leave in ((False, relations.revoke_all), (True, relations.withhold)):
            if found[needs_consent]:
                leave(np.array(found[needs_consent], np.int64))
