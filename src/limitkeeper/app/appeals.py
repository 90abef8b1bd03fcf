"""Appeals in the store: submitted, acted on, answered; each act one row, one version, one audit event, its notice."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.appeal_corrections import corrections_sent
from limitkeeper.app.appeal_effects import (
    APPEAL,
    APPEALS_OF,
    adverse_entries,
    appeal_until_us,
    appealable_entries,
    limit_given_back_cents,
    of_case,
    suspended_by_appeal,
)
from limitkeeper.app.appeal_notices import answer_words, receipt_told, told
from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.cases import CaseOpening, case_granted, case_opened, terms_in_force
from limitkeeper.app.customer_preferences import customer_row, letter_us, zone_of
from limitkeeper.app.decisions import Effects
from limitkeeper.app.evidence import kept
from limitkeeper.app.limits import ENGINE_TOPIC
from limitkeeper.app.notice_policy import NoticePolicy
from limitkeeper.app.ownership import owner_of
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.rights import check_customers_right
from limitkeeper.core.appeal.appeals import (
    BY_CLOCK,
    BY_FACTS,
    CUSTOMER_ACTS,
    END_STATES,
    GRANTING,
    LIVE_STATES,
    PARTLY_GRANTED,
    UPHELD,
    Appeal,
    AppealTerms,
    acted,
    submitted_appeal,
)
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.limits.ledger import CLOSE, EFFECTIVE, FREEZE, PLANNED, RESTORE
from limitkeeper.store.appeal_tables import appeal_acts, appeals
from limitkeeper.store.case_tables import absences, case_acts, cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.tables import proposals
from limitkeeper.store.work import ConflictError, Work

WORDS_LETTERS_MAX = 10_000
"""Of an appeal, a question, an answer."""

_OF_DECISION = sa.select(appeals).where(
    appeals.c.case_id == sa.bindparam("case_id"), appeals.c.account_id == sa.bindparam("account_id")
)
_CASE_ACTS = sa.select(case_acts).where(case_acts.c.case_id == sa.bindparam("case_id"))
_DEPUTIES = sa.select(absences).where(absences.c.deputy_id.in_(sa.bindparam("deputies", expanding=True)))

RIGHTS = {**dict.fromkeys(CUSTOMER_ACTS, "appeal.submit"), "withdraw": "appeal.withdraw"}
"""What an act needs in the matrix of rights; those that are not here are of who answers."""


@dataclass(frozen=True)
class AppealDesk:
    """What appeals are answered by.

    Parameters
    ----------
    effects
        What an approved case leads to, how customers are told, and the market's clocks.
    approval
        Who may decide, and which tier decides on what a grant leads to.
    """

    effects: Effects
    approval: ApprovalPolicy

    @property
    def seal(self) -> Seal:
        """Of what is personal."""
        return self.effects.seal

    @property
    def notices(self) -> NoticePolicy:
        """Clocks of the market."""
        return self.effects.policy

    @property
    def currency_sign(self) -> str:
        """Before amounts."""
        return self.effects.currency_sign

    def terms(self, w: Work, customer_id: str) -> AppealTerms:
        """Who may answer a customer now, how long it may take, and where his days begin and end."""
        mandates, customer = terms_in_force(w, self.approval).mandates, customer_row(w, customer_id)
        clock = self.notices.appeal_clock(w.now_us)
        return AppealTerms(mandates, clock, zone_of(customer), letter_us(customer, w.now_us))


def appeal_of(row: Mapping[str, Any]) -> Appeal:
    """The appeal that a row holds."""
    return Appeal(
        row["appeal_id"], row["cut_cents"], row["exposure_cents"], row["state"], row["tier"], row["instance"],
        row["opened_us"], row["answer_until_us"], row["clock"], row["due_us"], frozenset(json.loads(row["parties"])),
        row["claimed_by"], row["asks"], row["asked_us"], row["paused"], row["outcome"], row["again_until_us"],
        row["version"],
    )  # fmt: skip


def changing_values(appeal: Appeal) -> dict[str, Any]:
    """The columns that acts change, but the version."""
    names = ("state", "tier", "instance", "opened_us", "answer_until_us", "clock", "due_us", "claimed_by", "asks",
             "asked_us", "paused", "outcome", "again_until_us")  # fmt: skip
    own = {name: getattr(appeal, name) for name in names}
    return own | {"parties": json.dumps(sorted(appeal.parties)), "is_live": appeal.state in LIVE_STATES}


def checked_words(words: str) -> str:
    """Words that are not too long.

    Raises
    ------
    InputError
        When they are.
    """
    if len(words) > WORDS_LETTERS_MAX:
        raise InputError("That is too long.", value=f"{len(words)} letters", allowed=WORDS_LETTERS_MAX)
    return words


def decision_to_appeal(w: Work, account_id: str) -> str:
    """The newest decision that took something of a line: the case that an appeal without one is against.

    Raises
    ------
    ForbiddenError
        When it is not his line.
    RefusedError
        When there is none.
    """
    check_customers_right(w.actor, "appeal.submit", owner_of(w, account_id).customer_id)
    query = sa.select(cases.c.case_id).join(limit_entries, of_case(cases.c.case_id, cases.c.decision_id)).where(
        limit_entries.c.account_id == account_id
    )  # fmt: skip
    row = w.row(query.order_by(limit_entries.c.number.desc()))
    if row is None:
        raise RefusedError("appeal_subject", value=account_id)
    return str(row["case_id"])


def appeal_submitted(w: Work, desk: AppealDesk, case_id: str, account_id: str, text: str) -> str:
    """Submit an appeal against what a case decided of a line; its id. The customer gets a receipt.

    Parameters
    ----------
    w
        Whose actor submits it: the customer, or who writes down or passes on what he says.
    desk
        Of appeals.
    case_id, account_id
        The decision, and the line.
    text
        What the customer holds against it.

    Raises
    ------
    MissingError
        When there is no such case.
    ForbiddenError
        When it is not his line.
    RefusedError
        When the decision took nothing of the line, is appealed against already, or the time to appeal is over.
    """
    customer_id = owner_of(w, account_id).customer_id
    check_customers_right(w.actor, "appeal.submit", customer_id)
    case = w.found(cases, case_id)
    if not checked_words(text).strip():
        raise RefusedError("reason", value="submit", advice="Say what is wrong with the decision.")
    # Before it is asked whether one stands: one that comes in between has the same id, and is a conflict.
    withdrawn = w.rows(_OF_DECISION, case_id=case_id, account_id=account_id)
    entries = appealable_entries(w, case, account_id)
    until_us = appeal_until_us(w, desk.notices, entries)
    if until_us is None:
        raise RefusedError("appeal_subject", value=f"{case_id}, {account_id}")
    if w.now_us > until_us:
        raise RefusedError("appeal_window", value=account_id)
    named = json.dumps([case_id, account_id, len(withdrawn)])
    appeal_id = hashlib.blake2b(f"appeal:{named}".encode(), digest_size=16).hexdigest()
    subject = _subject(w, case, account_id, entries)
    parties = _parties(w, case) | {customer_id, w.actor.actor_id}
    appeal = submitted_appeal(
        appeal_id, subject["cut_cents"], subject["exposure_cents"], frozenset(parties),
        desk.notices.appeal_clock(w.now_us), w.now_us,
    )  # fmt: skip
    row = subject | {
        "appeal_id": appeal_id, "case_id": case_id, "account_id": account_id, "customer_id": customer_id,
        "submitted_us": w.now_us, "granted_limit_cents": None, "new_case_id": None, "triage_us": w.now_us,
        "answered_us": None, "version": 1,
    } | changing_values(appeal)  # fmt: skip
    try:
        w.add(appeals, row)
    except sa.exc.IntegrityError as error:
        raise ConflictError("It was submitted at the same time.", value=account_id) from error
    w.send(ENGINE_TOPIC, appeal_id, {APPEALS_OF: account_id})
    held = kept(("appeal", row), kept_act(w, desk, row, appeal, "submit", text))
    w.note("appeal.submit", f"appeal:{appeal_id}", {"case": case_id, "account": account_id} | held)
    _receipt(w, desk, row, appeal, entries)
    return appeal_id


def appeal_acted(
    w: Work,
    desk: AppealDesk,
    appeal_id: str,
    version: int,
    act: str,
    words: str = "",
    granted_limit_cents: int | None = None,
    corrections: Sequence[Mapping[str, Any]] = (),
) -> Appeal:
    """Act on an appeal as it was seen; the appeal after it.

    Parameters
    ----------
    w
        Whose actor acts.
    desk
        Of appeals.
    appeal_id, version
        Which, and the version that he saw.
    act, words
        Of :data:`limitkeeper.core.appeal.appeals.ACTS`, and what is said.
    granted_limit_cents
        Of a grant in part: the limit that is granted, above what was decided and below what was before.
    corrections
        Of a grant: events that put the data right that caused the decision, as of
        :func:`limitkeeper.app.appeal_corrections.corrections_sent`.

    Raises
    ------
    MissingError
        When there is no such appeal.
    ForbiddenError
        When it is not his to do.
    RefusedError
        When a rule bars it, which it names; or the appeal was changed since it was seen.
    InputError
        When a correction is none.
    """
    row = w.found(appeals, appeal_id)
    check_customers_right(w.actor, RIGHTS.get(act, "appeal.decide"), row["customer_id"])
    if row["version"] != version:
        raise RefusedError(
            "version", value=f"version {version}; it is {row['version']}", advice="Read it again."
        )
    appeal = appeal_of(row)
    # A freeze is appealed against while it waits to be confirmed: whoever has acted on its case since is a party too.
    known = replace(appeal, parties=appeal.parties | _parties(w, w.found(cases, row["case_id"])))
    after = acted(known, act, w.actor, desk.terms(w, row["customer_id"]), w.now_us, checked_words(words))
    if after.state == PARTLY_GRANTED:
        _check_part(row, granted_limit_cents)
    elif granted_limit_cents is not None:
        raise RefusedError("appeal_part", value=act)
    if corrections and after.state not in GRANTING:
        raise InputError("Only an appeal that is granted puts data right.", value=act)
    changed_appeal(w, desk, row, after, act, words, granted_limit_cents)
    if corrections:
        corrections_sent(w, row, corrections)
    return after


def changed_appeal(
    w: Work, desk: AppealDesk, row: Mapping[str, Any], after: Appeal, act: str, words: str,
    granted_limit_cents: int | None = None,
) -> None:  # fmt: skip
    """Keep what an act, a clock or facts made of an appeal, with all that follows from it."""
    values = changing_values(after)
    if after.state in GRANTING:
        values |= {"granted_limit_cents": granted_limit_cents}
    if after.state in END_STATES:
        values |= {"answered_us": w.now_us, "triage_us": None}
    elif act in ("answer", "again"):
        values |= {"answered_us": None, "triage_us": w.now_us}
    w.change(appeals, after.appeal_id, row["version"], values)
    if values["is_live"] != row["is_live"]:
        w.send(ENGINE_TOPIC, after.appeal_id, {APPEALS_OF: row["account_id"]})
    done = kept_act(w, desk, row, after, act, words)
    detail = {
        "state": after.state,
        "tier": after.tier,
        "version": after.version,
        "outcome": after.outcome,
    } | kept(done, ("appeal", {**row, **values}), was=[("appeal", row)])
    w.note(f"appeal.{act}", f"appeal:{after.appeal_id}", detail)
    if after.state in GRANTING:
        _granted(w, desk, {**row, **values}, after)
    _tell(w, desk, {**row, **values}, after, act, words)


def evidence_counted(w: Work, desk: AppealDesk, row: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Let an appeal be one version further, since evidence came: who answers it must see that. The act as evidence."""
    appeal = appeal_of(row)
    after = replace(appeal, version=appeal.version + 1)
    w.change(appeals, after.appeal_id, appeal.version, {"triage_us": row["triage_us"]})
    return kept_act(w, desk, row, after, "evidence", "")


def _tell(w: Work, desk: AppealDesk, row: Mapping[str, Any], after: Appeal, act: str, words: str) -> None:
    sign = desk.currency_sign
    if act == "ask":
        told(w, desk.seal, row, "appeal_asked", sign, words=words, day_us=after.due_us)
    elif act == "again":
        entries = adverse_entries(w, w.found(cases, row["case_id"]), row["account_id"])
        _receipt(w, desk, row, after, entries)
    elif after.state in (UPHELD, *GRANTING):
        said = answer_words(w, row, after, sign, words, row["granted_limit_cents"])
        told(
            w,
            desk.seal,
            row,
            "appeal_decided",
            sign,
            words=said,
            again_until_us=after.again_until_us,
        )


def _receipt(
    w: Work, desk: AppealDesk, row: Mapping[str, Any], appeal: Appeal, entries: Sequence[Mapping[str, Any]]
) -> None:
    is_suspended = suspended_by_appeal(desk.notices)
    waits = any(each["state"] == PLANNED and is_suspended(w, each) for each in entries)
    receipt_told(w, desk.seal, row, appeal, desk.currency_sign, is_suspended=waits)


def _granted(w: Work, desk: AppealDesk, row: Mapping[str, Any], after: Appeal) -> None:
    """Make the new decision: a case of kind ``appeal`` whose approval carries it out."""
    limit_cents = w.found(lines, row["account_id"])["limit_cents"]
    trigger = after.outcome if after.outcome in (BY_FACTS, BY_CLOCK) else "review"
    opening = CaseOpening(
        APPEAL, RESTORE, row["account_id"], limit_cents,
        limit_given_back_cents(w, row, row["granted_limit_cents"]), row["exposure_cents"],
        row["customer_id"], row["customer_id"], None, row["decision_id"], {"trigger": trigger, APPEAL: row["appeal_id"]},
    )  # fmt: skip
    if trigger == "review":
        terms = terms_in_force(w, desk.approval)
        case_id = case_granted(w, opening, desk.approval, after.tier, terms, desk.effects)
    else:
        case_id = case_opened(w, opening, desk.approval, desk.effects)
    w.change(appeals, after.appeal_id, after.version, {"new_case_id": case_id})


def _check_part(row: Mapping[str, Any], granted_cents: int | None) -> None:
    before, after = row["limit_before_cents"], row["limit_after_cents"]
    is_amount = row["action"] != FREEZE and before is not None and after is not None
    least = after if row["granted_limit_cents"] is None else row["granted_limit_cents"]
    if not is_amount or granted_cents is None or not least < granted_cents < before:
        raise RefusedError(
            "appeal_part", value=granted_cents, advice="Grant it whole, or give a limit between."
        )


def kept_act(
    w: Work, desk: AppealDesk, row: Mapping[str, Any], appeal: Appeal, act: str, words: str
) -> tuple[str, Mapping[str, Any]]:
    """Keep an act on an appeal; what it is as evidence."""
    place = f"appeal:{appeal.appeal_id}:{appeal.version}"
    done = {
        "appeal_id": appeal.appeal_id, "version": appeal.version, "ts_us": w.now_us, "actor_id": w.actor.actor_id,
        "act": act, "words": desk.seal.sealed(words.encode(), place, row["customer_id"]), "state": appeal.state,
        "tier": appeal.tier,
    }  # fmt: skip
    w.add(appeal_acts, done)
    return "appeal_act", done


def _subject(
    w: Work, case: Mapping[str, Any], account_id: str, entries: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the decision was: of a campaign, as far as it is about this line."""
    trace: dict[str, Any] = {}
    if case["proposal_id"] is not None:
        proposal = w.kept(proposals, case["proposal_id"])
        trace = json.loads(proposal["trace"]) if proposal else {}
    action = entries[-1]["action"]
    before, after = case["limit_before_cents"], case["limit_after_cents"]
    if case["account_id"] is None:
        after = None if action == FREEZE else entries[-1]["target_cents"]
        taken = -sum(row["delta_cents"] for row in entries if row["state"] == EFFECTIVE)
        before = w.found(lines, account_id)["limit_cents"] + taken
    after = 0 if action == CLOSE else after
    cut = before - after if before is not None and after is not None else 0
    exposure = case["exposure_cents"] if case["account_id"] else before or 0
    return {
        "action": action, "limit_before_cents": before, "limit_after_cents": after, "cut_cents": cut,
        "exposure_cents": exposure, "decision_id": case["decision_id"] or entries[-1]["decision_id"],
        "rule": trace.get("action", {}).get("rule"),
        "reasons": json.dumps([reason["code"] for reason in trace.get("reasons", [])]),
        "model": trace.get("versions", {}).get("model"),
    }  # fmt: skip


def _parties(w: Work, case: Mapping[str, Any]) -> set[str]:
    """Who had a part in a decision: who proposed it, acted on it, voted, and for whom they stood in then."""
    found = {case["maker_id"], *json.loads(case["parties"]), *json.loads(case["recused"])}
    found |= {person for vote in json.loads(case["votes"]) for person in vote[:2]}
    done = w.rows(_CASE_ACTS, case_id=case["case_id"])
    found |= {row["actor_id"] for row in done}
    deputies = w.rows(_DEPUTIES, deputies=sorted(found))
    found |= {
        each["person_id"]
        for each in deputies
        if any(
            row["actor_id"] == each["deputy_id"] and each["from_us"] <= row["ts_us"] < each["to_us"]
            for row in done
        )
    }
    return found - {"system"}
