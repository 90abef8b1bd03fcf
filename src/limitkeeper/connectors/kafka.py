"""Events from an Apache Kafka topic, from offsets that are kept elsewhere; and messages to one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limitkeeper.core.kernel.errors import InputError, LimitkeeperError

BATCH_MESSAGES = 16_384
"""Messages taken at once."""

QUEUED_KILOBYTES = 65_536
"""What the client fetches ahead, in all."""

RECONNECT_MS = 1_000
"""Between attempts to reach a broker that is away, at most."""

SEND_SECONDS = 10.0
"""A message that the broker has not confirmed by then has failed."""

DEAD_SUFFIX = ".dead"
"""Messages that could not be applied go to the topic of this name behind the topic's own."""


class BrokerError(LimitkeeperError):
    """A broker that does not take or give messages."""


@dataclass(frozen=True, slots=True)
class KafkaSource:
    """Where events come from.

    Parameters
    ----------
    servers
        ``host:port``, several with commas.
    topic, group
        What is read, and as whom.
    properties
        Of the client, such as for TLS and SASL; from a file, since they hold secrets.
    """

    servers: str
    topic: str
    group: str = "limitkeeper"
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def dead_topic(self) -> str:
        """Where messages go that could not be applied."""
        return self.topic + DEAD_SUFFIX

    def client(self) -> dict[str, Any]:
        """What every client of it is set up with."""
        return {
            "log_level": 3,
            "reconnect.backoff.max.ms": RECONNECT_MS,
            **self.properties,
            "bootstrap.servers": self.servers,
        }


def properties_from_file(path: Path) -> dict[str, str]:
    """The properties of a file with ``name=value`` lines; ``#`` begins a comment.

    Raises
    ------
    InputError
        When it cannot be read, or a line is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The file of properties cannot be read: {error}.", value=path) from error
    found = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError("A line is no property.", value=f"{path}, line {number}", allowed="name=value")
        found[name.strip()] = value.strip()
    return found


def _library() -> Any:  # noqa: ANN401 - a module
    try:
        import confluent_kafka
    except ImportError as error:
        raise InputError(
            "Kafka needs a package that is not installed.", advice="pip install 'limitkeeper[kafka]'"
        ) from error
    return confluent_kafka


Place = tuple[int, int]
"""Partition and offset of a message."""


class KafkaReader:
    """A member of a consumer group that begins each partition where it is told to.

    Parameters
    ----------
    source
        Topic and group.
    member
        Who it is in the group, the same after a restart: so a server that was killed gets its partitions back at
        once, and not when the group has given up on it.
    next_offsets
        The next offset of each partition, asked whenever partitions are assigned; one that it does not name is
        read from its beginning.
    settled
        Called before partitions are given up or taken: whatever was read must be written, or given up, by its
        return.
    """

    def __init__(
        self,
        source: KafkaSource,
        member: str,
        next_offsets: Callable[[], Mapping[int, int]],
        settled: Callable[[], None],
    ) -> None:
        library = _library()
        self.source, self.next_offsets, self.settled = source, next_offsets, settled
        self._begin, self._position = library.OFFSET_BEGINNING, library.TopicPartition
        self._failure = library.KafkaException
        self.partitions: frozenset[int] = frozenset()
        self._consumer = library.Consumer(
            source.client()
            | {
                "group.id": source.group,
                "group.instance.id": member,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "queued.max.messages.kbytes": QUEUED_KILOBYTES,
                "allow.auto.create.topics": False,
            }
        )
        self._consumer.subscribe(
            [source.topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    def _assigned(self, consumer: Any, partitions: list[Any]) -> None:  # noqa: ANN401 - the library's
        self.settled()
        known = self.next_offsets()
        for each in partitions:
            each.offset = known.get(each.partition, self._begin)
        consumer.assign(partitions)
        self.partitions = frozenset(each.partition for each in partitions)

    def _revoked(self, consumer: Any, _partitions: list[Any]) -> None:  # noqa: ANN401 - the library's
        self.settled()
        consumer.unassign()
        self.partitions = frozenset()

    def messages(self, seconds: float) -> list[tuple[Place, bytes]]:
        """What came, at most after so many seconds, in the order of each partition; an empty body is ``b""``.

        Raises
        ------
        BrokerError
            When the broker says that it cannot go on, as where there is no such topic.
        """
        found, problem = list[tuple[Place, bytes]](), None
        for message in self._consumer.consume(BATCH_MESSAGES, seconds):
            if message.error() is None:
                found.append(((message.partition(), message.offset()), message.value() or b""))
            else:
                problem = message.error().str()
        if problem and not found:  # beside messages it waits: the broker says it again
            raise BrokerError(f"The broker gives no messages: {problem}.", value=self.source.topic)
        return found

    def tell_offsets(self, offsets: Mapping[int, int]) -> None:
        """Let the broker know how far it is, for those who watch the group; nothing depends on it."""
        positions = [self._position(self.source.topic, part, offset) for part, offset in offsets.items()]
        try:
            self._consumer.commit(offsets=positions, asynchronous=True)
        except self._failure:
            return

    def waiting_messages(self) -> int:
        """How many messages of its partitions are not read yet, as far as the client knows."""
        waiting = 0
        for each in self._consumer.position(
            [self._position(self.source.topic, part) for part in sorted(self.partitions)]
        ):
            low, high = self._consumer.get_watermark_offsets(each, cached=True)
            if high > 0:
                waiting += max(high - max(each.offset, low, 0), 0)
        return waiting

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


class KafkaWriter:
    """Sends messages to a topic, each confirmed by all replicas, none twice by a retry of its own."""

    def __init__(self, source: KafkaSource) -> None:
        library = _library()
        self._failure = library.KafkaException
        self._producer = library.Producer(
            source.client() | {"enable.idempotence": True, "message.timeout.ms": int(SEND_SECONDS * 1_000)}
        )

    def send(self, topic: str, key: str, content: bytes) -> None:
        """Send one message, and wait until it is confirmed.

        Raises
        ------
        BrokerError
            When it is not.
        """
        problems: list[str] = []

        def confirmed(error: Any, _message: object) -> None:  # noqa: ANN401 - the library's
            problems.append("" if error is None else error.str())

        try:
            self._producer.produce(topic, content, key, on_delivery=confirmed)
            self._producer.flush(2 * SEND_SECONDS)
        except (self._failure, BufferError) as error:
            raise BrokerError(f"The broker takes no message: {error}.", value=topic) from error
        if problems != [""]:
            raise BrokerError(
                f"The broker takes no message: {''.join(problems) or 'no answer'}.", value=topic
            )
