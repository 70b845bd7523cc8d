"""The whole library behind one object: every use case, ready to be called."""

from typing import Final

from attrs import frozen

from usercore.activity.read_activity import ReadActivity
from usercore.activity.record_facts import RecordFacts
from usercore.activity.summary import DEFAULT_TIERS, LoyaltyTiers
from usercore.audit.export_audit import ExportAudit
from usercore.audit.make_checkpoint import MakeCheckpoint
from usercore.audit.read_audit import ReadAudit
from usercore.audit.record_reads import RecordReads
from usercore.audit.verify_audit import VerifyAudit
from usercore.bulk.exports.export_users import ExportUsers
from usercore.bulk.imports.end_import import EndImport
from usercore.bulk.imports.import_batch import ImportBatch
from usercore.bulk.imports.ports import RowReader
from usercore.bulk.imports.read_imports import ReadImports
from usercore.bulk.imports.receive_upload import ReceiveUpload
from usercore.bulk.imports.run_import import RunImport
from usercore.bulk.imports.start_import import StartImport
from usercore.bulk.imports.values import ImportFormat
from usercore.bulk.imports.work_off_uploads import WorkOffUploads
from usercore.delivery.deliver_pending import DEFAULT_POLICY, DeliverPending, DeliveryPolicy
from usercore.delivery.overseeing import DiscardDelivery, GetDelivery, ListDeliveries, RetryDelivery
from usercore.delivery.reconcile import ReconcileCredentials
from usercore.delivery.topic_mail import TopicMail
from usercore.merging.find_duplicates import DismissCandidate, FindDuplicates
from usercore.merging.merge_users import MergeUsers, Parties, PreviewMerge
from usercore.merging.planning import Planner
from usercore.merging.read_merges import ReadMerges
from usercore.merging.separate_accounts import WHENEVER, SeparateAccounts
from usercore.merging.undo_merge import PreviewUndo, Undoable, UndoMerge
from usercore.merging.undoing import UndoPlanner
from usercore.merging.values import MergePolicy
from usercore.messaging.dead_letters import DiscardDeadLetter, GetDeadLetter, ListDeadLetters
from usercore.messaging.listing import ListParked
from usercore.preferences.get_email_preferences import GetEmailPreferences
from usercore.preferences.topics import ListTopics, RegisterTopic
from usercore.preferences.update_email_preferences import UpdateEmailPreferences
from usercore.privacy.consents.opt_out import OptOutOfSale
from usercore.privacy.consents.purposes import ListPurposes, RegisterPurpose
from usercore.privacy.consents.read_consents import ReadConsents
from usercore.privacy.consents.record_consent import RecordConsent
from usercore.privacy.export.build_archive import BuildArchive
from usercore.privacy.export.export_user_data import ExportUserData
from usercore.privacy.keys.rotate_keys import RotateKeys
from usercore.privacy.keys.seal_plain import SealPlain
from usercore.privacy.mailing.links import UnsubscribeLinks
from usercore.privacy.mailing.permission import ReadMailPermission
from usercore.privacy.mailing.suppress import Addresses, CheckSuppression, LiftSuppression, Suppress, SuppressErased
from usercore.privacy.mailing.tokens import UnsubscribeTokens
from usercore.privacy.mailing.unsubscribe import ReadUnsubscribeTicket, Unsubscribe
from usercore.privacy.requests.advancing import AdvanceRequests
from usercore.privacy.requests.deciding import (
    CancelRequest,
    CompleteRequest,
    ExtendRequest,
    RefuseRequest,
    VerifyRequester,
)
from usercore.privacy.requests.erasing import EraseUser
from usercore.privacy.requests.fulfilling import FulfilRequest
from usercore.privacy.requests.holding import ListHolds, PlaceHold, ReleaseHold
from usercore.privacy.requests.lift_restriction import LiftRestriction
from usercore.privacy.requests.make_request import MakePrivacyRequest
from usercore.privacy.requests.noting import Notes
from usercore.privacy.requests.policy import RequestPolicy
from usercore.privacy.requests.ports import (
    AddressSuppressor,
)
from usercore.privacy.requests.read_requests import FetchArchive, GetPrivacyRequest, ListPrivacyRequests
from usercore.privacy.requests.replaying import CheckLedger, ReplayErasures
from usercore.privacy.retention.inactivity import WorkOffInactivity
from usercore.privacy.retention.make_parts_ahead import MakePartsAhead
from usercore.privacy.retention.run_retention import ReviewRetention, RunRetention
from usercore.privacy.retention.values import NO_SCHEDULE, Schedule
from usercore.segments.count_segment import CountSegment
from usercore.segments.delete_segment import DeleteSegment
from usercore.segments.read_filter import ReadFilter
from usercore.segments.read_segments import ReadSegments
from usercore.segments.save_segment import SaveSegment
from usercore.statistics.read_statistics import ReadStatistics
from usercore.users.attribute_rules import (
    AttributeRules,
    ListAttributeSchemas,
    RegisterAttributeSchema,
)
from usercore.users.create_user import CreateUser
from usercore.users.deactivate_user import DeactivateUser
from usercore.users.history import ReadHistory, ReadPast
from usercore.users.once import Once
from usercore.users.reactivate_user import ReactivateDue, ReactivateUser
from usercore.users.read_users import GetUser, ListUsers, ReadProfile
from usercore.users.stepping import UserStepper
from usercore.users.update_user import UpdateUser
from usercore.verification.confirm_verification import ConfirmByLink, Confirmer, ConfirmVerification
from usercore.verification.hashes import ProofHasher
from usercore.verification.purge_verifications import PurgeVerifications
from usercore.verification.record_verification import RecordVerification
from usercore.verification.start_verification import StartVerification
from usercore.verification.values import DEFAULT_VERIFICATION, VerificationPolicy
from usercore.verification.verify_newcomers import VerifyNewcomers
from usercore.wiring.exporting import AuditedExports
from usercore.wiring.ports import Ports as Ports

DEFAULT_MERGING: Final = MergePolicy()
"""The company's rules for merges, where it has no others."""
DEFAULT_REQUESTS: Final = RequestPolicy()
"""The company's rules for privacy requests, where it has no others."""


@frozen
class Core:
    """Every use case. It holds no state of its own and may be shared by any number of tasks."""

    create_user: CreateUser
    get_user: GetUser
    read_profile: ReadProfile
    list_users: ListUsers
    read_filter: ReadFilter
    count_segment: CountSegment
    read_segments: ReadSegments
    save_segment: SaveSegment
    delete_segment: DeleteSegment
    update_user: UpdateUser
    deactivate_user: DeactivateUser
    reactivate_user: ReactivateUser
    reactivate_due: ReactivateDue
    read_history: ReadHistory
    read_past: ReadPast
    build_archive: BuildArchive
    export_user_data: ExportUserData
    export_users: ExportUsers
    read_statistics: ReadStatistics
    get_email_preferences: GetEmailPreferences
    update_email_preferences: UpdateEmailPreferences
    register_topic: RegisterTopic
    list_topics: ListTopics
    record_consent: RecordConsent
    read_consents: ReadConsents
    opt_out_of_sale: OptOutOfSale
    suppress: Suppress
    lift_suppression: LiftSuppression
    check_suppression: CheckSuppression
    read_mail_permission: ReadMailPermission
    read_unsubscribe_ticket: ReadUnsubscribeTicket
    unsubscribe: Unsubscribe
    register_purpose: RegisterPurpose
    list_purposes: ListPurposes
    make_privacy_request: MakePrivacyRequest
    get_privacy_request: GetPrivacyRequest
    list_privacy_requests: ListPrivacyRequests
    fetch_archive: FetchArchive
    verify_requester: VerifyRequester
    extend_request: ExtendRequest
    refuse_request: RefuseRequest
    complete_request: CompleteRequest
    cancel_request: CancelRequest
    lift_restriction: LiftRestriction
    place_hold: PlaceHold
    release_hold: ReleaseHold
    list_holds: ListHolds
    advance_requests: AdvanceRequests
    check_ledger: CheckLedger
    replay_erasures: ReplayErasures
    record_facts: RecordFacts
    read_activity: ReadActivity
    start_verification: StartVerification
    confirm_verification: ConfirmVerification
    confirm_by_link: ConfirmByLink
    record_verification: RecordVerification
    purge_verifications: PurgeVerifications
    register_attribute_schema: RegisterAttributeSchema
    list_attribute_schemas: ListAttributeSchemas
    deliver_pending: DeliverPending
    list_deliveries: ListDeliveries
    get_delivery: GetDelivery
    retry_delivery: RetryDelivery
    discard_delivery: DiscardDelivery
    reconcile_credentials: ReconcileCredentials
    list_dead_letters: ListDeadLetters
    get_dead_letter: GetDeadLetter
    discard_dead_letter: DiscardDeadLetter
    list_parked: ListParked
    record_reads: RecordReads
    read_audit: ReadAudit
    verify_audit: VerifyAudit
    export_audit: ExportAudit
    make_checkpoint: MakeCheckpoint
    review_retention: ReviewRetention
    run_retention: RunRetention
    make_parts_ahead: MakePartsAhead
    preview_merge: PreviewMerge
    merge_users: MergeUsers
    read_merges: ReadMerges
    preview_undo: PreviewUndo
    undo_merge: UndoMerge
    find_duplicates: FindDuplicates
    dismiss_candidate: DismissCandidate
    rotate_keys: RotateKeys
    seal_plain: SealPlain
    start_import: StartImport
    import_batch: ImportBatch
    run_import: RunImport
    end_import: EndImport
    read_imports: ReadImports
    receive_upload: ReceiveUpload
    work_off_uploads: WorkOffUploads
    once: Once
    ports: Ports


@frozen
class _Requests:
    """The use cases of privacy requests, put together."""

    ports: Ports
    policy: RequestPolicy
    step: UserStepper
    update_user: UpdateUser
    update_preferences: UpdateEmailPreferences
    record_consent: RecordConsent
    suppressor: AddressSuppressor

    @property
    def notes(self) -> Notes:
        return Notes(self.ports.privacy_requests, self.ports.users, self.ports.ids)

    @property
    def read(self) -> GetPrivacyRequest:
        return GetPrivacyRequest(self.ports.privacy_requests, self.ports.users)

    @property
    def fulfil(self) -> FulfilRequest:
        return FulfilRequest(
            self.notes,
            self.step,
            self.update_user,
            self.update_preferences,
            self.ports.topics,
            self.ports.preferences,
            self.ports.consents,
            self.record_consent,
            BuildArchive(self.ports.users, self.ports.personal_data, self.ports.clock),
            self.ports.archives,
            self.policy,
            self.ports.clock,
        )

    @property
    def erase(self) -> EraseUser:
        return EraseUser(
            self.notes,
            self.ports.users,
            self.ports.writer,
            self.ports.erasure_ledger,
            self.ports.erasure_traces,
            self.suppressor,
            self.policy,
            self.ports.clock,
            self.ports.ids,
        )

    @property
    def check(self) -> CheckLedger:
        return CheckLedger(self.ports.erasure_ledger, self.notes, self.ports.users)


def assemble(
    ports: Ports,
    *,
    tiers: LoyaltyTiers = DEFAULT_TIERS,
    delivery: DeliveryPolicy = DEFAULT_POLICY,
    requests: RequestPolicy = DEFAULT_REQUESTS,
    public_url: str | None = None,
    verification: VerificationPolicy = DEFAULT_VERIFICATION,
    retention: Schedule = NO_SCHEDULE,
    merging: MergePolicy = DEFAULT_MERGING,
) -> Core:
    """Wire every use case to the ports given.

    Args:
        ports: an implementation of each.
        tiers: of the loyalty programme.
        delivery: how hard it is tried to tell the services around us.
        requests: the company's rules for privacy requests.
        public_url: where this service is reached from outside, for the links in mail; None: mail has none.
        verification: how long codes and links last, and how often they may be asked for.
        retention: how long things are kept that nobody needs any more.
        merging: how long a merge of accounts can be undone.
    """
    rules = AttributeRules(ports.schemas, ports.validator)
    step = UserStepper(ports.users, ports.writer, ports.ids, ports.ledger, ports.inbox, ports.clock)
    update_preferences = UpdateEmailPreferences(step, ports.preferences, ports.topics, ports.clock, ports.ids)
    addresses, tokens = Addresses(ports.keyed, ports.emails), UnsubscribeTokens(ports.keyed)
    check_suppression = CheckSuppression(ports.suppressions, addresses)
    permission = ReadMailPermission(
        ports.users, ports.topics, ports.preferences, check_suppression, UnsubscribeLinks(tokens, public_url)
    )
    record_consent = RecordConsent(step, ports.consents, ports.purposes, ports.clock, ports.ids)
    update_user = UpdateUser(step, ports.emails, rules, ports.clock)
    suppressor = SuppressErased(ports.suppressions, addresses)
    asked = _Requests(ports, requests, step, update_user, update_preferences, record_consent, suppressor)
    proofs = ProofHasher(ports.keyed)
    newcomers = VerifyNewcomers(proofs, ports.proofs, verification, ports.ids)
    confirm = Confirmer(step, ports.verification_reader, proofs, ports.clock, ports.ids)
    deactivate = DeactivateUser(step, ports.clock)
    make_request = MakePrivacyRequest(asked.notes, ports.emails, requests, ports.clock, ports.ids)
    review = ReviewRetention(ports.retention, retention, ports.clock)
    unused = WorkOffInactivity(ports.retention, ports.users, deactivate, make_request, ports.clock, ports.ids)
    parties, planner = Parties(ports.users), Planner(ports.preferences, ports.consents, rules)
    undoable = Undoable(ports.users, ports.merges, merging, ports.clock)
    undo_planner = UndoPlanner(ports.history, ports.preferences, ports.consents)
    read_filter = ReadFilter(ports.emails, ports.topics, ports.purposes, tiers, ports.clock)
    whenever = Undoable(ports.users, ports.merges, WHENEVER, ports.clock)
    separate = SeparateAccounts(
        ports.users, ports.merges, UndoMerge(whenever, undo_planner, ports.writer, ports.ledger, ports.ids)
    )
    importing = _importing(ports, rules, newcomers)
    start_import = StartImport(ports.imports, ports.clock, ports.ids)
    end_import = EndImport(ports.imports, ports.clock, ports.ids)
    return Core(
        create_user=CreateUser(ports.writer, ports.emails, rules, ports.hasher, ports.clock, ports.ids, newcomers),
        get_user=GetUser(ports.users, ports.emails),
        read_profile=ReadProfile(ports.profiles, ports.users),
        list_users=ListUsers(ports.directory),
        read_filter=read_filter,
        count_segment=CountSegment(ports.segment_counter),
        read_segments=ReadSegments(ports.segments, read_filter),
        save_segment=SaveSegment(read_filter, ports.segments, ports.trail, ports.clock, ports.ids),
        delete_segment=DeleteSegment(ports.segments, ports.trail, ports.clock, ports.ids),
        update_user=update_user,
        deactivate_user=deactivate,
        reactivate_user=ReactivateUser(step, ports.clock),
        reactivate_due=ReactivateDue(ports.users, step, ports.clock, ports.ids),
        read_history=ReadHistory(ports.users, ports.history),
        read_past=ReadPast(ports.users, ports.history),
        build_archive=BuildArchive(ports.users, ports.personal_data, ports.clock),
        export_user_data=_exporting(ports),
        export_users=ExportUsers(ports.exporter, ports.trail, tiers, ports.clock, ports.ids),
        read_statistics=ReadStatistics(ports.statistics, ports.topics, tiers, ports.clock),
        get_email_preferences=GetEmailPreferences(ports.users, ports.preferences, ports.topics, ports.history),
        update_email_preferences=update_preferences,
        register_topic=RegisterTopic(ports.topics, ports.clock),
        list_topics=ListTopics(ports.topics),
        record_consent=record_consent,
        read_consents=ReadConsents(ports.users, ports.consents, ports.purposes),
        opt_out_of_sale=OptOutOfSale(ports.consents, record_consent),
        suppress=Suppress(ports.suppressions, addresses, ports.clock),
        lift_suppression=LiftSuppression(ports.suppressions, addresses, ports.clock),
        check_suppression=check_suppression,
        read_mail_permission=permission,
        read_unsubscribe_ticket=ReadUnsubscribeTicket(tokens, ports.topics),
        unsubscribe=Unsubscribe(
            tokens, ports.topics, update_preferences, ports.users, ports.suppressions, addresses, ports.clock
        ),
        register_purpose=RegisterPurpose(ports.purposes, ports.clock),
        list_purposes=ListPurposes(ports.purposes),
        make_privacy_request=make_request,
        get_privacy_request=asked.read,
        list_privacy_requests=ListPrivacyRequests(ports.privacy_requests, ports.users),
        fetch_archive=FetchArchive(asked.read, ports.archives, ports.clock),
        verify_requester=VerifyRequester(asked.notes, requests, ports.clock),
        extend_request=ExtendRequest(asked.notes, requests, ports.clock),
        refuse_request=RefuseRequest(asked.notes, ports.clock),
        complete_request=CompleteRequest(asked.notes, ports.clock),
        cancel_request=CancelRequest(asked.notes, ports.clock),
        lift_restriction=LiftRestriction(step, ports.clock),
        place_hold=PlaceHold(ports.holds, ports.users, ports.clock, ports.ids),
        release_hold=ReleaseHold(ports.holds, ports.users, ports.clock, ports.ids),
        list_holds=ListHolds(ports.holds, ports.users),
        advance_requests=AdvanceRequests(asked.notes, asked.fulfil, asked.erase, ports.clock, ports.ids),
        check_ledger=asked.check,
        replay_erasures=ReplayErasures(asked.check, asked.erase, separate, requests, ports.clock, ports.ids),
        record_facts=RecordFacts(ports.activity_writer, ports.clock, ports.ids),
        read_activity=ReadActivity(ports.users, ports.activity_reader, tiers),
        start_verification=StartVerification(
            ports.users,
            ports.verification_writer,
            ports.verification_reader,
            proofs,
            ports.proofs,
            verification,
            ports.clock,
            ports.ids,
        ),
        confirm_verification=ConfirmVerification(
            ports.users, ports.verification_writer, proofs, confirm, verification, ports.clock
        ),
        confirm_by_link=ConfirmByLink(ports.verification_reader, proofs, confirm, verification, ports.clock),
        record_verification=RecordVerification(step, proofs, ports.clock, ports.ids),
        purge_verifications=PurgeVerifications(ports.verification_writer, verification, ports.clock),
        register_attribute_schema=RegisterAttributeSchema(ports.schemas, ports.validator, ports.clock),
        list_attribute_schemas=ListAttributeSchemas(ports.schemas),
        deliver_pending=DeliverPending(
            ports.deliveries,
            ports.authentication,
            TopicMail(ports.notification, permission),
            ports.audit,
            ports.clock,
            delivery,
        ),
        list_deliveries=ListDeliveries(ports.delivery_records),
        get_delivery=GetDelivery(ports.delivery_records),
        retry_delivery=RetryDelivery(ports.delivery_records, ports.clock),
        discard_delivery=DiscardDelivery(ports.delivery_records, ports.clock, ports.trail, ports.ids),
        reconcile_credentials=ReconcileCredentials(
            ports.directory,
            ports.users,
            ports.credentials,
            ports.delivery_records,
            ports.trail,
            ports.clock,
            ports.ids,
        ),
        list_dead_letters=ListDeadLetters(ports.dead_letters),
        get_dead_letter=GetDeadLetter(ports.dead_letters),
        discard_dead_letter=DiscardDeadLetter(ports.dead_letters, ports.clock),
        list_parked=ListParked(ports.parked),
        record_reads=RecordReads(ports.trail, ports.listings, ports.clock, ports.ids),
        read_audit=ReadAudit(ports.audit_reader),
        verify_audit=VerifyAudit(ports.archive, ports.checkpoints, ports.verifier, ports.clock),
        export_audit=ExportAudit(ports.archive),
        make_checkpoint=MakeCheckpoint(
            ports.checkpoints,
            ports.signer,
            ports.verifier,
            ports.checkpoint_publisher,
            ports.clock,
            ports.ids,
        ),
        review_retention=review,
        run_retention=RunRetention(review, unused, ports.trail, ports.ids),
        make_parts_ahead=MakePartsAhead(ports.trail_parts, ports.clock),
        preview_merge=PreviewMerge(parties, planner, ports.merges),
        merge_users=MergeUsers(parties, planner, ports.merges, ports.writer, ports.ledger, ports.ids, ports.clock),
        read_merges=ReadMerges(ports.users, ports.merges, merging),
        preview_undo=PreviewUndo(undoable, undo_planner),
        find_duplicates=FindDuplicates(ports.candidates, ports.clock),
        dismiss_candidate=DismissCandidate(ports.candidates, ports.users, ports.trail, ports.clock, ports.ids),
        undo_merge=UndoMerge(undoable, undo_planner, ports.writer, ports.ledger, ports.ids),
        rotate_keys=RotateKeys(ports.key_store, ports.trail, ports.clock, ports.ids),
        seal_plain=SealPlain(ports.key_store, ports.trail, ports.clock, ports.ids),
        start_import=start_import,
        import_batch=importing,
        run_import=RunImport(importing),
        end_import=end_import,
        read_imports=ReadImports(ports.imports),
        receive_upload=ReceiveUpload(ports.uploads, start_import, ports.clock, ports.ids),
        work_off_uploads=WorkOffUploads(
            ports.uploads, ports.imports, RunImport(importing), end_import, open_rows, ports.clock
        ),
        once=Once(ports.ledger, ports.clock),
        ports=ports,
    )


def open_rows(kind: ImportFormat, end: int, line: int) -> RowReader:
    """Return a reader of rows; the library that it needs is asked for no earlier."""
    from usercore.codec.rows import row_reader  # noqa: PLC0415 -- an extra

    return row_reader(kind, end=end, line=line)


def _importing(ports: Ports, rules: AttributeRules, newcomers: VerifyNewcomers) -> ImportBatch:
    return ImportBatch(ports.import_writer, ports.users, ports.emails, rules, newcomers, ports.clock, ports.ids)


def _exporting(ports: Ports) -> ExportUserData:
    trail = AuditedExports(ports.trail, ports.clock, ports.ids)
    return ExportUserData(ports.users, trail, BuildArchive(ports.users, ports.personal_data, ports.clock))
