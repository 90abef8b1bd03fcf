"""Every route tried by everybody: nobody, each role, a service with and without the scope."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from limitkeeper.core.access.actors import CUSTOMER, SERVICE, STAFF_ROLES
from limitkeeper.core.access.rights import ANY, OWN, RIGHTS
from limitkeeper.shells.api.access import OPEN_PATHS
from tests.workflow_server import WorkflowServer, workflow_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkflowServer]:
    folder: Path = tmp_path_factory.mktemp("matrix")
    with workflow_server(f"sqlite:///{folder}/store.db", folder) as found:
        yield found


def routes(server: WorkflowServer) -> list[tuple[str, str, str | None]]:
    """Method, path and act of every route."""
    return [
        (method.upper(), path, operation.get("x-act"))
        for path, operations in server.document["paths"].items()
        for method, operation in operations.items()
        if path not in OPEN_PATHS
    ]


def status(client: httpx.Client, method: str, path: str) -> int:
    """What a route answers to a request that names nothing that there is; the stream's body is not awaited."""
    with client.stream(method, re.sub(r"\{[^}]*\}", "nothing", path)) as answer:
        return answer.status_code


def test_nobody_passes_any_route_that_is_not_open(server: WorkflowServer) -> None:
    client = server.nobody().client
    found = {(method, path): status(client, method, path) for method, path, _ in routes(server)}
    assert len(found) > 30
    assert set(found.values()) == {401}


@pytest.mark.parametrize("role", [*STAFF_ROLES, CUSTOMER])
def test_role_passes_the_routes_of_its_acts_and_no_other(server: WorkflowServer, role: str) -> None:
    client = server.person(f"a-{role}", role, customer_id="c-1" if role == CUSTOMER else None).client
    for method, path, act in routes(server):
        if path == "/v1/logout":
            continue
        passes = status(client, method, path) not in (401, 403)
        right = ANY if act is None else RIGHTS[act].get(role)
        if right != OWN:  # where only one's own is allowed, it depends on whose the thing is
            assert passes == (right == ANY), (method, path, act)


def test_service_passes_by_its_scopes_alone(server: WorkflowServer) -> None:
    scopes = [act for act, roles in RIGHTS.items() if SERVICE in roles]
    able, one = server.service("able", *scopes).client, server.service("one", "metrics.read").client
    for method, path, act in routes(server):
        if act is not None:
            assert (status(able, method, path) != 403) == (act in scopes), (method, path, act)
            assert (status(one, method, path) != 403) == (act == "metrics.read"), (method, path, act)
