"""What privacy requests bring about in a user's life."""

from attrs import frozen

from usercore.kernel.events import Record
from usercore.kernel.ids import EventId, UserId
from usercore.privacy.requests.model import RequestId


@frozen
class ErasureRecord(Record):
    """Everything personal of a user goes, in every table, in the transaction that erases the user.

    Args:
        user_id: whose.
        event_id: the step that erases them; what it writes itself stays.
        request_id: the request that asks for it, which goes on; all others of the user are over.
    """

    user_id: UserId
    event_id: EventId
    request_id: RequestId
