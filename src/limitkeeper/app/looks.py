"""Looks at many accounts at once: one event of the audit a page, beside which it is kept whose they were."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from limitkeeper.app.ownership import accounts_of
from limitkeeper.app.personal_data import shown_as
from limitkeeper.store.work import Work


class Shown(NamedTuple):
    """Whom a page shows: accounts, and customers of whom it shows no account.

    Parameters
    ----------
    account_ids, customer_ids
        In order, each once.
    """

    account_ids: tuple[str, ...]
    customer_ids: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether it shows anybody."""
        return bool(self.account_ids or self.customer_ids)


def shown(rows: Iterable[Mapping[str, Any]]) -> Shown:
    """Whom rows show, by their ``account_id``, else their ``customer_id``.

    Examples
    --------
    >>> shown([{"account_id": "a-7", "customer_id": "kim"}, {"account_id": None, "customer_id": "ann"}, {}])
    Shown(account_ids=('a-7',), customer_ids=('ann',))
    """
    accounts, customers = set(), set()
    for row in rows:
        if row.get("account_id") is not None:
            accounts.add(str(row["account_id"]))
        elif row.get("customer_id") is not None:
            customers.add(str(row["customer_id"]))
    return Shown(tuple(sorted(accounts)), tuple(sorted(customers)))


def shown_by_events(documents: Iterable[Mapping[str, Any]]) -> Shown:
    """Whom events of the audit name, as :func:`limitkeeper.app.case_documents.audit_event_document` tells them.

    Examples
    --------
    >>> case = {"subject": "case:4f2a", "detail": {"account": "a-7"}}
    >>> shown_by_events([case, {"subject": "customer:kim", "detail": {}}])
    Shown(account_ids=('a-7',), customer_ids=('kim',))
    """
    rows = []
    for each in documents:
        kind, _, name = each["subject"].partition(":")
        rows += [
            {f"{kind}_id": name},
            *({f"{key}_id": each["detail"].get(key)} for key in ("account", "customer")),
        ]
    return shown(rows)


def page_noted(w: Work, act: str, whom: Shown, subject: str | None = None) -> None:
    """Note that a page showed accounts: one event, with how many; none of a list that showed nobody's.

    A customer stands for his accounts, by which he finds the look; one of whom no account is known is kept by his name.

    Parameters
    ----------
    w
        Of whoever looks.
    act
        Like ``case.list``.
    whom
        Whose.
    subject
        What was looked at, where it is no list: noted even where it shows nobody's.
    """
    if not whom and subject is None:
        return
    theirs = accounts_of(w, whom.customer_ids)
    accounts = sorted({*whom.account_ids, *theirs})
    nameless = sorted({*whom.customer_ids} - {*theirs.values()})
    counts = {"accounts": len(accounts), "customers": len(nameless)}
    detail = {name: count for name, count in counts.items() if count}
    by = [*accounts, *map(shown_as, nameless)]
    w.note(act, subject or "list:" + act.partition(".")[0], detail, shown=by)
