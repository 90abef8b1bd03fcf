"""For what personal data is looked at: each look that the audit keeps says its purpose."""

from collections.abc import Mapping
from types import MappingProxyType

from limitkeeper.core.access.actors import COMPLIANCE, CUSTOMER, Actor

ACCOUNT_MANAGEMENT, CASE_HANDLING, APPEAL_HANDLING, REQUEST_HANDLING = (
    "account_management",
    "case_handling",
    "appeal_handling",
    "request_handling",
)
CUSTOMER_SERVICE, OWN_ACCESS, OPERATION, OVERSIGHT = (
    "customer_service",
    "own_access",
    "operation",
    "oversight",
)

LOOK_PURPOSES = (
    ACCOUNT_MANAGEMENT,
    CASE_HANDLING,
    APPEAL_HANDLING,
    REQUEST_HANDLING,
    CUSTOMER_SERVICE,
    OWN_ACCESS,
    OPERATION,
    OVERSIGHT,
)

PURPOSES: Mapping[str, str] = MappingProxyType({
    "accounts.read": ACCOUNT_MANAGEMENT,
    "overview.read": OPERATION,
    "alerts.read": ACCOUNT_MANAGEMENT,
    "proposals.read": ACCOUNT_MANAGEMENT,
    "metrics.read": OPERATION,
    "outbox.read": OPERATION,
    "case.read": CASE_HANDLING,
    "campaign.read": CASE_HANDLING,
    "bank.read": OPERATION,
    "limit.read": ACCOUNT_MANAGEMENT,
    "notice.read": CUSTOMER_SERVICE,
    "notice.list": OPERATION,
    "customer.read": CUSTOMER_SERVICE,
    "portrait.read": ACCOUNT_MANAGEMENT,
    "decision.explain": CUSTOMER_SERVICE,
    "appeal.read": APPEAL_HANDLING,
    "appeal.list": APPEAL_HANDLING,
    "appeal.evidence": APPEAL_HANDLING,
    "appeal.statistics": OVERSIGHT,
    "mandate.read": OPERATION,
    "person.read": OPERATION,
    "key.read": OPERATION,
    "audit.read": OVERSIGHT,
    "rights.read": REQUEST_HANDLING,
    "rights.list": REQUEST_HANDLING,
    "consent.read": CUSTOMER_SERVICE,
    "release.read": OPERATION,
})  # fmt: skip
"""Each look of :data:`limitkeeper.core.access.rights.RIGHTS`: for what whoever works with it looks."""

LOOKS: Mapping[str, str] = MappingProxyType({
    "account.look": "accounts.read",
    "alert.look": "alerts.read",
    "alert.list": "alerts.read",
    "proposal.look": "proposals.read",
    "proposal.list": "proposals.read",
    "stream.look": "proposals.read",
    "bank.list": "bank.read",
    "outbox.list": "outbox.read",
    "delivery.list": "notice.list",
    "case.look": "case.read",
    "case.list": "case.read",
    "campaign.look": "campaign.read",
    "limit.look": "limit.read",
    "line.look": "limit.read",
    "line.list": "limit.read",
    "portrait.look": "portrait.read",
    "decision.explain": "decision.explain",
    "notice.look": "notice.read",
    "notice.read": "notice.read",
    "notice.list": "notice.read",
    "notice.preview": "case.read",
    "customer.look": "customer.read",
    "consent.look": "consent.read",
    "appeal.read": "appeal.read",
    "appeal.look": "appeal.evidence",
    "appeal.list": "appeal.list",
    "person.list": "person.read",
    "audit.list": "audit.read",
    "rights.look": "rights.read",
    "rights.list": "rights.list",
    "rights.copy": "rights.read",
})  # fmt: skip
"""Each look as the audit notes it: the right by which it is had."""

LOOKING = ("look", "read", "list")
"""As what is noted so is a look, and has a purpose."""


def look_purpose(noted: str, actor: Actor) -> str | None:
    """For what somebody looks; None where what is noted is no look.

    A customer sees what is his own. Compliance decides nothing: it looks to oversee, or to answer a person's request.

    Parameters
    ----------
    noted
        As the audit notes it, like ``case.look``.
    actor
        Who looks.

    Raises
    ------
    KeyError
        When it is a look of which no purpose is known: such a one is not to be had.

    Examples
    --------
    >>> kim, ivy = Actor("kim", frozenset({CUSTOMER}), "c-1"), Actor("ivy", frozenset({COMPLIANCE}))
    >>> look_purpose("notice.look", kim), look_purpose("case.look", ivy), look_purpose("rights.copy", ivy)
    ('own_access', 'oversight', 'request_handling')
    >>> look_purpose("case.look", Actor("ann", frozenset({"officer"}))), look_purpose("case.approve", ivy)
    ('case_handling', None)
    """
    if noted not in LOOKS and noted.rpartition(".")[2] not in LOOKING:
        return None
    purpose = PURPOSES[LOOKS[noted]]
    if CUSTOMER in actor.roles:
        return OWN_ACCESS
    return OVERSIGHT if COMPLIANCE in actor.roles and purpose != REQUEST_HANDLING else purpose
