"""Those who act: people with roles, customers, services, and the system itself."""

from dataclasses import dataclass

STRATEGIST, OFFICER, COMMITTEE, COMPLIANCE, OPERATOR = (
    "strategist",
    "officer",
    "committee",
    "compliance",
    "operator",
)
CUSTOMER, SERVICE, SYSTEM_ROLE = "customer", "service", "system"

STAFF_ROLES = (STRATEGIST, OFFICER, COMMITTEE, COMPLIANCE, OPERATOR)
ROLES = (*STAFF_ROLES, CUSTOMER, SERVICE, SYSTEM_ROLE)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as far as is known for sure.

    Parameters
    ----------
    actor_id
        Of the person, the service's key, or ``system``.
    roles
        Of :data:`ROLES`.
    customer_id
        Of a customer: whose lines are his own.
    scopes
        Of a service: acts that its key is for; empty for people.
    """

    actor_id: str
    roles: frozenset[str]
    customer_id: str | None = None
    scopes: frozenset[str] = frozenset()


SYSTEM = Actor("system", frozenset({SYSTEM_ROLE}))
"""Tier 1: what Limitkeeper does by itself."""
