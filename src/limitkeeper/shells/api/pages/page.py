"""The page that describes every route to people: the OpenAPI document as HTML, without script or outside request."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup, escape

from limitkeeper.shells.api.schemas import REFERENCE
from limitkeeper.shells.templates import environment_of

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a browser lets the page do: show itself."""


def add_pages(application: FastAPI, home: str = "/docs") -> None:
    """Serve the page at ``/docs``, and lead from ``/`` to where people begin."""

    @application.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        """The page."""
        page = docs_html(application.openapi(), str(request.base_url))
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    @application.get("/", include_in_schema=False)
    def root() -> RedirectResponse:
        """Where people begin."""
        return RedirectResponse(home)


def docs_html(document: Mapping[str, Any], server: str) -> str:
    """The OpenAPI document as one HTML page.

    Parameters
    ----------
    document
        As ``/openapi.json`` answers it.
    server
        The address of the server, for the lines to copy.
    """
    environment = environment_of(("limitkeeper.shells.api.pages", "."), ("limitkeeper.shells.report", "."))
    environment.filters |= {"prose": prose, "pretty": pretty, "name": schema_name}
    groups = [
        (tag, [each for each in routes(document, server) if each["tag"] == tag["name"]])
        for tag in document["tags"]
    ]
    return environment.get_template("docs.html.j2").render(
        document=document, groups=groups, examples_of=examples_of
    )


def routes(document: Mapping[str, Any], server: str) -> Iterator[dict[str, Any]]:
    """Every route with its name, its tag, and a line to copy."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield {
                "id": operation["operationId"],
                "tag": operation["tags"][0],
                "method": method.upper(),
                "path": path,
                "operation": operation,
                "curl": curl_line(server, path, method, operation),
            }


def curl_line(server: str, path: str, method: str, operation: Mapping[str, Any]) -> str:
    """A line of a shell that calls a route with its first example.

    Examples
    --------
    >>> print(curl_line("http://h/", "/healthz", "get", {}))
    curl http://h/healthz
    >>> accounts = {"parameters": [{"name": "id", "in": "path", "schema": {"examples": ["a 7"]}}]}
    >>> print(curl_line("http://h", "/v1/accounts/{id}/freeze/lift", "post", accounts))
    curl -X POST http://h/v1/accounts/a%207/freeze/lift
    >>> print(curl_line("http://h", "/v1/me", "get", {"security": [{"bearer": []}]}))
    curl http://h/v1/me -H "authorization: Bearer $TOKEN"
    """
    query, headers = {}, []
    for parameter in operation.get("parameters", ()):
        example = next(iter(parameter["schema"].get("examples", ())), None)
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", quote(str(example), safe=""))
        elif parameter["in"] == "query" and example is not None:
            query[parameter["name"]] = example
        elif parameter["in"] == "header" and parameter["name"] == "If-Match":
            headers += ["-H", shlex.quote(f"if-match: {example}")]
    if query:
        path += "?" + urlencode(query)
    words = ["curl"]
    if "text/event-stream" in operation.get("responses", {}).get("200", {}).get("content", {}):
        words.append("-N")
    content = operation.get("requestBody", {}).get("content")
    if method != "get" and not content:
        words += ["-X", method.upper()]
    words.append(shlex.quote(server.rstrip("/") + path))
    if operation.get("security"):
        words += ["-H", '"authorization: Bearer $TOKEN"']
    words += headers
    if content:
        media, about = next(iter(content.items()))
        _, example = next(examples_of(about))
        body = json.dumps(example, ensure_ascii=False)
        words += ["-H", shlex.quote(f"content-type: {media}"), "\\\n  -d", shlex.quote(body)]
    return " ".join(words)


def examples_of(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The examples of a body or an answer, each with a title.

    Examples
    --------
    >>> list(examples_of({"example": 1})), list(examples_of({"examples": {"few": {"summary": "Few", "value": 2}}}))
    ([('Example', 1)], [('Few', 2)])
    """
    if "example" in content:
        yield "Example", content["example"]
    for name, each in content.get("examples", {}).items():
        yield each.get("summary", name), each["value"]


def pretty(value: object) -> str:
    """An example as it is read best: JSON indented, text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def schema_name(reference: str) -> str:
    """The name of a schema that is referred to."""
    return reference.removeprefix(REFERENCE)


def prose(text: str) -> Markup:
    """A description as paragraphs; what stands between backticks as code.

    Examples
    --------
    >>> prose("With `a<b`.")
    Markup('<p>With <code>a&lt;b</code>.</p>')
    """
    parts = (
        re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(part))) for part in text.strip().split("\n\n")
    )
    return Markup("".join(f"<p>{part}</p>" for part in parts))  # noqa: S704 - escaped above
