"""Do what a request asks, where the service can: everything but erasure, which has a file of its own."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from attrs import field, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock
from usercore.preferences.ports import PreferencesReader, TopicRegistry
from usercore.preferences.update_email_preferences import UpdateEmailPreferences, UpdateEmailPreferencesCommand
from usercore.preferences.values import PreferenceChoice
from usercore.privacy.consents.ports import ConsentLedger
from usercore.privacy.consents.record_consent import RecordConsent, RecordConsentCommand
from usercore.privacy.consents.values import SALE
from usercore.privacy.export.build_archive import BuildArchive
from usercore.privacy.export.values import ArchiveKind
from usercore.privacy.requests.model import PrivacyRequest
from usercore.privacy.requests.noting import Notes
from usercore.privacy.requests.policy import RequestPolicy
from usercore.privacy.requests.ports import Archives, Word
from usercore.privacy.requests.values import RequestKind
from usercore.users.model import Transition, User
from usercore.users.stepping import UserStepper
from usercore.users.update_user import UpdateUser, UpdateUserCommand

OBJECTION: Final = "objection"
OPT_OUT: Final = "privacy-request"
"""Where it comes from that a request withdraws a consent, or ends a subscription."""

_Deed: TypeAlias = Callable[[PrivacyRequest, CommandContext], Awaitable[str]]


@frozen
class _Collected:
    """An archive as it is made."""

    content: bytearray = field(factory=bytearray, repr=False)

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.content.extend(chunk)


@frozen
class FulfilRequest:
    """Does what was asked. Everything it does may be done again, so that a crash half-way harms nothing."""

    notes: Notes
    step: UserStepper
    update_user: UpdateUser
    update_preferences: UpdateEmailPreferences
    topics: TopicRegistry
    preferences: PreferencesReader
    consents: ConsentLedger
    record_consent: RecordConsent
    build_archive: BuildArchive
    archives: Archives
    policy: RequestPolicy
    clock: Clock

    async def __call__(self, request: PrivacyRequest, context: CommandContext) -> PrivacyRequest:
        """Return the request, completed.

        Args:
            request: accepted, and of a kind that is done here.
            context: on whose behalf; it names the request.

        Raises:
            RequestChangedError: somebody else was quicker.
            UserCoreError: it cannot be done.
        """
        outcome = await self._deed(request.kind)(request, context)
        now = self.clock.now()
        kept = request.kind in {RequestKind.ACCESS, RequestKind.PORTABILITY}
        until = now + self.policy.archive_kept if kept else None
        after = request.complete(outcome, now=now, archive_until=until)
        if after is None:
            return request
        return await self.notes.save(after, "PrivacyRequestCompleted", context, word=Word.COMPLETED)

    def _deed(self, kind: RequestKind) -> _Deed:
        deeds: dict[RequestKind, _Deed] = {
            RequestKind.ACCESS: self._make_archive,
            RequestKind.PORTABILITY: self._make_archive,
            RequestKind.RECTIFICATION: self._rectify,
            RequestKind.RESTRICTION: self._restrict,
            RequestKind.OBJECTION: self._stop_marketing,
            RequestKind.OPT_OUT_OF_SALE: self._stop_sale,
        }
        return deeds[kind]

    async def _make_archive(self, request: PrivacyRequest, _: CommandContext) -> str:
        archive = _Collected()
        await self.build_archive(request.user_id, ArchiveKind(request.kind), archive)
        until = self.clock.now() + self.policy.archive_kept
        await self.archives.put(request.id, request.user_id, bytes(archive.content), until=until)
        return "an archive of the data can be fetched"

    async def _rectify(self, request: PrivacyRequest, context: CommandContext) -> str:
        if request.asked.patch is not None:
            await self.update_user(UpdateUserCommand(request.user_id, request.asked.patch), context)
        return "the profile says what was asked"

    async def _restrict(self, request: PrivacyRequest, context: CommandContext) -> str:
        async def act(user: User) -> Transition | None:
            return user.restrict(on=True, now=self.clock.now())

        await self.step(request.user_id, act, expected=None, context=context)
        return "the data is kept and not otherwise used"

    async def _stop_marketing(self, request: PrivacyRequest, context: CommandContext) -> str:
        said = (await self.preferences.get_many([request.user_id]))[request.user_id]
        leaving = {
            topic.name: PreferenceChoice(subscribed=False, source=OBJECTION)
            for topic in await self.topics.all()
            if not topic.mandatory and (topic.name not in said or said[topic.name].subscribed)
        }
        if leaving:
            await self.update_preferences(UpdateEmailPreferencesCommand(request.user_id, leaving), context)
        for purpose, entry in (await self.consents.latest(request.user_id)).items():
            if entry.consent.given:
                await self._withdraw(request, purpose, OBJECTION, context)
        return "no mail is sent but what the contract needs, and nothing is used that needs consent"

    async def _stop_sale(self, request: PrivacyRequest, context: CommandContext) -> str:
        await self._withdraw(request, SALE.name, OPT_OUT, context)
        return "the data is not sold or shared"

    async def _withdraw(self, request: PrivacyRequest, purpose: str, source: str, context: CommandContext) -> None:
        command = RecordConsentCommand(request.user_id, purpose, given=False, source=source)
        await self.record_consent(command, context)
