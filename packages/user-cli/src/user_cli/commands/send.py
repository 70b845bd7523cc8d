"""`userctl send`: commands, queries and facts, as other services send them.

What reads standard input does so outside the event loop, where Ctrl-C ends the waiting.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

from attrs import frozen
from cyclopts import Parameter, validators

from user_cli.commands.options import AsJson, Source
from user_cli.failures import UsageError
from user_cli.inputs import STDIN, read_documents
from user_cli.messages import Mode, Recipe, contract_named, example_of
from user_cli.output import say, show_json
from user_cli.sending import Sending, Sent
from user_cli.session import operator
from usercore.codec.messages import MessageKind
from usercore.codec.messages.contracts import Contract
from usercore.messaging.values import RawMessage
from usercore.observe.logs import configure_logs
from usercore.settings import ConsumerSettings, KafkaSettings, TelemetrySettings, TopicSettings, load

__all__ = ["send"]

_REPLIES: Final = "replies.userctl"
"""Where answers to queries are wanted unless a topic is named."""
_MOST: Final = 64 * 1024 * 1024
"""Of a document that nobody checks: the most that any topic takes."""
_Seconds = Annotated[float, Parameter(validator=validators.Number(gte=0, lte=3600), show_default=True)]


@Parameter(name="*")
@frozen
class Writing:
    """How the message is written.

    Args:
        mode: binary or structured, as CloudEvents are, or plain: a value and a key alone.
        key: of the record; the user's id where the message names a user, if left out.
        ident: the CloudEvent's id: of messages with the same id one has an effect. A new one if left out.
        check: ask first whether the service would take it; --no-check sends it as it is.
        sign_key: a PEM file with a private key of Ed25519 or P-256 that signs the message.
        sign_key_id: by which the service knows that key; the line kid: of the file if left out.
    """

    mode: Annotated[Mode, Parameter(show_choices=False)] = Mode.BINARY
    key: str | None = None
    ident: Annotated[str | None, Parameter(name="--id")] = None
    check: Annotated[bool, Parameter(name="--check", negative="--no-check")] = True
    sign_key: Path | None = None
    sign_key_id: str | None = None

    def signature(self) -> Callable[[RawMessage], tuple[str, bytes]] | None:
        """Return what signs the message, or None where nothing does.

        Raises:
            UsageError: the file holds no key, or the message cannot be signed.
        """
        if self.sign_key is None:
            if self.sign_key_id is not None:
                raise UsageError("--sign-key-id goes with --sign-key")
            return None
        if self.mode is Mode.PLAIN:
            raise UsageError("a plain message has no id that could be signed: choose another --mode")
        # Cryptography takes long to import: slips of the keyboard do not wait for it.
        from usercore.wiring.messaging import signing_key  # noqa: PLC0415

        try:
            return signing_key(self.sign_key.read_text(encoding="utf-8"), self.sign_key_id).sign
        except OSError as error:
            raise UsageError(f"--sign-key: the file cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise UsageError(f"--sign-key: {error}") from None

    def checked_id(self) -> str | None:
        """Return the id that was given.

        Raises:
            UsageError: the message cannot have one.
        """
        if self.mode is Mode.PLAIN and self.ident is not None:
            raise UsageError("a plain message has no id: choose another --mode")
        return self.ident


@Parameter(name="*")
@frozen
class Answering:
    """Where the answer to a query goes.

    Args:
        reply_to: the topic in which the answer is wanted, without the deployment's prefix; replies.userctl if left out.
        wait: how many seconds to wait for the answer; 0 does not wait.
    """

    reply_to: str | None = None
    wait: _Seconds = 10.0

    def topic_for(self, contract: Contract) -> str | None:
        """Return where an answer is wanted, or None where none is to be expected.

        Raises:
            UsageError: one is wanted to what is no query.
        """
        if contract.kind is MessageKind.QUERY:
            return self.reply_to or _REPLIES
        if self.reply_to is not None:
            raise UsageError(f"{contract.name} is no query: leave --reply-to out")
        return None


def send(
    source: Source[str | None] = None,
    /,
    *,
    message: str | None = None,
    example: str | None = None,
    user: str | None = None,
    only_print: Annotated[bool, Parameter(name="--print")] = False,
    writing: Writing = Writing(),
    answering: Answering = Answering(),
    as_json: AsJson = False,
) -> None:
    """Send a command, a query or a fact to its topic, as other services do; the answer to a query is shown.

    The payload is a JSON document, or one on each line, in a file or on standard input: a password in it is no
    argument. What the service would not take is not sent.

    ```
    userctl send --example CreateUser
    userctl send --example OrderPlaced --user 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    userctl send --example UpdateUser --print > update.json
    userctl send update.json --message UpdateUser --mode structured
    userctl send - --message OrderPlaced < orders.ndjson
    userctl send --example GetUser --wait 5
    userctl send update.json --message UpdateUser --sign-key shop.pem --sign-key-id shop-2026
    ```

    Args:
        source: a file with the payload, or - for standard input.
        message: which message it is: CreateUser, UpdateUser, DeactivateUser, GetUser, GetUserEmailPreferences,
            PaymentFailed, PaymentSucceeded, OrderPlaced or LoyaltyPointsEarned.
        example: send the catalogue's example of this message.
        user: whom the example is about.
        only_print: print the example and send nothing.
        writing: how the message is written.
        answering: where the answer goes.
        as_json: write {"sent": ..., "replies": [...]}.
    """
    contract = contract_named(_name(source, message, example))
    if example is None and (user is not None or only_print):
        raise UsageError("--user and --print go with --example")
    shown = None if example is None else example_of(contract, user)
    if only_print and shown is not None:
        say(shown.decode())
        return
    kafka = load(KafkaSettings, os.environ)
    limit_bytes = load(ConsumerSettings, os.environ).message_limit_bytes if writing.check else None
    replies = answering.topic_for(contract)
    recipe = Recipe(
        contract=contract,
        mode=writing.mode,
        actor=operator(),
        key=writing.key,
        reply_to=None if replies is None else kafka.topic_prefix + replies,
        limit_bytes=limit_bytes,
        ident=writing.checked_id(),
        sign=writing.signature(),
    )
    read = read_documents(source or STDIN, limit_bytes=limit_bytes or _MOST)
    configure_logs(load(TelemetrySettings, os.environ))
    topics = load(TopicSettings, os.environ)
    sending = Sending(kafka, topics, recipe, replies if answering.wait else None, answering.wait)
    _show(sending.all(read if shown is None else iter([shown])), as_json=as_json)


def _name(source: str | None, message: str | None, example: str | None) -> str:
    match source, message, example:
        case (str(), str(name), None) | (None, None, str(name)):
            return name
        case _:
            raise UsageError("give a file, or - for standard input, and --message; or --example alone")


def _show(outcome: Sent, *, as_json: bool) -> None:
    if as_json:
        show_json({"sent": outcome.count, "replies": [_reply_object(reply) for reply in outcome.replies]})
        return
    for reply in outcome.replies:
        say((reply.value or b"").decode(errors="replace"))
    if not outcome.replies:
        say(f"{outcome.count} sent.")


def _reply_object(reply: RawMessage) -> dict[str, Any]:
    """Return what an answer says: the service answers in JSON."""
    kinds = [value.decode(errors="replace") for name, value in reply.headers if name == "ce_type"]
    return {"type": next(iter(kinds), None), "value": json.loads(reply.value or b"null")}
