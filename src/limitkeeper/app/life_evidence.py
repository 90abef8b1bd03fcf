"""What a release is assessed by: its impact assessment, and a fairness report's screens."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from limitkeeper.core.compliance.life import Assessment
from limitkeeper.core.compliance.screens import blocking, screened, unmeasured, unscreened
from limitkeeper.core.kernel.errors import InputError
from limitkeeper.core.kernel.hashing import content_hash
from limitkeeper.core.kernel.parameters import Parameters

SCREENS_FAILED_MAX = 1_000
"""Screens of one report that failed."""

SCREEN_LETTERS_MAX = 500
"""Of what is said of one of them."""

FINDINGS_MAX = 20_000
"""Findings of one report."""

FINDING_FIELDS = (
    "screen",
    "attribute",
    "group",
    "value",
    "low",
    "high",
    "bound",
    "status",
    "is_certain",
    "blocks",
)
"""What is kept of a finding that did not simply pass."""


REPORT_WANTED = "what limitkeeper fairness strategy --json gives"

NOT_A_STRATEGYS = "The report is not of a strategy on a portfolio."
OF_ANOTHER = "The report is of another {names}."
NOTHING_MEASURED = "The report measures no group."
NOTHING_SCREENED = (
    "The report screens nothing of '{attribute}': too few accounts, or no group beside another."
)
NOT_MEASURED = "The report does not measure '{attribute}', as policy asks where the lender knows it."
UNVOUCHED = "The report was given as a file: nobody else has made it again, or vouched for it."
"""What a report does not show of a release."""


def text_of(path: Path) -> str:
    """The text of a file that is to be kept.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The file cannot be read: {error}.", value=path) from error


def assessment_from_text(text: str) -> Assessment:
    """The impact assessment that a YAML text holds.

    Raises
    ------
    InputError
        When a part is missing or unknown.
    """
    wanted = set(Assessment.__slots__)
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"The assessment cannot be read: {error}.") from error
    if not isinstance(found, dict) or set(found) != wanted:
        given = ", ".join(map(str, found)) if isinstance(found, dict) else found
        raise InputError("The assessment is not complete.", value=given, allowed=", ".join(sorted(wanted)))
    return Assessment(**{name: str(value or "") for name, value in found.items()})


def screen_from_text(text: str) -> dict[str, Any]:
    """The findings of a fairness report that a JSON text holds.

    Raises
    ------
    InputError
        When it is no JSON object.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(f"The screen cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise InputError("The screen is no JSON object.", allowed=REPORT_WANTED)
    return found


def checked_screen(screen: Mapping[str, Any]) -> list[str]:
    """What failed in a fairness report, which holds.

    Raises
    ------
    InputError
        When it does not say what failed, or is no report of ours.
    """
    failed = screen.get("failed")
    if not isinstance(failed, list) or not all(isinstance(each, str) for each in failed):
        raise InputError(
            "The screen says not what failed.", allowed="a list 'failed', empty where nothing did"
        )
    if len(failed) > SCREENS_FAILED_MAX or any(len(each) > SCREEN_LETTERS_MAX for each in failed):
        raise InputError(
            "The screen says too much of what failed.", value=len(failed),
            allowed=f"{SCREENS_FAILED_MAX} screens of {SCREEN_LETTERS_MAX} characters",
        )  # fmt: skip
    kind, accounts, findings = (screen.get(name) for name in ("kind", "accounts", "findings"))
    holds = (
        (kind is None or (isinstance(kind, str) and len(kind) <= SCREEN_LETTERS_MAX))
        and (accounts is None or (type(accounts) is int and 0 <= accounts < 2**53))
        and (findings is None or (isinstance(findings, list) and len(findings) <= FINDINGS_MAX))
        and all(_is_finding(each) for each in findings or ())
    )
    if not holds:
        raise InputError("The screen is no fairness report.", allowed=REPORT_WANTED)
    return failed


def screens_failed(
    screen: Mapping[str, Any], subject: Mapping[str, str], policy: Parameters
) -> tuple[str, ...]:
    """What failed in a release's fairness report: what it says, what its figures say, and what it does not show.

    A report of something else, one that measures no group, or an attribute not at all or on too few accounts, screens
    nothing: that fails too, and compliance may justify it. So nobody passes the screen by leaving it out.

    Parameters
    ----------
    screen
        As ``limitkeeper fairness strategy --json`` gives it.
    subject
        Of the release: ``strategy``, ``market`` and, where it has a model, ``model``; the first two by content.
    policy
        The screens in force; a lender's own, which the report was made by, may fail more.

    Raises
    ------
    InputError
        When it is no fairness report.
    """
    told = checked_screen(screen)
    try:
        found = screened(screen, policy)
        measured = any(part["groups"] for part in screen["attributes"])
        about = {name: screen["subject"].get(name) for name in subject}
        small, left_out = unscreened(screen, found), unmeasured(screen, policy)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError("The screen is no fairness report.", allowed=REPORT_WANTED) from error
    others = [name for name, value in subject.items() if about[name] != value]
    doubts = [
        *([NOT_A_STRATEGYS] if screen.get("kind") != "strategy" else []),
        *([OF_ANOTHER.format(names=" and ".join(others))] if others else []),
    ]
    if measured:
        doubts += [NOTHING_SCREENED.format(attribute=each) for each in small]
        doubts += [NOT_MEASURED.format(attribute=each) for each in left_out]
    else:
        doubts.append(NOTHING_MEASURED)
    return tuple(dict.fromkeys([*told, *blocking(found), *doubts]))


def kept_screen(screen: Mapping[str, Any], failed: Sequence[str]) -> dict[str, Any]:
    """What is kept of a fairness report: which it was, by content, what failed, and what did not simply pass."""
    not_passed = [
        {name: each.get(name) for name in FINDING_FIELDS}
        for each in screen.get("findings") or ()
        if each.get("status") != "passed"
    ]
    return {
        "report": content_hash(dict(screen)), "kind": screen.get("kind"), "accounts": screen.get("accounts"),
        "failed": list(failed), "not_passed": not_passed,
    }  # fmt: skip


MADE_OF = ("strategy", "model", "market", "as_of", "portfolio", "parameters", "program")
"""What a report's figures were made of, as its subject says: contents by their hashes."""

FROM_FIGURES = ("policy", "failed", "findings", "alternatives")
"""What of a report follows from its figures by the screens of a day, or was searched beside them."""


def figures_hash(report: Mapping[str, Any]) -> str:
    """The hash of a report's figures: the same whenever they are made again of the same, whatever screens are in force.

    Examples
    --------
    >>> figures_hash({"accounts": 1, "failed": []}) == figures_hash({"accounts": 1, "failed": ["sex"]})
    True
    """
    return content_hash({name: value for name, value in report.items() if name not in FROM_FIGURES})


def provenance_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a report's figures were made of, so that others can make them again; None of what it does not say.

    Examples
    --------
    >>> provenance_of({"subject": {"program": "0.1.0"}, "seed": 7})["seed"]
    7
    """
    subject, seed = report["subject"], report.get("seed")
    said = {name: subject.get(name) for name in MADE_OF}
    texts = {
        name: text if isinstance(text, str) and len(text) <= SCREEN_LETTERS_MAX else None
        for name, text in said.items()
    }
    return texts | {"seed": seed if type(seed) is int else None, "figures": figures_hash(report)}


def _is_finding(each: object) -> bool:
    if not isinstance(each, dict):
        return False
    words = (each.get(name) for name in ("screen", "attribute", "group", "status"))
    numbers = (each.get(name) for name in ("value", "low", "high", "bound"))
    truths = (each.get(name) for name in ("is_certain", "blocks"))
    return (
        all(word is None or (isinstance(word, str) and len(word) <= SCREEN_LETTERS_MAX) for word in words)
        and all(number is None or type(number) in (int, float) for number in numbers)
        and all(truth is None or isinstance(truth, bool) for truth in truths)
    )
