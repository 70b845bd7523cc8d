"""`userctl privacy`: what an operator decides about a request. Deciding twice is deciding once."""

from user_cli.commands.options import AsJson, Named, UserIdOption, found
from user_cli.commands.privacy_options import RequestIdArgument, Why, privacy_context, word
from user_cli.session import open_session
from user_cli.views import show_user
from user_cli.views_privacy import show_request
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.values import RefusalGround

__all__ = ["cancel", "complete", "extend", "refuse", "unrestrict", "verify"]


async def verify(request_id: RequestIdArgument, *, how: str, as_json: AsJson = False) -> None:
    """Note how it was found that the person who asks is the one whose data it is; the request is accepted.

    ```
    userctl privacy verify 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --how "passport seen at the desk"
    ```

    Args:
        request_id: the request's id.
        how: what was looked at.
        as_json: write the request as JSON.
    """
    async with open_session() as session:
        ident = RequestId(request_id)
        show_request(await session.core.verify_requester(ident, how, privacy_context(session)), as_json=as_json)


async def extend(request_id: RequestIdArgument, *, reason: Why, as_json: AsJson = False) -> None:
    """Put the deadline off, once and within the first period; the person is written why.

    ```
    userctl privacy extend 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --reason "the data lies in many systems"
    ```

    Args:
        request_id: the request's id.
        reason: why, in words for the person.
        as_json: write the request as JSON.
    """
    async with open_session() as session:
        ident = RequestId(request_id)
        show_request(await session.core.extend_request(ident, reason, privacy_context(session)), as_json=as_json)


async def refuse(request_id: RequestIdArgument, *, ground: str, reason: Why, as_json: AsJson = False) -> None:
    """Answer that nothing is done; the person is written why, and by what law.

    ```
    userctl privacy refuse 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --ground excessive --reason "nine times this week"
    ```

    Args:
        request_id: the request's id.
        ground: identity-not-confirmed, manifestly-unfounded, excessive, legal-obligation, legal-claims,
            freedom-of-expression, public-interest, rights-of-others, accurate-already, not-applicable.
        reason: why, in words for the person.
        as_json: write the request as JSON.
    """
    by_law = word("--ground", RefusalGround, ground)
    async with open_session() as session:
        context = privacy_context(session)
        refused = await session.core.refuse_request(RequestId(request_id), by_law, reason, context)
        show_request(refused, as_json=as_json)


async def complete(request_id: RequestIdArgument, *, outcome: str, as_json: AsJson = False) -> None:
    """Answer what was done by hand about a request that the service cannot do by itself.

    ```
    userctl privacy complete 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --outcome "the name was corrected"
    ```

    Args:
        request_id: the request's id.
        outcome: what was done.
        as_json: write the request as JSON.
    """
    async with open_session() as session:
        context = privacy_context(session)
        show_request(await session.core.complete_request(RequestId(request_id), outcome, context), as_json=as_json)


async def cancel(request_id: RequestIdArgument, *, as_json: AsJson = False) -> None:
    """Take a request back, as the person wishes.

    ```
    userctl privacy cancel 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    ```

    Args:
        request_id: the request's id.
        as_json: write the request as JSON.
    """
    async with open_session() as session:
        ident = RequestId(request_id)
        show_request(await session.core.cancel_request(ident, privacy_context(session)), as_json=as_json)


async def unrestrict(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    as_json: AsJson = False,
) -> None:
    """Let data that was restricted be used again. Tell the person before.

    ```
    userctl privacy unrestrict --email grace@example.com
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        as_json: write the profile as JSON.
    """
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        show_user(await session.core.lift_restriction(ident, privacy_context(session)), as_json=as_json)
