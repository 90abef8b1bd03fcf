"""Cases in the store: opened, acted on, moved by their clocks; each act one row, one version, one audit event."""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.case_ends import freeze_let_go
from limitkeeper.app.case_lines import as_line_is
from limitkeeper.app.case_words import sealed_words
from limitkeeper.app.covered import Change, Covered, covered_changes
from limitkeeper.app.evidence import kept
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.approval.cases import (
    APPROVED,
    LIVE_STATES,
    SEND_BACK,
    Case,
    Terms,
    Vote,
    acted,
    granted_case,
    opened_case,
    withdrawn,
)
from limitkeeper.core.approval.mandates import Absence, Mandate, Mandates
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.approval.seats import BEGIN
from limitkeeper.core.approval.tiers import TEAM_TIER, Fact, cut_facts
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.store.case_tables import absences, case_acts, cases, mandates
from limitkeeper.store.work import Work

SWEEP_CASES = 5_000
"""Cases whose clocks are moved in one transaction."""

OnApproved = Callable[[Work, dict[str, Any]], None]
"""What an approved case leads to, in the same transaction."""


@dataclass(frozen=True, slots=True)
class CaseOpening:
    """What a case is about.

    Parameters
    ----------
    kind, action
        decision, campaign, restoration, appeal, request; decrease, freeze, close, restore, increase, thaw.
    account_id, customer_id
        Whose; None of a campaign.
    limit_before_cents, limit_after_cents, exposure_cents
        Minor units.
    maker_id
        Who proposes it; ``system`` where a strategy does.
    proposal_id, decision_id
        What it comes from.
    facts
        What else the tiers ask of: trigger, segment, customer_total_cents, model_uncertainty, refused_automation,
        accounts, split_from_tier, beside_tier.
    changes
        Of a campaign, the gravest action first, which is its own; empty of a case of one line.
    covered
        What mandates must cover; None where that is what it does.
    parties, recused
        Who had a part in it before, or recused himself, and may not decide.
    proposals
        The row of the proposal that it comes from, which the audit keeps a hash of.
    opened_us
        When what it is split from was opened; None of any other, which is opened now.
    """

    kind: str
    action: str
    account_id: str | None
    limit_before_cents: int | None
    limit_after_cents: int | None
    exposure_cents: int
    maker_id: str
    customer_id: str | None = None
    proposal_id: str | None = None
    decision_id: str | None = None
    facts: dict[str, Fact] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    covered: Covered | None = None
    parties: frozenset[str] = frozenset()
    recused: frozenset[str] = frozenset()
    proposals: tuple[Mapping[str, Any], ...] = ()
    opened_us: int | None = None

    @property
    def cut_cents(self) -> int:
        """Limit before less limit after; 0 where either is unknown; of a campaign that of its gravest action."""
        if self.changes:
            return self.changes[0].cut_cents
        if self.limit_before_cents is None or self.limit_after_cents is None:
            return 0
        return self.limit_before_cents - self.limit_after_cents

    def tier_facts(self) -> list[dict[str, Fact]]:
        """Everything that the policy of tiers may ask of it, of each of its actions; its own comes first."""
        changes = self.changes or (Change(self.action, self.cut_cents, self.limit_before_cents),)
        alike: dict[str, Fact] = {"kind": self.kind, "exposure_cents": self.exposure_cents, "accounts": 1}
        return [
            alike | {"action": action} | cut_facts(cents, before) | self.facts
            for action, cents, before in changes
        ]

    def case_id(self) -> str:
        """A pure function of its proposal; by chance where there is none: what is asked for twice is two cases."""
        if self.proposal_id is None:
            return secrets.token_hex(16)
        return case_id_of(self.proposal_id)


def case_id_of(proposal_id: str) -> str:
    """The id of the case of a proposal, whether or not it is open yet."""
    return hashlib.blake2b(f"case:{proposal_id}".encode(), digest_size=16).hexdigest()


def case_of(row: dict[str, Any]) -> Case:
    """The case that a row holds."""
    return Case(
        row["case_id"], row["action"], row["cut_cents"], row["exposure_cents"], row["state"], row["tier"],
        row["required_tier"], tuple(json.loads(row["tier_rules"])), row["maker_id"], row["opened_us"],
        row["since_us"], row["clock"], row["due_us"], row["claimed_by"], frozenset(json.loads(row["parties"])),
        tuple(Vote(*vote) for vote in json.loads(row["votes"])), frozenset(json.loads(row["recused"])),
        row["outcome"], row["version"], covered_changes(row),
    )  # fmt: skip


def changing_values(case: Case) -> dict[str, Any]:
    """The columns that acts change, but the version."""
    return {
        "state": case.state, "tier": case.tier, "since_us": case.since_us, "clock": case.clock,
        "due_us": case.due_us, "claimed_by": case.claimed_by, "parties": json.dumps(sorted(case.parties)),
        "votes": json.dumps(case.votes, ensure_ascii=False), "recused": json.dumps(sorted(case.recused)),
        "outcome": case.outcome, "is_live": case.state in LIVE_STATES,
    }  # fmt: skip


def act_row(case: Case, act: str, actor_id: str, now_us: int, words: str) -> dict[str, Any]:
    """The row of an act that led to a case as it is now."""
    return {"case_id": case.case_id, "version": case.version, "ts_us": now_us, "actor_id": actor_id, "act": act,
            "words": words, "state": case.state, "tier": case.tier}  # fmt: skip


_NOW_US: sa.BindParameter[int] = sa.bindparam("now_us")
_MANDATES, _ABSENCES = (
    sa.select(of).where(of.c.to_us > _NOW_US, of.c.pending.is_distinct_from(BEGIN)).order_by(*of.primary_key)
    for of in (mandates, absences)
)


def terms_in_force(w: Work, policy: ApprovalPolicy) -> Terms:
    """What decides on how cases go now: mandates, absences, clocks and quorum; what waits to begin does not."""
    day = day_of(w.now_us)
    given = tuple(
        Mandate(row["person_id"], row["tier"], frozenset(json.loads(row["actions"])), row["cut_cents_max"],
                row["exposure_cents_max"], row["from_us"], row["to_us"])
        for row in w.rows(_MANDATES, now_us=w.now_us)
    )  # fmt: skip
    away = tuple(
        Absence(row["person_id"], row["deputy_id"], row["from_us"], row["to_us"])
        for row in w.rows(_ABSENCES, now_us=w.now_us)
    )
    return Terms(
        Mandates(given, away),
        policy.clocks(day),
        policy.quorum(day),
        policy.send_backs_max(day),
        policy.rules,
    )


def case_opened(
    w: Work,
    opening: CaseOpening,
    policy: ApprovalPolicy,
    on_approved: OnApproved,
    held_why: str | None = None,
) -> str:
    """Open a case, or find the one that the same proposal has; what is the system's own is approved at once.

    Parameters
    ----------
    w
        The work that it belongs to.
    opening
        What it is about.
    policy
        Which tier decides.
    on_approved
        Called where the system approves it.
    held_why
        Why it leads to nothing: it is then withdrawn as soon as it is open.
    """
    case_id = opening.case_id()
    if w.kept(cases, case_id):
        return case_id
    day, facts = day_of(w.now_us), opening.tier_facts()
    tier, rules = policy.tier_of_all(facts, day)
    tier = tier if held_why is None else max(tier, TEAM_TIER)  # the system does not approve it
    covered = opening.covered or Covered(((opening.action, opening.cut_cents),), opening.exposure_cents)
    case = opened_case(
        case_id, opening.action, covered.changes[0][1], covered.exposure_cents, tier, rules, opening.maker_id,
        policy.clocks(day), w.now_us,
    )  # fmt: skip
    opened_us = opening.opened_us or w.now_us
    case = replace(case, parties=opening.parties, recused=opening.recused, opened_us=opened_us)
    row = {name: getattr(opening, name) for name in ("kind", "account_id", "customer_id", "limit_before_cents",
                                                     "limit_after_cents", "proposal_id", "decision_id")}  # fmt: skip
    row |= {"case_id": case_id, "action": case.action, "cut_cents": case.cut_cents,
            "exposure_cents": case.exposure_cents, "facts": json.dumps(facts[0] | {"policy": policy.hash}),
            "required_tier": tier, "tier_rules": json.dumps(rules), "maker_id": case.maker_id,
            "opened_us": opened_us, "version": case.version} | changing_values(case)  # fmt: skip
    w.add(cases, row)
    done = act_row(case, "open", w.actor.actor_id, w.now_us, "")
    w.add(case_acts, done)
    held = kept(("case", row), ("case_act", done), *(("proposal", each) for each in opening.proposals))
    w.note("case.open", f"case:{case_id}", {"tier": tier, "rules": rules} | held)
    if case.state == APPROVED:
        on_approved(w, row)
    if held_why is not None:
        case_withdrawn(w, case_id, held_why)
    return case_id


def case_acted(
    w: Work,
    seal: Seal,
    case_id: str,
    version: int,
    act: str,
    terms: Terms,
    on_approved: OnApproved,
    words: str = "",
) -> Case:
    """Act on a case as it was seen; the case after it.

    Parameters
    ----------
    w
        Whose actor acts.
    seal
        Of what he says: words on a customer's case are sealed under his key.
    case_id, version
        Which, and the version that he saw.
    act, words
        Of :data:`limitkeeper.core.approval.cases.ACTS`, and what is said.
    terms
        What decides.
    on_approved
        Called where the act approves it.

    Raises
    ------
    MissingError
        When there is no such case.
    ConflictError
        When it was changed since it was seen.
    RefusedError
        When a rule bars the act, which it names.
    """
    row = w.found(cases, case_id)
    if row["version"] != version:
        raise RefusedError(
            "version", value=f"version {version}; it is {row['version']}", advice="Read it again."
        )
    before = as_line_is(w, row, case_of(row), terms)
    if act == SEND_BACK:
        before = replace(before, sent_back=times_sent_back(w, case_id))
    after, said = acted(before, act, w.actor, terms, w.now_us, words), sealed_words(seal, words, row)
    if after.votes != before.votes:
        votes = (each if each in before.votes else each._replace(words=said) for each in after.votes)
        after = replace(after, votes=tuple(votes))
    _written(w, row, after, act, said, on_approved)
    return after


def times_sent_back(w: Work, case_id: str) -> int:
    """How often a case was sent back already."""
    row = w.row(
        sa.select(sa.func.count().label("times"))
        .select_from(case_acts)
        .where(case_acts.c.case_id == case_id, case_acts.c.act == SEND_BACK)
    )
    return int(row["times"]) if row else 0


def case_withdrawn(w: Work, case_id: str, why: str, seen: dict[str, Any] | None = None) -> None:
    """Withdraw a case that still waits, since what it is about is no more; an ended one stays as it is.

    Parameters
    ----------
    w
        The work that it belongs to.
    case_id, why
        Which, and why.
    seen
        Its row as it was decided on; None for whatever it is.

    Raises
    ------
    MissingError
        When there is no such case.
    ConflictError
        When it was changed since it was seen.
    """
    row = w.found(cases, case_id) if seen is None else seen
    after = withdrawn(case_of(row), why)
    if after.state != row["state"]:
        done = act_row(after, "withdraw", w.actor.actor_id, w.now_us, why)
        w.change(cases, case_id, row["version"], changing_values(after), added=(case_acts, done))
        w.note("case.withdraw", f"case:{case_id}", {"why": why} | kept(("case_act", done)))


def case_granted(
    w: Work, opening: CaseOpening, policy: ApprovalPolicy, tier: int, terms: Terms, on_approved: OnApproved
) -> str:
    """Open a case that whoever acts has answered the appeal for, and so approves at once; its id.

    Parameters
    ----------
    w
        Whose actor answered the appeal.
    opening, policy, terms, on_approved
        As of :func:`case_opened` and :func:`case_acted`.
    tier
        On which the appeal was answered.

    Raises
    ------
    RefusedError
        When he may not decide on it, or the policy asks for a higher tier.
    """
    case_id = case_opened(w, opening, policy, on_approved)
    row = w.found(cases, case_id)
    if row["state"] != APPROVED:
        after = granted_case(case_of(row), tier, w.actor, terms, w.now_us)
        _written(w, row, after, "approve", "", on_approved)
    return case_id


def _written(
    w: Work, row: dict[str, Any], after: Case, act: str, words: str, on_approved: OnApproved
) -> None:
    # Only what is another value: SQLite writes each index anew of which a column is set, whatever to.
    changed = {name: value for name, value in changing_values(after).items() if value != row[name]}
    done = act_row(after, act, w.actor.actor_id, w.now_us, words)
    w.change(cases, after.case_id, row["version"], changed, added=(case_acts, done))
    detail = {"state": after.state, "tier": after.tier, "version": after.version} | kept(("case_act", done))
    w.note(f"case.{act}", f"case:{after.case_id}", detail)
    if after.state == APPROVED:
        on_approved(w, row | changed)
    freeze_let_go(w, row | changed)
