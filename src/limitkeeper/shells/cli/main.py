"""The ``limitkeeper`` command."""

import sys

import typer
from rich.console import Console

from limitkeeper import __version__
from limitkeeper.core.kernel.errors import LimitkeeperError
from limitkeeper.shells.cli import (
    account,
    account_contacts,
    appeal,
    audit,
    bank,
    campaign,
    case,
    fairness,
    journal,
    key,
    life,
    life_figures,
    mandate,
    notice,
    notice_bounces,
    person,
    regulation,
    rights,
    store,
    strategy,
    vault,
)
from limitkeeper.shells.cli.demo import demo
from limitkeeper.shells.cli.features import features
from limitkeeper.shells.cli.monitor import monitor
from limitkeeper.shells.cli.reconcile import reconcile
from limitkeeper.shells.cli.review import review
from limitkeeper.shells.cli.score import score
from limitkeeper.shells.cli.serve import serve
from limitkeeper.shells.cli.simulate import simulate
from limitkeeper.shells.cli.top import top
from limitkeeper.shells.cli.train import train

application = typer.Typer(
    name="limitkeeper",
    help="Manage revolving credit lines after they were granted: features, models, strategies, decisions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done; 1 an input or a policy does not hold (the message says what to do); 2 usage; "
    "3 what was compared or checked does not hold (reconcile, regulation, monitor, fairness).",
)
application.add_typer(strategy.application, name="strategy")
application.add_typer(journal.application, name="journal")
application.add_typer(case.application, name="case")
application.add_typer(appeal.application, name="appeal")
application.add_typer(campaign.application, name="campaign")
application.add_typer(bank.application, name="bank")
account.application.add_typer(account_contacts.application)
application.add_typer(account.application, name="account")
notice.application.add_typer(notice_bounces.application)
application.add_typer(notice.application, name="notice")
application.add_typer(mandate.application, name="mandate")
application.add_typer(person.application, name="person")
application.add_typer(key.application, name="key")
application.add_typer(audit.application, name="audit")
application.add_typer(regulation.application, name="regulation")
life.application.add_typer(life_figures.application)
application.add_typer(life.application, name="life")
application.add_typer(fairness.application, name="fairness")
application.add_typer(rights.application, name="rights")
application.add_typer(vault.application, name="vault")
application.add_typer(store.application, name="store")


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@application.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Manage revolving credit lines after they were granted."""


application.command("demo")(demo)
application.command("review")(review)
application.command("reconcile")(reconcile)
application.command("features")(features)
application.command("train")(train)
application.command("score")(score)
application.command("monitor")(monitor)
application.command("serve")(serve)
application.command("simulate")(simulate)
application.command("top")(top)


def main() -> None:
    """Run the command; an error that its reader can act on is one message and exit code 1."""
    try:
        application()
    except LimitkeeperError as error:
        console = Console(stderr=True, highlight=False)
        console.print("error: ", style="bold red", end="")
        console.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
