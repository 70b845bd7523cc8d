"""`userctl catalog export`: every message of the registry is in it, nothing leads nowhere, nothing is lost."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import frozen

from tests.cli.userctl import Userctl
from tests.messages import is_valid
from user_cli.event_catalog.folder import MANIFEST, Brought, bring_up
from user_cli.event_catalog.messages import Message
from user_cli.event_catalog.specifications import asyncapi_document
from user_cli.event_catalog.texts import page, prose
from user_cli.event_catalog.tree import SERVICE, Choice, catalog_files
from user_cli.exits import exit_code
from user_cli.failures import FilesForeignError, FileUnusableError
from usercore.codec.messages.contracts import Contract
from usercore.codec.messages.registry import PUBLISHED, RECEIVED, REPLIES
from usercore.codec.messages.values import MessageKind
from usercore.delivery.topics import OURS

API = Path(__file__).parents[2] / "api-docs"
REPLY_CHANNEL = "user-service.replies"
LINK = re.compile(r"\[\[(\w+)\|([^\]]+)\]\]")
VIEWED = re.compile(r'<SchemaViewer file="([^"]+)"')


@frozen
class Page:
    """A page of the catalogue."""

    place: str
    front: dict[str, Any]
    body: str

    @property
    def folder(self) -> str:
        return self.place.rpartition("/")[0]


def read_page(place: str, content: bytes) -> Page:
    _, front, body = content.decode().split("---\n", 2)
    return Page(place, yaml.safe_load(front), body)


def pages_of(files: dict[str, bytes]) -> dict[tuple[str, str], Page]:
    """Give each page by the sort of thing that it is about, and its id."""
    found = {}
    for place, content in files.items():
        if place.endswith(".mdx"):
            one = read_page(place, content)
            sort = place.split("/")[-3 if place.endswith("index.mdx") else -2]
            assert (sort, one.front["id"]) not in found
            found[sort, one.front["id"]] = one
    return found


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return catalog_files(asyncapi_document(), b"openapi: 3.1.0\n", Choice("2.4.0"))


@pytest.fixture(scope="module")
def pages(files: dict[str, bytes]) -> dict[tuple[str, str], Page]:
    return pages_of(files)


def sort_of(contract: Contract) -> str:
    return {MessageKind.COMMAND: "commands", MessageKind.QUERY: "queries"}.get(contract.kind, "events")


@pytest.mark.parametrize("contract", [*RECEIVED, *PUBLISHED], ids=lambda one: one.name)
def test_every_message_has_a_page_with_its_version_schema_and_example(
    contract: Contract, files: dict[str, bytes], pages: dict[tuple[str, str], Page]
) -> None:
    found = pages[sort_of(contract), contract.name]
    assert found.front["version"] == contract.version
    assert found.front["summary"] == " ".join((contract.shape.__doc__ or "").split())
    shown = {MessageKind.STATE, MessageKind.REPLY} & {contract.kind}
    assert {badge["content"].lower() for badge in found.front.get("badges", ())} == shown
    schema = files[f"{found.folder}/schema.json"]
    assert schema == (API / "schemas" / contract.name / f"{contract.version}.json").read_bytes()
    examples = [
        json.loads(content) for place, content in files.items() if place.startswith(f"{found.folder}/examples/")
    ]
    assert examples == [contract.example]
    assert is_valid(json.loads(schema), examples[0])
    of_others = contract.kind is MessageKind.EVENT and contract in RECEIVED
    assert found.front.get("owners") == (None if of_others else ["user-service"])
    assert found.folder.startswith(f"services/{SERVICE}/") is not of_others


def test_the_service_sends_and_receives_what_the_registry_says_in_the_topics_it_says(
    pages: dict[tuple[str, str], Page],
) -> None:
    service = pages["services", SERVICE].front
    assert service["version"] == "2.4.0"
    answers = {name for names in REPLIES.values() for name in names}
    received = {one["id"]: [way["id"] for way in one["from"]] for one in service["receives"]}
    sent = {one["id"]: [way["id"] for way in one["to"]] for one in service["sends"]}
    assert received == {one.name: [one.topic] for one in RECEIVED}
    assert sent.pop("DeadLetter") == ["user-service.dead-letter"]
    assert sent == {
        one.name: [place for place in (one.topic, REPLY_CHANNEL if one.name in answers else None) if place]
        for one in PUBLISHED
    }
    versions = {one["id"]: one["version"] for one in (*service["receives"], *service["sends"])}
    expected = {one.name: one.version for one in (*RECEIVED, *PUBLISHED)}
    assert {name: versions[name] for name in expected} == expected


def test_every_topic_is_a_channel_with_its_address(pages: dict[tuple[str, str], Page]) -> None:
    channels = {name: one.front for (sort, name), one in pages.items() if sort == "channels"}
    assert {one.get("address") for one in channels.values()} == {*OURS, None}
    assert {name for name, one in channels.items() if one.get("address") != name} == {REPLY_CHANNEL}
    assert {(*one["protocols"], one["deliveryGuarantee"]) for one in channels.values()} == {("kafka", "at-least-once")}


@pytest.mark.parametrize("choice", [Choice("2.4.0"), Choice("2.4.0", "identity-team", own=True)], ids=["all", "own"])
def test_nothing_leads_nowhere(choice: Choice) -> None:
    files = catalog_files(asyncapi_document(), b"", choice)
    pages = pages_of(files)
    sorts = {"service": "services", "channel": "channels", "query": "queries", "command": "commands", "event": "events"}
    elsewhere = {one.name for one in RECEIVED if one.kind is MessageKind.EVENT} if choice.own else set()
    for one in pages.values():
        links = LINK.findall(one.body)
        assert [link for link in links if (sorts[link[0]], link[1]) not in pages] == []
        named = [*VIEWED.findall(one.body), *(schema["file"] for schema in one.front.get("schemas", ()))]
        named += [specification["path"] for specification in one.front.get("specifications", ())]
        assert [name for name in named if f"{one.folder}/{name}" not in files] == []
        for owner in one.front.get("owners", ()):
            assert (("teams", owner) in pages) is (choice.owner is None)
        for pointer in one.front.get("receives", []) + one.front.get("sends", []):
            if pointer["id"] in elsewhere:
                assert "version" not in pointer
                continue
            assert [sort for sort in ("commands", "queries", "events") if (sort, pointer["id"]) in pages] != []
            assert all(("channels", way["id"]) in pages for way in pointer.get("from", pointer.get("to")))
    assert {name for _, name in pages} & elsewhere == set()
    assert (("domains", "Users") in pages) is not choice.own


def test_the_same_version_writes_the_same_bytes_and_asyncapi_is_the_committed_one(files: dict[str, bytes]) -> None:
    assert catalog_files(asyncapi_document(), b"openapi: 3.1.0\n", Choice("2.4.0")) == files
    assert files[f"services/{SERVICE}/asyncapi.yaml"] == (API / "asyncapi.yaml").read_bytes()


def test_what_mdx_would_run_is_text_and_code_stays_code() -> None:
    assert prose("a {b} <c> `{d} <e>`") == "a &#123;b&#125; &lt;c> `{d} <e>`"
    assert page({"id": "x", "none": None, "empty": []}, "one", "", "two\n") == b"---\nid: x\n---\n\none\n\ntwo\n"


def test_a_message_of_others_is_theirs_and_a_command_to_us_is_ours() -> None:
    def told(name: str, kind: MessageKind) -> Message:
        return Message(name, kind, "1.0.0", (), schema=None, closed=None)

    assert told("OrderPlaced", MessageKind.EVENT).foreign
    assert not told("CreateUser", MessageKind.COMMAND).foreign
    assert not told("UserCreated", MessageKind.EVENT).foreign


def test_a_folder_follows_and_what_somebody_else_wrote_stays(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    assert bring_up(folder, {"a/one.mdx": b"1", "b.mdx": b"2"}, force=False) == Brought(2, 2, 0)
    assert bring_up(folder, {"a/one.mdx": b"1", "b.mdx": b"2"}, force=False) == Brought(2, 0, 0)
    (folder / "theirs.mdx").write_bytes(b"theirs")
    assert bring_up(folder, {"b.mdx": b"3"}, force=False) == Brought(1, 1, 1)
    assert sorted(one.name for one in folder.iterdir()) == [MANIFEST, "b.mdx", "theirs.mdx"]

    for place, mine in (("theirs.mdx", {"b.mdx": b"4", "theirs.mdx": b"mine"}), ("b.mdx", {"b.mdx": b"5"})):
        (folder / "b.mdx").write_bytes(b"edited" if place == "b.mdx" else b"3")
        before = {one.name: one.read_bytes() for one in folder.iterdir()}
        with pytest.raises(FilesForeignError, match=place):
            bring_up(folder, mine, force=False)
        assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert bring_up(folder, {"b.mdx": b"5", "theirs.mdx": b"mine"}, force=True) == Brought(2, 2, 0)
    assert (folder / "theirs.mdx").read_bytes() == b"mine"


def test_a_list_of_files_that_leads_out_of_the_folder_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"x")
    folder = tmp_path / "catalog"
    folder.mkdir()
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    (folder / MANIFEST).write_text(json.dumps({"files": {"../precious": digest}}), encoding="utf-8")
    bring_up(folder, {"b.mdx": b"2"}, force=True)
    assert (tmp_path / "precious").exists()
    with pytest.raises(FileUnusableError):
        bring_up(tmp_path / "precious", {"b.mdx": b"2"}, force=True)


def test_the_command_writes_a_catalogue_and_loses_nothing_that_was_there(alone: Userctl) -> None:
    (alone.folder / "catalog").mkdir()
    (alone.folder / "catalog" / "eventcatalog.config.js").write_text("theirs", encoding="utf-8")
    for wrong in (("--version", "latest"), ("--owner", "a b")):
        assert alone("catalog", "export", "catalog", *wrong).code == 64
    made = alone.json("catalog", "export", "catalog", "--version", "2.4.0")
    assert (made["folder"], made["written"], made["removed"]) == ("catalog", made["files"], 0)
    service = alone.folder / "catalog" / "services" / SERVICE
    assert (service / "openapi.yaml").read_bytes() == (API / "openapi.yaml").read_bytes()
    assert read_page("index.mdx", (service / "index.mdx").read_bytes()).front["version"] == "2.4.0"
    assert (alone.folder / "catalog" / "eventcatalog.config.js").read_text(encoding="utf-8") == "theirs"
    assert exit_code(FilesForeignError) == 79
