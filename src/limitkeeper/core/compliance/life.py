"""The life of a strategy with its model in a market: draft, validated, assessed, approved, live, retired.

A release names both by their content; what it names never changes, another content is another release. There is no way
to ``live`` but through every gate. Live releases share the accounts: each account has a bucket by a stable hash, the
challengers have theirs, and the champion has the rest.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from limitkeeper.core.access.actors import COMMITTEE, COMPLIANCE, Actor
from limitkeeper.core.compliance.buckets import (
    BUCKETS,
    bucket_of,
    free_from_the_top,
    free_runs,
    resized_in_place,
    room_in_place,
)
from limitkeeper.core.compliance.checks import MET, OUTSIDE
from limitkeeper.core.compliance.regulation import BLOCK, Finding
from limitkeeper.core.kernel.errors import RuleError
from limitkeeper.core.kernel.words import Words

DRAFT, VALIDATED, ASSESSED, APPROVED, LIVE, RETIRED = (
    "draft", "validated", "assessed", "approved", "live", "retired",
)  # fmt: skip
STATES = (DRAFT, VALIDATED, ASSESSED, APPROVED, LIVE, RETIRED)

APPROVING_ROLES = (COMMITTEE, COMPLIANCE)
"""Each of these roles must have approved, by different people, and neither by the author."""

LIFE_RULES = {
    "state": ("This cannot be done with a release in its state.", "该版本当前状态不允许此操作。"),
    "author": (
        "Who made a release neither approves it nor justifies its failed screens.",
        "作者不得审批或说明自己的版本。",
    ),
    "approver": (
        "Each approval comes from another person, and one from each role.",
        "每项审批须由不同人员、不同角色作出。",
    ),
    "blocked": ("A rule of regulation stands against it.", "有监管规则未满足。"),
    "words": ("An assessment and a justification state their words.", "评估和说明须有具体内容。"),
    "share": ("The shares of live releases do not fit together.", "线上版本的账户份额不相容。"),
    "room": (
        "A challenger keeps its accounts while it lives, and so large a share has no room there.",
        "挑战者存续期间保留其账户，此处容不下这么大的份额。",
    ),
    "evidence": (
        "A release decides only as its acts on the audit led to it.",
        "版本须与审计记录的各项操作一致，方可据以决定。",
    ),
    "version": ("A release is acted on as it is now.", "须按版本的当前内容操作。"),
    "champion": ("There is no earlier champion to go back to.", "没有可回退的上一主策略。"),
}
"""Why an act on a release is refused, English and Chinese."""


class LifeError(RuleError):
    """An act on a release that its life does not allow."""

    RULES = LIFE_RULES


@dataclass(frozen=True, slots=True)
class Assessment:
    """The impact assessment of a release: what it is for, why it is needed, its effect on rights, what protects them."""

    purpose: str
    necessity: str
    effect_on_rights: str
    safeguards: str

    def is_complete(self) -> bool:
        """Whether each part says something."""
        return all(
            text.strip() for text in (self.purpose, self.necessity, self.effect_on_rights, self.safeguards)
        )


@dataclass(frozen=True, slots=True)
class Release:
    """A strategy with its model in a market, and how far its life has come.

    Parameters
    ----------
    release_id
        A hash of what it is of.
    author_id
        Who made it.
    state
        Of :data:`STATES`.
    screens_failed
        Screens of fairness that failed, None before it was screened.
    justified_by
        Who of compliance said why it may go on all the same.
    approvals
        Person and role of each.
    bucket_from, buckets
        Of a live challenger: its accounts. A champion has what the challengers leave.
    is_champion
        Whether it is, or was when it was retired, the champion.
    """

    release_id: str
    author_id: str
    state: str = DRAFT
    screens_failed: tuple[str, ...] | None = None
    justified_by: str | None = None
    approvals: tuple[tuple[str, str], ...] = ()
    bucket_from: int = 0
    buckets: int = 0
    is_champion: bool = False

    @property
    def own_buckets(self) -> range:
        """Of the accounts that are a challenger's; none of a champion's, who has what the challengers leave."""
        return range(0) if self.is_champion else range(self.bucket_from, self.bucket_from + self.buckets)

    @property
    def fairness_failed(self) -> tuple[str, ...] | None:
        """What still stands against it: nothing where compliance has justified it."""
        return (
            () if self.justified_by is not None and self.screens_failed is not None else self.screens_failed
        )

    @property
    def approved_by_others(self) -> bool:
        """Whether each of the approving roles has approved, by two people who are not its author."""
        people = {person for person, _ in self.approvals}
        roles = {role for _, role in self.approvals}
        return (
            roles == set(APPROVING_ROLES)
            and len(people) == len(APPROVING_ROLES)
            and self.author_id not in people
        )


PASSED, OPEN, LATER, NOT_NEEDED = "passed", "open", "later", "not_needed"
"""How a gate stands: passed; the one that is open now; behind that one; none that this release must pass."""


def gate_standings(release: Release) -> dict[str, str]:
    """How each gate of a release stands, in their order; of one that has retired too.

    Parameters
    ----------
    release
        Which.

    Examples
    --------
    >>> gate_standings(Release("4f2a", "sam", ASSESSED, ("sex: adverse-impact ratio 0.71",)))["justify"]
    'open'
    """
    reached = STATES.index(release.state)

    def by_state(needed: str) -> str:
        at = STATES.index(needed)
        return PASSED if reached > at else OPEN if reached == at else LATER

    return {
        "draft": PASSED,
        "validate": by_state(DRAFT),
        "assess": by_state(VALIDATED),
        "justify": _justify_standing(release),
        "approve": LATER if release.state == ASSESSED and release.fairness_failed else by_state(ASSESSED),
        "live": by_state(APPROVED),
    }


def _justify_standing(release: Release) -> str:
    if release.screens_failed is None:
        return LATER
    if release.justified_by is not None:
        return PASSED
    return OPEN if release.screens_failed else NOT_NEEDED


def missing_approvals(release: Release) -> tuple[str, ...]:
    """The roles whose approval a release still lacks.

    Examples
    --------
    >>> missing_approvals(Release("4f2a", "sam", ASSESSED, (), None, (("kim", COMMITTEE),)))
    ('compliance',)
    """
    given = {role for _, role in release.approvals}
    return tuple(role for role in APPROVING_ROLES if role not in given)


def release_id_of(strategy_hash: str, model_hash: str | None, market: str) -> str:
    """The id of a release: of what it is made of, and where.

    Examples
    --------
    >>> release_id_of("sha256:a", None, "CN") == release_id_of("sha256:a", None, "US")
    False
    """
    return hashlib.blake2b(f"{strategy_hash}\n{model_hash}\n{market}".encode(), digest_size=16).hexdigest()


def validated(release: Release, found: Iterable[Finding]) -> Release:
    """A release whose strategy and model hold against register and regulation, as far as that is known by now.

    Raises
    ------
    LifeError
        When it is no draft, or a rule that blocks has failed.
    """
    _in_state(release, DRAFT)
    _unopposed([each for each in found if each.blocks])
    return replace(release, state=VALIDATED)


def assessed(release: Release, assessment: Assessment, screens_failed: Sequence[str]) -> Release:
    """A release whose effect on people was assessed, with the screens of fairness that failed.

    Raises
    ------
    LifeError
        When it is not validated, or the assessment leaves a part out.
    """
    _in_state(release, VALIDATED)
    if not assessment.is_complete():
        raise LifeError("words", advice="State purpose, necessity, effect on rights and safeguards.")
    return replace(release, state=ASSESSED, screens_failed=tuple(screens_failed))


def justified(release: Release, actor: Actor, words: str) -> Release:
    """A release whose failed screens compliance accepts, for a reason that is kept.

    Raises
    ------
    LifeError
        When it is not assessed, nothing failed, no words are given, or its author justifies it himself.
    """
    _in_state(release, ASSESSED)
    if not release.screens_failed:
        raise LifeError("state", value="no screen failed")
    if actor.actor_id == release.author_id or COMPLIANCE not in actor.roles:
        raise LifeError("author", value=actor.actor_id, advice="Somebody else of compliance justifies it.")
    if not words.strip():
        raise LifeError("words")
    return replace(release, justified_by=actor.actor_id)


def approved(release: Release, actor: Actor, found: Iterable[Finding]) -> Release:
    """A release with one approval more, for the first of the actor's roles that is still missing.

    Raises
    ------
    LifeError
        When it is not assessed, a failed screen is not justified, the actor is its author or has approved already, or his
        role has.
    """
    _in_state(release, ASSESSED)
    if actor.actor_id == release.author_id:
        raise LifeError("author", value=actor.actor_id)
    if release.fairness_failed:
        raise LifeError(
            "blocked", value="; ".join(release.fairness_failed), advice="Compliance justifies it first."
        )
    _unopposed([each for each in found if each.blocks and not _of_approval(each)])
    given = {role for _, role in release.approvals}
    role = next((each for each in APPROVING_ROLES if each in actor.roles and each not in given), None)
    if role is None or actor.actor_id in {person for person, _ in release.approvals}:
        raise LifeError("approver", value=actor.actor_id)
    after = replace(release, approvals=(*release.approvals, (actor.actor_id, role)))
    return replace(after, state=APPROVED) if after.approved_by_others else after


def put_live(
    release: Release, buckets: int, live: Sequence[Release], found: Iterable[Finding]
) -> tuple[Release, ...]:
    """The releases that change when an approved one, or a live challenger, gets a share of accounts.

    All buckets make it the champion, and retire every other. Fewer make it a challenger beside a champion.

    Parameters
    ----------
    release
        Approved, or live already.
    buckets
        1 to :data:`BUCKETS`.
    live
        The live releases of its market. A live challenger grows and shrinks in place: it keeps its accounts, and takes
        and gives up only what lies next to them.
    found
        What regulation says of it now: every rule that blocks must be met, unknown is not enough.

    Raises
    ------
    LifeError
        When it is neither approved nor a live challenger, a blocking rule is not met, or the share does not fit.
    """
    if release.state != APPROVED and not (release.state == LIVE and not release.is_champion):
        raise LifeError("state", value=release.state)
    _unopposed([each for each in found if each.rule.severity == BLOCK and each.status not in (MET, OUTSIDE)])
    if not release.approved_by_others or release.fairness_failed != ():
        unfinished = Words("its approvals or its screens are not complete", "审批或公平性筛查尚未完成")
        raise LifeError("blocked", details=(unfinished,))
    others = [each for each in live if each.release_id != release.release_id]
    if buckets == BUCKETS:
        champion = replace(release, state=LIVE, is_champion=True, bucket_from=0, buckets=BUCKETS)
        return (champion, *(retired(each) for each in others))
    if not 0 < buckets < BUCKETS or not any(each.is_champion for each in others):
        raise LifeError(
            "share", value=buckets, advice="The first release of a market is live for all accounts."
        )
    first = _first_bucket(release, buckets, [each for each in others if not each.is_champion])
    return (replace(release, state=LIVE, is_champion=False, bucket_from=first, buckets=buckets),)


def retired(release: Release) -> Release:
    """A release that decides nothing any more.

    Raises
    ------
    LifeError
        When it is not live.
    """
    _in_state(release, LIVE)
    return replace(release, state=RETIRED)


def challenger_retired(release: Release) -> Release:
    """A challenger that goes; its accounts are the champion's again.

    Raises
    ------
    LifeError
        When it is the champion, without whom nobody decides, or not live.
    """
    if release.is_champion:
        raise LifeError("state", value="champion", advice="Put another one live, or roll back.")
    return retired(release)


def rolled_back(
    live: Sequence[Release], earlier: Release | None, found: Iterable[Finding]
) -> tuple[Release, ...]:
    """The releases that change when the champion before decides on everything again.

    Parameters
    ----------
    live
        The live releases of the market.
    earlier
        The champion before, None where there was none.
    found
        What regulation says of it now. It passed every gate once, so that what is not known does not bar a remedy: only
        a blocking rule that fails does.

    Raises
    ------
    LifeError
        When there was none, or a rule that blocks fails today.
    """
    if earlier is None or not (earlier.state == RETIRED and earlier.is_champion):
        raise LifeError("champion")
    _unopposed([each for each in found if each.blocks])
    again = replace(earlier, state=LIVE, bucket_from=0, buckets=BUCKETS)
    return (again, *(retired(each) for each in live))


def deciding_release(account_id: str, salt: str, live: Sequence[Release]) -> Release | None:
    """The release that decides on an account, None where none is live.

    Parameters
    ----------
    account_id
        Whose line.
    salt
        Of the market.
    live
        Its live releases.
    """
    bucket = bucket_of(account_id, salt)
    for each in live:
        if bucket in each.own_buckets:
            return each
    return next((each for each in live if each.is_champion), None)


def _unopposed(against: Sequence[Finding]) -> None:
    if against:
        raise LifeError(
            "blocked", value=", ".join(each.rule.id for each in against),
            details=[Words(each.detail, each.detail_zh) for each in against],
        )  # fmt: skip


def _of_approval(found: Finding) -> bool:
    return found.rule.check == "approved_by_others"


def _first_bucket(release: Release, buckets: int, others: Sequence[Release]) -> int:
    """The first bucket of a challenger that gets a share; errors as of :func:`put_live`."""
    taken = [each.own_buckets for each in others]
    if release.state == LIVE:
        most = len(room_in_place(release.own_buckets, taken))
        if buckets > most:
            raise LifeError("room", value=buckets, details=(_most(most),),
                            advice="Retire the challenger beside it first, or ask for fewer accounts.")  # fmt: skip
        return resized_in_place(release.own_buckets, buckets, taken).start
    found = free_from_the_top(buckets, taken)
    if found is None:
        raise LifeError("share", value=buckets, details=(_most(max(map(len, free_runs(taken)))),),
                        advice="Retire a challenger first, or ask for fewer accounts.")  # fmt: skip
    return found.start


def _most(buckets: int) -> Words:
    return Words("at most {share:.2f} % fits", "最多可容 {share:.2f}%").filled(share=buckets * 100 / BUCKETS)


def _in_state(release: Release, state: str) -> None:
    if release.state != state:
        raise LifeError("state", value=release.state, advice=f"It must be {state}.")
