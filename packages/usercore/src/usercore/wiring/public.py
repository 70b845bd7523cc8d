"""The public names of the library, which stand in :mod:`usercore` itself."""

from usercore.activity.errors import FactInvalidError
from usercore.activity.facts import Fact, OrderPlaced, PaymentFailed, PaymentSucceeded, PointsEarned
from usercore.activity.summary import ActivitySummary, Standing
from usercore.activity.values import Awaited, FactKind, FactOutcome, FactResult, Money, WaitsFor
from usercore.kernel.context import SYSTEM, Actor, ActorKind, CommandContext
from usercore.kernel.errors import (
    ConflictError,
    DeniedError,
    ExhaustedError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UserCoreError,
    Violation,
)
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page
from usercore.kernel.receipts import IdempotencyKey, Settled
from usercore.kernel.secret import Secret
from usercore.kernel.unset import UNSET
from usercore.preferences.errors import PreferencesInvalidError, TopicInvalidError
from usercore.preferences.topics import RegisterTopicCommand
from usercore.preferences.update_email_preferences import UpdateEmailPreferencesCommand
from usercore.preferences.values import PreferenceChoice
from usercore.privacy.consents.errors import ConsentInvalidError, PurposeInvalidError
from usercore.privacy.consents.purposes import RegisterPurposeCommand
from usercore.privacy.consents.record_consent import RecordConsentCommand
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.errors import (
    EmailTakenError,
    ExternalIdTakenError,
    ProfileInvalidError,
    QueryInvalidError,
    StaleVersionError,
    UserDeactivatedError,
    UserErasedError,
    UserMergedError,
    UsernameTakenError,
    UserNotFoundError,
)
from usercore.users.intake import AddressPatch, ProfilePatch
from usercore.users.model import AccountStatus, Profile, User, Verification
from usercore.users.ports import ProfileDocument
from usercore.users.queries import Sort, UserQuery, read_cursor
from usercore.users.reactivate_user import ReactivateUserCommand
from usercore.users.read_users import UserNamed
from usercore.users.search import query_words
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import AccountState, Address, DeactivationReason, EmailAddress, VerificationChannel
from usercore.verification.confirm_verification import ConfirmByLinkCommand, ConfirmVerificationCommand
from usercore.verification.errors import (
    ContactMissingError,
    VerificationFailedError,
    VerificationInvalidError,
    VerificationThrottledError,
)
from usercore.verification.record_verification import RecordVerificationCommand
from usercore.verification.start_verification import StartVerificationCommand
from usercore.wiring.core import Core, Ports
from usercore.wiring.memory import memory_core, memory_ports

__all__ = [
    "SYSTEM",
    "UNSET",
    "AccountState",
    "AccountStatus",
    "ActivitySummary",
    "Actor",
    "ActorKind",
    "Address",
    "AddressPatch",
    "Awaited",
    "CommandContext",
    "ConfirmByLinkCommand",
    "ConfirmVerificationCommand",
    "ConflictError",
    "ConsentInvalidError",
    "ContactMissingError",
    "Core",
    "CreateUserCommand",
    "DeactivateUserCommand",
    "DeactivationReason",
    "DeniedError",
    "EmailAddress",
    "EmailTakenError",
    "EventId",
    "ExhaustedError",
    "ExternalIdTakenError",
    "Fact",
    "FactInvalidError",
    "FactKind",
    "FactOutcome",
    "FactResult",
    "IdempotencyKey",
    "InvalidError",
    "Money",
    "NotFoundError",
    "OrderPlaced",
    "Page",
    "PaymentFailed",
    "PaymentSucceeded",
    "PointsEarned",
    "Ports",
    "PreferenceChoice",
    "PreferencesInvalidError",
    "Profile",
    "ProfileDocument",
    "ProfileInvalidError",
    "ProfilePatch",
    "PurposeInvalidError",
    "QueryInvalidError",
    "ReactivateUserCommand",
    "RecordConsentCommand",
    "RecordVerificationCommand",
    "RegisterAttributeSchemaCommand",
    "RegisterPurposeCommand",
    "RegisterTopicCommand",
    "Secret",
    "Settled",
    "Sort",
    "StaleVersionError",
    "Standing",
    "StartVerificationCommand",
    "TopicInvalidError",
    "UnavailableError",
    "UpdateEmailPreferencesCommand",
    "UpdateUserCommand",
    "User",
    "UserCoreError",
    "UserDeactivatedError",
    "UserErasedError",
    "UserId",
    "UserMergedError",
    "UserNamed",
    "UserNotFoundError",
    "UserQuery",
    "UsernameTakenError",
    "Verification",
    "VerificationChannel",
    "VerificationFailedError",
    "VerificationInvalidError",
    "VerificationThrottledError",
    "Violation",
    "WaitsFor",
    "memory_core",
    "memory_ports",
    "query_words",
    "read_cursor",
]
