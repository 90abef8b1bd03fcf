"""What a release did on a portfolio, in sums: hits by rule, actions, value; kept with the release."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

from limitkeeper.app.portfolio import Portfolio
from limitkeeper.app.review import Review
from limitkeeper.app.summary import strategy_figures, value_sums
from limitkeeper.core.kernel.instants import us_of
from limitkeeper.core.kernel.parameters import Parameters
from limitkeeper.core.strategy.actions import Action
from limitkeeper.store.life_tables import release_reviews
from limitkeeper.store.work import Work


def review_figures(found: Review, parameters: Parameters) -> dict[str, Any]:
    """What a strategy did on a whole portfolio, as JSON.

    Parameters
    ----------
    found
        Of every account, also those on which another release decides.
    parameters
        In force at the review.
    """
    effects = np.bincount(found.reviewed.assessment.proposals.effects, minlength=len(Action))
    value = value_sums(found.reviewed, parameters)
    return {
        "accounts": len(found.reviewed.account_ids),
        "accounts_refused": found.portfolio.rejects.height,
        "actions": {action.code: int(effects[action]) for action in Action},
        "rules": {
            rule["id"]: {"hits": rule["hits"], "decided": rule["decided"]}
            for rule in strategy_figures(found.reviewed)["rules"]
        },
        "value": {"accounts": value["accounts"], "before": value["before"], "after": value["after"]},
    }


def figures_kept(w: Work, release_id: str, portfolio: Portfolio, figures: Mapping[str, Any]) -> str:
    """Keep the figures of a release on a portfolio, once; the id of the review.

    Parameters
    ----------
    w
        Of the store that has the release.
    release_id, portfolio, figures
        Of :func:`review_figures`.
    """
    text, as_of_us = json.dumps(figures, ensure_ascii=False, sort_keys=True), us_of(portfolio.as_of)
    named = "\n".join((release_id, portfolio.name, str(as_of_us), text))
    review_id = hashlib.blake2b(named.encode(), digest_size=16).hexdigest()
    known = sa.select(release_reviews.c.review_id).where(release_reviews.c.review_id == review_id)
    if w.row(known) is None:
        w.add(release_reviews, {
            "review_id": review_id, "release_id": release_id, "portfolio": portfolio.name, "as_of_us": as_of_us,
            "made_us": w.now_us, "actor_id": w.actor.actor_id, "figures": text,
        })  # fmt: skip
        w.note("release.review", f"release:{release_id}", {"review": review_id})
    return review_id
