"""``limitkeeper serve``: the running server."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from limitkeeper.shells.cli.options import AttributeNames, AttributesFile
from limitkeeper.shells.cli.progress import progress_bars
from limitkeeper.shells.cli.train import listed


def serve(
    data: Annotated[Path, typer.Option(help="Folder for the store and the snapshots.")] = Path(
        "limitkeeper-data"
    ),
    store: Annotated[
        str | None,
        typer.Option(
            envvar="LIMITKEEPER_STORE",
            help="Database: postgresql+psycopg://...; default: SQLite in the folder.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of a PD model on live features; without one no rule reads a score."),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="A shipped strategy (standard, cautious) or a file. Default: standard; with --workflow, what is live."
        ),
    ] = None,
    market: Annotated[str, typer.Option(help="Whose parameters are in force.")] = "CN",
    time_zone: Annotated[
        str | None,
        typer.Option(
            help="Where it is night, and where the days of customers begin who name no zone of theirs. "
            "Default: the market's."
        ),
    ] = None,
    parameters: Annotated[
        Path | None, typer.Option(help="YAML with parameters that replace the market's.")
    ] = None,
    accounts: Annotated[
        Path | None,
        typer.Option(
            help="What is stated of accounts, Parquet or CSV; of known ones a missing owner alone is taken."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")
    ] = 8_750,
    watch: Annotated[
        Path | None,
        typer.Option(
            help="Folder whose Parquet, CSV and JSONL files are taken, then moved to done/ or rejected/ in it."
        ),
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(help="Kafka servers (host:port,...) to take events from.")
    ] = None,
    kafka_topic: Annotated[str, typer.Option(help="The topic; one JSON event a message.")] = "events",
    kafka_group: Annotated[str, typer.Option(help="The consumer group.")] = "limitkeeper",
    kafka_properties: Annotated[
        Path | None,
        typer.Option(
            envvar="LIMITKEEPER_KAFKA_PROPERTIES",
            help="File with name=value properties of the Kafka client, as for TLS and SASL.",
        ),
    ] = None,
    bank_topic: Annotated[
        str | None,
        typer.Option(
            help="With --workflow: topic on the Kafka servers that commands to the bank go to, instead of the webhook; "
            "see docs/bank.md."
        ),
    ] = None,
    bank_acknowledgements: Annotated[
        str | None, typer.Option(help="With --bank-topic: topic that the bank's answers come from.")
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            help="URL that alerts and proposals are sent to, signed with the secret in LIMITKEEPER_WEBHOOK_SECRET."
        ),
    ] = None,
    workflow: Annotated[
        bool,
        typer.Option(
            "--workflow",
            help="Open cases for proposals, move their clocks, write notices, and take approved changes into effect; "
            "needs the key in LIMITKEEPER_MASTER_KEY.",
        ),
    ] = False,
    trial: Annotated[
        bool,
        typer.Option(
            "--trial",
            help="With --workflow: try a strategy that is not live. The store is a trial's for ever: it says so, and is "
            "refused without --trial.",
        ),
    ] = False,
    mail: Annotated[
        str | None,
        typer.Option(
            envvar="LIMITKEEPER_MAIL",
            help="With --workflow: SMTP server of notices, smtp://[USER@]HOST:PORT?from=SENDER; the password is in "
            "LIMITKEEPER_MAIL_PASSWORD. STARTTLS except on this machine.",
        ),
    ] = None,
    channels: Annotated[
        Path | None,
        typer.Option(
            envvar="LIMITKEEPER_CHANNELS",
            help="With --workflow: YAML file of the ways that notices go (mail, SMS, webhooks); it names the variables "
            "of the environment that hold their URLs.",
        ),
    ] = None,
    oidc: Annotated[
        Path | None,
        typer.Option(
            help="With --workflow: YAML that says by which provider of OpenID Connect people log in, and which roles "
            "its groups have; the client's secret is in LIMITKEEPER_OIDC_SECRET. See docs/people.md."
        ),
    ] = None,
    attributes: AttributesFile = None,
    protected: AttributeNames = None,
    clock: Annotated[
        str,
        typer.Option(help="wall: time passes by itself; event: only by events, as for simulated streams."),
    ] = "wall",
    snapshot_minutes: Annotated[
        float, typer.Option(min=0, help="Between two snapshots of the state; 0: only at an orderly stop.")
    ] = 10.0,
    journal_days: Annotated[
        float, typer.Option(min=0, help="Days for which the journal is kept after a snapshot holds it.")
    ] = 7.0,
) -> None:
    """Take events, keep every account's portrait, raise alerts and make proposals; survive being killed.

    Events come by HTTP (POST /v1/events), from a folder (--watch) and from Kafka (--kafka). What was acknowledged
    is never lost; sending it again changes nothing. Stop with Ctrl-C: what waits is worked off, and a snapshot
    makes the next start quick.

    Example: limitkeeper serve --data limitkeeper-data --accounts accounts.parquet
    """
    from limitkeeper.app.attributes import attributes_at
    from limitkeeper.app.live import deciding
    from limitkeeper.app.notice_policy import market_zone
    from limitkeeper.connectors.kafka import KafkaSource, properties_from_file
    from limitkeeper.connectors.models import model_from_folder
    from limitkeeper.connectors.portfolio import time_zone as known_zone
    from limitkeeper.connectors.tables import table
    from limitkeeper.connectors.webhook import Webhook, checked_url, secret_bytes
    from limitkeeper.engines.embedded.settings import Settings
    from limitkeeper.engines.embedded.start import Decisive, Place
    from limitkeeper.shells.feeds.bank import BankTopics
    from limitkeeper.shells.serving import (
        Ways,
        check_ended,
        is_event_time,
        open_ways,
        served,
        started_engine,
        web_server,
        workflow_of,
    )

    if oidc and not workflow:
        raise typer.BadParameter("--oidc is for --workflow: without it nobody logs in.")
    if trial and not workflow:
        raise typer.BadParameter("--trial is for --workflow: without it nothing takes effect.")
    if attributes and not workflow:
        raise typer.BadParameter("--attributes is for --workflow: without it there are no campaigns.")
    if bank_topic and not (workflow and kafka):
        raise typer.BadParameter("--bank-topic is for --workflow with --kafka.")
    if bank_acknowledgements and not bank_topic:
        raise typer.BadParameter("--bank-acknowledgements is for --bank-topic.")
    url, read = store or f"sqlite:///{data / 'limitkeeper.db'}", model_from_folder(model) if model else None
    champion, *challengers = deciding(
        url, market, strategy, read, must_be_live=workflow and not trial, is_trial=trial
    )
    properties = properties_from_file(kafka_properties) if kafka_properties else {}

    def source(topic: str | None) -> KafkaSource | None:
        return KafkaSource(kafka, topic, kafka_group, properties) if kafka and topic else None

    commands = source(bank_topic)
    ways = Ways(
        source(kafka_topic),
        watch,
        Webhook(checked_url(webhook), secret_bytes(os.environ.get("LIMITKEEPER_WEBHOOK_SECRET", "")))
        if webhook
        else None,
        workflow_of(data, market, mail, channels, oidc, attributes_at(attributes, listed(protected or "")))
        if workflow
        else None,
        BankTopics(commands, source(bank_acknowledgements)) if commands else None,
    )
    place = Place(
        url,
        Settings(
            data / "snapshots", snapshot_minutes * 60, journal_days, ways.topics(), is_event_time(clock)
        ),
        Decisive(
            champion.strategy,
            champion.model,
            market,
            known_zone(time_zone or market_zone(market)),
            parameters,
            trial,
            tuple(challengers),
        ),
    )
    console = Console(stderr=True, highlight=False)
    with progress_bars() as progress:
        engine = started_engine(place, table(accounts) if accounts else None, progress)
    try:
        server = web_server(engine, host, port, ways.workflow)
        with open_ways(engine, ways):
            console.print(
                f"Limitkeeper: {len(engine.state):,} accounts, {engine.sequence:,} micro-batches; "
                f"{'; '.join(arm.title for arm in (champion, *challengers))}"
                f"{'. A TRIAL: the strategy is not live' if trial else ''}."
                f"{f' Console: http://{host}:{port}/console/' if workflow and port else ''}"
            )
            served(server, engine)
    finally:
        engine.stop()
    check_ended(engine)
