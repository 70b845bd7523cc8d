"""What the project can do to itself: `nox -l` lists the sessions, `nox -s lint types` runs two of them."""

from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.sessions = ["lint", "types", "directions", "openapi", "asyncapi", "migrations", "docs", "bare", "tests"]
nox.options.reuse_existing_virtualenvs = True

OPENAPI = "api-docs/openapi.yaml"
KAFKA_TESTS = ("tests/stream", "tests/kafka", "tests/chaos")


def _install(session: nox.Session) -> None:
    session.install("-q", "-r", "requirements-dev.txt")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments after `--` go to pytest."""
    _install(session)
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    _install(session)
    session.run("mypy", *session.posargs)


@nox.session
def directions(session: nox.Session) -> None:
    """Check which module may import which."""
    _install(session)
    session.run("lint-imports")


@nox.session
def openapi(session: nox.Session) -> None:
    """Fail when the committed OpenAPI document has drifted; `-- --write` brings it up to date."""
    _install(session)
    session.run("python", "-m", "user_http.openapi", *(session.posargs or ["--check"]), OPENAPI)


@nox.session
def asyncapi(session: nox.Session) -> None:
    """Fail when the schemas or the AsyncAPI document have drifted or are not valid; `-- --write` renews them."""
    _install(session)
    mode = session.posargs or ["--check"]
    session.run("python", "tools/message_schemas.py", *mode)
    session.run("python", "tools/asyncapi.py", *mode)
    session.run("python", "-m", "tools.validate_asyncapi", ".cache/asyncapi")


@nox.session
def migrations(session: nox.Session) -> None:
    """Check that no version of the schema does to tables under traffic what would stop it."""
    _install(session)
    session.run("python", "-m", "tools.migrations_lint")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site into .cache/site; a broken link, or a page that stands nowhere, fails."""
    session.install("-q", "-r", "requirements-docs.txt")
    session.run("mkdocs", *(session.posargs or ["build"]), env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def alerts(session: nox.Session) -> None:
    """Check the alert rules, and that each fires in its timeline and not in another; fetches promtool where needed."""
    session.run("python", "tools/promtool.py")


@nox.session
def catalog(session: nox.Session) -> None:
    """Build what `userctl catalog export` writes with the real EventCatalog, and look for every page; needs Node.js."""
    _install(session)
    session.run("python", "-m", "tools.event_catalog", ".cache/event-catalog")


@nox.session
def bare(session: nox.Session) -> None:
    """Install usercore alone, run its documented example, and look at what its import brings in."""
    session.run("python", "tools/bare_install.py")


@nox.session
def deploy(session: nox.Session) -> None:
    """Check what deploy/ holds, and take the steps of the image in an environment of their own."""
    _install(session)
    session.run("pytest", "-n0", "tests/deploy", *session.posargs, env={"DEPLOY": "whole"})


@nox.session
def kafka(session: nox.Session) -> None:
    """Run what speaks Kafka on a real Apache Kafka, which Maven fetches; `KAFKA_BOOTSTRAP` names one of your own."""
    _install(session)
    session.run("python", "tools/apache_kafka.py", "run", "--", "pytest", "-n0", *(session.posargs or KAFKA_TESTS))


@nox.session
def rolling(session: nox.Session) -> None:
    """Upgrade from the version before this one under load, with thousands of requests in each stage."""
    _install(session)
    session.run("pytest", "-n0", "tests/e2e/test_rolling_upgrade.py", *session.posargs, env={"ROLLING": "long"})


@nox.session
def chaos(session: nox.Session) -> None:
    """Hold the service to its promises at full length, through hundreds of kills, on a real Apache Kafka."""
    _install(session)
    arguments = session.posargs or ("tests/chaos", "tests/e2e/test_whole_life.py", "tests/e2e/test_merging.py")
    session.run("python", "tools/apache_kafka.py", "run", "--", "pytest", "-n0", *arguments, env={"CHAOS": "long"})


@nox.session
def bench(session: nox.Session) -> None:
    """Measure each case against its floor; prints a table and writes JSON."""
    _install(session)
    session.run("python", "-m", "bench", *session.posargs)


@nox.session(reuse_venv=False)
def lock(session: nox.Session) -> None:
    """Write constraints.txt anew from what the declared requirements resolve to today."""
    unpinned = Path(session.create_tmp()) / "requirements.txt"
    lines = [
        line.replace("./packages", str(Path.cwd() / "packages"))
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in Path(name).read_text(encoding="utf-8").splitlines()
        if not line.startswith(("-c", "-r"))
    ]
    unpinned.write_text("\n".join(lines), encoding="utf-8")
    session.install("-q", "-r", str(unpinned))
    frozen = session.run("pip", "freeze", "--exclude-editable", silent=True)
    header = "# The versions that the tests ran with; `nox -s lock` writes this file anew.\n"
    Path("constraints.txt").write_text(header + str(frozen).lower(), encoding="utf-8")
