"""The name of a decision: the same question, asked of the same versions, has the same name."""

import datetime as dt
import hashlib

from limitkeeper.core.kernel.errors import InputError


def decision_id(account_id: object, as_of: dt.datetime, strategy_hash: str, model_hash: str) -> str:
    """A pure function of account, as-of time, strategy and model: 32 hexadecimal digits (BLAKE2b, 128 bits).

    Parameters
    ----------
    account_id
        Integer or string; 7 and "7" are the same account.
    as_of
        With its offset; the same instant in another time zone gives the same id.
    strategy_hash, model_hash
        Content hashes of the versions used.

    Raises
    ------
    InputError
        When ``as_of`` has no offset.

    Examples
    --------
    >>> decision_id(7, dt.datetime(2005, 9, 30, tzinfo=dt.UTC), "sha256:a", "sha256:b")
    '722d047aa935f25975214abf0612d487'
    """
    if as_of.tzinfo is None:
        raise InputError("The as-of time has no offset.", value=as_of, allowed="a time in UTC")
    moment = as_of.astimezone(dt.UTC).isoformat(timespec="microseconds")
    # Lengths in front keep ("ab", "c") and ("a", "bc") apart.
    parts = [str(account_id), moment, strategy_hash, model_hash]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
