"""Every route has a rule, and the rules are those of the matrix."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.decisions import effects
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.core.access.rights import RIGHTS
from limitkeeper.shells.api.access import OPEN_PATHS
from limitkeeper.shells.api.application import DescribedApplication, application
from limitkeeper.shells.feeds.workflow import Workflow
from tests.live_engines import engine
from tests.workflow_server import SEAL


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DescribedApplication]:
    folder: Path = tmp_path_factory.mktemp("access")
    running = engine(f"sqlite:///{folder}/store.db", folder)
    workflow = Workflow(approval_policy(), effects(SEAL, notice_policy("CN")), SEAL, {})
    yield application(running, workflow)
    running.stop()


def test_no_route_is_without_a_rule(app: DescribedApplication) -> None:
    free = {path for (_, path), act in app.acts.items() if act is None}
    assert free == OPEN_PATHS


def test_every_right_that_routes_ask_for_is_in_the_matrix(app: DescribedApplication) -> None:
    told = {(method.upper(), path) for path, each in app.openapi()["paths"].items() for method in each}
    assert told <= app.acts.keys()
    assert {act for act in app.acts.values() if act} <= RIGHTS.keys()
