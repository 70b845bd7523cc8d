"""`userctl import`: users from files, by the rules for single users, and from where it was interrupted."""

import io
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from attrs import evolve
from pyarrow import parquet

from tests.cli.userctl import Userctl

LONG = os.environ.get("CHAOS") == "long"
HASH = "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"


@pytest.fixture
def empty(userctl: Userctl, migrated_database_url: str, tmp_path: Path) -> Userctl:
    """userctl on a database without users, and a folder without files."""
    own = {"DATABASE_URL": migrated_database_url, "USER_SERVICE_CACHE_NAMESPACE": migrated_database_url[-20:]}
    return evolve(userctl, environ=dict(userctl.environ) | own, folder=tmp_path)


def person(number: int, **fields: Any) -> dict[str, Any]:
    return {"email": f"u{number}@import.example", "firstName": "Grace", "lastName": "Hopper", **fields}


def ndjson(folder: Path, name: str, *rows: Any) -> str:
    lines = (row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    (folder / name).write_bytes(b"".join(line + b"\n" for line in lines))
    return name


def errors_in(folder: Path, name: str = "errors.ndjson") -> list[tuple[int, str, str]]:
    found = [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
    return [(one["line"], one["code"], one["pointer"]) for one in found]


def counts(**fates: int) -> dict[str, int]:
    none = dict.fromkeys(("created", "updated", "unchanged", "skipped", "failed"), 0)
    return {"rows": sum(fates.values()), **none, **fates}


MIXED = (
    person(1),
    {"email": "no address", "firstName": "", "lastName": "L"},
    b"{broken",
    person(1, firstName="Twice"),
    person(2, externalId="crm-2", passwordHash=HASH, attributes=None, status="ACTIVE", createdAt="2020-01-01"),
    b'{"email": "u3@import.example", "email": "u4@import.example", "firstName": "D", "lastName": "K"}',
    b'{"email": "u5@import.example", "firstName": "\xff", "lastName": "K"}',
    b'{"email": "u6@import.example", "firstName": "' + b"x" * 70_000 + b'"}',
    person(7, password="in the clear"),
    person(8, colour="red"),
    person(9, passwordHash="5f4dcc3b5aa765d61d8327deb882cf99"),
    [1, 2],
    b"",
    person(10, address={"city": "Zürich"}),
)
WRONG = [
    (2, "email_invalid", "/email"),
    (2, "too_short", "/firstName"),
    (3, "not_json", ""),
    (4, "email_taken", "/email"),
    (6, "duplicate_key", ""),
    (7, "invalid_utf8", ""),
    (8, "row_too_long", ""),
    (9, "password_in_clear", "/password"),
    (10, "unknown_field", ""),
    (11, "password_hash_form", "/passwordHash"),
    (12, "wrong_type", ""),
]


def test_rows_become_users_and_what_is_wrong_with_others_is_told_by_line(empty: Userctl) -> None:
    rows = ndjson(empty.folder, "mixed.ndjson", *MIXED)

    tried = empty("import", rows, "--dry-run", "--errors", "tried.ndjson", "--json")
    assert empty.json("user", "list")["items"] == []
    done = empty("import", rows, "--errors", "errors.ndjson", "--json")

    assert (done.code, done.err) == (79, "userctl: not_all_done: 10 of 13 rows have errors\n")
    found = json.loads(done.out)
    assert found["counts"] == counts(created=3, failed=10)
    assert errors_in(empty.folder) == WRONG
    assert empty.json("user", "get", "--external-id", "crm-2")["email"] == "u2@import.example"
    assert json.loads(tried.out) == {"dryRun": True, "counts": found["counts"]}
    assert errors_in(empty.folder, "tried.ndjson") == WRONG
    again = empty("import", rows, "--errors", "errors.ndjson")
    assert "was imported before" in again.err
    assert errors_in(empty.folder) == WRONG
    [listed] = empty.json("imports", "list")["items"]
    assert empty.json("imports", "show", found["id"]) == listed == found
    kept = empty.json("imports", "errors", found["id"])["items"]
    assert [(one["line"], one["code"], one["pointer"]) for one in kept] == WRONG
    assert empty.json("imports", "cancel", found["id"]) == found
    told = empty.json("audit", "show", "--action", "UsersImported")["items"]
    assert [one["fields"] for one in told] == [["COMPLETED"]]
    for text in (done.err, (empty.folder / "errors.ndjson").read_text(encoding="utf-8")):
        assert "import.example" not in text


def test_users_who_exist_are_changed_passed_over_or_refused_as_was_asked(empty: Userctl) -> None:
    header = "externalId,email,firstName,lastName,address.city,attributes.vip,birthDate\n"
    first = (
        header
        + 'crm-1,u1@import.example,Grace,"Hopper, ""Amazing""",,,1906-12-09\n'
        + "crm-2,u2@import.example,Ada,L,London,,\n"
    )
    (empty.folder / "first.csv").write_text(first, encoding="utf-8")
    second = pa.table(
        {
            "externalId": ["crm-1", "crm-2", "crm-3", None],
            "email": ["u1@import.example", "new2@import.example", "u3@import.example", "u4@import.example"],
            "firstName": ["Grace", None, "Alan", "No key"],
            "lastName": ['Hopper, "Amazing"', None, "T", "K"],
            "address.city": ["New York", None, None, None],
        }
    )
    parquet.write_table(second, empty.folder / "second.parquet")
    by = ("--by", "external-id", "--json")

    one = empty("import", "first.csv", *by)
    two = empty("import", "second.parquet", "--mode", "upsert", *by, "--quiet-events", "--errors", "errors.ndjson")
    three = empty("import", "-", "--mode", "skip", *by, stdin=json.dumps(person(9, externalId="crm-1")))

    assert json.loads(one.out)["counts"] == counts(created=2)
    assert json.loads(two.out)["counts"] == counts(created=1, updated=2, failed=1)
    assert errors_in(empty.folder) == [(4, "required", "/externalId")]
    assert json.loads(three.out)["counts"] == counts(skipped=1)
    assert three.err.startswith("import ")
    grace = empty.json("user", "get", "--external-id", "crm-1")
    assert (grace["address"]["city"], grace["birthDate"], grace["version"]) == ("New York", "1906-12-09", 2)
    assert grace["lastName"] == 'Hopper, "Amazing"'
    ada = empty.json("user", "get", "--external-id", "crm-2")
    assert (ada["email"], ada["firstName"], ada["address"]["city"]) == ("new2@import.example", "Ada", "London")
    with psycopg.connect(empty.environ["DATABASE_URL"]) as connection:
        events = connection.execute("SELECT type FROM outbox ORDER BY id").fetchall()
        mails = connection.execute("SELECT count(*) FROM deliveries WHERE recipient = 'NOTIFICATION'").fetchall()
    assert events == [("UserCreated",), ("UserCreated",), ("UsersImported",)]
    assert mails == [(0,)]


def truncated(folder: Path) -> None:
    table = pa.table({"email": [f"u{number}@import.example" for number in range(1000)]})
    parquet.write_table(table, folder / "cut.parquet")
    whole = (folder / "cut.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])


UNREADABLE: tuple[tuple[str, bytes, str], ...] = (
    ("a.csv", b"email,colour\n", "import_unreadable: the header's column 2 is not known"),
    ("b.csv", b"email,email\n", "import_unreadable: the header names a column twice"),
    ("c.csv", b"email,password\n", "import_unreadable: passwords in the clear"),
    ("d.csv", b"\xff\xfe\n", "import_unreadable: the header is not valid UTF-8"),
    ("e.csv", b"", "import_unreadable: there is no header"),
    ("f.parquet", b"no such thing", "import_unreadable: this is no Parquet file"),
    ("g.txt", b"", "usage: --format"),
)


def test_what_is_not_of_its_format_is_refused_in_one_line(empty: Userctl) -> None:
    for name, data, said in UNREADABLE:
        (empty.folder / name).write_bytes(data)
        done = empty("import", name)
        assert said in done.error
        assert done.code in {64, 65}
    truncated(empty.folder)
    assert "import_unreadable" in empty("import", "cut.parquet").error
    missing = empty("import", "missing.ndjson")
    assert (missing.code, missing.error) == (74, "userctl: file_unusable: the file that is named is not there")
    assert "Parquet is read from its end" in empty("import", "-", "--format", "parquet").error


def test_csv_rows_of_other_widths_open_quotes_and_other_encodings_are_told_by_line(empty: Userctl) -> None:
    text = io.BytesIO()
    text.write(b"\xef\xbb\xbfemail,firstName,lastName\r\n")
    text.write(b"u1@import.example,A\r\n")  # 2: too few
    text.write(b'u2@import.example,"A\nB",L\r\n')  # 3 and 4: a line break inside a name
    text.write(b"u3@import.example,\xe9,L\n")  # 5: Latin-1
    text.write(b"\n")  # 6: blank
    text.write(b"u4@import.example,'=A,L\n")  # 7: guarded against spreadsheets
    text.write(b"u5@import.example," + b"x" * 70_000 + b",L\n")  # 8
    text.write(b'u6@import.example,"A,L\n')  # 9: never closed
    text.write(b"u7@import.example,A,L")  # 10, no line end
    (empty.folder / "rows.csv").write_bytes(text.getvalue())

    done = empty("import", "rows.csv", "--errors", "errors.ndjson", "--json")

    assert json.loads(done.out)["counts"] == counts(created=2, failed=5)
    assert errors_in(empty.folder) == [
        (2, "csv_columns", ""),
        (3, "control_character", "/firstName"),
        (5, "invalid_utf8", ""),
        (8, "row_too_long", ""),
        (9, "csv_quote_open", ""),
    ]
    assert empty.json("user", "get", "--email", "u4@import.example")["firstName"] == "=A"


@contextmanager
def ended_at(empty: Userctl, rows: int, number: signal.Signals) -> Iterator[None]:
    """Send a signal to the command that comes inside as soon as an import has so many rows."""
    assert empty.zygote is not None
    children = Path(f"/proc/{empty.zygote.pid}/task/{empty.zygote.pid}/children")
    over = threading.Event()

    def watch() -> None:
        with psycopg.connect(empty.environ["DATABASE_URL"], autocommit=True) as connection:
            while not over.is_set():
                query = "SELECT COALESCE(max(created + updated + failed), 0) FROM imports WHERE state = 'RUNNING'"
                [(reached,)] = connection.execute(query).fetchall()
                if reached >= rows:
                    for child in children.read_text().split():
                        os.kill(int(child), number)
                    return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def test_a_killed_import_goes_on_and_no_row_comes_twice_or_is_lost(empty: Userctl) -> None:
    """Killed five times, and interrupted once; every tenth row is wrong, every seventh there already."""
    total, step = (200_000, 1000) if LONG else (700, 10)
    rows = [person(number, **({"firstName": ""} if number % 10 == 0 else {})) for number in range(total)]
    there = ndjson(empty.folder, "there.ndjson", *(row for row in rows[::7] if row["firstName"]))
    assert empty("import", there).code == 0
    file = ndjson(empty.folder, "rows.ndjson", *rows)
    command = ("import", file, "--mode", "skip", "--batch-rows", str(step), "--errors", "errors.ndjson")

    codes = []
    for turn in range(1, 7):
        number = signal.SIGINT if turn == 3 else signal.SIGKILL
        with ended_at(empty, total * turn // 8, number):
            codes.append(empty(*command).code)
    done = empty(*command, "--json")

    assert codes == [-9, -9, 130, -9, -9, -9]
    already, wrong = len([n for n in range(0, total, 7) if n % 10]), total // 10
    assert json.loads(done.out)["counts"] == counts(created=total - already - wrong, skipped=already, failed=wrong)
    assert [line for line, *_ in errors_in(empty.folder)] == list(range(1, total + 1, 10))
    with psycopg.connect(empty.environ["DATABASE_URL"]) as connection:
        for table in ("users", "user_history", "user_keys", "outbox"):
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall() == [(total - wrong,)]


def test_a_pipe_goes_on_with_its_id_and_the_same_bytes(empty: Userctl) -> None:
    rows = b"".join(json.dumps(person(number)).encode() + b"\n" for number in range(300))
    command = ("import", "-", "--batch-rows", "5")
    with ended_at(empty, 100, signal.SIGKILL):
        killed = empty(*command, stdin=rows)
    name = killed.err.split("--resume ")[1].split()[0]

    done = empty(*command, "--resume", name, "--json", stdin=rows)
    other = empty(*command, "--resume", name, "--mode", "skip", stdin=rows)

    assert killed.code == -9
    assert json.loads(done.out)["counts"] == counts(created=300)
    assert other.code != 0
    assert "import_ended" in other.error
