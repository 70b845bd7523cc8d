"""A real Apache Kafka for tests: fetched with Maven, one node on 127.0.0.1, gone with whoever started it.

::

    python tools/apache_kafka.py fetch
    python tools/apache_kafka.py run -- pytest tests/kafka

`run` sets `KAFKA_BOOTSTRAP` and `KAFKA_IS_APACHE=1` for the command; a `KAFKA_BOOTSTRAP` that is set already names an
Apache Kafka to use instead. `APACHE_KAFKA_CACHE` names where the programs are kept; without it that is `.cache/` in
the project.
"""

import asyncio
import base64
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from attrs import define, field

from user_cli.embedded import EmbeddedServerError
from user_cli.embedded.account import Account
from user_cli.embedded.kafka import broker_answers
from user_cli.embedded.process import Program, ServerProcess, free_port, start_on_free_port

__all__ = ["SERVICE", "STRANGER", "ApacheKafka", "apache_kafka", "fetch"]

VERSION: Final = "3.9.1"
SERVICE: Final = ("user-service", "service-password")
"""Name and password of the principal that may do everything, by PLAIN and by SCRAM-SHA-512."""
STRANGER: Final = ("stranger", "stranger-password")
"""Name and password of the principal that may do nothing."""

_FETCH_DEADLINE_S: Final = 600.0
_FORMAT_DEADLINE_S: Final = 60.0
_READY_DEADLINE_S: Final = 60.0
_CACHE: Final = Path(__file__).parents[1] / ".cache" / "apache-kafka" / VERSION

_POM: Final = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>apache-kafka</artifactId>
  <version>{VERSION}</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""

_LOGGING: Final = """\
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
"""

# A small heap and the quick compiler: the node starts often and lives for minutes.
_JVM: Final = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")

_PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": ",".join(
        ("CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in ("PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL")))
    ),
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "3",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "3",
    # Tests neither wait for a group to gather, nor long for a dead member.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A node that was killed may register again only once it is given up.
    "broker.heartbeat.interval.ms": "200",
    "broker.session.timeout.ms": "2000",
    # The cleaner looks often; how dirty a log must be is a setting of its topic.
    "log.cleaner.backoff.ms": "200",
    "log.segment.delete.delay.ms": "500",
}

_JAAS: Final = {
    "plain": (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        + " ".join(f'user_{name}="{password}"' for name, password in (SERVICE, STRANGER))
        + ";"
    ),
    "scram-sha-512": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
}
_SASL_PROPERTIES: Final = {
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    **{
        f"listener.name.{listener}.{mechanism}.sasl.jaas.config": config
        for listener in ("sasl_plaintext", "sasl_ssl")
        for mechanism, config in _JAAS.items()
    },
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:ANONYMOUS;User:{SERVICE[0]};User:CN={SERVICE[0]}",
}
_TLS_PROPERTIES: Final = {
    "ssl.keystore.type": "PEM",
    "ssl.truststore.type": "PEM",
    "listener.name.ssl.ssl.client.auth": "required",
}


def fetch() -> Path:
    """Give back the folder of Kafka's programs, fetched at the first time.

    Raises:
        EmbeddedServerError: Java or Maven is missing, or Maven cannot fetch them.
    """
    cache = Path(os.environ.get("APACHE_KAFKA_CACHE") or _CACHE)
    libraries = cache / "lib"
    if libraries.is_dir():
        return libraries
    maven = shutil.which("mvn")
    if maven is None:
        raise EmbeddedServerError(f"Apache Kafka {VERSION} cannot be fetched: Maven (mvn) is not installed")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        pom, unfinished = Path(name, "pom.xml"), Path(name, "lib")
        pom.write_text(_POM, encoding="utf-8")
        _run_maven(maven, pom, unfinished)
        try:
            unfinished.rename(libraries)
        except OSError:
            if not libraries.is_dir():  # else another run was quicker
                raise
    return libraries


def _run_maven(maven: str, pom: Path, target: Path) -> None:
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_FETCH_DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        detail = f"Maven is not done after {_FETCH_DEADLINE_S:g} seconds"
        raise EmbeddedServerError(f"Apache Kafka {VERSION} cannot be fetched: {detail}") from None
    if done.returncode != 0:
        said = next((line for line in done.stdout.splitlines() if "ERROR" in line), f"status {done.returncode}")
        raise EmbeddedServerError(f"Apache Kafka {VERSION} cannot be fetched: {said}")


@define
class ApacheKafka:
    """A node that answers, until it is killed.

    Args:
        bootstrap: ``host:port`` of the listener that asks nobody who they are.
        listeners: ``host:port`` of the others: SASL_PLAINTEXT and SASL_SSL, which ask by PLAIN and SCRAM-SHA-512, and
            SSL, which asks for a certificate.
    """

    bootstrap: str
    listeners: Mapping[str, str]
    _cluster: str = field(repr=False)
    _process: ServerProcess = field(repr=False)

    @property
    def sasl_bootstrap(self) -> str:
        """Return ``host:port`` of the listener SASL_PLAINTEXT."""
        return self.listeners["SASL_PLAINTEXT"]

    @property
    def pid(self) -> int:
        """Id of the node's process."""
        return self._process.pid

    async def kill(self) -> None:
        """Kill the node as a power cut does."""
        await self._process.stop()

    async def restart(self) -> None:
        """Start it again on the same data and ports, and wait until it answers.

        Raises:
            EmbeddedServerError: it does not get ready.
        """
        self._process = ServerProcess.start(self._process.program)
        port = int(self.bootstrap.rpartition(":")[2])
        await self._process.until_ready(partial(broker_answers, self._cluster, port), _READY_DEADLINE_S)


@asynccontextmanager
async def apache_kafka(
    folder: Path, *, sasl: bool = False, tls: Path | None = None, properties: Mapping[str, str] | None = None
) -> AsyncIterator[ApacheKafka]:
    """Start a node on empty data, and kill it at the end.

    Args:
        folder: an empty folder, or one to be made, for its data, settings and log.
        sasl: open another listener, where principals have to say who they are, and only `SERVICE` has rights.
        tls: open listeners with TLS; a folder with `node.pem`, the node's certificate and key, and `ca.pem`, who signs.
        properties: more settings of the node, or others than ours.

    Raises:
        EmbeddedServerError: it cannot be fetched or started.
    """
    libraries, java = await asyncio.to_thread(fetch), _java()
    _prepare(folder)
    cluster = base64.urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")
    run = (java, *_JVM, f"-Dlog4j.configuration=file:{folder}/log4j.properties", "-cp", f"{libraries}/*")
    ports = dict.fromkeys(_listeners(sasl=sasl, tls=tls is not None), 0)
    more = {**(_tls(tls) if tls else {}), **(_SASL_PROPERTIES if sasl else {}), **(properties or {})}

    def node(port: int) -> Program:
        ports.update({name: free_port() for name in ports})
        _configure(folder, ports | {"PLAINTEXT": port}, more)
        return _program("Apache Kafka", (*run, "kafka.Kafka", str(folder / "server.properties")), folder)

    node(free_port())
    await _format(run, folder, cluster, sasl=sasl)
    process, port = await start_on_free_port(node, partial(broker_answers, cluster), free_port, _READY_DEADLINE_S)
    listeners = {name: f"127.0.0.1:{number}" for name, number in ports.items()}
    broker = ApacheKafka(f"127.0.0.1:{port}", listeners, cluster, process)
    try:
        yield broker
    finally:
        await broker.kill()


def _listeners(*, sasl: bool, tls: bool) -> tuple[str, ...]:
    """Name the listeners beside the one that asks nobody."""
    wanted = {"CONTROLLER": True, "SASL_PLAINTEXT": sasl, "SSL": tls, "SASL_SSL": sasl and tls}
    return tuple(name for name, opened in wanted.items() if opened)


def _tls(folder: Path) -> dict[str, str]:
    places = {"ssl.keystore.location": folder / "node.pem", "ssl.truststore.location": folder / "ca.pem"}
    return _TLS_PROPERTIES | {name: str(path) for name, path in places.items()}


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if java is None:
        raise EmbeddedServerError("Apache Kafka cannot be started: Java is not installed")
    return java


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log4j.properties").write_text(_LOGGING, encoding="ascii")


def _configure(folder: Path, ports: Mapping[str, int], more: Mapping[str, str]) -> None:
    listeners = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
    properties = {
        **_PROPERTIES,
        "log.dirs": str(folder / "data"),
        "listeners": ",".join(listeners.values()),
        "advertised.listeners": ",".join(url for name, url in listeners.items() if name != "CONTROLLER"),
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        **more,
    }
    text = "".join(f"{name}={value}\n" for name, value in properties.items())
    (folder / "server.properties").write_text(text, encoding="ascii")


async def _format(run: tuple[str, ...], folder: Path, cluster: str, *, sasl: bool) -> None:
    users = (SERVICE, STRANGER) if sasl else ()
    scram = [f"--add-scram=SCRAM-SHA-512=[name={name},password={password}]" for name, password in users]
    command = (*run, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(folder / "server.properties"))
    process = ServerProcess.start(_program("Apache Kafka's format", (*command, *scram), folder))
    await process.finish(_FORMAT_DEADLINE_S)


def _program(name: str, command: tuple[str, ...], folder: Path) -> Program:
    return Program(
        name=name,
        command=command,
        folder=folder,
        log=folder / "kafka.log",
        account=Account(),
        # Its data is nobody's: there is nothing to write down in peace.
        ends=((signal.SIGKILL, 5.0),),
    )


async def _run(command: list[str]) -> int:
    """Run a command beside a node, or beside the one that `KAFKA_BOOTSTRAP` names, and return its exit code."""
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        return await _run_with(given, command)
    with tempfile.TemporaryDirectory(prefix="apache-kafka-") as folder:
        async with apache_kafka(Path(folder)) as broker:
            return await _run_with(broker.bootstrap, command)


async def _run_with(bootstrap: str, command: list[str]) -> int:
    environ = os.environ | {"KAFKA_BOOTSTRAP": bootstrap, "KAFKA_IS_APACHE": "1"}
    child = await asyncio.create_subprocess_exec(*command, env=environ)

    def pass_on() -> None:
        if child.returncode is None:
            child.terminate()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, pass_on)
    loop.add_signal_handler(
        signal.SIGINT, lambda: None
    )  # Ctrl-C reaches the command as well, which ends in its own way
    code = await child.wait()
    return code if code >= 0 else 128 - code


def main(arguments: list[str]) -> int:
    """Fetch Apache Kafka, or run a command beside it; return the exit code."""
    try:
        match arguments:
            case ["fetch"]:
                print(fetch())
                return 0
            case ["run", "--", *command] if command:
                return asyncio.run(_run(command))
            case _:
                print("usage: apache_kafka.py fetch | run -- COMMAND…", file=sys.stderr)
                return 64
    except EmbeddedServerError as error:
        print(f"apache_kafka.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
