"""Strategies: read from YAML, checked with line and column, published as compiled code."""

import datetime as dt
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import numba

from limitkeeper import CACHE_FOLDER
from limitkeeper.app.policy import POLICY, market_parameters, markets, parameters_from_files, reason_wording
from limitkeeper.app.regulation_policy import shipped_register
from limitkeeper.app.strategy_document import FILE_BYTES_MAX, DocumentError, LocatedDocument, located_document
from limitkeeper.core.compliance.register import UNREGISTERED, strategy_uses, violations
from limitkeeper.core.kernel.compiled import compiled as compiled_kernel
from limitkeeper.core.kernel.errors import PolicyError, did_you_mean
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.kernel.parameters import Parameter, Parameters
from limitkeeper.core.strategy.contradictions import Problem
from limitkeeper.core.strategy.definition import (
    Strategy,
    constants_in_force,
    step_terms,
    strategy_from_document,
)
from limitkeeper.core.strategy.proposals import PublishedStrategy
from limitkeeper.core.strategy.source import generated_source

FOLDER = POLICY / "strategies"
SCHEMA = json.loads(
    (files("limitkeeper.policy") / "strategies" / "strategy.schema.json").read_text(encoding="utf-8")
)

STRUCTURE = jsonschema.Draft202012Validator(SCHEMA)

PROBLEMS_MAX = 1_000
"""Problems of structure that are looked for: a text of brackets has one a letter, and nobody reads them all."""

TEXTS_KNOWN_MAX = 16
"""Texts whose strategies are kept in mind: a server tells of the same few again and again."""


@dataclass(frozen=True, slots=True)
class LocatedProblem:
    """A problem of a strategy file and where it is, lines and columns from 1."""

    file: str
    line: int
    column: int
    problem: str
    value: str | None
    allowed: str | None
    advice: str | None

    def __str__(self) -> str:
        """``file:line:column: problem``, then what was given, what was allowed, and advice."""
        return f"{self.file}:{self.line}:{self.column}: " + str(
            PolicyError(self.problem, value=self.value, allowed=self.allowed, advice=self.advice)
        )


def strategy_names() -> tuple[str, ...]:
    """The shipped strategies."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def strategy_path(name_or_file: str) -> Path:
    """The file of a shipped strategy, or the file that is named.

    Raises
    ------
    PolicyError
        When it is neither.
    """
    if name_or_file in strategy_names():
        return FOLDER / f"{name_or_file}.yaml"
    if not Path(name_or_file).is_file():
        raise PolicyError(
            "There is no such strategy.",
            value=name_or_file,
            allowed=f"a file, or one of {', '.join(strategy_names())}",
            advice=did_you_mean(name_or_file, strategy_names()),
        )
    return Path(name_or_file)


@cache
def known_market_parameters() -> Mapping[str, Parameter]:
    """Every dated parameter that a market has, by name."""
    folder = POLICY / "parameters"
    paths = [*sorted(folder.glob("*.yaml")), *sorted((folder / "markets").glob("*.yaml"))]
    return parameters_from_files(paths)


@cache
def market_parameter_units() -> Mapping[str, str]:
    """Name and unit of every dated parameter that a market has."""
    return {name: parameter.unit for name, parameter in known_market_parameters().items()}


def checked_strategy(path: Path) -> tuple[Strategy | None, list[LocatedProblem]]:
    """The strategy that a file holds, or every problem that it has, in order of lines.

    Raises
    ------
    PolicyError
        When the file cannot be read at all.
    """
    return checked_text(_text_of(path), str(path))


def _text_of(path: Path) -> str:
    try:
        _check_size(path.stat().st_size)
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"The strategy file cannot be read: {error}.", value=path) from error


def checked_text(text: str, name: str) -> tuple[Strategy | None, list[LocatedProblem]]:
    """The strategy that a text holds, or every problem that it has; ``name`` is where it was read.

    Of a text that is not even structured as a strategy no more than :data:`PROBLEMS_MAX` are found.

    Raises
    ------
    PolicyError
        When it is too large to be read.
    """
    _check_size(len(text.encode()))
    try:
        document = located_document(text)
    except DocumentError as error:
        place = (error.line, error.column)
        return None, [
            LocatedProblem(
                name, *place, error.problem, _text(error.value), _text(error.allowed), error.advice
            )
        ]
    errors = STRUCTURE.iter_errors(document.content)
    found = (problem for error in errors for problem in _structure_problems(error))
    problems = list(islice(found, PROBLEMS_MAX))
    strategy = None
    if not problems:
        strategy, problems = strategy_from_document(
            document.content, market_parameter_units(), reason_wording("en").keys()
        )
    if strategy is not None:
        problems = [*_market_problems(strategy), *_register_problems(strategy)]
        strategy = None if problems else strategy
    return strategy, sorted(
        (_located(problem, document, name) for problem in problems),
        key=lambda found: (found.line, found.column),
    )


def loaded_strategy(path: Path) -> Strategy:
    """The strategy that a file holds.

    Raises
    ------
    PolicyError
        When it has a problem; the message names each with its line.
    """
    return strategy_from_text(_text_of(path), str(path))


@lru_cache(maxsize=TEXTS_KNOWN_MAX)
def strategy_from_text(text: str, name: str) -> Strategy:
    """The strategy that a text holds; ``name`` is where it was read. The last ones are kept in mind.

    Raises
    ------
    PolicyError
        When it has a problem; the message names each with its line.
    """
    return _held(*checked_text(text, name))


def _check_size(size: int) -> None:
    if size > FILE_BYTES_MAX:
        raise PolicyError("The strategy file is too large.", value=f"{size} bytes", allowed=FILE_BYTES_MAX)


def _held(strategy: Strategy | None, problems: list[LocatedProblem]) -> Strategy:
    if strategy is None:
        raise PolicyError("The strategy does not hold.\n" + "\n".join(str(problem) for problem in problems))
    return strategy


def published_strategy(
    strategy: Strategy, parameters: Parameters, *, compiled: bool = True
) -> PublishedStrategy:
    """A strategy ready to run under the parameters in force.

    The generated source is kept in the user's cache folder under its hash, so that numba finds its compiled
    form at the next start.

    Parameters
    ----------
    strategy
        From :func:`loaded_strategy`.
    parameters
        Of the market, on the day.
    compiled
        Whether to compile for many rows; False starts at once and runs the same source as plain Python.

    Raises
    ------
    PolicyError
        When the market lacks a parameter that a rule reads.
    """
    constants = constants_in_force(strategy, parameters.values)
    source = generated_source(strategy, constants)
    write_hits = _compiled_rules(strategy, source) if compiled else None
    terms = step_terms(strategy, parameters.values)
    return PublishedStrategy(strategy, constants, terms, source, run_source(source)["rules_hit"], write_hits)


def strategy_source(strategy: Strategy) -> str:
    """The source that a strategy's rules compile to, under the newest parameters of its first market."""
    parameters = market_parameters(strategy.markets[0], dt.date.max)
    return generated_source(strategy, constants_in_force(strategy, parameters.values))


def run_source(source: str, path: Path | None = None) -> dict[str, Any]:
    """The names that a source of :mod:`limitkeeper.core.strategy.source` defines."""
    module = ModuleType(path.stem if path else "strategy")
    if path:
        sys.modules[module.__name__] = module  # numba looks a cached function's module up by name
    # The text is run, not the file: who can write the cache folder cannot slip in another rule.
    exec(compile(source, str(path or "<strategy>"), "exec"), module.__dict__)  # noqa: S102 - from checked trees
    return module.__dict__


def _compiled_rules(strategy: Strategy, source: str) -> Callable[..., None]:
    """The kernel over columns of a generated source, which is kept in the cache folder under its hash."""
    path = CACHE_FOLDER / "strategies" / f"strategy_{content_hash(source).removeprefix('sha256:')[:32]}.py"
    _write_once(path, source)
    names = run_source(source, path)
    for rule in strategy.rules:
        names[rule.id] = numba.njit(inline="always")(names[rule.id])  # inlined: half the time to compile
    kernel: Callable[..., None] = compiled_kernel(names["write_hits"])
    return kernel


def _write_once(path: Path, text: str) -> None:
    """Write a file whole or not at all, and leave it alone where it says the same: numba trusts its time."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)


def _market_problems(strategy: Strategy) -> list[Problem]:
    """Markets that are unknown or lack a parameter that a rule reads."""
    problems = []
    for index, market in enumerate(strategy.markets):
        if market not in markets():
            problems.append(
                Problem(
                    ("markets", index),
                    "There are no parameters for this market.",
                    market,
                    ", ".join(markets()),
                    did_you_mean(market, markets()),
                )
            )
            continue
        folder = POLICY / "parameters"
        held = parameters_from_files([*sorted(folder.glob("*.yaml")), folder / "markets" / f"{market}.yaml"])
        problems += [
            Problem(("markets", index), f"The market has no parameter '{name}', which a rule reads.", market)
            for name in strategy.market_names
            if name not in held
        ]
    return problems


def _register_problems(strategy: Strategy) -> list[Problem]:
    """Uses that the register refuses in a market of the strategy; a lender's own inputs are held against his own."""
    inputs = set(strategy.document.get("inputs", {}))
    place_of = {f"rule {entry['id']}": index for index, entry in enumerate(strategy.document["rules"])}
    found = {
        (violation.use.name, violation.use.where, violation.kind): violation
        for market in strategy.markets
        for violation in violations(shipped_register(), strategy_uses(strategy), market)
        if not (violation.kind == UNREGISTERED and violation.use.name in inputs)
    }
    return [
        Problem(
            ("rules", place_of[violation.use.where], "when"), str(violation), violation.use.name, violation.allowed,
            "See limitkeeper regulation check.",
        )
        for violation in found.values()
    ]  # fmt: skip


def _structure_problems(error: jsonschema.ValidationError) -> Iterator[Problem]:
    """A violation of the schema in our words."""
    path = tuple(error.absolute_path)
    given: Any = error.instance
    wanted: Any = error.validator_value
    schema: Any = error.schema
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        for name in (key for key in given if key not in known):
            advice = did_you_mean(name, known)
            yield Problem((*path, name), "This key is unknown.", name, ", ".join(known), advice, at_key=True)
    elif error.validator == "required":
        missing = error.message.split("'")[1]
        about = schema["properties"][missing]["description"]
        yield Problem(path, f"The key '{missing}' is missing.", advice=f"It is: {about}")
    elif error.validator == "enum":
        values = [str(value) for value in wanted]
        advice = did_you_mean(str(given), values)
        yield Problem(path, "This is none of the values allowed.", given, ", ".join(values), advice)
    else:
        yield _value_problem(error, path, given, wanted)


def _value_problem(
    error: jsonschema.ValidationError, path: tuple[str | int, ...], given: object, wanted: object
) -> Problem:
    meaning = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    advice = f"It is: {meaning}" if meaning else None
    words = {
        "type": ("This is of another type.", f"{wanted}"),
        "minimum": ("This is too low.", f"{wanted} or more"),
        "exclusiveMinimum": ("This is too low.", f"more than {wanted}"),
        "maximum": ("This is too high.", f"{wanted} or less"),
        "multipleOf": ("This is no whole multiple.", f"multiples of {wanted}"),
        "pattern": ("This name is not of the form wanted.", "lower-case letters, digits and _, a letter first"
                    if path and path[-1] != "version" else "letters, digits, . _ -"),
        "minItems": ("There are too few.", f"{wanted} or more"),
        "maxItems": ("There are too many.", f"{wanted} or fewer"),
        "uniqueItems": ("One is named twice.", "each once"),
        "minLength": ("This is empty.", "some text"),
        "maxLength": ("This is too long.", f"{wanted} characters or fewer"),
        "maxProperties": ("There are too many.", f"{wanted} or fewer"),
        "minProperties": ("There is nothing here.", "one or more"),
    }  # fmt: skip
    if "propertyNames" in error.absolute_schema_path:
        path, advice = (*path, str(given)), None
    problem, allowed = words.get(str(error.validator), (error.message, None))
    return Problem(
        path, problem, given, allowed, advice, at_key="propertyNames" in error.absolute_schema_path
    )


def _located(problem: Problem, document: LocatedDocument, name: str) -> LocatedProblem:
    line, column = document.place(problem.path, problem.offset, at_key=problem.at_key)
    return LocatedProblem(
        name, line, column, problem.problem, _text(problem.value), problem.allowed, problem.advice
    )


def _text(value: object) -> str | None:
    text = None if value is None else str(value)
    return text if text is None or len(text) <= 120 else f"{text[:117]}..."  # noqa: PLR2004 - one line to read
