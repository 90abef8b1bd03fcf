"""The whole application, with every route that a server has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from limitkeeper.app.approval_policy import approval_policy
from limitkeeper.app.decisions import effects
from limitkeeper.app.notice_policy import notice_policy
from limitkeeper.app.oidc_login import Mapped, OidcLogins
from limitkeeper.connectors.oidc import Client, Provider
from limitkeeper.shells.api.application import DescribedApplication, application
from limitkeeper.shells.feeds.workflow import Workflow
from tests.live_engines import engine
from tests.workflow_server import SEAL


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DescribedApplication]:
    folder: Path = tmp_path_factory.mktemp("documents")
    work = engine(f"sqlite:///{folder}/store.db", folder)
    oidc = OidcLogins(Provider(Client("https://login.lender.test", "limitkeeper", "s", "https://limits.lender.test/")),
                      Mapped({}, "groups", "sub", None))  # fmt: skip
    workflow = Workflow(approval_policy(), effects(SEAL, notice_policy("CN")), SEAL, {}, oidc)
    yield application(work, workflow)
    work.stop()
