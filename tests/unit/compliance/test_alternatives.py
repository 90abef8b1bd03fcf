"""Alternatives: the group that is hit most, and the best of those that pass."""

import numpy as np
import pytest
from numpy.typing import NDArray

from limitkeeper.core.compliance.alternatives import AS_IT_IS, THRESHOLD, alternative, trade_off
from limitkeeper.core.compliance.groups import Attribute, attribute_of

ROWS = 1_200
SEX = attribute_of("sex", ["f" if k % 2 else "m" for k in range(ROWS)])
AGE = attribute_of("age", ["old" if k % 3 else "young" for k in range(ROWS - 10)] + ["few"] * 10)


def hits(attribute: Attribute, group: str, every: int) -> NDArray[np.bool_]:
    """Every so many-th account of a group is touched."""
    inside = np.flatnonzero(attribute.codes == attribute.groups.index(group))
    touched = np.zeros(ROWS, np.bool_)
    touched[inside[::every]] = True
    return touched


def test_the_group_that_is_hit_most_over_all_attributes_is_told() -> None:
    found = alternative(THRESHOLD, "x 1 → 2", 5.0, hits(AGE, "young", 2), [SEX, AGE])
    assert (found["attribute"], found["group"]) == ("age", "young")
    assert found["adverse_impact_ratio"]["value"] == pytest.approx(0.5, abs=0.01)
    assert found["adverse_impact_ratio"]["low"] < 0.5 < found["adverse_impact_ratio"]["high"]


def test_group_of_few_accounts_is_left_out_and_nothing_touched_is_a_ratio_of_one() -> None:
    found = alternative(AS_IT_IS, "", 5.0, hits(AGE, "few", 1), [AGE])
    assert found["adverse_impact_ratio"]["value"] == 1.0
    assert found["group"] == ""


def test_best_is_the_most_worth_of_those_that_pass_and_none_where_none_does() -> None:
    fair, unfair = np.zeros(ROWS, np.bool_), hits(SEX, "f", 2)
    tried = [
        alternative(AS_IT_IS, "", 9.0, unfair, [SEX]),
        alternative(THRESHOLD, "a", 5.0, fair, [SEX]),
        alternative(THRESHOLD, "b", 7.0, fair, [SEX]),
    ]
    found = trade_off("auc", tried, 0.8)
    assert (found["best"], found["already_passes"]) == (2, False)
    assert trade_off("auc", tried[:1], 0.8)["best"] is None
