"""Users made for tests."""

from itertools import count
from typing import Any

from tests.e2e.harness.wire import Client

_numbers = count(1)


def new_user(**more: object) -> dict[str, Any]:
    """Return the body of a create, with an address that no other has."""
    number = next(_numbers)
    return {"email": f"person{number}@mail.example", "firstName": "Grace", "lastName": f"Hopper{number}", **more}


async def create(client: Client, **more: object) -> dict[str, Any]:
    """Create a user and return the profile."""
    answer = await client.post("/v1/users", new_user(**more))
    assert answer.status == 201, answer.body
    profile: dict[str, Any] = answer.json()
    return profile
