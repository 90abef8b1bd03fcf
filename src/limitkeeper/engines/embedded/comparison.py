"""An account against its own past and its peers, in the features that tell most."""

import math
from collections.abc import Mapping
from typing import Any

from limitkeeper.core.behaviour.events import DAY_US
from limitkeeper.core.behaviour.features import FEATURES
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.core.kernel.missing import missing_document
from limitkeeper.core.kernel.quantity import Quantity
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.engines.embedded.engine import Engine
from limitkeeper.engines.embedded.portrait import features_as_of
from limitkeeper.engines.embedded.sample import COMPARED, QUANTILES, Sample

PAST_DAYS = (30, 90)

QUANTILE_NAMES = tuple(f"p{round(100 * share)}" for share in QUANTILES)

PRODUCTS = {int(code): name for name, code in PRODUCT_CODES.items()}

QUANTITIES: Mapping[str, Quantity] = {each.name: each for each in FEATURES}

Features = Mapping[str, float | None]


def comparison(engine: Engine, account_id: str, as_of_us: int, sample: Sample) -> dict[str, Any] | None:
    """An account's telling features now, 30 and 90 days ago, and among its product's; None where there is none such.

    Parameters
    ----------
    engine
        Asked in its own thread; nothing is changed.
    as_of_us
        UTC microseconds.
    sample
        Of the accounts that it is compared with.
    """
    place = engine.state.number(account_id)
    now = features_as_of(engine, account_id, as_of_us, as_of_us)
    if place is None or now is None:
        return None
    product = int(engine.state.shards[place[0]].standing.products[place[1]])
    peers, quantiles = sample.peers[product]
    past = [features_as_of(engine, account_id, as_of_us - days * DAY_US, as_of_us) for days in PAST_DAYS]
    reasons = [missing_past(each) for each in past]
    return {
        "account_id": account_id,
        "as_of": instant_text(as_of_us),
        "product": PRODUCTS[product],
        "peers": {"accounts": peers, "as_of": instant_text(sample.as_of_us)},
        "past": [
            {
                "days": days,
                "at": instant_text(as_of_us - days * DAY_US),
                "missing": None if reason is None else missing_document(reason),
            }
            for days, reason in zip(PAST_DAYS, reasons, strict=True)
        ],
        "features": [
            {
                "name": name,
                "unit": QUANTITIES[name].unit,
                "label": QUANTITIES[name].description,
                "label_zh": QUANTITIES[name].description_zh,
                "now": now[name],
                **{
                    f"days_{days}_ago": None if reason or known is None else known[name]
                    for days, known, reason in zip(PAST_DAYS, past, reasons, strict=True)
                },
                "peers": _quantiles(row),
            }
            for name, row in zip(COMPARED, quantiles.tolist(), strict=True)
        ],
    }


def missing_past(features: Features | None) -> str | None:
    """Why features as of a time say nothing, None where they do.

    Examples
    --------
    >>> missing_past(None), missing_past({"days_since_opened": None, "window_bounded": 0.0})
    ('too_long_ago', 'not_opened')
    """
    if features is None:
        return "too_long_ago"
    if features["days_since_opened"] is None:
        return "not_opened"
    return "too_many_events" if features["window_bounded"] else None


def _quantiles(row: list[float]) -> dict[str, float] | None:
    if any(map(math.isnan, row)):
        return None
    return dict(zip(QUANTILE_NAMES, row, strict=True))
