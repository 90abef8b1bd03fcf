"""What Workflow does by itself while the server runs: cases, clocks, changes that are due, notices, the monitor told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import polars as pl
import structlog

from limitkeeper.app.answers import answers_forgotten
from limitkeeper.app.appeal_clocks import KnownAsOf, run_appeals
from limitkeeper.app.appeal_effects import APPEALS_OF, is_appealed
from limitkeeper.app.appeal_holds import held_by_grants
from limitkeeper.app.appeals import AppealDesk
from limitkeeper.app.approval_policy import ApprovalPolicy
from limitkeeper.app.attributes import Attributes
from limitkeeper.app.campaign_setbacks import Setbacks
from limitkeeper.app.campaign_work import campaigns_worked
from limitkeeper.app.case_clocks import run_clocks
from limitkeeper.app.case_ends import SINCE_US
from limitkeeper.app.consents import CONSENT_OF, relations_consent
from limitkeeper.app.decisions import Effects
from limitkeeper.app.due_changes import effected_due
from limitkeeper.app.erased_ids import ERASE_IDS, late_rows_renamed
from limitkeeper.app.erasure import traces_removed
from limitkeeper.app.freezes import freezes_followed
from limitkeeper.app.late_letters import LateLetters
from limitkeeper.app.live import live_since_sequence
from limitkeeper.app.notice_days import suspended
from limitkeeper.app.notices import DEAD, WAITING, deliver_notices, is_out, longest_wait_seconds, notices_in
from limitkeeper.app.oidc_login import OidcLogins
from limitkeeper.app.outbox import Channel
from limitkeeper.app.proposal_cases import ProposalsFollowed
from limitkeeper.app.retention import retention_kept
from limitkeeper.app.steps import Look, steps_looked_at
from limitkeeper.connectors import letters
from limitkeeper.connectors.messages import messages
from limitkeeper.connectors.sealing import Seal
from limitkeeper.core.access.actors import SYSTEM
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.kernel.errors import InputError, told_in_log
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.erasure import ids_erased
from limitkeeper.engines.embedded.portrait import features_as_of, looked_at
from limitkeeper.engines.embedded.requests import Answer, Request
from limitkeeper.shells.feeds.loop import Loop, each_done
from limitkeeper.store.renaming import message_deleted
from limitkeeper.store.sql import Store
from limitkeeper.store.work import reading, work

log = structlog.get_logger()

LOOK_SECONDS = 0.5

CAMPAIGN_ROUNDS = 10
"""Transactions of campaigns before everything else has its turn."""

ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Workflow:
    """What Workflow needs beside the engine.

    Parameters
    ----------
    policy
        Who decides, and how long it may take.
    on_approved
        What approval leads to, and how customers are told.
    seal
        Of what is personal.
    channels
        By which customers are reached, by name.
    oidc
        Where people log in, where it is a provider of OpenID Connect.
    attributes
        Protected attributes, where the lender has them: how campaigns treat groups is measured by them.
    """

    policy: ApprovalPolicy
    on_approved: Effects
    seal: Seal
    channels: Mapping[str, letters.Channel]
    oidc: OidcLogins | None = None
    attributes: Attributes | None = None

    @property
    def desk(self) -> AppealDesk:
        """Where appeals are answered."""
        return AppealDesk(self.on_approved, self.policy)


def workflow_loop(engine: Engine, workflow: Workflow) -> Loop:
    """The thread that moves what is due."""
    policy, on_approved = workflow.policy, workflow.on_approved
    followed = ProposalsFollowed(
        engine.store, policy, on_approved, live_since_sequence(engine.store, engine.policies.market),
        held_by_grants(on_approved.policy),
    )  # fmt: skip
    retain, is_suspended = _daily(engine.store), suspended(on_approved.policy)
    setbacks = Setbacks(campaign_failed)
    engine.gauges["campaigns_failing"] = (
        "Campaigns whose last try to be worked off failed.", setbacks.count,
    )  # fmt: skip
    show_notices(engine)

    def work() -> bool:
        store, now_us = engine.store, engine.as_of_us()

        def deliver() -> int:
            sent = deliver_notices(
                store, workflow.channels, workflow.seal, engine.as_of_us, renewed=LateLetters(workflow.desk)
            )
            if sent["dead"]:
                log.warning("notices_dead", count=sent["dead"])
            return sent["sent"] + sent["inbox"]

        def tidy() -> int:
            answers_forgotten(store, engine.as_of_us())
            retain(engine.as_of_us())
            return 0

        # Notices before changes, so that one whose notice is out now takes effect in the same round.
        stages: dict[str, Callable[[], int]] = {
            "cases": lambda: followed.follow(now_us),
            "clocks": lambda: run_clocks(store, policy, now_us, on_approved),
            "freezes": lambda: freezes_followed(store, on_approved, now_us),
            "steps": lambda: steps_looked_at(store, on_approved, monitors_look(engine), now_us),
            "campaigns": lambda: campaigns_worked(
                store, on_approved, engine.as_of_us, rounds=CAMPAIGN_ROUNDS, setbacks=setbacks
            ),
            "notices": deliver,
            "changes": lambda: effected_due(
                store, engine.as_of_us(), is_out, is_suspended=is_suspended, told_moot=on_approved.told_moot
            ),
            "retention": tidy,
        }
        return each_done(stages) > 0

    return Loop("workflow", work, LOOK_SECONDS)


def campaign_failed(row: Mapping[str, Any], error: Exception, failures: int, again_us: int) -> None:
    """Tell in the log that a campaign could not be worked off, and when it is tried again."""
    log.warning(
        "campaign_failed", campaign=row["campaign_id"], state=row["state"], problem=told_in_log(error)[:500],
        failures=failures, again_at=instant_text(again_us),
    )  # fmt: skip


def _daily(store: Store) -> Callable[[int], None]:
    """What keeps retention, once a day of the server's time."""
    last = [0]

    def retain(now_us: int) -> None:
        day = now_us // DAY_US
        if day > last[0]:
            retention_kept(store, now_us)
            last[0] = day

    return retain


def appeals_loop(engine: Engine, workflow: Workflow) -> Loop:
    """The thread that looks at the facts of appeals and moves their clocks; an appeal that fails holds up no notice."""

    def work() -> bool:
        return run_appeals(engine.store, workflow.desk, engine.as_of_us(), known_as_of(engine)) > 0

    return Loop("appeals", work, LOOK_SECONDS)


def show_notices(engine: Engine) -> None:
    """Let the metrics tell of notices that wait, and of those that nobody took."""
    store = engine.store
    engine.gauges |= {
        "notices_waiting": ("Notices that wait to go out.", partial(notices_in, store, WAITING)),
        "notices_waiting_seconds": (
            "How long the oldest notice has waited, quiet hours included.",
            lambda: longest_wait_seconds(store, engine.as_of_us()),
        ),
        "notices_dead": ("Notices that no channel took.", partial(notices_in, store, DEAD)),
    }


def monitors_look(engine: Engine) -> Look:
    """The monitor's look at an account as it is now, behind everything that waits."""

    def look(account_id: str) -> dict[str, Any] | None:
        def read(running: Engine) -> dict[str, Any] | None:
            return looked_at(running, account_id, running.as_of_us())

        found: dict[str, Any] | None = engine.submit(Request("read", read)).result(ANSWER_SECONDS)
        return found

    return look


def known_as_of(engine: Engine) -> KnownAsOf:
    """What the monitor knows now of an account as it was at a time."""

    def known(account_id: str, as_of_us: int) -> dict[str, float | None] | None:
        request = Request("read", lambda running: features_as_of(running, account_id, as_of_us))
        found: dict[str, float | None] | None = engine.submit(request).result(ANSWER_SECONDS)
        return found

    return known


def engine_channel(engine: Engine) -> Channel:
    """The channel that tells the monitor: a limit, data put right, a freeze confirmed or lifted, an appeal, a consent.

    Of appeals and consents it tells what is so now, not what was so when the message was written: so told twice, or in
    another order, the last word is right.
    """

    def send(row: Mapping[str, Any], now_us: int) -> None:
        content = msgspec.json.decode(row["content"])
        if account_id := content.get(APPEALS_OF):
            with reading(engine.store, SYSTEM, now_us) as w:
                is_open = is_appealed(w, account_id)
            table = pl.DataFrame({"account_id": [account_id], "is_open": [is_open]})
            engine.submit(Request("appeal", table)).result(ANSWER_SECONDS)
            return
        if customer_id := content.get(CONSENT_OF):
            with reading(engine.store, SYSTEM, now_us) as w:
                table = pl.DataFrame(relations_consent(w, customer_id))
            engine.submit(Request("consent", table)).result(ANSWER_SECONDS)
            return
        if names := content.get(ERASE_IDS):
            ids_erased(engine, names)
            # What an event or a clock wrote under the old ids before the monitor knew the new ones.
            with work(engine.store, SYSTEM, now_us) as w:
                late_rows_renamed(w, names)
            message_deleted(engine.store, row["id"])
            traces_removed(engine.store)
            return
        settled = content.keys() & {"freeze_confirmed", "freeze_lifted"}
        if settled:
            (what,) = settled
            confirm = what == "freeze_confirmed"
            table = pl.DataFrame({"account_id": [content[what]], "confirm": [confirm], "ts_us": [now_us]})
            if SINCE_US in content:  # one from before does not say which freeze
                table = table.with_columns(pl.lit(content[SINCE_US], pl.Int64).alias(SINCE_US))
            try:
                engine.submit(Request("freeze", table)).result(ANSWER_SECONDS)
            except InputError:
                return  # that freeze does not stand any more: there is nothing to confirm or to lift
            return
        rows = messages(row["content"].encode())
        found: Answer = engine.submit(Request("events", rows, len(rows), "workflow")).result(ANSWER_SECONDS)
        if found.rejected:
            raise InputError("The monitor refused an event of Workflow.", value=row["subject"])

    return send
