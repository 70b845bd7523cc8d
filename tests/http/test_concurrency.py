"""Many callers at once: no update is lost, and one user has an email."""

import asyncio

from tests.http.api import Api
from tests.http.problems import problem_of


async def test_fifty_patches_with_one_tag_make_one_version(lane_api: Api) -> None:
    user = await lane_api.create()
    path = f"/v1/users/{user['id']}"
    answers = await asyncio.gather(
        *(lane_api.client.patch(path, json={"firstName": f"Name{n}"}, headers={"If-Match": '"1"'}) for n in range(50))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 49
    [winner] = [answer for answer in answers if answer.status_code == 200]
    assert (await lane_api.client.get(path)).content == winner.content


async def test_one_email_has_one_user_however_it_is_written(lane_api: Api) -> None:
    variants = ["ada@example.com", "ADA@example.com", "Ada@EXAMPLE.com", " ada@example.com ", "ada@Example.Com"] * 20
    answers = await asyncio.gather(
        *(
            lane_api.client.post("/v1/users", json={"email": email, "firstName": "Ada", "lastName": "L"})
            for email in variants
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 99
    for answer in answers:
        if answer.status_code == 409:
            problem_of(answer, 409, "email_taken")
