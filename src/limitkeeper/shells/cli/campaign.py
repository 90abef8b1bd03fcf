"""``limitkeeper campaign``: one decision on many accounts, proposed, looked at, split, cancelled."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.options import (
    ActingPerson,
    AsJson,
    AttributeNames,
    AttributesFile,
    DataFolder,
    StoreUrl,
    looking_as,
    store_at,
    work_as,
)
from limitkeeper.shells.cli.progress import progress_bars
from limitkeeper.shells.cli.train import listed

if TYPE_CHECKING:
    pass

application = typer.Typer(
    help="Campaigns: one decision on many accounts.", no_args_is_help=True, add_completion=False
)

CampaignId = Annotated[str, typer.Argument(help="Of the campaign, which is its case's.")]


@application.callback()
def root() -> None:
    """Campaigns: one decision on many accounts."""


@application.command("propose")
def propose(
    file: Annotated[
        Path, typer.Argument(help="Parquet or CSV of accounts; or decisions.parquet of a review.")
    ],
    person: ActingPerson,
    name: Annotated[str | None, typer.Option(help="What it is called; default: the file's name.")] = None,
    action: Annotated[
        str | None,
        typer.Option(help="decrease, close or increase, of rows that name none; default: by limits."),
    ] = None,
    reason: Annotated[
        list[str] | None,
        typer.Option(help="Reason told to customers of rows that give none; may be given again."),
    ] = None,
    effective: Annotated[
        str | None, typer.Option(help="Nothing takes effect before, ISO 8601; days of notice count besides.")
    ] = None,
    left_out: Annotated[
        Path | None, typer.Option(help="File for the rows that are left out, Parquet or CSV, with reasons.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="SVG file for a picture of the impact.")] = None,
    attributes: AttributesFile = None,
    protected: AttributeNames = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the impact and propose nothing.")] = False,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Propose a campaign: a case with its impact, on which people decide as on any other.

    Each row is taken, set aside (it has a case that waits, a planned change, or is in another campaign) or refused, and
    counted.

    Example: limitkeeper campaign propose lower.csv --reason product_change --as sue --dry-run
    """
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.attributes import attributes_at
    from limitkeeper.app.campaign_documents import proposal_document
    from limitkeeper.app.campaigns import (
        Proposal,
        proposed,
        taken_rows,
        turn_to_propose,
        unmeasured,
    )
    from limitkeeper.connectors.portfolio import instant
    from limitkeeper.connectors.tables import table, table_written
    from limitkeeper.shells.report.impact import impact_picture

    called = name or file.stem
    earliest_us = int(instant(effective).timestamp()) * 1_000_000 if effective else 0
    frame, measured = table(file), attributes_at(attributes, listed(protected or ""))
    treated = measured.treatment if measured else unmeasured
    opened = looking_as if dry_run else work_as
    with opened(data, store, person, "campaign.propose") as w:
        if not dry_run:
            turn_to_propose(w)
        taken = taken_rows(w, frame, action, reason or [])
        policy = approval_policy()
        proposal = Proposal(called, taken, earliest_us, treated(w, called, taken.items))
        campaign_id = None if dry_run else proposed(w, proposal, policy)
        document = proposal_document(w, campaign_id, proposal, policy)
    if left_out is not None:
        table_written(taken.left_out, left_out)
    if picture is not None:
        picture.write_text(str(impact_picture(document["impact"], called)), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    console = Console(highlight=False)
    show_impact(document["impact"], console)
    if beside := document["beside"]:
        console.print(
            f"Counted for the tier with other campaigns of {person} ({beside['campaigns']}): "
            f"{beside['accounts']:,} accounts in all."
        )
    rules = ", ".join(document["tier_rules"]) or "no row is left"
    console.print(
        f"Nothing was proposed. It would need tier {document['required_tier']} ({rules})."
        if dry_run
        else f"Campaign {document['campaign_id']} waits for approval: "
        f"limitkeeper case show {document['campaign_id']} --as {person}"
    )


@application.command("list")
def list_campaigns(
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Campaigns at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show campaigns, the newest on top, and how far they are.

    Example: limitkeeper campaign list --as sue
    """
    from limitkeeper.app.campaign_documents import campaign_document, campaign_query
    from limitkeeper.store.campaign_tables import campaigns

    query = campaign_query().order_by(campaigns.c.made_us.desc(), campaigns.c.campaign_id)
    with looking_as(data, store, person, "campaign.read") as w:
        documents = [campaign_document(row) for row in w.rows(query.limit(limit))]
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False))
        return
    shown = Table("campaign", "name", "state", "tier", "accounts", "planned", "set aside", "cancelled", "by")
    for each in documents:
        counts = [f"{each[key]:,}" for key in ("items", "planned", "set_aside", "cancelled")]
        shown.add_row(
            each["campaign_id"],
            each["name"],
            each["state"],
            str(each["required_tier"]),
            *counts,
            each["maker_id"],
        )
    Console(highlight=False).print(shown if documents else "There is no campaign.")


@application.command("show")
def show(
    campaign_id: CampaignId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show a campaign with its impact and its largest cuts; that you looked is kept.

    Example: limitkeeper campaign show 4f2a... --as sue
    """
    from limitkeeper.app.campaign_documents import whole_campaign_document
    from limitkeeper.app.looks import page_noted, shown

    with work_as(data, store, person, "campaign.read") as w:
        document = whole_campaign_document(w, campaign_id)
        page_noted(w, "campaign.look", shown(document["impact"]["largest"]), f"campaign:{campaign_id}")
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for key, value in document.items():
        if key != "impact":
            console.print(f"{key:>20}  {value}", markup=False)
    show_impact(document["impact"], console)


@application.command("split")
def split_campaign(
    campaign_id: CampaignId,
    person: ActingPerson,
    where: Annotated[
        str | None, typer.Option(help="Condition of the one part, such as 'segment = gold'.")
    ] = None,
    accounts: Annotated[
        Path | None, typer.Option("--list", help="Instead, Parquet or CSV with the accounts of the one part.")
    ] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Split a campaign that waits into two, each of which needs its own approval.

    Who proposed it does, or one who has a mandate for it on its tier and no part in it, while nobody has voted.

    Example: limitkeeper campaign split 4f2a... --where "cut_cents >= 1000000" --as sue
    """
    import polars as pl

    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.campaign_conditions import condition
    from limitkeeper.app.campaigns import split
    from limitkeeper.connectors.tables import table

    if (where is None) == (accounts is None):
        raise typer.BadParameter("Give --where or --list.")
    if accounts is not None:
        listed = table(accounts)["account_id"].cast(pl.String)
        chosen = pl.col("account_id").is_in(listed.to_list())
    else:
        chosen = condition(where or "")
    with work_as(data, store, person, "campaign.split") as w:
        parts = split(w, campaign_id, chosen, approval_policy())
    if as_json:
        typer.echo(json.dumps({"campaign_id": campaign_id, "parts": list(parts)}))
    else:
        Console(highlight=False).print(f"Split into {parts[0]} and {parts[1]}; each waits for approval.")


@application.command("cancel")
def cancel(
    campaign_id: CampaignId,
    person: ActingPerson,
    words: Annotated[str, typer.Option(help="Why.")],
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a campaign that waits, or cancel what is still planned of one that was approved.

    What has taken effect stays. Customers who were told are told that nothing comes. Who proposed it withdraws it while
    it waits; else, and once it was approved, you need a mandate for it on its tier: of the committee, one seat.

    Example: limitkeeper campaign cancel 4f2a... --words "the board said no" --as sue
    """
    from limitkeeper.app.approval_policy import approval_policy
    from limitkeeper.app.campaigns import cancelled

    with work_as(data, store, person, "campaign.cancel") as w:
        state = cancelled(w, approval_policy(), campaign_id, words)
    if as_json:
        typer.echo(json.dumps({"campaign_id": campaign_id, "state": state}))
    else:
        Console(highlight=False).print(f"The campaign is {state}.")


@application.command("work")
def work_off(
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Work approved and cancelled campaigns off now, with progress; a server with --workflow does it by itself.

    It may be stopped at any time, and goes on where it was.

    Example: limitkeeper campaign work --data limitkeeper-data
    """
    from limitkeeper.app.campaign_work import campaigns_worked
    from limitkeeper.core.access.actors import SYSTEM
    from limitkeeper.shells.cli.account import effects_of
    from limitkeeper.store.work import reading

    opened = store_at(data, store)
    try:
        with reading(opened, SYSTEM, time.time_ns() // 1_000) as w:
            done = effects_of(w, data)
        with progress_bars() as progress:
            count = campaigns_worked(opened, done, lambda: time.time_ns() // 1_000, progress=progress)
    finally:
        opened.close()
    Console(highlight=False).print(f"{count:,} accounts were worked off.")


def show_impact(impact: dict[str, Any], console: Console) -> None:
    """Print a campaign's impact as tables."""
    counts = impact.get("counts")
    if counts:
        console.print(f"{counts['read']:,} rows read, {counts['taken']:,} taken")
        for kind in ("set_aside", "refused"):
            for why, count in counts[kind].items():
                console.print(f"{count:>12,}  {kind.replace('_', ' ')}: {why}")
    figures = Table("figure", "amount")
    figures.add_row("accounts", f"{impact['accounts']:,}")
    for key in ("exposure_cents", "limit_before_cents", "limit_after_cents", "cut_cents", "raised_cents",
                "expected_loss_change_cents", "economic_profit_change_cents", "raroc_before", "raroc_after"):  # fmt: skip
        found = impact.get(key)
        if found is not None:
            told = f"{found / 100:,.2f}" if key.endswith("_cents") else f"{found:.1%}"
            figures.add_row(key.removesuffix("_cents").replace("_", " "), told)
    if impact.get("fairness"):
        failed = impact["fairness"]["failed"]
        figures.add_row("screens of fairness that fail", ", ".join(failed) or "none")
    console.print(figures)
    groups = Table("by", "group", "accounts", "exposure", "cut", "raised")
    for kind in ("action", "segment", "trigger"):
        for each in impact[f"by_{kind}"]:
            amounts = [f"{each[key] / 100:,.2f}" for key in ("exposure_cents", "cut_cents", "raised_cents")]
            groups.add_row(kind, each["name"] or "–", f"{each['accounts']:,}", *amounts)
    console.print(groups)
    largest = Table("largest changes", "action", "before", "after", "cut", "raised")
    for each in impact["largest"]:
        names = ("limit_before_cents", "limit_after_cents", "cut_cents", "raised_cents")
        amounts = [f"{each[key] / 100:,.2f}" for key in names]
        largest.add_row(each["account_id"], each["action"], *amounts)
    console.print(largest)
