"""Logins that failed, counted by the address that they came from, so that trying many names does not go round lockout."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field

from limitkeeper.core.kernel.errors import LimitkeeperError

FAILURES_MAX = 30
"""Logins of one address that may fail in a window; those that succeed do not count."""

WINDOW_US = 15 * 60 * 1_000_000

ADDRESSES_MAX = 100_000
"""Addresses that are kept in mind; the oldest is forgotten first."""

NETWORK_BITS = 64
"""Of an IPv6 address: one subscriber has all the rest."""


class TooManyLoginsError(LimitkeeperError):
    """An address whose logins fail again and again.

    Parameters
    ----------
    retry_seconds
        After which it may try again.
    """

    def __init__(self, retry_seconds: int) -> None:
        self.retry_seconds = retry_seconds
        super().__init__(
            "Too many logins from this address have failed.",
            allowed=f"{FAILURES_MAX} in {WINDOW_US // 60_000_000} minutes",
            advice=f"Come again in {retry_seconds} seconds.",
        )


@dataclass
class LoginAttempts:
    """Failed logins of each address within its window."""

    _counts: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict, repr=False)

    def begun(self, address: str, now_us: int) -> str:
        """Count an attempt before it is made, so that many at once are not more than one after another.

        Parameters
        ----------
        address
            Where it comes from.
        now_us
            When, UTC microseconds.

        Returns
        -------
        What :meth:`succeeded` takes it back by.

        Raises
        ------
        TooManyLoginsError
            When too many have failed.

        Examples
        --------
        >>> attempts = LoginAttempts()
        >>> attempts.begun("192.0.2.7", 0), attempts.begun("2001:db8::7", 0)
        ('192.0.2.7', '2001:db8::/64')
        """
        key = _network(address)
        since_us, count = self._counts.get(key, (now_us, 0))
        if now_us - since_us >= WINDOW_US:
            self._counts.pop(key, None)
            since_us, count = now_us, 0
        if count >= FAILURES_MAX:
            raise TooManyLoginsError((since_us + WINDOW_US - now_us) // 1_000_000 + 1)
        self._counts[key] = (since_us, count + 1)
        while len(self._counts) > ADDRESSES_MAX:
            self._counts.popitem(last=False)
        return key

    def succeeded(self, key: str) -> None:
        """Take an attempt back that did not fail."""
        if key in self._counts:
            since_us, count = self._counts[key]
            self._counts[key] = (since_us, max(count - 1, 0))


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)
