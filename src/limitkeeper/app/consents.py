"""What customers consent to: a ledger with the words that they were shown."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
import yaml

from limitkeeper.app.evidence import kept
from limitkeeper.app.limits import ENGINE_TOPIC
from limitkeeper.app.live import market_of
from limitkeeper.app.ownership import account_ids_of
from limitkeeper.app.policy import POLICY
from limitkeeper.app.regulation_policy import shipped_register
from limitkeeper.core.kernel.errors import InputError, did_you_mean
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.store.rights_tables import consent_acts
from limitkeeper.store.work import Work

RELATIONS = "relations"
"""The scope, and the class of the register, of links between accounts."""

CONSENT_OF = "consent_of"
"""In a message to the monitor: whose consent to relations has changed."""

CONSENT_BASIS = "consent"
"""The legal basis, in the register, that a withdrawal takes away."""


class Consent(NamedTuple):
    """A consent as it stands: to what, in which words, and whether it holds."""

    scope: str
    text_version: str
    holds: bool
    since_us: int


@cache
def consent_texts() -> dict[str, dict[str, dict[str, str]]]:
    """What may be consented to: scope -> version -> words by language."""
    found: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
        (POLICY / "rights" / "consents.yaml").read_text(encoding="utf-8")
    )
    return found


def consent_changed(
    w: Work, customer_id: str, scope: str, *, gives: bool, text_version: str | None = None
) -> None:
    """Record that a customer consents in the words of a version, the newest where none is named, or withdraws.

    The monitor is told of a consent to relations: what needs it stops, or begins again.

    Raises
    ------
    InputError
        When there is no such scope or version, or he withdraws what he never gave.
    """
    _check_scope(scope)
    texts = consent_texts()
    standing = next((each for each in consents_of(w, customer_id) if each.scope == scope), None)
    if not gives and (standing is None or not standing.holds):
        raise InputError("There is no consent to withdraw.", value=scope)
    version = text_version or (max(texts[scope]) if gives or standing is None else standing.text_version)
    if version not in texts[scope]:
        raise InputError(
            "There is no such version of the words.", value=version, allowed=", ".join(texts[scope])
        )
    act = "given" if gives else "withdrawn"
    row = {
        "customer_id": customer_id, "scope": scope, "act": act, "text_version": version,
        "text_hash": content_hash(texts[scope][version]), "ts_us": w.now_us, "actor_id": w.actor.actor_id,
    }  # fmt: skip
    added = w.connection.execute(consent_acts.insert().values(row)).inserted_primary_key
    row["number"] = added[0] if added else None
    detail = {"scope": scope, "version": version} | kept(("consent", row))
    w.note(f"consent.{act}", f"customer:{customer_id}", detail)
    if scope == RELATIONS:
        subject = hashlib.blake2b(customer_id.encode(), digest_size=16).hexdigest()
        w.send(ENGINE_TOPIC, subject, {CONSENT_OF: customer_id})


def consents_withdrawn(w: Work, customer_id: str, scopes: Sequence[str]) -> list[str]:
    """Withdraw a customer's consents, and tell which: the named ones that hold, or the one that he has.

    Raises
    ------
    InputError
        When there is no such scope, or none is named and several consents hold.
    """
    holding = [each.scope for each in consents_of(w, customer_id) if each.holds]
    for scope in scopes:
        _check_scope(scope)
    if not scopes and len(holding) > 1:
        raise InputError("Say which consent is withdrawn.", value="none named", allowed=", ".join(holding))
    found = [scope for scope in holding if not scopes or scope in scopes]
    for scope in found:
        consent_changed(w, customer_id, scope, gives=False)
    return found


def relations_consent(w: Work, customer_id: str) -> dict[str, Any]:
    """What the monitor must know of a customer's consent to relations, as it is now.

    ``id``: of his accounts, and his own; ``is_withdrawn``; ``needs_consent``: whether the register names consent as the
    basis of relations in the store's market, so that without it none are used.
    """
    standing = next((each for each in consents_of(w, customer_id) if each.scope == RELATIONS), None)
    basis = shipped_register().classes[RELATIONS].basis.get(market_of(w))
    return {
        "id": sorted({customer_id, *account_ids_of(w, customer_id)}),
        "is_withdrawn": standing is not None and not standing.holds,
        "needs_consent": basis == CONSENT_BASIS,
    }


def _check_scope(scope: str) -> None:
    texts = consent_texts()
    if scope not in texts:
        raise InputError("Nothing of that name is consented to.", value=scope, allowed=", ".join(texts),
                         advice=did_you_mean(scope, texts))  # fmt: skip


def consents_of(w: Work, customer_id: str) -> list[Consent]:
    """The consents of a customer as they stand, by scope."""
    query = (
        sa.select(consent_acts)
        .where(consent_acts.c.customer_id == customer_id)
        .order_by(consent_acts.c.number)
    )
    last = {row["scope"]: row for row in w.rows(query)}
    return [Consent(scope, row["text_version"], row["act"] == "given", row["ts_us"])
            for scope, row in sorted(last.items())]  # fmt: skip


def consent_act_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of the ledger as JSON, without who wrote it down."""
    names = ("scope", "act", "text_version", "text_hash")
    return {name: row[name] for name in names} | {"at": instant_text(row["ts_us"])}


def scope_documents(w: Work, customer_id: str) -> list[dict[str, Any]]:
    """What a customer may consent to, with its versions of the words, and what stands of each."""
    standing = {each.scope: each for each in consents_of(w, customer_id)}
    found = []
    for scope, versions in consent_texts().items():
        stands = standing.get(scope)
        found.append({
            "scope": scope, "holds": stands is not None and stands.holds,
            "text_version": stands and stands.text_version,
            "since_at": stands and instant_text(stands.since_us),
            "texts": [{"version": version, **words} for version, words in sorted(versions.items(), reverse=True)],
        })  # fmt: skip
    return found
