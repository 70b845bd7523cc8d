"""A copy that is told to stop says so first, finishes what it accepted, and leaves the rest to the other one."""

import asyncio
import signal
from collections import Counter

from attrs import define, field

from tests.e2e.harness.copies import Copy, World, running_copies
from tests.e2e.harness.people import create, new_user
from tests.e2e.harness.rows import locked, trails, waiting_for
from tests.e2e.harness.waiting import until, until_so
from tests.e2e.harness.wire import Answer, Client, Connection, request_bytes

WORKERS = 12
LINGER_S = 0.5
"""Long enough for a copy that does not wait to be gone."""


@define(eq=False)
class Balancer:
    """Sends requests to the copies that say that they are ready, as a load balancer does."""

    copies: list[Copy]
    answers: Counter[int] = field(factory=Counter)
    stopped: bool = False

    async def work(self, number: int) -> None:
        """Send one request after another until told to stop."""
        clients = {copy.port: copy.client() for copy in self.copies}
        user = await create(clients[self.copies[0].port])
        path, turn = f"/v1/users/{user['id']}", number
        self.answers[201] += 1
        while not self.stopped:
            turn += 1
            client = clients[self.copies[turn % len(self.copies)].port]
            self.answers[(await self._ask(client, path, turn)).status] += 1
        for client in clients.values():
            await client.__aexit__(None, None, None)

    async def _ask(self, client: Client, path: str, turn: int) -> Answer:
        match turn % 3:
            case 0:
                return await client.get(path)
            case 1:
                return await client.patch(path, {"lastName": f"Turn{turn}"}, "*")
            case _:
                return await client.post("/v1/users", new_user())

    async def watch(self, copy: Copy) -> None:
        """Take a copy out once it says that it is not ready."""
        async with Client(copy.port, None) as client:
            await until(lambda: _says_no(client), "the copy is not ready")
        self.copies = [one for one in self.copies if one is not copy]

    async def answered(self, more: int) -> None:
        """Wait until so many more were answered."""
        goal = self.answers.total() + more
        await until_so(lambda: self.answers.total() >= goal, "requests are answered")


async def _says_no(client: Client) -> bool:
    return (await client.get("/health/ready")).status != 200


@define(eq=False)
class Slow:
    """Two requests that a copy has accepted and cannot finish yet: one waits for the database, one for its body."""

    reading: "asyncio.Task[Answer]"
    upload: Connection
    rest: bytes

    @classmethod
    async def begin(cls, copy: Copy, client: Client, user_id: str) -> "Slow":
        """Begin both."""
        reading = asyncio.create_task(client.get(f"/v1/users/{user_id}/email-preferences"))
        await until(lambda: waiting_for(copy.world.database_url, "email_topics"), "the read waits for the table")
        raw = request_bytes("POST", "/v1/users", token=client.token, body=new_user(firstName="Slow"))
        upload = await Connection.open(copy.port)
        await upload.send(raw[:-20])
        return cls(reading, upload, raw[-20:])

    async def finish_upload(self) -> Answer:
        """Send the rest of the body."""
        answer = await self.upload.exchange(self.rest)
        self.upload.abort()
        return answer


async def _refuses(copy: Copy) -> bool:
    try:
        (await Connection.open(copy.port)).abort()
    except ConnectionError:
        return True
    return False


async def test_sigterm_under_load_fails_no_accepted_request_and_readiness_goes_down_first(world: World) -> None:
    async with running_copies(world, 2, DRAIN_DELAY_S="1") as copies:
        leaving, staying = copies
        balancer = Balancer(list(copies))
        async with leaving.client() as client, staying.client() as other, asyncio.TaskGroup() as group:
            user = await create(other)
            workers = [group.create_task(balancer.work(number)) for number in range(WORKERS)]
            await balancer.answered(300)
            async with locked(world.database_url, "email_topics"):
                slow = await Slow.begin(leaving, client, user["id"])
                watching = group.create_task(balancer.watch(leaving))
                leaving.signal(signal.SIGTERM)
                await watching
                # Not ready, and nevertheless whoever comes is served and asked to come elsewhere.
                async with leaving.client() as newcomer:
                    late = await newcomer.get(f"/v1/users/{user['id']}")
                assert (late.status, late.headers["connection"]) == (200, "close")
                await until(lambda: _refuses(leaving), "the copy stops listening")
            assert (await slow.reading).status == 200
            # It waits for the body that is still to come, however little else there is to do.
            await asyncio.sleep(LINGER_S)
            assert leaving.process.running
            uploaded = await slow.finish_upload()
            assert (uploaded.status, uploaded.json()["firstName"]) == (201, "Slow")
            assert await leaving.ended() == 0
            await balancer.answered(200)
            balancer.stopped = True
            await asyncio.gather(*workers)
    assert set(balancer.answers) == {200, 201}
    # And what was answered is what was done: nothing more, nothing less.
    assert (await trails(world.database_url))["users"] == balancer.answers[201] + 2
    assert "request crashed" not in leaving.log.read_text(encoding="utf-8")


async def test_a_second_signal_ends_the_waiting(world: World) -> None:
    async with running_copies(world, DRAIN_DELAY_S="300") as [copy]:
        copy.signal(signal.SIGTERM)

        async def draining() -> bool:
            async with Client(copy.port, None) as client:
                answer = await client.get("/health/ready")
            return answer.status == 503 and answer.json()["parts"] == {"process": "draining"}

        await until(draining, "the copy drains")
        copy.signal(signal.SIGTERM)
        assert await copy.ended() == 0
