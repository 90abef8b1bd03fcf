"""The names that a rule may use."""

from limitkeeper.core.behaviour.change import CHANGE_QUANTITIES
from limitkeeper.core.behaviour.features import FEATURES
from limitkeeper.core.relations.quantities import RELATION_QUANTITIES
from limitkeeper.core.strategy.account import ACCOUNT_QUANTITIES
from limitkeeper.core.strategy.contradictions import RESERVED
from limitkeeper.core.strategy.steps import STEP_INPUTS
from limitkeeper.core.strategy.vocabulary import SCORE_NAMES, SHARED_QUANTITIES
from limitkeeper.core.value.quantities import QUANTITIES


def test_no_name_means_two_things() -> None:
    groups = (FEATURES, CHANGE_QUANTITIES, RELATION_QUANTITIES, QUANTITIES, ACCOUNT_QUANTITIES)
    assert len(SHARED_QUANTITIES) == sum(len(group) for group in groups)
    assert not RESERVED & set(SHARED_QUANTITIES)


def test_every_name_is_explained_in_both_languages_and_says_when_it_is_missing() -> None:
    for quantity in SHARED_QUANTITIES.values():
        assert quantity.description
        assert quantity.description_zh
        assert quantity.unit
        assert quantity.missing


def test_steps_read_only_names_that_exist() -> None:
    assert set(STEP_INPUTS) <= set(SHARED_QUANTITIES)


def test_names_that_follow_from_the_score_exist() -> None:
    assert set(SHARED_QUANTITIES) >= SCORE_NAMES >= {"pd", "points", "raroc"}
