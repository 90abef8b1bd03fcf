"""Strategy files: what is said of a broken one, and how a good one is published."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from limitkeeper.app.policy import market_parameters
from limitkeeper.app.strategies import (
    SCHEMA,
    LocatedProblem,
    checked_strategy,
    loaded_strategy,
    published_strategy,
    strategy_names,
    strategy_path,
    strategy_source,
)
from limitkeeper.core.kernel.columns import Columns
from limitkeeper.core.kernel.errors import PolicyError
from limitkeeper.core.strategy.account import PRODUCT_CODES
from limitkeeper.core.strategy.actions import Action, Severity, Trigger
from limitkeeper.core.strategy.proposals import hits_of
from limitkeeper.core.strategy.rule import RULES_MAX

CASES = Path(__file__).parents[2] / "cases"
GOOD = (CASES / "strategy.yaml").read_text(encoding="utf-8")
BROKEN = yaml.safe_load((CASES / "broken_strategies.yaml").read_text(encoding="utf-8"))


def problems_of(text: str, folder: Path) -> list[LocatedProblem]:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    strategy, problems = checked_strategy(path)
    assert (strategy is None) == bool(problems)
    return problems


def test_good_file_has_no_problem(tmp_path: Path) -> None:
    assert problems_of(GOOD, tmp_path) == []


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_broken_file_is_explained_with_line_and_hint(case: dict[str, Any], tmp_path: Path) -> None:
    replaced = GOOD if case["replace"] == "WHOLE FILE" else case["replace"]
    assert replaced in GOOD
    found = problems_of(GOOD.replace(replaced, case["by"], 1), tmp_path)
    fitting = [
        problem
        for problem in found
        if [problem.line, problem.column] == case["at"]
        and case["says"] in problem.problem
        and case["hint"] in str(problem)
    ]
    assert fitting, [str(problem) for problem in found]
    assert str(found[0]).startswith(f"{tmp_path / 'mine.yaml'}:{found[0].line}:{found[0].column}: ")


def test_every_problem_is_told_at_once_in_order_of_lines(tmp_path: Path) -> None:
    text = GOOD.replace("pd >= pd_high", "pdd >= pd_high").replace("limit_cents > 0", "limit_cent > 0")
    assert [problem.line for problem in problems_of(text, tmp_path)] == [15, 26]


def test_sixty_fourth_rule_is_refused(tmp_path: Path) -> None:
    start, stop = GOOD.index("  - id: risky"), GOOD.index("  - id: flagged")
    more = "".join(
        GOOD[start:stop].replace("risky", f"risky_{k}").replace("500", str(k)) for k in range(1, RULES_MAX)
    )
    text = GOOD[:stop] + more + GOOD[stop:]
    assert any("too many" in problem.problem for problem in problems_of(text, tmp_path))
    assert problems_of(GOOD[:stop] + more[: more.rindex("  - id")] + GOOD[stop:], tmp_path) == []


def test_huge_or_deep_or_undecodable_file_is_refused_quickly(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("#" * 300_000, encoding="utf-8")
    with pytest.raises(PolicyError, match="too large"):
        checked_strategy(path)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(PolicyError, match="cannot be read"):
        checked_strategy(path)
    with pytest.raises(PolicyError, match="cannot be read"):
        checked_strategy(tmp_path / "absent.yaml")
    assert "nested too deep" in problems_of("name: " + "[" * 200 + "]" * 200, tmp_path)[0].problem
    assert "nested too deep" in problems_of("name: " + "[" * 100_000, tmp_path)[0].problem


def test_loading_a_broken_file_names_every_problem(tmp_path: Path) -> None:
    problems_of(GOOD.replace("pd >= pd_high", "pdd >= pd_high"), tmp_path)
    with pytest.raises(PolicyError, match=r"mine\.yaml:15:11: There is no quantity or parameter 'pdd'"):
        loaded_strategy(tmp_path / "mine.yaml")


def test_strategy_that_is_not_there_is_answered_with_a_near_name() -> None:
    with pytest.raises(PolicyError, match="Did you mean 'standard'"):
        strategy_path("standart")


def test_hash_follows_the_content_and_not_the_layout(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    hashes = []
    for text in (
        GOOD,
        "# a remark\n" + GOOD.replace("value: 0.4", "value: 0.40"),
        GOOD.replace("0.4", "0.41"),
    ):
        path.write_text(text, encoding="utf-8")
        hashes.append(loaded_strategy(path).hash)
    assert hashes[0] == hashes[1] != hashes[2]


def test_schema_explains_every_key_and_agrees_with_the_code() -> None:
    def keys(schema: dict[str, object], path: str) -> list[str]:
        found = []
        for name, part in dict(schema.get("properties", {})).items():  # type: ignore[call-overload]
            found += [] if part.get("description") else [f"{path}.{name}"]
            found += keys(part, f"{path}.{name}")
            for inside in ("items", "additionalProperties"):
                if isinstance(part.get(inside), dict):
                    found += keys(part[inside], f"{path}.{name}")
        return found

    assert keys(SCHEMA, "strategy") == []
    rule = SCHEMA["properties"]["rules"]["items"]["properties"]
    assert SCHEMA["properties"]["rules"]["maxItems"] == RULES_MAX
    assert rule["action"]["enum"] == [action.code for action in Action]
    assert rule["severity"]["enum"] == [severity.code for severity in Severity]
    assert rule["trigger"]["enum"] == [str(trigger) for trigger in Trigger]
    assert rule["products"]["items"]["enum"] == list(PRODUCT_CODES)


@pytest.mark.parametrize("name", strategy_names())
def test_shipped_strategy_decides_the_same_compiled_and_plain_alone_and_together(name: str) -> None:
    strategy = loaded_strategy(strategy_path(name))
    parameters = market_parameters("CN", dt.date(2026, 11, 1))
    fast = published_strategy(strategy, parameters)
    plain = published_strategy(strategy, parameters, compiled=False)
    chance = np.random.default_rng(0)
    values = np.round(chance.exponential(1.0, size=(len(fast.inputs), 5_000)), 1)
    values[chance.random(values.shape) < 0.1] = np.nan
    columns = Columns(fast.inputs, values)
    before = chance.integers(0, 2 ** len(strategy.rules), 5_000)
    together = hits_of(fast, columns, before)
    assert np.array_equal(together, hits_of(plain, columns, before))
    assert together.tolist() == [
        int(hits_of(fast, columns.part(k, k + 1), before[k : k + 1])[0]) for k in range(5_000)
    ]
    assert fast.source == plain.source == published_strategy(strategy, parameters).source


def test_market_without_a_parameter_that_a_rule_reads_is_refused() -> None:
    strategy = loaded_strategy(strategy_path("standard"))
    parameters = market_parameters("CN", dt.date(2026, 11, 1))
    fewer = {name: value for name, value in parameters.values.items() if name != "hurdle_rate"}
    with pytest.raises(PolicyError, match="hurdle_rate"):
        published_strategy(strategy, type(parameters)(parameters.day, fewer, parameters.hash))


def test_generated_source_holds_nothing_of_the_descriptions(tmp_path: Path) -> None:
    text = GOOD.replace("description: Risky.", 'description: "\\n\\"\\"\\"\\nimport os"')
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    source = strategy_source(loaded_strategy(path))
    assert "import" not in source
    assert re.findall(r"^def (\w+)", source, re.MULTILINE) == ["flagged", "risky", "rules_hit", "write_hits"]
