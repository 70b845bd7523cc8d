"""Every port on PostgreSQL: SQLAlchemy's pools, psycopg, and migrations by Alembic."""

from attrs import frozen

from usercore.adapters.sql.activity import SqlActivityReader, SqlActivityWriter
from usercore.adapters.sql.archive import SqlAuditArchive
from usercore.adapters.sql.archives import SqlArchives
from usercore.adapters.sql.audit import SqlAuditTrail
from usercore.adapters.sql.audit_reader import SqlAuditReader
from usercore.adapters.sql.checkpoints import SqlCheckpointLog
from usercore.adapters.sql.consents import SqlConsentLedger, SqlPurposeRegistry
from usercore.adapters.sql.dead_letters import SqlDeadLetters
from usercore.adapters.sql.deliveries import SqlDeliveryQueue
from usercore.adapters.sql.delivery_records import SqlDeliveryRecords
from usercore.adapters.sql.directory import SqlUserDirectory
from usercore.adapters.sql.documents import SqlProfileReader
from usercore.adapters.sql.engine import Database, Reads, open_database
from usercore.adapters.sql.erasing import SqlErasureTraces
from usercore.adapters.sql.exports import SqlUserExporter
from usercore.adapters.sql.history import SqlHistoryReader
from usercore.adapters.sql.import_writer import SqlImportWriter
from usercore.adapters.sql.imports import SqlImportStore
from usercore.adapters.sql.inbox import SqlInbox, SqlRejections
from usercore.adapters.sql.key_store import SqlKeyStore
from usercore.adapters.sql.keys import SqlKeyedHasher, SqlServiceKeys, SqlVault
from usercore.adapters.sql.ledger import SqlIdempotencyLedger
from usercore.adapters.sql.legal_holds import SqlLegalHolds
from usercore.adapters.sql.merge_candidates import SqlCandidateStore
from usercore.adapters.sql.merging import SqlMergeReader
from usercore.adapters.sql.migrating import SchemaStatus, downgrade, status, upgrade
from usercore.adapters.sql.outbox import SqlOutboxReader, SqlOutboxShards
from usercore.adapters.sql.parked import SqlParkedMessages
from usercore.adapters.sql.personal_data import SqlPersonalDataReader
from usercore.adapters.sql.privacy_requests import SqlPrivacyRequests
from usercore.adapters.sql.records import MessageBox
from usercore.adapters.sql.registries import SqlAttributeSchemas, SqlPreferencesReader, SqlTopicRegistry
from usercore.adapters.sql.retention import SqlRetentionStore
from usercore.adapters.sql.segments import SqlSegmentCounter, SqlSegmentStore
from usercore.adapters.sql.statistics import SqlStatisticsReader
from usercore.adapters.sql.suppressions import SqlSuppressionList
from usercore.adapters.sql.trail_parts import SqlTrailParts
from usercore.adapters.sql.uploads import SqlUploadStore
from usercore.adapters.sql.users import SqlUserReader
from usercore.adapters.sql.verifications import SqlVerificationReader, SqlVerificationWriter
from usercore.adapters.sql.writer import SqlUserWriter
from usercore.kernel.sealing import MasterKeys

__all__ = [
    "Database",
    "SchemaStatus",
    "SqlPorts",
    "downgrade",
    "open_database",
    "sql_ports",
    "status",
    "upgrade",
]


@frozen
class SqlPorts:
    """Every port that keeps something, over one database."""

    users: SqlUserReader
    writer: SqlUserWriter
    profiles: SqlProfileReader
    directory: SqlUserDirectory
    history: SqlHistoryReader
    personal_data: SqlPersonalDataReader
    exporter: SqlUserExporter
    statistics: SqlStatisticsReader
    segment_counter: SqlSegmentCounter
    segments: SqlSegmentStore
    schemas: SqlAttributeSchemas
    ledger: SqlIdempotencyLedger
    inbox: SqlInbox
    rejections: SqlRejections
    parked: SqlParkedMessages
    dead_letters: SqlDeadLetters
    topics: SqlTopicRegistry
    preferences: SqlPreferencesReader
    purposes: SqlPurposeRegistry
    consents: SqlConsentLedger
    privacy_requests: SqlPrivacyRequests
    holds: SqlLegalHolds
    archives: SqlArchives
    erasure_traces: SqlErasureTraces
    suppressions: SqlSuppressionList
    activity_writer: SqlActivityWriter
    activity_reader: SqlActivityReader
    verification_writer: SqlVerificationWriter
    verification_reader: SqlVerificationReader
    deliveries: SqlDeliveryQueue
    delivery_records: SqlDeliveryRecords
    outbox: SqlOutboxReader
    shards: SqlOutboxShards
    trail: SqlAuditTrail
    listings: SqlAuditTrail
    audit_reader: SqlAuditReader
    archive: SqlAuditArchive
    checkpoints: SqlCheckpointLog
    keyed: SqlKeyedHasher
    key_store: SqlKeyStore
    retention: SqlRetentionStore
    trail_parts: SqlTrailParts
    merges: SqlMergeReader
    candidates: SqlCandidateStore
    imports: SqlImportStore
    import_writer: SqlImportWriter
    uploads: SqlUploadStore


def sql_ports(database: Database, master_keys: MasterKeys, replicas: Reads | None = None) -> SqlPorts:
    """Return the ports over an open database.

    Args:
        database: where everything is kept.
        master_keys: wrap the keys that history and published events are sealed with.
        replicas: answer what may be a little behind, to whom it may; None: the database answers that as well.
    """
    reads = database if replicas is None else replicas
    vault = SqlVault(database, master_keys)
    service_keys = SqlServiceKeys(database, master_keys)
    return SqlPorts(
        users=SqlUserReader(database),
        writer=SqlUserWriter(database, vault),
        profiles=SqlProfileReader(database),
        directory=SqlUserDirectory(reads),
        history=SqlHistoryReader(reads, vault),
        personal_data=SqlPersonalDataReader(database, SqlHistoryReader(database, vault)),
        exporter=SqlUserExporter(database),
        statistics=SqlStatisticsReader(reads),
        segment_counter=SqlSegmentCounter(reads),
        segments=SqlSegmentStore(database),
        schemas=SqlAttributeSchemas(database),
        ledger=SqlIdempotencyLedger(database),
        inbox=SqlInbox(database),
        rejections=SqlRejections(database),
        parked=SqlParkedMessages(database, MessageBox("parked_messages", service_keys)),
        dead_letters=SqlDeadLetters(database, MessageBox("dead_letters", service_keys)),
        topics=SqlTopicRegistry(database),
        preferences=SqlPreferencesReader(database),
        purposes=SqlPurposeRegistry(database),
        consents=SqlConsentLedger(database),
        privacy_requests=SqlPrivacyRequests(database),
        holds=SqlLegalHolds(database),
        archives=SqlArchives(database, vault),
        erasure_traces=SqlErasureTraces(database),
        suppressions=SqlSuppressionList(database),
        activity_writer=SqlActivityWriter(database),
        activity_reader=SqlActivityReader(reads),
        verification_writer=SqlVerificationWriter(database),
        verification_reader=SqlVerificationReader(database),
        deliveries=SqlDeliveryQueue(database),
        delivery_records=SqlDeliveryRecords(database),
        outbox=SqlOutboxReader(database, vault),
        shards=SqlOutboxShards(database, vault),
        trail=SqlAuditTrail(database),
        listings=SqlAuditTrail(database),
        audit_reader=SqlAuditReader(reads),
        archive=SqlAuditArchive(database),
        checkpoints=SqlCheckpointLog(database),
        keyed=SqlKeyedHasher(service_keys),
        key_store=SqlKeyStore(database, vault, service_keys),
        retention=SqlRetentionStore(database),
        trail_parts=SqlTrailParts(database),
        merges=SqlMergeReader(database),
        candidates=SqlCandidateStore(database),
        imports=SqlImportStore(database),
        import_writer=SqlImportWriter(database, vault),
        uploads=SqlUploadStore(database, service_keys),
    )
