"""``limitkeeper life``: the life of a strategy with its model, from draft to live and back."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from limitkeeper.shells.cli.life_figures import ReleaseId, Seed, report_of
from limitkeeper.shells.cli.options import (
    ActingPerson,
    AsJson,
    DataFolder,
    StoreUrl,
    looking_as,
    store_at,
    work_as,
)

if TYPE_CHECKING:
    from limitkeeper.store.work import Work

application = typer.Typer(
    no_args_is_help=True,
    help="The life of a strategy with its model in a market: draft, validated, assessed, approved, live, retired.",
)

Words = Annotated[str, typer.Option(help="Why; kept with the act.")]
Market = Annotated[str, typer.Option(help="Such as CN.")]
Language = Annotated[str, typer.Option("--lang", help="Language of findings, acts and states: en or zh.")]


@application.command(epilog="Example: limitkeeper life draft standard --market CN --model models/pd --as sam")
def draft(
    strategy: Annotated[str, typer.Argument(help="A file, or a shipped strategy.", show_default=False)],
    person: ActingPerson,
    market: Market = "CN",
    model: Annotated[Path | None, typer.Option(help="Folder of the model that goes with it.")] = None,
    register: Annotated[Path | None, typer.Option(help="YAML that registers your own columns.")] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Put a strategy with its model into the store, by content, as a draft."""
    from limitkeeper.app.life import drafted
    from limitkeeper.app.life_evidence import text_of
    from limitkeeper.app.strategies import strategy_path
    from limitkeeper.connectors.models import model_from_folder

    path = strategy_path(strategy)
    own, read = text_of(register) if register else None, model_from_folder(model) if model else None
    with work_as(data, store, person, "release.draft") as w:
        release_id = drafted(w, text_of(path), path.name, market, read, own)
    typer.echo(release_id)


@application.command(epilog="Example: limitkeeper life validate 4f2a --as sam")
def validate(
    release: ReleaseId,
    person: ActingPerson,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    lang: Language = "en",
) -> None:
    """Hold a draft against the register of features and the regulation of its market."""
    from limitkeeper.app.life import release_validated
    from limitkeeper.app.policy import checked_language
    from limitkeeper.app.regulation import finding_document

    checked_language(lang)
    with work_as(data, store, person, "release.validate") as w:
        row = _row(w, release)
        found = release_validated(w, row["release_id"], row["version"])
    for each in found:
        typer.echo(_finding_line(finding_document(each), lang))


@application.command(
    epilog="Example: limitkeeper life assess 4f2a --assessment impact.yaml --portfolio portfolio.yaml --as sam"
)
def assess(
    release: ReleaseId,
    person: ActingPerson,
    assessment: Annotated[
        Path,
        typer.Option(help="YAML with purpose, necessity, effect_on_rights, safeguards.", show_default=False),
    ],
    screen: Annotated[
        Path | None,
        typer.Option(help="JSON of limitkeeper fairness strategy, for which compliance vouches."),
    ] = None,
    portfolio: Annotated[
        Path | None, typer.Option(help="YAML of a portfolio: the gate makes the report of it itself.")
    ] = None,
    seed: Seed = 0,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Record the impact assessment of a validated release, and its screens of fairness.

    Give either a portfolio, of which the report is made here, or a report as a file: unless somebody of compliance who
    is not the author gives it, it is a failed screen that compliance must justify.
    """
    from limitkeeper.app.life import release_assessed
    from limitkeeper.app.life_evidence import assessment_from_text, screen_from_text, text_of
    from limitkeeper.core.kernel.errors import InputError

    if (screen is None) == (portfolio is None):
        raise InputError(
            "An assessment needs a report or a portfolio.", allowed="one of --screen, --portfolio"
        )
    said = assessment_from_text(text_of(assessment))
    if portfolio is not None:
        with looking_as(data, store, person, "release.assess"):
            pass  # who may not assess is told so before the review
        screened = report_of(release, portfolio, seed, data, store)
    else:
        assert screen is not None
        screened = screen_from_text(text_of(screen))
    with work_as(data, store, person, "release.assess") as w:
        row = _row(w, release)
        found = release_assessed(
            w, row["release_id"], row["version"], said, screened, is_made_here=portfolio is not None
        )
    failed = "; ".join(found.screens_failed or ())
    typer.echo(f"assessed; screens failed: {failed}. Compliance must justify it." if failed else "assessed")


@application.command(epilog="Example: limitkeeper life justify 4f2a --words 'No alternative ...' --as cora")
def justify(
    release: ReleaseId,
    person: ActingPerson,
    words: Words,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Say, for compliance, why a release may go on whose screens of fairness failed."""
    from limitkeeper.app.life import release_justified

    with work_as(data, store, person, "release.justify") as w:
        row = _row(w, release)
        release_justified(w, row["release_id"], row["version"], words)
    typer.echo("justified")


@application.command(epilog="Example: limitkeeper life approve 4f2a --words 'Seen' --as kim")
def approve(
    release: ReleaseId,
    person: ActingPerson,
    words: Words = "",
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Approve an assessed release: one of the committee and one of compliance, neither its author."""
    from limitkeeper.app.life import release_approved

    with work_as(data, store, person, "release.approve") as w:
        row = _row(w, release)
        found = release_approved(w, row["release_id"], row["version"], words)
    typer.echo(
        found.state if found.state == "approved" else f"approved as {found.approvals[-1][1]}; one is missing"
    )


@application.command(epilog="Example: limitkeeper life live 4f2a --share 0.1 --dry-run --as kim")
def live(
    release: ReleaseId,
    person: ActingPerson,
    share: Annotated[
        float, typer.Option(min=0.0001, max=1, help="Of the accounts; 1 makes it the champion.")
    ] = 1.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Let an approved release decide: on all accounts as the champion, or on a share as a challenger."""
    from limitkeeper.app.life import release_put_live
    from limitkeeper.core.compliance.buckets import BUCKETS

    opened = looking_as if dry_run else work_as
    with opened(data, store, person, "release.live") as w:
        row = _row(w, release)
        changed = release_put_live(w, row["release_id"], row["version"], round(share * BUCKETS))
    _show_changed(changed, dry_run=dry_run)


@application.command(epilog="Example: limitkeeper life retire 4f2a --words 'No better' --as kim")
def retire(
    release: ReleaseId,
    person: ActingPerson,
    words: Words = "",
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Retire a challenger; its accounts are the champion's again."""
    from limitkeeper.app.life import challenger_ended

    with work_as(data, store, person, "release.live") as w:
        row = _row(w, release)
        challenger_ended(w, row["release_id"], row["version"], words)
    typer.echo("retired")


@application.command(epilog="Example: limitkeeper life rollback --market CN --words 'Too many cuts' --as kim")
def rollback(
    person: ActingPerson,
    words: Words,
    market: Market = "CN",
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
) -> None:
    """Let the champion before decide on everything again, at once where a server runs; done twice, it is undone."""
    from limitkeeper.app.life import champion_rolled_back

    with work_as(data, store, person, "release.rollback") as w:
        changed = champion_rolled_back(w, market, words)
    _show_changed(changed, dry_run=False)


@application.command(
    "review", epilog="Example: limitkeeper life review portfolio.yaml --shadow 4f2a --out out/review --as sam"
)
def review_by_releases(
    portfolio: Annotated[
        Path, typer.Argument(help="YAML that says where the tables lie.", show_default=False)
    ],
    shadow: Annotated[
        list[str] | None, typer.Option(help="A release that is not live, run beside; may be given again.")
    ] = None,
    parameters: Annotated[
        Path | None, typer.Option(help="YAML with parameters that replace the market's.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the decisions; shadows lie apart in it.")] = Path(
        "out/review"
    ),
    person: Annotated[
        str | None,
        typer.Option(
            "--keep-as",
            help="Keep each release's figures in the store, as this person who may assess releases.",
        ),
    ] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
    taker: ActingPerson = "local",
) -> None:
    """Review a portfolio by what is live: each account by its champion or challenger.

    What each release would have decided on the other accounts is a shadow: kept apart, never a proposal. With --keep-as
    the hits of each rule, the actions and the value are kept with each release, as sums over the portfolio. Who took the
    decisions out (--as), when, for what, and where the audit stood is in each file's metadata, and on the audit.
    """
    from limitkeeper.app.exports import DECISIONS, export_noted
    from limitkeeper.app.life import deciding_rows
    from limitkeeper.app.life_contents import released
    from limitkeeper.app.policy import market_parameters
    from limitkeeper.app.portfolio import portfolio_from_file
    from limitkeeper.app.release_review import reviewed_by_releases, written_apart
    from limitkeeper.core.access.actors import SYSTEM
    from limitkeeper.shells.cli.progress import progress_bars
    from limitkeeper.store.work import reading

    if person is not None:
        with looking_as(data, store, person, "release.assess"):
            pass  # who may not keep it is told so before the review
    with work_as(data, store, taker, "accounts.read") as w:
        mark = export_noted(w, DECISIONS)
    lines, opened = portfolio_from_file(portfolio), store_at(data, store)
    try:
        with reading(opened, SYSTEM, 0) as w:
            ids = [row["release_id"] for row in deciding_rows(w, lines.market)]
            ids += [_row(w, each)["release_id"] for each in shadow or []]
            releases = [released(w, each) for each in dict.fromkeys(ids)]
    finally:
        opened.close()
    in_force = market_parameters(lines.market, lines.as_of.date(), parameters)
    with progress_bars() as progress:
        found = reviewed_by_releases(lines, releases, in_force, progress)
    counts = written_apart(found, out, mark)
    if person is not None:
        from limitkeeper.app.release_figures import figures_kept

        with work_as(data, store, person, "release.assess") as w:
            for release_id, figures in found.figures.items():
                figures_kept(w, release_id, lines, figures)
    if as_json:
        typer.echo(json.dumps(counts, ensure_ascii=False, indent=1))
        return
    shown = Table("release", "accounts", "decided", "would have decided on the others")
    for release_id, each in counts.items():
        words = (
            ", ".join(f"{action} {count:,}" for action, count in each[kind].items())
            for kind in ("decided", "shadow")
        )
        shown.add_row(release_id[:8], f"{each['accounts']:,}", *words)
    Console(highlight=False).print(shown)


@application.command("list", epilog="Example: limitkeeper life list --market CN")
def list_releases(
    market: Annotated[str | None, typer.Option(help="Only of this market.")] = None,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """List releases: the live ones first, with their shares and who approved them."""
    from limitkeeper.app.life_documents import release_documents

    opened = store_at(data, store)
    try:
        documents = release_documents(opened, market)
    finally:
        opened.close()
    if as_json:
        typer.echo(json.dumps(documents, ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    for each in documents:
        standing = each["state"]
        if standing == "live":
            standing += f", {'champion' if each['is_champion'] else 'challenger'} of {each['share']:.2%} of the accounts"
        made_of = each["strategy"] + (f", {each['model']}" if each["model"] else ", no model")
        approved = (
            ", ".join(f"{one['person_id']} ({one['role']})" for one in each["approvals"]) or "nobody yet"
        )
        console.print(f"{each['release_id'][:8]}  {each['market']}  {made_of}: {standing}", markup=False)
        console.print(f"          by {each['author_id']}, approved by {approved}", markup=False)
    if not documents:
        console.print("No release yet: limitkeeper life draft")


@application.command(epilog="Example: limitkeeper life show 4f2a")
def show(
    release: ReleaseId,
    data: DataFolder = Path("limitkeeper-data"),
    store: StoreUrl = None,
    lang: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Show a release with everything that was done to it: findings, assessment, screens, approvals, words."""
    from limitkeeper.app.life_documents import whole_release_document
    from limitkeeper.app.policy import checked_language, console_wording

    checked_language(lang)
    opened = store_at(data, store)
    try:
        document = whole_release_document(opened, release)
    finally:
        opened.close()
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    words = console_wording(lang)
    states, acts = words["release_state"], words["release_act_done"]
    standing = f"{document['strategy']} ({document['market']}): {states[document['state']]}"
    console.print(f"{document['release_id']}  {standing}", markup=False)
    for act in document["acts"]:
        done = f"{act['by']} {acts[act['act']]} -> {states[act['state']]}"
        console.print(f"{act['at'][:19]} {done}", markup=False)
        for line in _detail_lines(act["detail"], lang):
            console.print(f"    {line}", markup=False)


def _finding_line(finding: dict[str, Any], lang: str) -> str:
    """What came of a rule of regulation in one line; what was kept before there was Chinese is told in English."""
    from limitkeeper.app.policy import console_wording

    if lang == "en":
        return f"{finding['status']:8} {finding['rule']}: {finding['detail']}"
    status = console_wording(lang)["finding_status"][finding["status"]]
    told = (finding.get("title_zh"), finding.get("detail_zh") or finding["detail"])
    return f"{status} {finding['rule']}: {'：'.join(filter(None, told))}"


def _detail_lines(detail: dict[str, Any], lang: str) -> list[str]:
    lines = []
    for name, value in detail.items():
        if name == "findings":
            lines += [_finding_line(each, lang) for each in value]
        elif isinstance(value, dict):
            lines += [
                f"{name}.{key}: {each}" for key, each in value.items() if not isinstance(each, dict | list)
            ]
        elif value not in (None, "", []):
            lines.append(f"{name}: {value}")
    return lines


def _row(w: "Work", release: str) -> dict[str, Any]:
    from limitkeeper.app.life_documents import release_row

    return release_row(w, release)


def _show_changed(changed: Any, *, dry_run: bool) -> None:  # noqa: ANN401 - of releases
    from limitkeeper.core.compliance.buckets import BUCKETS

    for each in changed:
        share = f", {each.buckets / BUCKETS:.2%} of the accounts" if each.state == "live" else ""
        typer.echo(f"{'would be ' if dry_run else ''}{each.state}: {each.release_id[:8]}{share}")
