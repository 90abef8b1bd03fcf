"""The life of strategies and models in the store: drafted, validated, assessed, approved, live, retired, rolled back."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from limitkeeper.app.evidence import kept
from limitkeeper.app.life_contents import (
    Released,
    keep_content,
    model_documents,
    release_row_of,
    released_of,
)
from limitkeeper.app.life_evidence import UNVOUCHED, kept_screen, provenance_of, screens_failed
from limitkeeper.app.policy import screens_in_force
from limitkeeper.app.regulation import finding_document, strategy_findings
from limitkeeper.app.regulation_policy import (
    checked_market,
    register_from_text,
    regulation_version,
    shipped_register,
)
from limitkeeper.app.release_evidence import held_to_acts, release_of
from limitkeeper.app.strategies import strategy_from_text
from limitkeeper.connectors.models import as_json
from limitkeeper.core.access.actors import COMPLIANCE
from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.compliance.checks import Value
from limitkeeper.core.compliance.life import (
    APPROVED,
    ASSESSED,
    LIVE,
    RETIRED,
    Assessment,
    LifeError,
    Release,
    approved,
    assessed,
    challenger_retired,
    justified,
    put_live,
    release_id_of,
    rolled_back,
    validated,
)
from limitkeeper.core.compliance.regulation import Finding
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.kernel.instants import day_of
from limitkeeper.core.kernel.words import Words
from limitkeeper.core.risk.model import Model
from limitkeeper.store.life_tables import release_acts, release_reviews, releases
from limitkeeper.store.tables import store_heads
from limitkeeper.store.work import ConflictError, Work

SCREENED_BY = {"strategy": "strategy_hash", "model": "model_hash", "market": "market"}
"""What a fairness report says of its subject, and where a release has it."""


def drafted(w: Work, text: str, name: str, market: str, model: Model | None, own_register: str | None) -> str:
    """Draft a release of a strategy's text with a model in a market; its id.

    Raises
    ------
    PolicyError
        When the strategy, the market or the register does not hold, or the strategy is not for the market.
    ConflictError
        When this content has a release in this market already.
    """
    strategy = strategy_from_text(text, name)
    if checked_market(market) not in strategy.markets:
        raise PolicyError(
            "The strategy is not for this market.", value=market, allowed=", ".join(strategy.markets)
        )
    register_hash = None
    if own_register is not None:
        own = register_from_text(own_register)
        shipped_register().with_own(own)
        register_hash = own.hash
        keep_content(w, register_hash, "register", name, own_register.encode())
    release_id = release_id_of(strategy.hash, None if model is None else model.hash, market)
    if w.row(sa.select(releases.c.release_id).where(releases.c.release_id == release_id)) is not None:
        raise ConflictError(
            "This strategy and model have a release in this market already.", value=release_id,
            advice="It is among the releases under this id; another content is another release.",
        )  # fmt: skip
    keep_content(w, strategy.hash, "strategy", f"{strategy.name} {strategy.version}", text.encode())
    if model is not None:
        keep_content(
            w, model.hash, "model", f"{model.kind} of {model.target}", as_json(model_documents(model))
        )
    row = {
        "release_id": release_id, "market": market, "strategy_hash": strategy.hash,
        "model_hash": None if model is None else model.hash, "register_hash": register_hash,
        "author_id": w.actor.actor_id, "state": "draft", "screens_failed": None, "justified_by": None,
        "approvals": "[]", "bucket_from": 0, "buckets": 0, "is_champion": False, "made_us": w.now_us, "version": 1,
    }  # fmt: skip
    w.add(releases, row)
    detail = {"market": market, "strategy": strategy.hash, "model": row["model_hash"]}
    _act(w, release_id, 1, "draft", "draft", detail, ("release", row))
    return release_id


def _seen(w: Work, release_id: str, version: int) -> dict[str, Any]:
    """The row of a release that is still as somebody has seen it.

    Raises
    ------
    MissingError
        When there is none.
    LifeError
        When it is of another version.
    """
    row = release_row_of(w, release_id)
    if row["version"] != version:
        raise LifeError(
            "version", value=f"version {version}; it is {row['version']}", advice="Read it again."
        )
    return row


def release_validated(w: Work, release_id: str, version: int) -> tuple[Finding, ...]:
    """Hold a draft against register and regulation; what was found.

    Raises
    ------
    LifeError
        When it is no draft, or a rule that blocks has failed: nothing is changed.
    """
    of = released_of(w, _seen(w, release_id, version))
    found = _findings(w, of, {"model_review_days": _model_review_days(w, of.row["model_hash"])})
    after = validated(release_of(of.row), found)
    _changed(w, of.row, version, after, "validate", {"findings": _documents(found)} | _asked(w, of.row))
    return found


def release_assessed(
    w: Work, release_id: str, version: int, assessment: Assessment, screen: Mapping[str, Any], *,
    is_made_here: bool = False,
) -> Release:  # fmt: skip
    """Record the impact assessment of a validated release, and its screens of fairness.

    Parameters
    ----------
    w, release_id, version
        The act.
    assessment
        Purpose, necessity, effect on rights, safeguards.
    screen
        A fairness report of this release: what failed in it, and what it does not show, waits for compliance's words.
    is_made_here
        Whether the gate made the report itself from the portfolio. One that is given is the word of whoever gives it:
        unless that is somebody else of compliance, it waits for compliance's words, too.

    Raises
    ------
    InputError
        When the screen is no fairness report.
    LifeError
        When the release is not validated, or the assessment leaves a part out.
    """
    row = _seen(w, release_id, version)
    subject = {name: row[column] for name, column in SCREENED_BY.items() if row[column] is not None}
    failed = screens_failed(screen, subject, screens_in_force(day_of(w.now_us)))
    vouches = w.actor.actor_id != row["author_id"] and COMPLIANCE in w.actor.roles
    if not (is_made_here or vouches):
        failed = (*failed, UNVOUCHED)
    after = assessed(release_of(row), assessment, failed)
    said = {name: getattr(assessment, name) for name in Assessment.__slots__}
    _changed(w, row, version, after, "assess", {"assessment": said, "screen": kept_screen(screen, failed) | {
        "provenance": provenance_of(screen), "is_made_here": is_made_here,
        "vouched_by": w.actor.actor_id if vouches and not is_made_here else None,
    }})  # fmt: skip
    return after


def release_justified(w: Work, release_id: str, version: int, words: str) -> Release:
    """Record why compliance lets a release go on whose screens failed.

    Raises
    ------
    LifeError
        When nothing failed, no words are given, or its author justifies it himself.
    """
    row = _seen(w, release_id, version)
    after = justified(release_of(row), w.actor, words)
    _changed(w, row, version, after, "justify", {"words": words, "screens": list(after.screens_failed or ())})
    return after


def release_approved(w: Work, release_id: str, version: int, words: str) -> Release:
    """Approve a release, for the role that is still missing.

    Raises
    ------
    LifeError
        When its life does not allow it.
    """
    of = released_of(w, _seen(w, release_id, version))
    release = release_of(of.row)
    after = approved(release, w.actor, _findings(w, of, _life(release)))
    _changed(
        w,
        of.row,
        version,
        after,
        "approve",
        {"words": words, "role": after.approvals[-1][1]} | _asked(w, of.row),
    )
    return after


def release_put_live(w: Work, release_id: str, version: int, buckets: int) -> tuple[Release, ...]:
    """Let an approved release decide on a share of accounts; the releases that changed.

    Raises
    ------
    LifeError
        When a gate is missing, a blocking rule is not met, the share does not fit, or it is not what its acts led to.
    """
    of = released_of(w, _seen(w, release_id, version))
    held_to_acts(w, [of.row])
    release = release_of(of.row)
    live = live_rows(w, of.row["market"])
    changed = put_live(release, buckets, [release_of(row) for row in live], _findings(w, of, _life(release)))
    heads = w.row(sa.select(store_heads.c.sequence))
    detail = {"buckets": buckets, "bucket_from": changed[0].bucket_from,
              "sequence": 0 if heads is None else heads["sequence"]}  # fmt: skip
    _all_changed(w, [of.row, *live], changed, {release_id: version}, "live", detail, _asked(w, of.row))
    return changed


def challenger_ended(w: Work, release_id: str, version: int, words: str) -> Release:
    """Retire a challenger.

    Raises
    ------
    LifeError
        When it is the champion, or not live.
    """
    row = _seen(w, release_id, version)
    after = challenger_retired(release_of(row))
    _changed(w, row, version, after, "retire", {"words": words})
    return after


def champion_rolled_back(w: Work, market: str, words: str) -> tuple[Release, ...]:
    """Let the champion before decide on everything again; the releases that changed.

    Raises
    ------
    LifeError
        When there was none, its row is not what its acts led to, or a rule in force today forbids it.
    """
    live = live_rows(w, market)
    earlier = w.row(
        sa.select(releases)
        .join(release_acts, release_acts.c.release_id == releases.c.release_id)
        .where(releases.c.market == market, releases.c.state == RETIRED, releases.c.is_champion)
        .where(release_acts.c.state == RETIRED)
        .order_by(release_acts.c.ts_us.desc(), release_acts.c.version.desc())
    )
    before, found = None, tuple[Finding, ...]()
    if earlier is not None:
        held_to_acts(w, [earlier])
        before = release_of(earlier)
        found = _findings(w, released_of(w, earlier), _life(before))
    changed = rolled_back([release_of(row) for row in live], before, found)
    assert earlier is not None
    told = {"findings": _documents(found)} | _asked(w, earlier)
    _all_changed(w, [earlier, *live], changed, {}, "rollback", {"words": words}, told)
    return changed


def release_rolled_back(w: Work, release_id: str, version: int, words: str) -> tuple[Release, ...]:
    """Let the champion before decide again, in place of this one; the releases that changed.

    Raises
    ------
    LifeError
        When it is not the champion that is live, none was before it, or a rule in force today forbids that one.
    """
    row = _seen(w, release_id, version)
    if not (row["state"] == LIVE and row["is_champion"]):
        raise LifeError("state", value=row["state"], advice="The champion that is live is rolled back.")
    return champion_rolled_back(w, row["market"], words)


def live_rows(w: Work, market: str) -> list[dict[str, Any]]:
    """The live releases of a market, the champion first."""
    query = sa.select(releases).where(releases.c.market == market, releases.c.state == LIVE)
    return w.rows(query.order_by(releases.c.is_champion.desc(), releases.c.bucket_from.desc()))


def deciding_rows(w: Work, market: str) -> list[dict[str, Any]]:
    """The live releases of a market, as :func:`live_rows`, each held against its acts.

    Raises
    ------
    LifeError
        When one is not what its acts on the audit led to.
    """
    rows = live_rows(w, market)
    held_to_acts(w, rows)
    return rows


def _life(release: Release) -> dict[str, Value]:
    """What its life knows of a release, as facts of regulation."""
    failed = release.fairness_failed
    # A screen is kept as its report told it, in English.
    screens = None if failed is None else tuple(Words(each, f"筛查未通过：{each}") for each in failed)
    return {
        "impact_assessed": release.state in (ASSESSED, APPROVED, LIVE, RETIRED),
        "fairness_failed": screens,
        "approved_by_others": release.approved_by_others,
    }


def _model_review_days(w: Work, model_hash: str | None) -> float | None:
    """Days since a model was last assessed with a release, or reviewed on a portfolio; None where it never was."""
    mine = releases.c.model_hash == model_hash
    ages = (
        sa.select(sa.func.max(table.c[when]).label("us"))
        .join(releases, releases.c.release_id == table.c.release_id)
        .where(mine, is_review)
        for table, when, is_review in (
            (release_acts, "ts_us", release_acts.c.act == "assess"),
            (release_reviews, "made_us", sa.true()),
        )
    )
    known = [row["us"] for row in map(w.row, ages) if row is not None and row["us"] is not None]
    return (w.now_us - max(known)) / DAY_US if known else None


def _findings(w: Work, of: Released, life: Mapping[str, Value]) -> tuple[Finding, ...]:
    day: dt.date = day_of(w.now_us)
    return strategy_findings(of.strategy, of.row["market"], day, of.model, of.register, life)


def _asked(w: Work, row: Mapping[str, Any]) -> dict[str, str]:
    """Which rules a release was held against at an act, by content; a part of the act's detail."""
    return {"regulation": regulation_version(row["market"], day_of(w.now_us))}


def _all_changed(
    w: Work,
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Release],
    versions: Mapping[str, int],
    act: str,
    detail: Mapping[str, Any],
    of_live: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Keep releases as an act leaves them, with its detail, and what is of the one alone that decides by it."""
    rows = {row["release_id"]: row for row in before}
    for each in after:
        row = rows[each.release_id]
        done, own = (act, of_live) if each.state == LIVE else ("retire", {})
        _changed(w, row, versions.get(each.release_id, row["version"]), each, done, {**detail, **own})


def _changed(
    w: Work, row: Mapping[str, Any], version: int, after: Release, act: str, detail: Mapping[str, Any]
) -> None:
    failed = after.screens_failed
    values = {
        "state": after.state, "screens_failed": None if failed is None else json.dumps(failed),
        "justified_by": after.justified_by, "approvals": json.dumps(after.approvals),
        "bucket_from": after.bucket_from, "buckets": after.buckets, "is_champion": after.is_champion,
    }  # fmt: skip
    reached = w.change(releases, row["release_id"], version, values)
    _act(w, row["release_id"], reached, act, after.state, detail)


def _act(
    w: Work,
    release_id: str,
    version: int,
    act: str,
    state: str,
    detail: Mapping[str, Any],
    *more: tuple[str, Mapping[str, Any]],
) -> None:
    done = {
        "release_id": release_id, "version": version, "ts_us": w.now_us, "actor_id": w.actor.actor_id, "act": act,
        "detail": json.dumps(detail, ensure_ascii=False), "state": state,
    }  # fmt: skip
    w.add(release_acts, done)
    held = kept(("release_act", done), *more)
    w.note(f"release.{act}", f"release:{release_id}", {"state": state, "version": version} | held)


def _documents(found: Sequence[Finding]) -> list[dict[str, Any]]:
    return [finding_document(each) for each in found]
