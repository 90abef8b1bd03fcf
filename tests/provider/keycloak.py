"""A real Keycloak on loopback: a provider of OpenID Connect as banks run it."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.broker.kafka import free_ports

POM = Path(__file__).parent / "pom.xml"
START_SECONDS = 240.0
REALM = "lender"
CLIENT, SECRET = "limitkeeper", "a-secret-of-a-client-that-is-none"
PASSWORD = "correct horse battery"  # noqa: S105 - of people that are none


def distribution() -> Path | None:
    """Keycloak's archive, fetched once; None where there is no Java, no Maven or no way to it."""
    if not (shutil.which("java") and shutil.which("mvn")):
        return None
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "limitkeeper" / "keycloak"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if not (cache / "complete").exists():
            command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DexcludeTransitive=true",
                       f"-DoutputDirectory={cache}"]  # fmt: skip
            if subprocess.run(command, capture_output=True, check=False, timeout=600).returncode:
                return None
            (cache / "complete").touch()
    return next(cache.glob("keycloak-*.zip"), None)


def _mapper(name: str, kind: str, claim: str, **more: str) -> dict[str, object]:
    config = {"claim.name": claim, "id.token.claim": "true", "jsonType.label": "String", **more}
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config}


def _user(name: str, *groups: str, **attributes: str) -> dict[str, object]:
    return {
        "username": name, "enabled": True, "emailVerified": True, "email": f"{name}@lender.test",
        "firstName": name, "lastName": "Lender", "groups": [f"/{group}" for group in groups],
        "attributes": {key: [value] for key, value in attributes.items()},
        "credentials": [{"type": "password", "value": PASSWORD}],
    }  # fmt: skip


REALM_FILE = {
    "realm": REALM, "enabled": True, "sslRequired": "none",
    "groups": [{"name": name} for name in ("risk-team", "committee", "choir")],
    "clients": [
        {"clientId": CLIENT, "secret": SECRET, "publicClient": False, "standardFlowEnabled": True,
         "redirectUris": ["http://127.0.0.1:*"],
         "attributes": {"pkce.code.challenge.method": "S256"},
         "protocolMappers": [
             _mapper("groups", "oidc-group-membership-mapper", "groups", **{"full.path": "false"}),
             _mapper("customer", "oidc-usermodel-attribute-mapper", "customer_id",
                     **{"user.attribute": "customer_id"}),
         ]},
    ],
    "users": [_user("ann", "risk-team", "choir"), _user("mia", "committee"), _user("carl", "choir"),
              _user("kim", customer_id="c-1")],
    # Attributes that the realm's profile does not name are kept where administrators write them.
    "components": {"org.keycloak.userprofile.UserProfileProvider": [{
        "providerId": "declarative-user-profile",
        "config": {"kc.user.profile.config": [json.dumps({
            "attributes": [{"name": name} for name in ("username", "email", "firstName", "lastName")],
            "unmanagedAttributePolicy": "ADMIN_EDIT",
        })]},
    }]},
}  # fmt: skip


@dataclass
class Keycloak:
    """A Keycloak in a folder of its own, with a realm of people."""

    folder: Path
    archive: Path
    port: int = field(init=False)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        with zipfile.ZipFile(self.archive) as packed:
            packed.extractall(self.folder)
        (self.home,) = self.folder.glob("keycloak-*")
        (self.home / "data" / "import").mkdir(parents=True)
        (self.home / "data" / "import" / "realm.json").write_text(json.dumps(REALM_FILE))
        self.port, _ = free_ports()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        return f"{self.address}/realms/{REALM}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = ["sh", str(self.home / "bin" / "kc.sh"), "start-dev", "--db=dev-mem", "--import-realm",
                   "--http-host=127.0.0.1", f"--http-port={self.port}"]  # fmt: skip
        more = {"JAVA_OPTS_APPEND": "-Xmx512m -XX:TieredStopAtLevel=1"}
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **more}, start_new_session=True
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            try:
                if httpx.get(f"{self.issuer}/.well-known/openid-configuration").is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
        raise AssertionError("Keycloak did not start")

    def stop(self) -> None:
        """Stop it, with the shell that started it; its folder is large and is not kept."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(60)
        shutil.rmtree(self.home)
