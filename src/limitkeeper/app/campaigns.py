"""Campaigns in the store: proposed as one case with its impact, split into two, begun when approved, cancelled."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl
import sqlalchemy as sa

from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.campaign_beside import put_forward_beside
from limitkeeper.app.campaign_impact import impact_of
from limitkeeper.app.campaign_parts import Beside, Whole, opening_of, put_forward_before, split_whole
from limitkeeper.app.campaign_rows import COLUMNS, Standing, Taken, accounts_named, rows_taken
from limitkeeper.app.campaign_states import (
    CANCELLED,
    CANCELLING,
    DONE,
    ITEM_WAITING,
    PROPOSED,
    SPLIT,
    WORKING,
)
from limitkeeper.app.cases import act_row, case_of, case_opened, case_withdrawn, terms_in_force
from limitkeeper.app.evidence import kept
from limitkeeper.app.led_to import ItemsHash
from limitkeeper.app.live import check_decided_by_live
from limitkeeper.core.approval.cases import LIVE_STATES, check_decider
from limitkeeper.core.approval.refusals import RefusedError
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError, LimitkeeperError
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.core.limits.ledger import PLANNED
from limitkeeper.store.bulk import rows_added
from limitkeeper.store.campaign_tables import campaign_items, campaigns
from limitkeeper.store.case_tables import case_acts, cases
from limitkeeper.store.given import given
from limitkeeper.store.limit_tables import limit_entries, lines
from limitkeeper.store.turns import in_turn
from limitkeeper.store.work import Work

NAME_LETTERS_MAX = 200

EARLIEST_DAYS_MAX = 366
"""So far ahead a campaign may begin: what its customers are told, and what it rests on, is of today."""

_PROPOSING = "limitkeeper campaign"


class CampaignError(LimitkeeperError):
    """A campaign that cannot be dealt with as asked."""


@dataclass(frozen=True)
class Proposal:
    """A campaign that is to be proposed."""

    name: str
    taken: Taken
    earliest_us: int = 0
    fairness: Mapping[str, Any] | None = None
    """How it treats groups; None where that was not measured."""

    @cached_property
    def impact(self) -> dict[str, Any]:
        """What it would do, worked out once."""
        counts = self.taken.counts()
        return impact_of(self.taken.items) | {"counts": counts, "fairness": self.fairness}


Treated = Callable[[Work, str, pl.DataFrame], Mapping[str, Any] | None]
"""How a campaign of a name would treat groups with its items; None where that cannot be measured."""


def unmeasured(_w: Work, _name: str, _items: pl.DataFrame) -> None:
    """Where the server knows no protected attributes."""


def turn_to_propose(w: Work) -> None:
    """Wait until nobody else proposes a campaign, and let others wait until the commit.

    What two propose at once would neither be seen by the other as busy, nor be counted with it. Taken before the rows
    are: what was read before is read as it was then.
    """
    in_turn(w.connection, _PROPOSING)


def taken_rows(w: Work, frame: pl.DataFrame, action: str | None = None, reasons: Sequence[str] = ()) -> Taken:
    """Each row of a table taken, set aside or refused, as the store stands.

    Parameters
    ----------
    w
        Of who looks, or proposes.
    frame, action, reasons
        As of :func:`limitkeeper.app.campaign_rows.rows_taken`.

    Raises
    ------
    InputError
        When the table is not one of a campaign, or a column is of another kind.
    PolicyError
        When a strategy decided that is not live here.
    """
    accounts = accounts_named(frame)
    check_decided_by_live(w, frame)
    try:
        return rows_taken(frame, standing_of(w, accounts), action, reasons)
    except (pl.exceptions.PolarsError, json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"A column is not what its name says: {str(error).splitlines()[0]}",
            advice="See docs/campaigns.md for the columns.",
        ) from error


FEW_ACCOUNTS = 50_000
"""Up to so many accounts are looked up one by one; of more, the store's rows are read in order and compared."""

READ_AT_ONCE = 50_000
"""Rows of the store that are read together, so that only what is looked for is kept."""


def standing_of(w: Work, account_ids: pl.Series) -> Standing:
    """What the store knows of accounts that a campaign may be about: limits, cases that wait, what is planned."""
    live = sa.select(cases.c.account_id, sa.literal("live_case").label("busy")).where(
        cases.c.is_live, cases.c.account_id.is_not(None)
    )
    ahead = sa.select(limit_entries.c.account_id, sa.literal("planned_change").label("busy")).where(
        limit_entries.c.look_us.is_not(None), limit_entries.c.state == PLANNED
    )
    elsewhere = (
        sa.select(campaign_items.c.account_id, sa.literal("other_campaign").label("busy"))
        .join(campaigns, campaigns.c.campaign_id == campaign_items.c.campaign_id)
        .join(cases, cases.c.case_id == campaigns.c.campaign_id)
        .where(
            campaign_items.c.state == ITEM_WAITING,
            sa.or_(campaigns.c.state == WORKING, sa.and_(campaigns.c.state == PROPOSED, cases.c.is_live)),
        )
    )
    wanted = pl.DataFrame({"account_id": account_ids.cast(pl.String).unique()})
    found = [_of(w, query, wanted, pl.String()) for query in (live, ahead, elsewhere)]
    limits = sa.select(lines.c.account_id, lines.c.limit_cents.label("ledger_cents"))
    return Standing(_of(w, limits, wanted, pl.Int64()), pl.concat(found).unique("account_id", keep="first"))


def _of(w: Work, query: sa.Select[Any], wanted: pl.DataFrame, kind: pl.DataType) -> pl.DataFrame:
    """The rows of a query of accounts and a value that are about the wanted ones."""
    account_id, name = query.selected_columns[0], query.selected_columns[1].name
    if wanted.height <= FEW_ACCOUNTS:
        some = given(w.dialect, wanted["account_id"].drop_nulls())
        query = query.where(account_id.in_(sa.select(some.c.value)))
    schema = {"account_id": pl.String(), name: kind}
    parts = [pl.DataFrame(schema=schema)]
    result = w.connection.execute(query, execution_options={"stream_results": True})
    for rows in result.partitions(READ_AT_ONCE):
        part = pl.DataFrame([tuple(row) for row in rows], schema, orient="row")
        parts.append(part.join(wanted, on="account_id", how="semi"))
    return pl.concat(parts)


def proposed(w: Work, proposal: Proposal, policy: ApprovalPolicy) -> str:
    """Propose a campaign: one case with its impact, and its items; the id of both.

    Parameters
    ----------
    w
        Of who proposes.
    proposal
        Its rows that were taken.
    policy
        Which tier decides.

    Raises
    ------
    CampaignError
        When no row was taken, or its name is empty or too long.
    InputError
        When it would begin later than :data:`EARLIEST_DAYS_MAX` from now.
    """
    items = proposal.taken.items
    if items.is_empty():
        raise CampaignError(
            "No row can be taken.", value=proposal.taken.counts(), advice="See the file of what is left out."
        )
    if not 0 < len(proposal.name.strip()) <= NAME_LETTERS_MAX:
        raise CampaignError(
            "The name is empty or too long.", value=proposal.name[:50], allowed="1 to 200 letters"
        )
    if proposal.earliest_us > w.now_us + int(EARLIEST_DAYS_MAX * DAY_US):
        raise InputError(
            "A campaign that begins so late is decided on later.",
            value=instant_text(proposal.earliest_us), allowed=f"within {EARLIEST_DAYS_MAX} days",
        )  # fmt: skip
    turn_to_propose(w)
    whole = put_forward_before(w, items, proposal.impact, policy)
    beside = put_forward_beside(w, items, proposal.impact, policy, whole)
    campaign_id, row = _opened(
        w, proposal.name, items, proposal.impact, policy, proposal.earliest_us, whole, beside=beside
    )
    w.add(campaigns, row)
    names = ("campaign_id", "number", *COLUMNS, "state")
    numbered = (
        (campaign_id, number, *values, ITEM_WAITING) for number, values in enumerate(items.iter_rows(), 1)
    )
    rows_added(w.connection, campaign_items, names, numbered)
    w.note("campaign.propose", f"campaign:{campaign_id}", {"items": items.height, "hash": row["items_hash"]})
    return campaign_id


def _opened(
    w: Work, name: str, items: pl.DataFrame, impact: Mapping[str, Any], policy: ApprovalPolicy, earliest_us: int,
    whole: Whole | None = None, split_from: str | None = None, beside: Beside | None = None,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """The case of a campaign, and the campaign's row; of a part with the whole."""
    named = items_hash(items)
    case_id = case_opened(w, opening_of(w, impact, policy, named, whole, beside), policy, _never)
    return case_id, {
        "campaign_id": case_id, "name": name, "state": PROPOSED, "impact": json.dumps(impact, ensure_ascii=False),
        "items": items.height, "items_hash": named, "split_from": split_from, "earliest_us": earliest_us, "reached": 0,
        "planned": 0, "set_aside": 0, "cancelled": 0, "cancel_why": None, "maker_id": w.actor.actor_id,
        "made_us": w.now_us, "version": 1,
    }  # fmt: skip


def _never(_w: Work, row: Mapping[str, Any]) -> None:
    raise CampaignError("A campaign is never approved by the system.", value=row["case_id"])


def items_hash(items: pl.DataFrame) -> str:
    """The hash of what a campaign is about: account, action and limits of each item, in order."""
    found = ItemsHash()
    for row in items.select("account_id", "action", "limit_before_cents", "limit_after_cents").iter_rows():
        found.add(*row)
    return found.text()


def begun(w: Work, campaign_id: str) -> None:
    """Let an approved campaign be worked off; in the transaction of its approval."""
    row = w.found(campaigns, campaign_id)
    w.change(campaigns, campaign_id, row["version"], {"state": WORKING})
    w.note("campaign.begin", f"campaign:{campaign_id}", {"items": row["items"], "hash": row["items_hash"]})


def items_of(w: Work, campaign_id: str) -> pl.DataFrame:
    """The items of a campaign, in order."""
    names = ("number", *COLUMNS)
    query = sa.select(*(campaign_items.c[name] for name in names)).where(
        campaign_items.c.campaign_id == campaign_id
    )
    found = w.connection.execute(query.order_by(campaign_items.c.number)).all()
    schema = {"number": pl.Int64(), **COLUMNS}
    return pl.DataFrame([tuple(row) for row in found], schema, orient="row")


def split(
    w: Work, campaign_id: str, chosen: pl.Expr, policy: ApprovalPolicy, seen: int | None = None,
    treated: Treated = unmeasured,
) -> tuple[str, str]:  # fmt: skip
    """Split a campaign that waits into two cases of their own: the items that a condition holds of, and the others.

    It is split by whoever may withdraw it: who proposed it, or one who might decide on it. Who may not decide on the
    campaign, and who splits it, decides on neither; both need the tier that it needed or lay on, and a mandate for all
    of it. Votes are not taken along, so that nobody loses his: where there are any, it is not split.

    Parameters
    ----------
    w
        Of who splits.
    campaign_id
        Which.
    chosen
        Of the columns of its items.
    policy
        Which tier decides on each.
    seen
        The version that who splits has seen; None for whatever it is.
    treated
        How each part treats groups.

    Raises
    ------
    MissingError
        When there is no such campaign.
    CampaignError
        When it does not wait any more, or one part is empty.
    RefusedError
        When it has changed since it was seen, whoever splits it has no mandate for it or a part in its case, or somebody
        has voted on it.
    ConflictError
        When its case was acted on in the meantime.
    """
    row, case = _waiting(w, campaign_id)
    if seen not in (None, row["version"]):
        raise RefusedError(
            "version", value=f"version {seen}; it is {row['version']}", advice="Read it again."
        )
    if w.actor.actor_id != case["maker_id"]:
        _check_decider(w, case, policy)
    _check_unvoted(case)
    items = items_of(w, campaign_id).with_columns(chosen.fill_null(value=False).alias("is_chosen"))
    parts = [items.filter(pl.col("is_chosen")), items.filter(~pl.col("is_chosen"))]
    if any(part.is_empty() for part in parts):
        raise CampaignError(
            "One part of the split is empty.", value=" + ".join(f"{part.height:,}" for part in parts),
            advice="Choose others.",
        )  # fmt: skip
    case_withdrawn(w, campaign_id, "split", case)
    w.change(campaigns, campaign_id, row["version"], {"state": SPLIT})
    ids = []
    for place, part in enumerate(parts, 1):
        name = f"{row['name']} ({place})"[-NAME_LETTERS_MAX:]
        impact = impact_of(part) | {"fairness": treated(w, name, part)}
        whole = split_whole(case, impact)
        part_id, new = _opened(w, name, part, impact, policy, row["earliest_us"], whole, campaign_id)
        w.add(campaigns, new)
        ids.append(part_id)
    _moved(w, campaign_id, ids, parts[0]["number"].to_list())
    detail = {"into": ids, "items": [part.height for part in parts]}
    w.note("campaign.split", f"campaign:{campaign_id}", detail)
    return ids[0], ids[1]


MOVED_AT_ONCE = 500
"""Numbers in one statement."""


def _moved(w: Work, campaign_id: str, ids: list[str], numbers: list[int]) -> None:
    mine = campaign_items.c.campaign_id == campaign_id
    change = campaign_items.update()
    for first in range(0, len(numbers), MOVED_AT_ONCE):
        part = numbers[first : first + MOVED_AT_ONCE]
        w.connection.execute(change.where(mine, campaign_items.c.number.in_(part)).values(campaign_id=ids[0]))
    w.connection.execute(change.where(mine).values(campaign_id=ids[1]))


def cancelled(w: Work, policy: ApprovalPolicy, campaign_id: str, why: str) -> str:
    """Withdraw a campaign that waits, or cancel what is still planned of one that was approved; its state.

    What has taken effect stays: it is undone entry by entry. One that waits is withdrawn by who proposed it, or by one
    who might decide on it while nobody has voted. One that was approved is stopped by one who might have decided on
    it, on the third tier a single seat: that nothing more is taken must not wait for a quorum. Nobody lets it go on:
    it is proposed again, and counted with what it was.

    Parameters
    ----------
    w
        Of who cancels.
    policy
        Who may decide on it.
    campaign_id, why
        Which, and why.

    Raises
    ------
    MissingError
        When there is no such campaign.
    CampaignError
        When it has ended, or nothing is said.
    RefusedError
        When whoever acts had a part in its approved case, has no mandate for it, or somebody has voted on it.
    ConflictError
        When its case was acted on in the meantime.
    """
    if not why.strip():
        raise CampaignError("Whoever cancels a campaign says why.")
    row = w.found(campaigns, campaign_id)
    if row["state"] in (WORKING, DONE):
        case = w.found(cases, campaign_id)
        _check_decider(w, case, policy)
        _stopped(w, case, why)
        values = {"state": CANCELLING, "reached": 0, "cancel_why": why}
        w.change(campaigns, campaign_id, row["version"], values)
        state = CANCELLING
    else:
        _, case = _waiting(w, campaign_id)
        if w.actor.actor_id != case["maker_id"]:
            _check_decider(w, case, policy)
            _check_unvoted(case)
        case_withdrawn(w, campaign_id, "cancelled", case)
        w.change(campaigns, campaign_id, row["version"], {"state": CANCELLED, "cancel_why": why})
        state = CANCELLED
    w.note("campaign.cancel", f"campaign:{campaign_id}", {"why": why, "state": state})
    return state


def _stopped(w: Work, case: dict[str, Any], why: str) -> None:
    """Keep with an approved case who stopped what it led to, and why."""
    w.change(cases, case["case_id"], case["version"], {})
    done = act_row(case_of(case | {"version": case["version"] + 1}), "stop", w.actor.actor_id, w.now_us, why)
    w.add(case_acts, done)
    w.note("case.stop", f"case:{case['case_id']}", kept(("case_act", done)))


def _check_decider(w: Work, case: dict[str, Any], policy: ApprovalPolicy) -> None:
    check_decider(case_of(case), w.actor, terms_in_force(w, policy), w.now_us)


def _check_unvoted(case: Mapping[str, Any]) -> None:
    if votes := json.loads(case["votes"]):
        raise RefusedError("votes_cast", value=len(votes), advice="Let the committee decide on the whole.")


def _waiting(w: Work, campaign_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A campaign that waits, and its case.

    Raises
    ------
    MissingError
        When there is no such campaign.
    CampaignError
        When it does not wait.
    """
    row, case = w.found(campaigns, campaign_id), w.found(cases, campaign_id)
    if row["state"] != PROPOSED or case["state"] not in LIVE_STATES:
        state = row["state"] if row["state"] != PROPOSED else case["state"]
        raise CampaignError("The campaign does not wait any more.", value=state, allowed="one that waits")
    return row, case
