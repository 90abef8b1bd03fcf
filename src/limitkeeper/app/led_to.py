"""What follows from the acts on a case, a line's ledger and a campaign's table, held against what the rows say."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.campaign_states import SPLIT
from limitkeeper.connectors.sealing import is_erased
from limitkeeper.core.access.actors import CUSTOMER
from limitkeeper.core.approval.cases import LAPSED, LIVE_STATES
from limitkeeper.core.limits.ledger import EFFECTIVE, FREEZE, FREEZING
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.people_tables import people
from limitkeeper.store.snapshot import Rows

ITEMS_AT_ONCE = 20_000

VOTES = {"vote_for": "for", "vote_against": "against"}
SEND_UP, RECUSE, ESCALATE = "send_up", "recuse", "clock.escalate"

Disagreement = tuple[sa.Table, str, str]
"""A table, the key of a row in it, and how it is not what it follows from."""


def outcomes_disagreeing(rows: Rows) -> Iterator[Disagreement]:
    """Cases that are said to have ended by another than their last act says."""
    own, other = case_acts.c, case_acts.alias()
    # Stopping what a case led to changes nothing of how it was decided.
    is_later = sa.exists().where(
        other.c.case_id == own.case_id, other.c.version > own.version, other.c.act != "stop"
    )
    led_to = sa.case(
        (cases.c.state.in_(LIVE_STATES), sa.null()),
        (own.act == "withdraw", own.words),
        (own.act.in_(("approve", "refuse")), own.actor_id),
        (own.act == "open", "system"),
        (cases.c.state == LAPSED, "clock"),
        else_="committee",
    )
    query = (
        sa.select(cases.c.case_id, cases.c.outcome, led_to.label("led_to"))
        .join(case_acts, own.case_id == cases.c.case_id)
        .where(own.act != "stop", sa.not_(is_later), cases.c.outcome.is_distinct_from(led_to))
    )
    for row in rows(query):
        yield cases, row["case_id"], f"outcome {row['outcome']}; its acts lead to {row['led_to']}"


def votes_disagreeing(rows: Rows) -> Iterator[Disagreement]:
    """Cases whose votes, or who may not decide on them, are not what was voted, sent up and recused."""
    acted = (*VOTES, SEND_UP, RECUSE, ESCALATE)
    query = (
        sa.select(
            cases.c.case_id, cases.c.votes, cases.c.parties, cases.c.recused, case_acts.c.act,
            case_acts.c.actor_id, case_acts.c.words,
        )
        .outerjoin(case_acts, sa.and_(case_acts.c.case_id == cases.c.case_id, case_acts.c.act.in_(acted)))
        .where(sa.or_(cases.c.votes != "[]", case_acts.c.act.in_((*VOTES, SEND_UP, RECUSE))))
        .order_by(cases.c.case_id, case_acts.c.version)
    )  # fmt: skip
    for case_id, found in groupby(rows(query), itemgetter("case_id")):
        acts = list(found)
        problem = _problem(acts[0], [each for each in acts if each["act"] is not None])
        if problem is not None:
            yield cases, case_id, problem


def _problem(row: Mapping[str, Any], acts: Sequence[Mapping[str, Any]]) -> str | None:
    try:
        votes = [(person, choice, words) for person, _, choice, words in json.loads(row["votes"])]
        parties, recused = set(json.loads(row["parties"])), set(json.loads(row["recused"]))
    except (ValueError, TypeError):
        return "its votes or parties cannot be read"
    if not _are_led_to(votes, acts):
        return "its votes are not those of its acts"
    for what, act, said in (("parties", SEND_UP, parties), ("recused", RECUSE, recused)):
        missing = {each["actor_id"] for each in acts if each["act"] == act} - said
        if missing:
            return f"{', '.join(sorted(missing))} is not among its {what}, and did {act}"
    return None


def _are_led_to(votes: Sequence[tuple[str, str, str]], acts: Sequence[Mapping[str, Any]]) -> bool:
    """Whether votes are those of some acts, in order; whoever recuses himself takes along votes under his mandate.

    Under whose mandate a vote was the act does not say: any before a recusal may have gone with it.
    """
    cast: list[tuple[tuple[str, str, str], bool]] = []
    for each in acts:
        if each["act"] == ESCALATE:
            cast = []
        elif each["act"] == RECUSE:
            cast = [(vote, True) for vote, _ in cast if vote[0] != each["actor_id"]]
        elif each["act"] in VOTES:
            cast.append(((each["actor_id"], VOTES[each["act"]], each["words"]), False))
    left = list(votes)
    for vote, may_be_gone in cast:
        if left and left[0] == vote:
            left.pop(0)
        elif not may_be_gone:
            return False
    return not left


def freezes_disagreeing(rows: Rows) -> Iterator[Disagreement]:
    """Lines that are said to be frozen, or not to be, against the last freeze or thaw of their ledger."""
    last, other = limit_entries.alias(), limit_entries.alias()
    is_later = sa.exists().where(
        other.c.account_id == last.c.account_id, other.c.state == EFFECTIVE, other.c.action.in_(FREEZING),
        sa.tuple_(other.c.effective_us, other.c.number) > sa.tuple_(last.c.effective_us, last.c.number),
    )  # fmt: skip
    frozen = (
        sa.select(last.c.account_id)
        .where(last.c.action == FREEZE, last.c.state == EFFECTIVE, sa.not_(is_later))
        .cte("frozen")
    )
    query = (
        sa.select(lines.c.account_id, lines.c.is_frozen)
        .outerjoin(frozen, frozen.c.account_id == lines.c.account_id)
        .where(lines.c.is_frozen != frozen.c.account_id.is_not(None))
    )
    for row in rows(query):
        said = "frozen" if row["is_frozen"] else "not frozen"
        yield lines, row["account_id"], f"said to be {said}; its ledger says otherwise"


def logins_disagreeing(rows: Rows) -> Iterator[Disagreement]:
    """Customers' logins with a role of those who work inside: nobody gives them one."""
    alone = sa.or_(people.c.roles == json.dumps([CUSTOMER]), people.c.roles == "[]")
    query = sa.select(people.c.person_id, people.c.roles).where(
        people.c.customer_id.is_not(None), sa.not_(alone)
    )
    for row in rows(query):
        yield people, row["person_id"], f"a customer's, with the roles {row['roles']}"


class ItemsHash:
    """The hash of what a campaign is about, item by item: account, action, limits before and after, in order."""

    def __init__(self) -> None:
        self._found = hashlib.sha256()

    def add(self, account_id: str, action: str, before_cents: int, after_cents: int) -> None:
        """Add the next item."""
        self._found.update(f"{account_id}\x00{action}\x00{before_cents}\x00{after_cents}\n".encode())

    def text(self) -> str:
        """Of those that were added."""
        return "sha256:" + self._found.hexdigest()


def campaigns_disagreeing(rows: Rows) -> Iterator[Disagreement]:
    """Campaigns whose items are not those that their case was opened on.

    Of one with accounts of persons who were erased it cannot be told any more: they are called otherwise.
    """
    own = campaigns.c
    query = sa.select(own.campaign_id, own.items_hash, cases.c.decision_id).where(own.state != SPLIT)
    for row in rows(query.outerjoin(cases, cases.c.case_id == own.campaign_id).order_by(own.campaign_id)):
        named, is_known = _items_hash(rows, row["campaign_id"])
        if row["decision_id"] != row["items_hash"].removeprefix("sha256:")[:32]:
            yield campaigns, row["campaign_id"], "its hash is not the one that its case was opened on"
        elif is_known and named != row["items_hash"]:
            yield campaigns, row["campaign_id"], "its items are not those that its hash was made of"


def _items_hash(rows: Rows, campaign_id: str) -> tuple[str, bool]:
    """The hash of a campaign's items as they are, and whether nobody of them was erased."""
    item, found, is_known, last = campaign_items.c, ItemsHash(), True, 0
    of_item = (item.number, item.account_id, item.action, item.limit_before_cents, item.limit_after_cents)
    query = sa.select(*of_item).where(item.campaign_id == campaign_id).order_by(item.number)
    while some := rows(query.where(item.number > last).limit(ITEMS_AT_ONCE)):
        for row in some:
            found.add(row["account_id"], row["action"], row["limit_before_cents"], row["limit_after_cents"])
            is_known = is_known and not is_erased(row["account_id"])
        last = some[-1]["number"]
    return found.text(), is_known
