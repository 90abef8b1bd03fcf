from pathlib import Path

import pytest

from limitkeeper.connectors.kafka import KafkaSource, properties_from_file
from limitkeeper.core.kernel.errors import InputError


def test_properties_are_read_without_comments(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text("# of the bank\nsecurity.protocol = SASL_SSL\n\nsasl.password=a=b\n")
    assert properties_from_file(path) == {"security.protocol": "SASL_SSL", "sasl.password": "a=b"}


def test_line_that_is_no_property_is_named(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text("a=1\nsecret\n")
    with pytest.raises(InputError, match="line 2") as caught:
        properties_from_file(path)
    assert "secret" not in str(caught.value)


def test_servers_are_as_the_command_says_whatever_the_file_does() -> None:
    source = KafkaSource("right:9092", "events", properties={"bootstrap.servers": "wrong:9092"})
    assert source.client()["bootstrap.servers"] == "right:9092"
    assert source.dead_topic == "events.dead"
