"""The register of features and purposes: what is not registered, foreign, forbidden or protected is refused by name."""

import copy
import datetime as dt
from typing import Any

import pytest
import yaml

from limitkeeper.app.regulation_policy import REGISTER, regulation, shipped_register
from limitkeeper.app.strategies import checked_strategy, loaded_strategy, strategy_names, strategy_path
from limitkeeper.core.compliance.register import (
    CREDIT_RISK,
    FRAUD,
    PURPOSE_OF_TRIGGER,
    Use,
    model_uses,
    register_from_document,
    strategy_uses,
    violations,
)
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.strategy.actions import Trigger
from limitkeeper.core.strategy.vocabulary import SHARED_QUANTITIES

DOCUMENT: dict[str, Any] = yaml.safe_load(REGISTER.read_text(encoding="utf-8"))


def kinds(*uses: Use, market: str = "CN") -> list[str]:
    return [each.kind for each in violations(shipped_register(), uses, market)]


def own(name: str = "own", **fields: object) -> dict[str, Any]:
    entry = copy.deepcopy(DOCUMENT["own_transactions"]) | {"names": ["grade"], **fields}
    return {name: entry}


def test_every_name_that_a_strategy_may_use_is_registered() -> None:
    assert [name for name in SHARED_QUANTITIES if shipped_register().found(name) is None] == []


def test_no_name_is_registered_that_no_strategy_may_use() -> None:
    register = shipped_register()
    decided = {
        name for name, kind in register.class_of.items() if register.classes[kind].sensitivity != "protected"
    }
    assert decided == set(SHARED_QUANTITIES)


def test_every_trigger_has_a_purpose() -> None:
    assert set(PURPOSE_OF_TRIGGER) == set(Trigger)


def test_forbidden_markets_name_a_rule_that_there_is() -> None:
    known = {rule.id for rule in regulation()}
    assert {rule for each in shipped_register().classes.values() for rule in each.forbidden.values()} <= known


@pytest.mark.parametrize("name", strategy_names())
def test_shipped_strategies_use_what_their_markets_allow(name: str) -> None:
    strategy = loaded_strategy(strategy_path(name))
    for market in strategy.markets:
        assert list(violations(shipped_register(), strategy_uses(strategy), market)) == []


def test_unregistered_feature_is_refused_and_the_nearest_name_is_told() -> None:
    [found] = violations(shipped_register(), [Use("utilization", CREDIT_RISK, "model pd")], "CN")
    assert (found.kind, found.allowed) == ("unregistered", "Did you mean 'utilisation'?")


def test_device_count_may_find_fraud_but_assess_no_risk() -> None:
    assert kinds(Use("device_count_30d", FRAUD, "rule a")) == []
    assert kinds(Use("device_count_30d", CREDIT_RISK, "rule b")) == ["purpose_foreign"]


def test_relations_are_refused_in_the_european_union_by_the_name_of_its_rule() -> None:
    [found] = violations(shipped_register(), [Use("contagion", FRAUD, "rule a")], "EU")
    assert found.kind == "market_forbidden"
    assert "EU.ccd2_18_no_social_data" in str(found)
    assert kinds(Use("contagion", FRAUD, "rule a")) == []


@pytest.mark.parametrize("name", ["sex", "SEX", "Marital_Status", "age"])
def test_protected_attribute_is_refused_however_it_is_written(name: str) -> None:
    assert kinds(Use(name, CREDIT_RISK, "model pd")) == ["protected_attribute"]


def test_market_without_a_basis_is_refused() -> None:
    assert kinds(Use("pd", CREDIT_RISK, "rule a"), market="XX") == ["no_legal_basis"]


def test_own_columns_are_added_and_may_not_say_again_what_is_registered() -> None:
    both = shipped_register().with_own(register_from_document(own()))
    assert list(violations(both, model_uses(["grade", "utilisation"], "pd"), "CN")) == []
    assert both.hash != shipped_register().hash
    for again in (own(names=["SEX"]), own(names=["device_count_30d"]), own("relations")):
        with pytest.raises(PolicyError, match="says this already"):
            shipped_register().with_own(register_from_document(again))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"purposes": ["advertising"]}, "purpose that there is not"),
        ({"purposes": []}, "no purpose"),
        ({"basis": {"CN": "curiosity"}}, "legal basis that there is not"),
        ({"sensitivity": "secret"}, "sensitivity that there is not"),
        ({"sensitivity": "protected"}, "measure fairness only"),
        ({"retention_days": {"2002-01-01": 0}}, "retention of 'own' does not hold"),
        ({"retention_days": {"soon": 1}}, "not 'date: days'"),
        ({"basis": None}, "no mapping"),
        ({"owner": "me"}, "lacks or has too much"),
        ({"names": ["grade", "grade"]}, "registered twice"),
    ],
)
def test_register_that_does_not_hold_is_refused_with_what_is_wrong(
    fields: dict[str, object], words: str
) -> None:
    with pytest.raises(PolicyError, match=words):
        register_from_document(own(**fields))


def test_retention_is_that_of_the_day() -> None:
    found = register_from_document(own(retention_days={"2020-01-01": 10, "2026-01-01": 5})).classes["own"]
    assert (found.retained_days(dt.date(2025, 1, 1)), found.retained_days(dt.date(2026, 1, 1))) == (10, 5)
    with pytest.raises(PolicyError, match="no retention on that day"):
        found.retained_days(dt.date(2019, 1, 1))


def test_strategy_file_that_assesses_risk_by_the_hour_of_day_is_refused_at_its_rule(tmp_path) -> None:  # noqa: ANN001
    text = strategy_path("standard").read_text(encoding="utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(
        text.replace("when: pd >= pd_high", "when: pd >= pd_high and night_share_30d > 0.5"), encoding="utf-8"
    )
    strategy, problems = checked_strategy(path)
    assert strategy is None
    [found] = problems
    assert "night_share_30d" in found.problem
    assert "credit_risk" in found.problem
    assert "night_share_30d" in path.read_text(encoding="utf-8").splitlines()[found.line - 1]
