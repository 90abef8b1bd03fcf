"""Who may do what: a matrix of role and act, on one's own things or anybody's."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from limitkeeper.core.access.actors import (
    COMMITTEE,
    COMPLIANCE,
    CUSTOMER,
    OFFICER,
    OPERATOR,
    SERVICE,
    STRATEGIST,
    SYSTEM_ROLE,
    Actor,
)
from limitkeeper.core.kernel.errors import LimitkeeperError

OWN, ANY = "own", "any"

EVERYBODY_INSIDE = (STRATEGIST, OFFICER, COMMITTEE, COMPLIANCE, OPERATOR)

_INSIDE = dict.fromkeys(EVERYBODY_INSIDE, ANY)
_DECIDERS = {OFFICER: ANY, COMMITTEE: ANY}

RIGHTS: Mapping[str, Mapping[str, str]] = {
    "events.send": {OPERATOR: ANY, SERVICE: ANY},
    "events.assess": {STRATEGIST: ANY, OFFICER: ANY, COMMITTEE: ANY, SERVICE: ANY},
    "accounts.state": {OPERATOR: ANY, SERVICE: ANY},
    "accounts.read": {STRATEGIST: ANY, OFFICER: ANY, COMMITTEE: ANY, COMPLIANCE: ANY, SERVICE: ANY},
    "overview.read": _INSIDE,
    "alerts.read": _INSIDE | {SERVICE: ANY},
    "alerts.acknowledge": _DECIDERS,
    "proposals.read": {STRATEGIST: ANY, **_DECIDERS, COMPLIANCE: ANY, SERVICE: ANY},
    "freeze.settle": _DECIDERS,
    "metrics.read": {OPERATOR: ANY, SERVICE: ANY},
    "outbox.read": {OPERATOR: ANY, COMPLIANCE: ANY},
    "outbox.retry": {OPERATOR: ANY},
    "case.read": {STRATEGIST: ANY, **_DECIDERS, COMPLIANCE: ANY},
    "case.act": _DECIDERS,
    "campaign.propose": {STRATEGIST: ANY},
    "campaign.read": {STRATEGIST: ANY, **_DECIDERS, COMPLIANCE: ANY},
    "campaign.split": {STRATEGIST: ANY, **_DECIDERS},
    "campaign.cancel": {STRATEGIST: ANY, **_DECIDERS},
    "bank.read": {**_DECIDERS, OPERATOR: ANY, COMPLIANCE: ANY},
    "bank.retry": {OPERATOR: ANY},
    "limit.read": {CUSTOMER: OWN, **_DECIDERS, COMPLIANCE: ANY, SERVICE: ANY},
    "limit.cancel": _DECIDERS,
    "limit.acknowledge": {SERVICE: ANY},
    "notice.read": {CUSTOMER: OWN, **_DECIDERS, COMPLIANCE: ANY},
    "notice.mark": {CUSTOMER: OWN},
    "notice.list": {OPERATOR: ANY, COMPLIANCE: ANY},
    "notice.retry": {OPERATOR: ANY},
    "notice.bounce": {OPERATOR: ANY, SERVICE: ANY},
    "customer.read": {CUSTOMER: OWN, **_DECIDERS, COMPLIANCE: ANY},
    "customer.prefer": {CUSTOMER: OWN},
    "line.request": {CUSTOMER: OWN},
    "line.restore": {STRATEGIST: ANY, **_DECIDERS},
    "portrait.read": {CUSTOMER: OWN, **_DECIDERS, COMPLIANCE: ANY},
    "decision.explain": {CUSTOMER: OWN, **_DECIDERS, COMPLIANCE: ANY},
    "appeal.submit": {CUSTOMER: OWN, OFFICER: ANY, SERVICE: ANY},
    "appeal.withdraw": {CUSTOMER: OWN, SERVICE: ANY},
    "appeal.read": {CUSTOMER: OWN, **_DECIDERS, COMPLIANCE: ANY},
    "appeal.list": {**_DECIDERS, COMPLIANCE: ANY},
    "appeal.evidence": {CUSTOMER: OWN, **_DECIDERS, COMPLIANCE: ANY},
    "appeal.statistics": {STRATEGIST: ANY, **_DECIDERS, COMPLIANCE: ANY},
    "appeal.decide": _DECIDERS,
    "mandate.read": _INSIDE,
    "mandate.give": {COMMITTEE: ANY},
    "mandate.confirm": _DECIDERS,
    "person.read": {OPERATOR: ANY, COMPLIANCE: ANY},
    "person.change": {OPERATOR: ANY},
    "key.read": {OPERATOR: ANY, COMPLIANCE: ANY},
    "key.change": {OPERATOR: ANY},
    "person.password": {**dict.fromkeys(EVERYBODY_INSIDE, OWN), CUSTOMER: OWN},
    "audit.read": {COMPLIANCE: ANY},
    "rights.request": {CUSTOMER: OWN, OFFICER: ANY, COMPLIANCE: ANY},
    "rights.read": {CUSTOMER: OWN, COMPLIANCE: ANY},
    "rights.list": {COMPLIANCE: ANY},
    "rights.answer": {COMPLIANCE: ANY},
    "aggregate.give": {COMPLIANCE: ANY},
    "consent.read": {CUSTOMER: OWN, OFFICER: ANY, COMPLIANCE: ANY},
    "consent.change": {CUSTOMER: OWN, OFFICER: ANY},
    "release.read": _INSIDE,
    "release.draft": {STRATEGIST: ANY},
    "release.validate": {STRATEGIST: ANY, COMPLIANCE: ANY},
    "release.assess": {STRATEGIST: ANY, COMPLIANCE: ANY},
    "release.justify": {COMPLIANCE: ANY},
    "release.approve": {COMMITTEE: ANY, COMPLIANCE: ANY},
    "release.live": {COMMITTEE: ANY},
    "release.rollback": {COMMITTEE: ANY, OFFICER: ANY},
}
"""Each act: the roles that may do it, on what is their own or on anybody's. What is not here, nobody may."""

MANDATED = frozenset(_DECIDERS)
"""Roles that a mandate is for: without one of them it decides nothing."""

ALONE = (OPERATOR, CUSTOMER)
"""Roles that go with no other: who gives roles away decides nothing, and who decides is not the customer."""

DECIDING = frozenset({STRATEGIST, OFFICER, COMMITTEE})


class ForbiddenError(LimitkeeperError):
    """An act that somebody may not do."""


PERSONAL = frozenset({"person.password"})
"""Acts on a person himself; every other act is on a customer's thing."""


def own_id(actor: Actor, act: str) -> str | None:
    """Whose things are an actor's own in an act; None where he has none.

    Names of people and ids of customers are never compared: who is called as a customer is not that customer.

    Examples
    --------
    >>> kim = Actor("kim", frozenset({CUSTOMER}), "c-1")
    >>> own_id(kim, "limit.read"), own_id(kim, "person.password")
    ('c-1', 'kim')
    """
    return actor.actor_id if act in PERSONAL else actor.customer_id


def is_allowed(actor: Actor, act: str, owner_id: str | None = None) -> bool:
    """Whether somebody may do an act.

    Parameters
    ----------
    actor
        Who; a service needs the act among its scopes besides.
    act
        Of :data:`RIGHTS`.
    owner_id
        The customer whose thing it is about, or the person, of a personal act; None where it is nobody's.

    Examples
    --------
    >>> kim = Actor("kim", frozenset({CUSTOMER}), "c-1")
    >>> is_allowed(kim, "limit.read", "c-1"), is_allowed(kim, "limit.read", "c-2"), is_allowed(kim, "case.act")
    (True, False, False)
    """
    if SYSTEM_ROLE in actor.roles:
        return True
    rights = RIGHTS.get(act, {})
    if SERVICE in actor.roles:
        return SERVICE in rights and act in actor.scopes
    own = owner_id is not None and owner_id == own_id(actor, act)
    return any(rights.get(role) == ANY or (rights.get(role) == OWN and own) for role in actor.roles)


def check_right(actor: Actor, act: str, owner_id: str | None = None) -> None:
    """Nothing, where somebody may do an act.

    Raises
    ------
    ForbiddenError
        When he may not.
    """
    if not is_allowed(actor, act, owner_id):
        roles = ", ".join(sorted(RIGHTS.get(act, {}))) or "nobody"
        raise ForbiddenError("This is not yours to do.", value=act, allowed=roles)


def clash(roles: Collection[str]) -> str | None:
    """Which duties of one person would have to be two people's, None where they go together.

    Parameters
    ----------
    roles
        Of one person.

    Examples
    --------
    >>> clash({OFFICER, COMMITTEE}), clash({OPERATOR, COMMITTEE})
    (None, 'operator and committee')
    """
    found = [(role, other) for role in ALONE if role in roles for other in sorted(roles) if other != role]
    if COMPLIANCE in roles:
        found += [(COMPLIANCE, other) for other in sorted(DECIDING.intersection(roles))]
    return " and ".join(found[0]) if found else None


def check_customers_right(actor: Actor, act: str, customer_id: str) -> None:
    """Nothing, where somebody may do an act on what is a customer's.

    It is a customer's own by his customer's id alone: the name that he logs in by may be another's customer's id.

    Raises
    ------
    ForbiddenError
        When he may not.

    Examples
    --------
    >>> check_customers_right(Actor("c-2", frozenset({CUSTOMER}), "c-1"), "limit.read", "c-1")
    """
    check_right(replace(actor, actor_id=""), act, customer_id)
