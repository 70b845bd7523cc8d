"""Nodes of Apache Kafka that a test may do to what it likes."""

import asyncio
from collections.abc import Iterator

import pytest

from tools.apache_kafka import ApacheKafka, apache_kafka


@pytest.fixture(scope="module")
def guarded_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """A node that wants to know who we are, and where strangers may do nothing."""
    with asyncio.Runner() as runner:
        node = apache_kafka(tmp_path_factory.mktemp("guarded"), sasl=True)
        yield runner.run(node.__aenter__())
        runner.run(node.__aexit__(None, None, None))
