"""The OpenAPI document completed: schemas, tags, who may call what."""

import json
from collections.abc import Mapping
from typing import Any

from limitkeeper.core.access.rights import RIGHTS
from limitkeeper.shells.api.account_view_schemas import ACCOUNT_VIEW_SCHEMAS
from limitkeeper.shells.api.answer_schemas import ANSWER_SCHEMAS
from limitkeeper.shells.api.appeal_schemas import APPEAL_SCHEMAS
from limitkeeper.shells.api.bank_schemas import BANK_SCHEMAS
from limitkeeper.shells.api.bounces import BOUNCE_SCHEMAS
from limitkeeper.shells.api.campaign_schemas import CAMPAIGN_SCHEMAS
from limitkeeper.shells.api.case_schemas import CASE_SCHEMAS
from limitkeeper.shells.api.documents import error_answers
from limitkeeper.shells.api.draft_trial_schemas import DRAFT_TRIAL_SCHEMAS
from limitkeeper.shells.api.input_schemas import INPUT_SCHEMAS
from limitkeeper.shells.api.line_schemas import LINE_SCHEMAS
from limitkeeper.shells.api.overview_schemas import OVERVIEW_SCHEMAS
from limitkeeper.shells.api.people_schemas import PEOPLE_SCHEMAS
from limitkeeper.shells.api.release_schemas import RELEASE_SCHEMAS
from limitkeeper.shells.api.rights_schemas import RIGHTS_SCHEMAS
from limitkeeper.shells.api.schemas import REFERENCE, Schema
from limitkeeper.shells.api.strategy_schemas import STRATEGY_SCHEMAS
from limitkeeper.shells.api.trace_schemas import TRACE_SCHEMAS

SCHEMAS: dict[str, Schema] = {
    **INPUT_SCHEMAS,
    **ANSWER_SCHEMAS,
    **TRACE_SCHEMAS,
    **CASE_SCHEMAS,
    **PEOPLE_SCHEMAS,
    **LINE_SCHEMAS,
    **APPEAL_SCHEMAS,
    **BOUNCE_SCHEMAS,
    **BANK_SCHEMAS,
    **CAMPAIGN_SCHEMAS,
    **RIGHTS_SCHEMAS,
    **OVERVIEW_SCHEMAS,
    **ACCOUNT_VIEW_SCHEMAS,
    **STRATEGY_SCHEMAS,
    **DRAFT_TRIAL_SCHEMAS,
    **RELEASE_SCHEMAS,
}
"""Every schema by its name."""

TAGS = [
    {"name": "overview", "description": "What comes in, what waits, and what changed since yesterday."},
    {"name": "events", "description": "What happens on lines goes in here."},
    {
        "name": "accounts",
        "description": "What is stated and known of lines, and freezes that wait for a person.",
    },
    {"name": "alerts", "description": "What was found, as a list and as it happens."},
    {
        "name": "proposals",
        "description": "What should be done to a line. Proposals are not acts, but for freezes.",
    },
    {
        "name": "cases",
        "description": "Proposals on their way through the tiers: who decides, and what was decided.",
    },
    {
        "name": "lines",
        "description": "Lines as their customers see them: limits, steps, reasons, and what they ask for.",
    },
    {"name": "appeals", "description": "What customers hold against decisions, and how they are answered."},
    {"name": "customers", "description": "How customers are written to, and what they refuse."},
    {"name": "notices", "description": "What customers were told, and whether it reached them."},
    {"name": "campaigns", "description": "One decision on many accounts."},
    {"name": "strategies", "description": "What decides, as people read it, and what the law asks of it."},
    {"name": "releases", "description": "Strategies on their way to live: every gate, and who passed it."},
    {"name": "bank", "description": "What the core banking system was told, and how it answered."},
    {
        "name": "rights",
        "description": "What persons ask for as their right, what they consent to, and counts that leave the house.",
    },
    {"name": "people", "description": "Who may come in, and do what; and everything that was done."},
    {"name": "outbox", "description": "Messages that go out, and those that nobody took."},
    {"name": "operation", "description": "The server seen from outside."},
]

BEARER = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The token of a login, or a service's key."}
}


def completed(
    document: dict[str, Any], acts: Mapping[tuple[str, str], str | None] | None = None
) -> dict[str, Any]:
    """The document of the framework with our schemas: first lines of descriptions as summaries, nothing made up.

    Parameters
    ----------
    document
        Of the framework.
    acts
        The act of each method and path; None where anybody may do anything.
    """
    document["components"] = {"schemas": SCHEMAS} | ({"securitySchemes": BEARER} if acts else {})
    tags: set[str] = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tags |= set(operation["tags"])
            _tell_who_may(operation, (acts or {}).get((method.upper(), path)))
            _complete(operation)
    document["tags"] = [tag for tag in document["tags"] if tag["name"] in tags]
    used = _schemas_used(document["paths"], set())
    document["components"]["schemas"] = {name: each for name, each in SCHEMAS.items() if name in used}
    return document


def _tell_who_may(operation: dict[str, Any], act: str | None) -> None:
    if act is None:
        return
    operation["security"] = [{"bearer": []}]
    operation["responses"] = error_answers(401, 403) | operation["responses"]
    if act:
        operation["x-act"], operation["x-roles"] = act, dict(RIGHTS[act])


def _complete(operation: dict[str, Any]) -> None:
    summary, _, rest = operation.pop("description", "").partition("\n\n")
    operation["summary"] = " ".join(summary.split())
    if rest:
        operation["description"] = rest
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        parameter["schema"] = _plain(parameter["schema"])
    if "HTTPValidationError" in str(operation["responses"].get("422")):
        del operation["responses"]["422"]
        if any(parameter["schema"].keys() - {"type", "examples"} for parameter in parameters):
            operation["responses"] |= error_answers(422)
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content in part.get("content", {}).values():
            _show(content)


def _schemas_used(part: object, known: set[str]) -> set[str]:
    """The names of the schemas that a part of the document leads to, and those that are known."""
    if isinstance(part, dict):
        name = str(part.get("$ref", "")).removeprefix(REFERENCE)
        if name in SCHEMAS and name not in known:
            known.add(name)
            _schemas_used(SCHEMAS[name], known)
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _schemas_used(each, known)
    return known


def _show(content: dict[str, Any]) -> None:
    if "x-example" in content:
        content["example"] = json.loads(content.pop("x-example"))
    for each in content.get("examples", {}).values():
        if "x-example" in each:
            each["value"] = json.loads(each.pop("x-example"))


def _plain(schema: Schema) -> Schema:
    """A parameter's schema without a title, and without null, which a query cannot hold."""
    kinds = [each for each in schema.pop("anyOf", ()) if each != {"type": "null"}]
    found: Schema = schema | (kinds[0] if kinds else {})
    return {name: what for name, what in found.items() if name not in ("title", "description")}
