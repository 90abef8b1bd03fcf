"""A real Apache Kafka broker (KRaft, one node) on loopback, from its jars."""

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

POM = Path(__file__).parent / "pom.xml"
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"
START_SECONDS = 60.0

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder}/logs
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""


def jars() -> Path | None:
    """The folder of the broker's jars, fetched once; None where there is no Java, no Maven or no way to them."""
    if not (shutil.which("java") and shutil.which("mvn")):
        return None
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "limitkeeper" / "kafka"
    if not (cache / "complete").exists():
        command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime",
                   f"-DoutputDirectory={cache}"]  # fmt: skip
        if subprocess.run(command, capture_output=True, check=False, timeout=600).returncode:
            return None
        (cache / "complete").touch()
    return cache


def free_ports() -> tuple[int, int]:
    """Two ports, held at the same time so that they differ."""
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@dataclass
class Broker:
    """A broker in a folder of its own; it keeps its port and its topics over a restart."""

    folder: Path
    jars: Path
    port: int = field(init=False)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, controller = free_ports()
        text = PROPERTIES.format(port=self.port, controller=controller, folder=self.folder)
        (self.folder / "server.properties").write_text(text)
        self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", *self._properties()).wait(60)

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _properties(self) -> list[str]:
        return [str(self.folder / "server.properties")]

    def _java(self, main: str, *arguments: str) -> "subprocess.Popen[bytes]":
        command = ["java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self.jars}/*",
                   main, *arguments]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = self._java("kafka.Kafka", *self._properties())
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            try:
                AdminClient({"bootstrap.servers": self.servers, "log_level": 0}).list_topics(timeout=2)
            except KafkaException:
                time.sleep(0.2)
            else:
                return
        raise AssertionError("the broker did not start")

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it in order, or kill it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL if at_once else signal.SIGTERM)
            self.process.wait(60)
            self.process = None

    def new_topic(self, name: str, partitions: int) -> None:
        admin = AdminClient({"bootstrap.servers": self.servers})
        for future in admin.create_topics([NewTopic(name, partitions, 1)]).values():
            future.result(30)
