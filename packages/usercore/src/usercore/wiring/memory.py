"""The whole library in the memory of one process.

::

    core = memory_core()
    context = CommandContext(Actor(ActorKind.OPERATOR, "ada"), correlation_id="sign-up-1")
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
    user = await core.create_user(CreateUserCommand(profile), context)
    await core.deactivate_user(DeactivateUserCommand(user.id), context)
"""

from typing import TypedDict, Unpack

from attrs import evolve

from usercore.activity.ports import ActivityReader, ActivityWriter
from usercore.adapters.local.recording import RecordingServices
from usercore.adapters.memory.activity import MemoryActivityReader, MemoryActivityWriter
from usercore.adapters.memory.audit import (
    MemoryAuditArchive,
    MemoryAuditReader,
    MemoryCheckpointLog,
    MemoryListingTrail,
)
from usercore.adapters.memory.consents import MemoryConsentLedger, MemoryPurposeRegistry
from usercore.adapters.memory.contacts import PlainEmailRules
from usercore.adapters.memory.database import MemoryDatabase
from usercore.adapters.memory.deliveries import MemoryDeliveryQueue, MemoryDeliveryRecords
from usercore.adapters.memory.exports import MemoryUserExporter
from usercore.adapters.memory.imports import MemoryImportStore, MemoryImportWriter, MemoryUploadStore
from usercore.adapters.memory.inbox import MemoryInbox, MemoryRejections
from usercore.adapters.memory.keys import MemoryKeyStore
from usercore.adapters.memory.ledger import MemoryIdempotencyLedger
from usercore.adapters.memory.limits import MemoryRateLimiter
from usercore.adapters.memory.merging import MemoryCandidateStore, MemoryMergeReader
from usercore.adapters.memory.missing import (
    MissingAttributeValidator,
    MissingCheckpointSigner,
    MissingPasswordHasher,
    NoKnownKeys,
    NoPublisher,
)
from usercore.adapters.memory.outbox import MemoryOutboxReader, MemoryOutboxShards
from usercore.adapters.memory.personal_data import MemoryPersonalDataReader
from usercore.adapters.memory.privacy import (
    MemoryArchives,
    MemoryErasureLedger,
    MemoryErasureTraces,
    MemoryLegalHolds,
    MemoryPrivacyRequests,
)
from usercore.adapters.memory.registries import (
    MemoryAttributeSchemas,
    MemoryPreferencesReader,
    MemoryTopicRegistry,
)
from usercore.adapters.memory.retention import MemoryRetentionStore, OnePart
from usercore.adapters.memory.segments import MemorySegmentCounter, MemorySegmentStore
from usercore.adapters.memory.setaside import MemoryDeadLetters, MemoryParkedMessages
from usercore.adapters.memory.statistics import MemoryStatisticsReader
from usercore.adapters.memory.suppressions import MemorySuppressionList
from usercore.adapters.memory.system import SystemClock, Uuid7Ids
from usercore.adapters.memory.trust import MemoryAuditTrail, MemoryKeyedHasher
from usercore.adapters.memory.users import (
    MemoryHistoryReader,
    MemoryProfileReader,
    MemoryUserDirectory,
    MemoryUserReader,
    MemoryUserWriter,
)
from usercore.adapters.memory.verifications import (
    MemoryVerificationReader,
    MemoryVerificationWriter,
    RandomProofs,
)
from usercore.audit.ports import (
    AuditArchive,
    AuditReader,
    AuditTrail,
    CheckpointLog,
    CheckpointPublisher,
    CheckpointSigner,
    CheckpointVerifier,
    ListingTrail,
)
from usercore.bulk.exports.ports import UserExporter
from usercore.bulk.imports.ports import ImportStore, ImportWriter, UploadStore
from usercore.delivery.credentials import CredentialDirectory
from usercore.delivery.ports import (
    AuditService,
    AuthenticationService,
    DeliveryQueue,
    DeliveryRecords,
    NotificationService,
    OutboxReader,
    OutboxShards,
)
from usercore.kernel.inbox import Inbox
from usercore.kernel.limits import RateLimiter
from usercore.kernel.ports import Clock, IdGenerator, KeyedHasher
from usercore.kernel.receipts import IdempotencyLedger
from usercore.merging.ports import CandidateStore, MergeReader
from usercore.messaging.ports import DeadLetters, ParkedMessages, Rejections
from usercore.preferences.ports import PreferencesReader, TopicRegistry
from usercore.privacy.consents.ports import ConsentLedger, PurposeRegistry
from usercore.privacy.export.ports import PersonalDataReader
from usercore.privacy.keys.ports import KeyStore
from usercore.privacy.mailing.ports import SuppressionList
from usercore.privacy.requests.ports import (
    Archives,
    ErasureLedger,
    ErasureTraces,
    LegalHolds,
    PrivacyRequests,
)
from usercore.privacy.retention.ports import RetentionStore, TrailParts
from usercore.segments.ports import SegmentCounter, SegmentStore
from usercore.statistics.ports import StatisticsReader
from usercore.users.ports import (
    AttributeSchemas,
    AttributeValidator,
    EmailRules,
    HistoryReader,
    PasswordHasher,
    ProfileReader,
    UserDirectory,
    UserReader,
    UserWriter,
)
from usercore.verification.ports import ProofGenerator, VerificationReader, VerificationWriter
from usercore.wiring.core import Core, Ports, assemble


class PortOverrides(TypedDict, total=False):
    """Ports to use in place of the ones in memory: any field of :class:`Ports`."""

    clock: Clock
    ids: IdGenerator
    keyed: KeyedHasher
    users: UserReader
    writer: UserWriter
    profiles: ProfileReader
    directory: UserDirectory
    history: HistoryReader
    personal_data: PersonalDataReader
    exporter: UserExporter
    statistics: StatisticsReader
    segment_counter: SegmentCounter
    segments: SegmentStore
    schemas: AttributeSchemas
    validator: AttributeValidator
    emails: EmailRules
    hasher: PasswordHasher
    ledger: IdempotencyLedger
    inbox: Inbox
    limiter: RateLimiter
    rejections: Rejections
    parked: ParkedMessages
    dead_letters: DeadLetters
    topics: TopicRegistry
    preferences: PreferencesReader
    purposes: PurposeRegistry
    consents: ConsentLedger
    privacy_requests: PrivacyRequests
    holds: LegalHolds
    archives: Archives
    erasure_traces: ErasureTraces
    erasure_ledger: ErasureLedger
    suppressions: SuppressionList
    activity_writer: ActivityWriter
    activity_reader: ActivityReader
    proofs: ProofGenerator
    verification_writer: VerificationWriter
    verification_reader: VerificationReader
    deliveries: DeliveryQueue
    delivery_records: DeliveryRecords
    outbox: OutboxReader
    shards: OutboxShards
    trail: AuditTrail
    listings: ListingTrail
    audit_reader: AuditReader
    archive: AuditArchive
    checkpoints: CheckpointLog
    signer: CheckpointSigner
    verifier: CheckpointVerifier
    checkpoint_publisher: CheckpointPublisher
    key_store: KeyStore
    retention: RetentionStore
    trail_parts: TrailParts
    merges: MergeReader
    candidates: CandidateStore
    imports: ImportStore
    import_writer: ImportWriter
    uploads: UploadStore
    authentication: AuthenticationService
    credentials: CredentialDirectory
    notification: NotificationService
    audit: AuditService


def memory_core(**overrides: Unpack[PortOverrides]) -> Core:
    """Return every use case over a new, empty database in memory.

    Without overrides it needs no extra: addresses are plain ASCII ones, passwords and attribute schemas
    are refused, and what other services would be told is kept in `core.ports.authentication.calls`.

    Args:
        overrides: ports to use instead, by name: ``memory_core(hasher=Argon2Hasher())``.
    """
    return assemble(memory_ports(**overrides))


def memory_ports(**overrides: Unpack[PortOverrides]) -> Ports:
    """Return an implementation of every port over a new, empty database in memory."""
    database = MemoryDatabase()
    services = RecordingServices()
    ports = Ports(
        clock=SystemClock(),
        ids=Uuid7Ids(),
        keyed=MemoryKeyedHasher(),
        users=MemoryUserReader(database),
        writer=MemoryUserWriter(database),
        profiles=MemoryProfileReader(database),
        directory=MemoryUserDirectory(database),
        history=MemoryHistoryReader(database),
        personal_data=MemoryPersonalDataReader(database),
        exporter=MemoryUserExporter(database),
        statistics=MemoryStatisticsReader(database),
        segment_counter=MemorySegmentCounter(database),
        segments=MemorySegmentStore(database),
        schemas=MemoryAttributeSchemas(database),
        validator=MissingAttributeValidator(),
        emails=PlainEmailRules(),
        hasher=MissingPasswordHasher(),
        ledger=MemoryIdempotencyLedger(database),
        inbox=MemoryInbox(database),
        limiter=MemoryRateLimiter(),
        rejections=MemoryRejections(database),
        parked=MemoryParkedMessages(database),
        dead_letters=MemoryDeadLetters(database),
        topics=MemoryTopicRegistry(database),
        preferences=MemoryPreferencesReader(database),
        purposes=MemoryPurposeRegistry(database),
        consents=MemoryConsentLedger(database),
        privacy_requests=MemoryPrivacyRequests(database),
        holds=MemoryLegalHolds(database),
        archives=MemoryArchives(database),
        erasure_traces=MemoryErasureTraces(database),
        erasure_ledger=MemoryErasureLedger(),
        suppressions=MemorySuppressionList(database),
        activity_writer=MemoryActivityWriter(database),
        activity_reader=MemoryActivityReader(database),
        proofs=RandomProofs(),
        verification_writer=MemoryVerificationWriter(database),
        verification_reader=MemoryVerificationReader(database),
        deliveries=MemoryDeliveryQueue(database),
        delivery_records=MemoryDeliveryRecords(database),
        outbox=MemoryOutboxReader(database),
        shards=MemoryOutboxShards(database),
        trail=MemoryAuditTrail(database),
        listings=MemoryListingTrail(database),
        audit_reader=MemoryAuditReader(database),
        archive=MemoryAuditArchive(database),
        checkpoints=MemoryCheckpointLog(database),
        signer=MissingCheckpointSigner(),
        verifier=NoKnownKeys(),
        checkpoint_publisher=NoPublisher(),
        key_store=MemoryKeyStore(),
        retention=MemoryRetentionStore(database),
        trail_parts=OnePart(),
        merges=MemoryMergeReader(database),
        candidates=MemoryCandidateStore(database),
        imports=MemoryImportStore(database),
        import_writer=MemoryImportWriter(database),
        uploads=MemoryUploadStore(database),
        authentication=services,
        credentials=services,
        notification=services,
        audit=services,
    )
    return evolve(ports, **overrides)
