"""One implementation of every port, as use cases are wired to them."""

from attrs import frozen

from usercore.activity.ports import ActivityReader, ActivityWriter
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


@frozen
class Ports:
    """One implementation of every port."""

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
