"""What is told and kept of a batch: alerts opened and updated, proposals made, with their evidence."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limitkeeper import __version__
from limitkeeper.app.policy import LANGUAGES, reason_wording
from limitkeeper.app.review import explained_trace
from limitkeeper.core.alerts.fold import OPENED, SILENT, UPDATED
from limitkeeper.core.alerts.portfolio import UnusualRate
from limitkeeper.core.alerts.standing import ALERT_TRIGGERS, COUNT, OPENED_US, RULES, SEEN_US, SEVERITY
from limitkeeper.core.alerts.terms import WatchTerms
from limitkeeper.core.alerts.watch import Watched
from limitkeeper.core.decision.assessment import Assessment
from limitkeeper.core.decision.trace import Reviewed, Versions
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.instants import instant
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.holdout import HOLDOUT_DRAW, holdout_by
from limitkeeper.core.strategy.proposals import Proposals
from limitkeeper.engines.embedded.outcome import Step
from limitkeeper.store.records import ProposalChange

ACTION_CODES = {int(action): action.code for action in Action}

TRIGGERS = tuple(trigger.value for trigger in list(Trigger)[:ALERT_TRIGGERS])


def subject_id(*parts: object) -> str:
    """The name of an alert or a proposal: a pure function of what it is about (BLAKE2b, 128 bits)."""
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass
class Findings:
    """What one micro-batch adds to the store.

    Parameters
    ----------
    alerts
        Rows of alerts that were opened or grew worse, with their trace; by alert the last counts.
    seen
        Rows of alerts that were only seen again.
    proposals
        What becomes of proposals, in order: new ones, and freezes that are over.
    decisions
        How many looks came to each action.
    portfolio
        Rows of days on which a trigger's rate was unusual.
    """

    alerts: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    proposals: list[ProposalChange] = field(default_factory=list)
    decisions: dict[str, int] = field(default_factory=dict)
    portfolio: list[dict[str, Any]] = field(default_factory=list)


class Reporter:
    """Writes the findings of steps: alerts and proposals with the trace that led to them."""

    def __init__(self, terms: WatchTerms, parameters: Parameters, regulation: str) -> None:
        self.terms, self.parameters = terms, parameters
        self.rules = terms.policy.strategy.strategy.rules
        model_hash = terms.model.hash if terms.model else "none"
        self.versions = Versions(
            terms.policy.strategy.strategy.hash, model_hash, parameters.hash, regulation, __version__
        )
        self.wording = {language: reason_wording(language) for language in LANGUAGES}

    def add(self, step: Step, found: Findings) -> None:
        """Add the findings of a step."""
        watched = step.watched
        if step.due:
            by_number = dict(zip(step.due.looked_at.tolist(), step.account_ids, strict=True))
            for accounts, why in ((step.due.lifted, "freeze_not_confirmed"), (step.due.ended, "freeze_over")):
                found.proposals += [
                    ProposalChange(by_number[account], int(step.ts_us[0]), "lapsed", why)
                    for account in accounts.tolist()
                ]
        for effect, count in enumerate(np.bincount(watched.assessment.proposals.effects).tolist()):
            if count:
                code = ACTION_CODES[effect]
                found.decisions[code] = found.decisions.get(code, 0) + count
        told = (watched.alerts != SILENT).any(axis=1) | watched.proposed
        for row in np.flatnonzero(told).tolist():
            account, ts_us = step.account_id(row), int(step.ts_us[row])
            new = (
                watched.proposed[row]
                or ((watched.alerts[row] != SILENT) & (watched.alerts[row] != UPDATED)).any()
            )
            trace = self.trace(watched, row, account, ts_us) if new else None
            # Written once: it is long, and what one look led to has the same.
            evidence = evidence_of(trace) if trace else {}
            for trigger in np.flatnonzero(watched.alerts[row]).tolist():
                self._add_alert(watched, row, trigger, account, evidence, found)
            if watched.proposed[row] and trace is not None:
                row_now = proposal_row(trace, account, ts_us) | evidence
                found.proposals.append(ProposalChange(account, ts_us, "superseded", None, row_now))

    def _add_alert(
        self,
        watched: Watched,
        row: int,
        trigger: int,
        account: str,
        evidence: dict[str, Any],
        found: Findings,
    ) -> None:
        alert = watched.alert_rows[row, trigger].tolist()
        alert_id = subject_id("alert", account, TRIGGERS[trigger], alert[OPENED_US])
        rules = [rule.id for place, rule in enumerate(self.rules) if alert[RULES] >> place & 1]
        changed = {
            "severity": Severity(alert[SEVERITY]).code,
            "rules": json.dumps(rules),
            "hits": alert[COUNT],
            "seen_us": alert[SEEN_US],
        }
        if watched.alerts[row, trigger] == UPDATED or not evidence:
            (found.alerts if alert_id in found.alerts else found.seen).setdefault(alert_id, {}).update(
                changed
            )
            return
        kept = found.seen.pop(alert_id, {})
        opened = found.alerts.get(alert_id, {}).get("opened", watched.alerts[row, trigger] == OPENED)
        found.alerts[alert_id] = kept | changed | evidence | {
            "account_id": account,
            "trigger": TRIGGERS[trigger],
            "opened_us": alert[OPENED_US],
            "opened": bool(opened),
        }  # fmt: skip

    def summary(self, watched: Watched, row: int) -> dict[str, Any]:
        """One look in short: score, action, limit, alerts."""
        (found,) = self.summaries(watched, np.array([row]))
        return found

    def summaries(self, watched: Watched, rows: NDArray[np.int64]) -> Iterable[dict[str, Any]]:
        """Some looks in short."""
        found, proposals = watched.assessment, watched.assessment.proposals
        columns = (
            found.pd, found.points, proposals.effects, proposals.rules, proposals.limits_after_cents,
            watched.alerts, watched.proposed,
        )  # fmt: skip
        for pd, points, effect, rule, limit, alerts, proposed in zip(
            *(column[rows].tolist() for column in columns), strict=True
        ):
            yield {
                "pd": pd if pd == pd else None,  # noqa: PLR0124 - NaN is not itself
                "points": points,
                "action": ACTION_CODES[effect],
                "rule": self.rules[rule].id if rule >= 0 else None,
                "limit_after_cents": limit if limit >= 0 else None,
                "alerts": [TRIGGERS[k] for k, change in enumerate(alerts) if change],
                "proposed": proposed,
            }

    def trace(self, watched: Watched, row: int, account_id: str, ts_us: int) -> dict[str, Any]:
        """The trace of one look, with its reasons in both languages."""
        one = slice(row, row + 1)
        characteristics = Columns(
            watched.characteristics.names, np.ascontiguousarray(watched.characteristics.values[:, one])
        )
        columns = Columns(watched.columns.names, np.ascontiguousarray(watched.columns.values[:, one]))
        card = self.terms.policy.scorecard
        reviewed = Reviewed(
            account_ids=(account_id,),
            features=columns,
            characteristics=characteristics,
            points_given=card.points_by_characteristic(characteristics),
            hits_before=(int(watched.hits_before[row]),),
            assessment=one_assessment(watched.assessment, row),
            policy=self.terms.policy,
            versions=self.versions,
            as_of=instant(ts_us),
            pd_bands=self.terms.model.pd_bands if self.terms.model else (),
            holdout=holdout_by(columns[HOLDOUT_DRAW], columns, self.terms.holdout)
            if self.terms.holdout.share
            else None,
        )
        trace, _, _ = explained_trace(reviewed, 0, self.wording)
        return trace


def one_assessment(assessment: Assessment, row: int) -> Assessment:
    """The assessment of one row."""
    one = slice(row, row + 1)
    names = ("points", "pd", "reasons", "points_lost", "marginal_profit_cents")
    parts = {name: getattr(assessment, name)[one] for name in names}
    proposals = {name: getattr(assessment.proposals, name)[one] for name in Proposals.__slots__}
    return replace(
        assessment,
        value_before=assessment.value_before[:, one],
        value_after=assessment.value_after[:, one],
        proposals=Proposals(**proposals),
        **parts,
    )


def proposal_row(trace: Mapping[str, Any], account_id: str, ts_us: int) -> dict[str, Any]:
    """A proposal as the store has it but for its evidence, from its trace."""
    return {
        "proposal_id": subject_id(
            "proposal", trace["decision_id"], trace["action"]["taken"], trace["limit"]["after_cents"]
        ),
        "account_id": account_id,
        "action": trace["action"]["taken"],
        "rule": trace["action"]["rule"],
        "limit_before_cents": trace["limit"]["before_cents"],
        "limit_after_cents": trace["limit"]["after_cents"],
        "made_us": ts_us,
    }


def evidence_of(trace: Mapping[str, Any]) -> dict[str, Any]:
    """What alerts and proposals keep of the trace that led to them."""
    text = json.dumps(trace, ensure_ascii=False, allow_nan=False)
    return {"decision_id": trace["decision_id"], "trace": text}


def portfolio_row(rate: UnusualRate) -> dict[str, Any]:
    """A day on which a trigger's rate was unusual, as the store has it."""
    day = dt.date(1970, 1, 1) + dt.timedelta(days=rate.day)
    return {
        "alert_id": subject_id("portfolio", TRIGGERS[rate.trigger], day),
        "trigger": TRIGGERS[rate.trigger],
        "day": day.isoformat(),
        "alerts": rate.alerts,
        "expected": round(rate.expected, 3),
        "sigmas": round(rate.sigmas, 3),
        "events": rate.events,
    }


def told(findings: Findings) -> Iterable[dict[str, Any]]:
    """The messages for those who listen: alerts opened or grown worse, unusual days, proposals, freezes that are over."""
    for alert_id, row in findings.alerts.items():
        yield {
            "topic": "alert.opened" if row["opened"] else "alert.worse",
            "subject": alert_id,
            "account_id": row["account_id"],
            "trigger": row["trigger"],
            "severity": row["severity"],
            "rules": json.loads(row["rules"]),
            "hits": row["hits"],
            "at": instant(row["seen_us"]).isoformat(),
        }
    for row in findings.portfolio:
        yield {
            "topic": "portfolio.unusual",
            "subject": row["alert_id"],
            "at": f"{row['day']}T23:59:59+00:00",
            **row,
        }
    for change in findings.proposals:
        row = change.row or {}
        yield {
            "topic": "proposal.made" if change.row else f"freeze.{change.status}",
            "subject": row.get("proposal_id", ""),
            "account_id": change.account_id,
            "action": row.get("action"),
            "rule": row.get("rule"),
            "limit_before_cents": row.get("limit_before_cents"),
            "limit_after_cents": row.get("limit_after_cents"),
            "reason": change.reason,
            "at": instant(change.ts_us).isoformat(),
        }


TOLD_TOPICS = frozenset(
    {
        "alert.opened",
        "alert.worse",
        "proposal.made",
        "freeze.lapsed",
        "freeze.lifted",
        "freeze.confirmed",
        "portfolio.unusual",
    }
)
"""Every kind of message of :func:`told`."""
