"""One click to be written to no more (RFC 8058), and what services ask before they write."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.api import Api, a_core, serving
from tests.http.problems import problem_of, rules_broken
from tests.http.states import erase, put
from tests.http.tokens import bearer
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.ids import UserId
from usercore.preferences.topics import RegisterTopicCommand
from usercore.privacy.mailing.suppress import SuppressCommand
from usercore.privacy.mailing.tokens import Ticket, UnsubscribeTokens
from usercore.privacy.mailing.values import SuppressionReason
from usercore.users.values import AccountState
from usercore.wiring.core import assemble

CLICK = {"List-Unsubscribe": "One-Click"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": "multipart/form-data; boundary=xYzZY"}
PART = b'--xYzZY\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
ABSENT = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"


@pytest.fixture(autouse=True)
async def topics(api: Api) -> None:
    for topic in (
        RegisterTopicCommand("news", 'News & "<b>more</b>"', "1", subscribed_by_default=True),
        RegisterTopicCommand("offers", "Offers", "1", subscribed_by_default=True),
        RegisterTopicCommand("orders", "Orders", "1", mandatory=True, subscribed_by_default=True),
    ):
        await api.core.register_topic(topic)


async def path_of(api: Api, user: dict[str, Any], topic: str | None = "news") -> str:
    tokens = UnsubscribeTokens(api.core.ports.keyed)
    return f"/v1/unsubscribe/{await tokens.write(Ticket(UserId(user['id']), topic))}"


async def subscribed(api: Api, user: dict[str, Any]) -> dict[str, bool]:
    body = (await api.client.get(f"/v1/users/{user['id']}/email-preferences")).json()
    return {name: held["subscribed"] for name, held in body["topics"].items()}


def anonymous(api: Api) -> httpx.AsyncClient:
    """Give a client as mail software is one: it knows nobody's token."""
    api.client.headers.pop("authorization", None)
    return api.client


async def click(api: Api, path: str) -> httpx.Response:
    token = api.client.headers["authorization"]
    response = await anonymous(api).post(path, data=CLICK)
    api.client.headers["authorization"] = token
    return response


async def test_one_click_leaves_the_topic_without_token_cookie_or_redirect(api: Api) -> None:
    user = await api.create()
    path = await path_of(api, user)

    first = await click(api, path)
    again = await click(api, path)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert not {"set-cookie", "location", "refresh"} & set(first.headers)
    assert await subscribed(api, user) == {"news": False, "offers": True, "orders": True}
    body = (await api.client.get(f"/v1/users/{user['id']}/email-preferences")).json()
    assert (body["version"], body["topics"]["news"]["source"]) == (2, "one-click")
    history = (await api.client.get(f"/v1/users/{user['id']}/history")).json()["items"]
    assert history[0]["actor"] == {"kind": "USER", "id": user["id"]}


async def test_a_link_may_leave_all_topics_that_can_be_left(api: Api) -> None:
    user = await api.create()
    assert (await click(api, await path_of(api, user, None))).status_code == 200
    assert await subscribed(api, user) == {"news": False, "offers": False, "orders": True}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"List-Unsubscribe=One-Click", FORM),
        (b"List%2DUnsubscribe=One%2dClick", FORM | {"content-type": f"{FORM['content-type']}; charset=UTF-8"}),
        (PART + b"--xYzZY--\r\n", MULTIPART),
        (PART + b"--xYzZY--", {"content-type": 'multipart/form-data; boundary="xYzZY"'}),
        (
            PART.replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n", 1) + b"--xYzZY--\r\n",
            {"content-type": "Multipart/Form-Data; Boundary=xYzZY"},
        ),
    ],
)
async def test_a_click_may_come_in_either_form_that_the_rfc_names(
    api: Api, body: bytes, headers: dict[str, str]
) -> None:
    user = await api.create()
    path = await path_of(api, user)
    response = await api.client.post(path, content=body, headers=headers)
    assert response.status_code == 200, response.text
    assert (await subscribed(api, user))["news"] is False


MALFORMED = {
    "no equals sign": (b"List-Unsubscribe", FORM),
    "an empty pair": (b"List-Unsubscribe=One-Click&", FORM),
    "a bad escape": (b"List-Unsubscribe=One%2", FORM),
    "NUL": (b"List-Unsubscribe=One-Click%00", FORM),
    "invalid UTF-8": (b"List-Unsubscribe=%ff", FORM),
    "a lone surrogate": (b"List-Unsubscribe=%ed%a0%80", FORM),
    "no boundary": (PART + b"--xYzZY--", {"content-type": "multipart/form-data"}),
    "a boundary too long": (PART + b"--xYzZY--", {"content-type": f"multipart/form-data; boundary={'x' * 71}"}),
    "two boundaries": (PART + b"--xYzZY--", {"content-type": f"{MULTIPART['content-type']}; boundary=a"}),
    "another parameter": (PART + b"--xYzZY--", {"content-type": f"{MULTIPART['content-type']}; charset=utf-8"}),
    "another boundary": (PART + b"--xYzZY--", {"content-type": "multipart/form-data; boundary=xYzZZ"}),
    "no end": (PART, MULTIPART),
    "nothing": (b"", MULTIPART),
    "no part": (b"--xYzZY--\r\n", MULTIPART),
    "text before": (b"hello\r\n" + PART + b"--xYzZY--\r\n", MULTIPART),
    "text behind": (PART + b"--xYzZY--\r\nhello", MULTIPART),
    "line feeds alone": (PART.replace(b"\r\n", b"\n") + b"--xYzZY--\n", MULTIPART),
    "a part without headers": (b"--xYzZY\r\n\r\nOne-Click\r\n--xYzZY--\r\n", MULTIPART),
    "a part without a name": (
        b"--xYzZY\r\nContent-Disposition: form-data\r\n\r\nOne-Click\r\n--xYzZY--\r\n",
        MULTIPART,
    ),
    "a file": (PART.replace(b'Unsubscribe"', b'Unsubscribe"; filename="x"') + b"--xYzZY--\r\n", MULTIPART),
    "a part that is no text": (
        PART.replace(b"\r\n\r\n", b"\r\nContent-Type: text/html\r\n\r\n", 1) + b"--xYzZY--\r\n",
        MULTIPART,
    ),
    "a part of another encoding": (
        PART.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1) + b"--xYzZY--\r\n",
        MULTIPART,
    ),
    "a part with invalid UTF-8": (PART.replace(b"One-Click", b"\xff") + b"--xYzZY--\r\n", MULTIPART),
    "a part with NUL": (PART.replace(b"One-Click", b"\x00") + b"--xYzZY--\r\n", MULTIPART),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_form_is_refused_and_changes_nothing(api: Api, case: str) -> None:
    user = await api.create()
    path = await path_of(api, user)
    body, headers = MALFORMED[case]
    before = api.footprint()
    response = await api.client.post(path, content=body, headers=headers)
    if case == "no part":
        assert rules_broken(problem_of(response, 422, "body_invalid")) == {("/List-Unsubscribe", "not_allowed")}
    else:
        assert rules_broken(problem_of(response, 400, "body_malformed")) == {("", "not_a_form")}
    assert api.footprint() == before


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", ("/List-Unsubscribe", "not_allowed")),
        (b"List-Unsubscribe=one-click", ("/List-Unsubscribe", "not_allowed")),
        (b"List-Unsubscribe=One-Click+", ("/List-Unsubscribe", "not_allowed")),
        (b"list-unsubscribe=One-Click", ("", "unknown_field")),
        (b"List-Unsubscribe=One-Click&canary=1", ("", "unknown_field")),
        (b"List-Unsubscribe=One-Click&List-Unsubscribe=One-Click", ("/List-Unsubscribe", "repeated_field")),
    ],
)
async def test_anything_but_the_one_click_is_refused_and_changes_nothing(
    api: Api, body: bytes, rule: tuple[str, str]
) -> None:
    user = await api.create()
    path = await path_of(api, user)
    before = api.footprint()
    response = await api.client.post(path, content=body, headers=FORM)
    assert rules_broken(problem_of(response, 422, "body_invalid")) == {rule}
    assert "canary" not in response.text
    assert api.footprint() == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json"},
        {"content-type": "text/plain"},
        {"content-type": f"{FORM['content-type']}; charset=latin-1"},
        {"content-type": f"{FORM['content-type']}, application/json"},
        FORM | {"content-encoding": "gzip"},
        MULTIPART | {"content-encoding": "gzip"},
    ],
)
async def test_another_media_type_is_refused(api: Api, headers: dict[str, str]) -> None:
    user = await api.create()
    path = await path_of(api, user)
    before = api.footprint()
    response = await api.client.post(path, content=b"List-Unsubscribe=One-Click", headers=headers)
    problem_of(response, 415, "content_type_unsupported")
    assert api.footprint() == before


async def test_a_large_form_is_refused(api: Api) -> None:
    user = await api.create()
    path = await path_of(api, user)
    response = await api.client.post(path, content=b"List-Unsubscribe=" + b"x" * 4096, headers=FORM)
    problem_of(response, 413, "body_too_large")


@pytest.mark.parametrize("query", ["List-Unsubscribe=One-Click", "x=1", "%"])
async def test_a_query_is_refused(api: Api, query: str) -> None:
    path = await path_of(api, await api.create())
    for method in ("GET", "POST"):
        response = await api.client.request(method, f"{path}?{query}", data=CLICK if method == "POST" else None)
        problem_of(response, 400, "query_malformed")


class Page(HTMLParser):
    """Takes a page apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


async def test_looking_at_a_link_changes_nothing_and_shows_a_form_that_does(api: Api) -> None:
    user = await api.create()
    path = await path_of(api, user)
    before = api.footprint()

    response = await anonymous(api).get(path, headers={"accept": "text/html"})

    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert api.footprint() == before
    page = Page(response.text)
    assert [attributes for tag, attributes in page.tags if tag == "form"] == [{"method": "post"}]
    fields = {str(one["name"]): str(one["value"]) for tag, one in page.tags if tag == "input"}
    assert fields == CLICK
    assert (await api.client.post(path, data=fields)).status_code == 200


async def test_the_pages_load_nothing_run_nothing_and_tell_nobody_their_address(api: Api) -> None:
    path = await path_of(api, await api.create())
    for response in (await api.client.get(path), await click(api, path)):
        tags = {tag for tag, _ in Page(response.text).tags}
        assert not tags & {"script", "link", "img", "iframe", "a"}
        assert not re.findall(r"(?:https?:)?//", response.text)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"


async def test_what_the_operator_called_a_topic_is_shown_as_text(api: Api) -> None:
    response = await api.client.get(await path_of(api, await api.create()))
    assert "News &amp; &quot;&lt;b&gt;more&lt;/b&gt;&quot;" in response.text


async def test_a_page_says_nothing_of_the_user(api: Api) -> None:
    user = await api.create(firstName="Canary")
    path = await path_of(api, user)
    for response in (await api.client.get(path), await click(api, path)):
        for told in (user["id"], user["email"], "Canary"):
            assert told not in response.text


def wrong_tokens(right: str) -> list[str]:
    changed = [right[:-1], right + "A", "B" + right[1:], right[:30] + "____" + right[34:]]
    return [*changed, "A" * 44, "x", "a" * 5000, "é", "%00"]


async def test_a_wrong_token_is_answered_the_same_however_it_is_wrong(api: Api) -> None:
    user = await api.create()
    right = (await path_of(api, user)).rpartition("/")[2]
    before = api.footprint()
    answers = set()
    for token in wrong_tokens(right):
        for method in ("GET", "POST"):
            data = CLICK if method == "POST" else None
            response = await api.client.request(
                method, f"/v1/unsubscribe/{token}", data=data, headers={"x-request-id": "same"}
            )
            problem_of(response, 404, "unsubscribe_token_invalid")
            answers.add(response.content)
    assert len(answers) == 1
    assert api.footprint() == before


@pytest.mark.parametrize("state", [AccountState.ERASED, AccountState.DEACTIVATED, AccountState.MERGED, None])
async def test_a_right_token_is_answered_the_same_whatever_became_of_the_user(
    api: Api, state: AccountState | None
) -> None:
    user, other = await api.create(), await api.create()
    path = await path_of(api, user)
    if state is AccountState.ERASED:
        erase(api.database, user["id"])
    elif state is not None:
        put(api.database, user["id"], state)
    response = await click(api, path)
    plain = await click(api, await path_of(api, other))
    assert (response.status_code, response.content) == (plain.status_code, plain.content)
    nobody = await click(api, await path_of(api, {"id": ABSENT}))
    assert (nobody.status_code, nobody.content) == (plain.status_code, plain.content)


async def test_a_token_stands_in_no_metric_and_no_header(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    path = await path_of(api, await api.create())
    response = await click(api, path)
    token = path.rpartition("/")[2]
    assert token not in api.metrics.scrape().decode()
    assert token not in str(response.headers)
    captured = capsys.readouterr()
    assert token not in captured.out + captured.err
    assert token not in response.text


# What services ask.


async def headers_of(api: Api, user: dict[str, Any], topic: str = "news") -> dict[str, Any]:
    response = await api.client.get(
        f"/v1/users/{user['id']}/email-preferences/unsubscribe-headers", params={"topic": topic}
    )
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def test_services_ask_before_they_write_and_get_the_headers(tmp_path: Path) -> None:
    core = assemble(a_core().ports, public_url="https://users.example.com")
    async with serving(tmp_path, core=core) as api:
        await core.register_topic(RegisterTopicCommand("news", "News", "1", subscribed_by_default=True))
        user = await api.create()

        body = await headers_of(api, user)

        link = body["headers"]["List-Unsubscribe"]
        assert body == {
            "userId": user["id"],
            "topic": "news",
            "allowed": True,
            "refusal": None,
            "headers": {"List-Unsubscribe": link, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        }
        assert link.startswith("<https://users.example.com/v1/unsubscribe/")
        assert link.endswith(">")
        path = link.removeprefix("<https://users.example.com").removesuffix(">")
        assert (await click(api, path)).status_code == 200
        after = await headers_of(api, user)
        assert (after["allowed"], after["refusal"]) == (False, "NOT_SUBSCRIBED")


async def test_mail_of_the_contract_may_be_sent_and_has_no_headers(api: Api) -> None:
    body = await headers_of(api, await api.create(), "orders")
    assert (body["allowed"], body["refusal"], body["headers"]) == (True, None, None)


async def test_without_a_url_of_ours_there_are_no_headers(api: Api) -> None:
    body = await headers_of(api, await api.create())
    assert (body["allowed"], body["headers"]) == (True, None)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "query_malformed"),
        ("topic=", "query_malformed"),
        ("topic=canary", "query_invalid"),
        ("topic=news&topic=news", "query_malformed"),
        (f"topic={'x' * 51}", "query_malformed"),
        ("topic=news&x=1", "query_malformed"),
    ],
)
async def test_one_registered_topic_must_be_named(api: Api, query: str, code: str) -> None:
    user = await api.create()
    response = await api.client.get(f"/v1/users/{user['id']}/email-preferences/unsubscribe-headers?{query}")
    problem_of(response, 400, code)
    assert "canary" not in response.text


async def test_whether_an_address_is_suppressed_is_told_to_those_who_manage_privacy(api: Api) -> None:
    context = CommandContext(SYSTEM, correlation_id="test")
    await api.core.suppress(SuppressCommand("Grace@Example.com", SuppressionReason.BOUNCE, "gateway"), context)
    manages = bearer("privacy:manage")
    response = await api.client.post("/v1/suppressions/check", json={"email": "grace@example.com"}, headers=manages)
    body = response.json()
    assert body["suppressed"] is True
    assert [(one["reason"], one["source"]) for one in body["reasons"]] == [("BOUNCE", "gateway")]
    response = await api.client.post("/v1/suppressions/check", json={"email": "ada@example.com"}, headers=manages)
    assert response.json() == {"suppressed": False, "reasons": []}
    response = await api.client.post("/v1/suppressions/check", json={"email": "canary"}, headers=manages)
    assert rules_broken(problem_of(response, 422, "suppression_invalid")) == {("/email", "email_invalid")}
    assert "canary" not in response.text
