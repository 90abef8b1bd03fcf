"""What the OpenAPI page says: whole, valid, and in the code's own words."""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31

from limitkeeper.connectors.messages import EventMessage
from limitkeeper.core.behaviour.events import KINDS
from limitkeeper.core.behaviour.features import FEATURE_NAMES
from limitkeeper.core.strategy.actions import Action, Severity
from limitkeeper.engines.embedded.findings import TOLD_TOPICS, TRIGGERS
from limitkeeper.shells.api.application import DescribedApplication
from limitkeeper.shells.api.examples import NOT_AN_EVENT
from limitkeeper.shells.api.lines import AccountMessage
from limitkeeper.shells.api.openapi import SCHEMAS
from limitkeeper.shells.api.pages.page import curl_line, docs_html, examples_of

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(served: DescribedApplication) -> Document:
    return served.openapi()


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def contents(operation: Document) -> Iterator[tuple[str, Document]]:
    for status, answer in operation["responses"].items():
        for media, content in answer.get("content", {}).items():
            yield f"{status} {media}", content


def gaps(document: Document) -> list[str]:
    """What a reader of the document would miss."""
    found = []
    for name, operation in operations(document):
        if not operation.get("summary"):
            found.append(f"{name} has no summary")
        found += [
            f"{name} {status} has no content"
            for status, each in operation["responses"].items()
            if not each.get("content") and not status.startswith("3")
        ]
        for where, content in contents(operation):
            found += [f"{name} {where} has no schema"] * (not content.get("schema"))
            found += [f"{name} {where} has no example"] * (not content.keys() & {"example", "examples"})
        found += [
            f"{name}: {each['name']}"
            for each in operation.get("parameters", ())
            if not each.get("description")
        ]
    for name, schema in document["components"]["schemas"].items():
        fields = {name: schema, **schema.get("properties", {})}
        found += [
            f"{name}: {field}" for field, each in fields.items() if not each.keys() & {"description", "$ref"}
        ]
    return found


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def test_document_is_valid_openapi(document: Document) -> None:
    Draft202012Validator(OPENAPI_31).validate(document)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for _, operation in operations(document):
        for _, content in contents(operation):
            Draft202012Validator.check_schema(content["schema"])


def test_nothing_is_left_out(document: Document) -> None:
    assert gaps(document) == []


HEALTH: Callable[[Document], Document] = lambda document: document["paths"]["/healthz"]["get"]  # noqa: E731


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: HEALTH(d).pop("summary"),
        lambda d: HEALTH(d)["responses"]["200"].pop("content"),
        lambda d: HEALTH(d)["responses"]["200"]["content"]["application/json"].pop("example"),
        lambda d: HEALTH(d)["responses"]["503"]["content"]["application/json"].pop("schema"),
        lambda d: d["paths"]["/v1/alerts"]["get"]["parameters"][0].pop("description"),
        lambda d: d["components"]["schemas"]["Look"]["properties"]["rule"].pop("description"),
    ],
)
def test_what_is_left_out_is_found(document: Document, spoil: Callable[[Document], object]) -> None:
    spoilt = copy.deepcopy(document)
    spoil(spoilt)
    assert len(gaps(spoilt)) == 1


def test_every_reference_leads_to_a_schema_and_every_schema_is_used(document: Document) -> None:
    assert set(references(document)) == {f"#/components/schemas/{name}" for name in SCHEMAS}


def test_every_example_is_of_its_schema(document: Document) -> None:
    seen = 0
    for name, operation in operations(document):
        sent = operation.get("requestBody", {}).get("content", {}).items()
        for where, content in [*sent, *contents(operation)]:
            rules = Draft202012Validator({**content["schema"], "components": document["components"]})
            for _, example in examples_of(content):
                seen += 1
                for error in rules.iter_errors(example):
                    assert is_refused(example), (name, where, error)
    assert seen > 60


def is_refused(example: object) -> bool:
    """Whether an example shows on purpose what is refused."""
    return isinstance(example, list) and NOT_AN_EVENT in example


def test_enums_are_those_of_the_code(document: Document) -> None:
    schemas = document["components"]["schemas"]
    parameters = {
        each["name"]: each["schema"] for each in document["paths"]["/v1/alerts"]["get"]["parameters"]
    }
    assert schemas["AlertTrigger"]["enum"] == parameters["trigger"]["enum"] == list(TRIGGERS)
    assert schemas["Severity"]["enum"] == parameters["severity"]["enum"] == [each.code for each in Severity]
    assert schemas["AlertStatus"]["enum"] == parameters["status"]["enum"]
    assert schemas["Action"]["enum"] == [each.code for each in Action]
    assert schemas["EventKind"]["enum"] == list(KINDS)
    topics = [schemas[name]["properties"]["topic"]["enum"] for name in ("AlertMessage", "ProposalMessage")]
    assert {*topics[0], *topics[1]} == TOLD_TOPICS


def test_fields_of_bodies_are_those_that_are_decoded(document: Document) -> None:
    schemas = document["components"]["schemas"]
    for name, message in (("Event", EventMessage), ("Account", AccountMessage)):
        assert list(schemas[name]["properties"]) == [each.name for each in msgspec.structs.fields(message)]
        assert schemas[name]["additionalProperties"] is False
    assert list(schemas["Features"]["properties"]) == list(FEATURE_NAMES)


def test_page_has_every_route_and_schema_once_and_leads_nowhere_else(document: Document) -> None:
    page = docs_html(document, "http://here/")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {operation["operationId"] for _, operation in operations(document)} <= set(ids)
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= set(ids)
    leads = set(re.findall(r'(?:href|src)="([^"]+)"', page))
    assert {lead for lead in leads if not lead.startswith("#")} == {"data:,", "/openapi.json"}
    assert {lead[1:] for lead in leads if lead.startswith("#")} <= set(ids)
    assert "<script" not in page


def test_page_escapes_what_a_host_header_says(document: Document) -> None:
    page = docs_html(document, "http://<script>alert(1)</script>'; rm -rf ~/")
    assert "<script>" not in page
    line = curl_line("http://'; rm -rf ~", "/healthz", "get", {})
    assert line == """curl 'http://'"'"'; rm -rf ~/healthz'"""
