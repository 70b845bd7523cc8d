"""Mail by running copies on a real mail server: in the user's language, whatever is away or killed."""

from asyncio import Event
from typing import Any

from tests.e2e.harness.copies import Copy, World, running_copies
from tests.e2e.harness.people import create
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until, until_so
from tests.smtp.mailroom import mailroom
from user_cli.embedded.process import free_port

NAME, ADDRESS = "Canarina", "canary-5d1e@mail.example"


def smtp(port: int) -> Any:
    return {
        "NOTIFICATION_ADAPTER": "smtp",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_SECURITY": "none",
        "SMTP_FROM": "Example Shop <users@shop.example>",
    }


async def created(copy: Copy, **more: object) -> dict[str, Any]:
    async with copy.client() as client:
        return await create(client, firstName=NAME, email=ADDRESS, **more)


async def letter(world: World) -> tuple[bool, int, str | None]:
    query = "SELECT delivered_at IS NOT NULL, attempts, error_code FROM deliveries WHERE recipient = 'NOTIFICATION'"
    [found] = await rows(world.database_url, query)
    return found


async def test_a_new_user_is_written_to_and_no_log_says_whom(world: World) -> None:
    async with mailroom() as room, running_copies(world, **smtp(room.port)) as [copy]:
        room.answer("RCPT", f"450 4.2.1 <{ADDRESS}>: come again")
        await created(copy, locale="de-AT", password="Zq7-plain-password")
        await until_so(lambda: bool(room.mails), "the mail is there")

    [mail] = room.mails
    assert mail.recipients == (ADDRESS,)
    assert str(mail.message["Subject"]) == "Willkommen bei Example Shop"
    assert f"Guten Tag {NAME}," in mail.part("plain")
    log = copy.log.read_text(encoding="utf-8")
    assert ADDRESS not in log
    assert NAME not in log


async def test_a_mail_server_that_is_down_when_a_user_is_made_is_told_when_it_is_back(world: World) -> None:
    port = free_port()
    async with running_copies(world, **smtp(port)) as [copy]:
        await created(copy)

        async def tried() -> bool:
            return (await letter(world))[1] > 0

        await until(tried, "sending was tried")
        assert (await letter(world))[::2] == (False, "connect")
        async with mailroom(port=port) as room:
            await until_so(lambda: bool(room.mails), "the mail is there")
            assert len(room.mails) == 1


async def test_a_copy_that_dies_before_it_hears_that_a_mail_was_accepted_leaves_it_to_another_under_the_same_name(
    world: World,
) -> None:
    async with mailroom() as room:
        room.held = Event()
        async with running_copies(world, **smtp(room.port)) as [first]:
            await created(first)
            await until_so(lambda: len(room.mails) == 1, "the server has accepted the mail")
            await first.killed()
        room.held = None
        assert not (await letter(world))[0]
        # The lease of the dead copy runs out.
        await rows(world.database_url, "UPDATE deliveries SET due_at = now() RETURNING 1")
        async with running_copies(world, **smtp(room.port)):

            async def settled() -> bool:
                return (await letter(world))[0]

            await until(settled, "the mail is acknowledged")

    assert len(room.mails) == 2
    assert len({str(mail.message["Message-ID"]) for mail in room.mails}) == 1
