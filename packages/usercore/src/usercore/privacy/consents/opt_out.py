"""Honour a browser's Global Privacy Control."""

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.privacy.consents.ports import ConsentLedger
from usercore.privacy.consents.record_consent import RecordConsent, RecordConsentCommand
from usercore.privacy.consents.values import GPC, SALE


@frozen
class OptOutOfSale:
    """Takes note that a user's browser opts out of the sale of personal data.

    Source: Global Privacy Control (W3C), 2.2; California Code of Regulations, title 11, section 7025.
    """

    ledger: ConsentLedger
    record: RecordConsent

    async def __call__(self, user_id: UserId, context: CommandContext) -> bool:
        """Return whether something was recorded: the signal comes with every request, and is recorded once.

        Raises:
            UserNotFoundError, UserErasedError, UserMergedError: no user to change.
        """
        last = (await self.ledger.latest(user_id)).get(SALE.name)
        if last is not None and not last.consent.given:
            return False
        await self.record(RecordConsentCommand(user_id, SALE.name, given=False, source=GPC), context)
        return True
