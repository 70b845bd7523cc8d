"""The whole library behind one object: every use case, ready to be called."""

from attrs import frozen

from usercore.activity.ports import ActivityReader, ActivityWriter
from usercore.activity.read_activity import ReadActivity
from usercore.activity.record_facts import RecordFacts
from usercore.activity.summary import DEFAULT_TIERS, LoyaltyTiers
from usercore.audit.ports import AuditTrail
from usercore.delivery.deliver_pending import DEFAULT_POLICY, DeliverPending, DeliveryPolicy
from usercore.delivery.overseeing import DiscardDelivery, GetDelivery, ListDeliveries, RetryDelivery
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
from usercore.messaging.dead_letters import DiscardDeadLetter, GetDeadLetter, ListDeadLetters
from usercore.messaging.listing import ListParked
from usercore.messaging.ports import DeadLetters, ParkedMessages, Rejections
from usercore.preferences.get_email_preferences import GetEmailPreferences
from usercore.preferences.ports import PreferencesReader, TopicRegistry
from usercore.preferences.topics import ListTopics, RegisterTopic
from usercore.preferences.update_email_preferences import UpdateEmailPreferences
from usercore.privacy.consents.opt_out import OptOutOfSale
from usercore.privacy.consents.ports import ConsentLedger, PurposeRegistry
from usercore.privacy.consents.purposes import ListPurposes, RegisterPurpose
from usercore.privacy.consents.read_consents import ReadConsents
from usercore.privacy.consents.record_consent import RecordConsent
from usercore.privacy.export.build_archive import BuildArchive
from usercore.privacy.export.ports import PersonalDataReader
from usercore.users.attribute_rules import (
    AttributeRules,
    ListAttributeSchemas,
    RegisterAttributeSchema,
)
from usercore.users.create_user import CreateUser
from usercore.users.deactivate_user import DeactivateUser
from usercore.users.history import ReadHistory, ReadPast
from usercore.users.once import Once
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
from usercore.users.reactivate_user import ReactivateDue, ReactivateUser
from usercore.users.read_users import GetUser, ListUsers, ReadProfile
from usercore.users.stepping import UserStepper
from usercore.users.update_user import UpdateUser


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
    activity_writer: ActivityWriter
    activity_reader: ActivityReader
    deliveries: DeliveryQueue
    delivery_records: DeliveryRecords
    outbox: OutboxReader
    shards: OutboxShards
    trail: AuditTrail
    authentication: AuthenticationService
    notification: NotificationService
    audit: AuditService


@frozen
class Core:
    """Every use case. It holds no state of its own and may be shared by any number of tasks."""

    create_user: CreateUser
    get_user: GetUser
    read_profile: ReadProfile
    list_users: ListUsers
    update_user: UpdateUser
    deactivate_user: DeactivateUser
    reactivate_user: ReactivateUser
    reactivate_due: ReactivateDue
    read_history: ReadHistory
    read_past: ReadPast
    build_archive: BuildArchive
    get_email_preferences: GetEmailPreferences
    update_email_preferences: UpdateEmailPreferences
    register_topic: RegisterTopic
    list_topics: ListTopics
    record_consent: RecordConsent
    read_consents: ReadConsents
    opt_out_of_sale: OptOutOfSale
    register_purpose: RegisterPurpose
    list_purposes: ListPurposes
    record_facts: RecordFacts
    read_activity: ReadActivity
    register_attribute_schema: RegisterAttributeSchema
    list_attribute_schemas: ListAttributeSchemas
    deliver_pending: DeliverPending
    list_deliveries: ListDeliveries
    get_delivery: GetDelivery
    retry_delivery: RetryDelivery
    discard_delivery: DiscardDelivery
    list_dead_letters: ListDeadLetters
    get_dead_letter: GetDeadLetter
    discard_dead_letter: DiscardDeadLetter
    list_parked: ListParked
    once: Once
    ports: Ports


def assemble(ports: Ports, *, tiers: LoyaltyTiers = DEFAULT_TIERS, delivery: DeliveryPolicy = DEFAULT_POLICY) -> Core:
    """Wire every use case to the ports given.

    Args:
        ports: an implementation of each.
        tiers: of the loyalty programme.
        delivery: how hard it is tried to tell the services around us.
    """
    rules = AttributeRules(ports.schemas, ports.validator)
    step = UserStepper(ports.users, ports.writer, ports.ids, ports.ledger, ports.inbox, ports.clock)
    record_consent = RecordConsent(step, ports.consents, ports.purposes, ports.clock, ports.ids)
    return Core(
        create_user=CreateUser(ports.writer, ports.emails, rules, ports.hasher, ports.clock, ports.ids),
        get_user=GetUser(ports.users, ports.emails),
        read_profile=ReadProfile(ports.profiles),
        list_users=ListUsers(ports.directory),
        update_user=UpdateUser(step, ports.emails, rules, ports.clock),
        deactivate_user=DeactivateUser(step, ports.clock),
        reactivate_user=ReactivateUser(step, ports.clock),
        reactivate_due=ReactivateDue(ports.users, step, ports.clock, ports.ids),
        read_history=ReadHistory(ports.users, ports.history),
        read_past=ReadPast(ports.users, ports.history),
        build_archive=BuildArchive(ports.users, ports.personal_data, ports.clock),
        get_email_preferences=GetEmailPreferences(ports.users, ports.preferences, ports.topics, ports.history),
        update_email_preferences=UpdateEmailPreferences(step, ports.preferences, ports.topics, ports.clock, ports.ids),
        register_topic=RegisterTopic(ports.topics, ports.clock),
        list_topics=ListTopics(ports.topics),
        record_consent=record_consent,
        read_consents=ReadConsents(ports.users, ports.consents, ports.purposes),
        opt_out_of_sale=OptOutOfSale(ports.consents, record_consent),
        register_purpose=RegisterPurpose(ports.purposes, ports.clock),
        list_purposes=ListPurposes(ports.purposes),
        record_facts=RecordFacts(ports.activity_writer, ports.clock, ports.ids),
        read_activity=ReadActivity(ports.users, ports.activity_reader, tiers),
        register_attribute_schema=RegisterAttributeSchema(ports.schemas, ports.validator, ports.clock),
        list_attribute_schemas=ListAttributeSchemas(ports.schemas),
        deliver_pending=DeliverPending(
            ports.deliveries,
            ports.authentication,
            ports.notification,
            ports.audit,
            ports.clock,
            delivery,
        ),
        list_deliveries=ListDeliveries(ports.delivery_records),
        get_delivery=GetDelivery(ports.delivery_records),
        retry_delivery=RetryDelivery(ports.delivery_records, ports.clock),
        discard_delivery=DiscardDelivery(ports.delivery_records, ports.clock),
        list_dead_letters=ListDeadLetters(ports.dead_letters),
        get_dead_letter=GetDeadLetter(ports.dead_letters),
        discard_dead_letter=DiscardDeadLetter(ports.dead_letters, ports.clock),
        list_parked=ListParked(ports.parked),
        once=Once(ports.ledger, ports.clock),
        ports=ports,
    )
