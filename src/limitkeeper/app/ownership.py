"""Whose a line is, and what the tiers ask of its customer."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from limitkeeper.store.limit_tables import lines
from limitkeeper.store.notice_tables import customers
from limitkeeper.store.tables import stated_accounts
from limitkeeper.store.work import MissingError, Work

KEYS_AT_ONCE = 500
"""Customers in one query."""


class Owner(NamedTuple):
    """Whose a line is, the segment that was stated of it, and whether he refuses solely automated decisions."""

    customer_id: str
    segment: str | None
    refuses_automation: bool


def owner_of(w: Work, account_id: str) -> Owner:
    """Whose a line is: the customer that was stated; an account of which none was is its own customer's."""
    stated = w.kept(stated_accounts, account_id)
    customer_id = (stated and stated["customer_id"]) or account_id
    said = w.kept(customers, customer_id)
    return Owner(
        customer_id, stated["segment"] if stated else None, bool(said and said["refuses_automation"])
    )


def with_owners(query: sa.Select[Any], account_id: sa.Column[Any]) -> sa.Select[Any]:
    """A query with what :func:`owner_in` reads, so that whose each of many lines is takes no query more."""
    customer_id = sa.func.coalesce(stated_accounts.c.customer_id, account_id)
    return (
        query.outerjoin(stated_accounts, stated_accounts.c.account_id == account_id)
        .outerjoin(customers, customers.c.customer_id == customer_id)
        .add_columns(
            customer_id.label("owner_id"), stated_accounts.c.segment.label("owner_segment"),
            customers.c.refuses_automation.label("owner_refuses"),
        )
    )  # fmt: skip


def owner_in(row: Mapping[str, Any]) -> Owner:
    """Whose the line of a row is; see :func:`with_owners`."""
    return Owner(row["owner_id"], row["owner_segment"], bool(row["owner_refuses"]))


def account_ids_of(w: Work, customer_id: str) -> list[str]:
    """The accounts of a customer, as they were stated and as the ledger has them, in order."""
    return sorted(accounts_of(w, [customer_id]))


def accounts_of(w: Work, customer_ids: Collection[str]) -> dict[str, str]:
    """The accounts of some customers, each with whose it is; a line of which no customer is known is its own."""
    found, names = dict[str, str](), sorted(customer_ids)
    another = sa.exists().where(
        stated_accounts.c.account_id == lines.c.account_id,
        stated_accounts.c.customer_id != lines.c.account_id,
    )
    whose = sa.func.coalesce(lines.c.customer_id, lines.c.account_id).label("customer_id")
    for first in range(0, len(names), KEYS_AT_ONCE):
        some = names[first : first + KEYS_AT_ONCE]
        own = lines.c.account_id.in_(some) & lines.c.customer_id.is_(None) & ~another
        stated = stated_accounts.c.customer_id
        for query in (
            sa.select(lines.c.account_id, whose).where(lines.c.customer_id.in_(some) | own),
            sa.select(stated_accounts.c.account_id, stated).where(stated.in_(some)),
        ):
            found |= {row["account_id"]: row["customer_id"] for row in w.rows(query)}
    return found


def account_ids_or_own(w: Work, customer_id: str) -> list[str]:
    """The accounts of a customer; of one of whom none is known, the account that is called as he is, if it is nobody's.

    Nothing was stated of that one, and the ledger does not have it. One of another's that is called so is not his.
    """
    found = account_ids_of(w, customer_id)
    if found or owner_of(w, customer_id).customer_id != customer_id:
        return found
    line = w.kept(lines, customer_id)
    return [customer_id] if line is None or line["customer_id"] in (None, customer_id) else []


def own_line(w: Work, customer_id: str, account_id: str) -> str:
    """The account, where it is the customer's; what is not is answered as what is not there.

    Raises
    ------
    MissingError
        When it is another's, or there is none.
    """
    if owner_of(w, account_id).customer_id != customer_id:
        raise MissingError("There is no such line.", value=account_id)
    return account_id


def customer_total_cents(w: Work, customer_id: str) -> int:
    """All limits of a customer that the ledger knows, minor units."""
    query = sa.select(sa.func.coalesce(sa.func.sum(lines.c.limit_cents), 0).label("total"))
    row = w.row(query.where(lines.c.account_id.in_(account_ids_or_own(w, customer_id))))
    return int(row["total"]) if row else 0


def tier_facts(
    w: Work, owner: Owner, trace: dict[str, Any] | None = None
) -> dict[str, str | float | bool | None]:
    """What the tiers ask of a line's customer, and how sure the model was of him.

    Parameters
    ----------
    owner
        Whose the line is.
    trace
        Of the decision that proposes it; the monitor knows all lines of the customer, the ledger those it changed.
    """
    seen = (trace or {}).get("inputs", {}).get("customer_limit_total_cents")
    total = customer_total_cents(w, owner.customer_id) if seen is None else seen
    return {
        "segment": owner.segment,
        "customer_total_cents": total,
        "refused_automation": owner.refuses_automation,
    } | _uncertainty((trace or {}).get("score") or {})


def _uncertainty(score: dict[str, Any]) -> dict[str, float]:
    """The width of the PD's interval over the PD; nothing where the model did not say how sure it is."""
    pd, low, high = (score.get(name) for name in ("pd", "pd_low", "pd_high"))
    return {"model_uncertainty": (high - low) / pd} if pd and low is not None and high is not None else {}
