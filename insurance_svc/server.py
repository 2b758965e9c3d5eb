"""The wiring of insurance: the only place that picks implementations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from chassis import outbox
from chassis.breaker import Breaker
from chassis.clock import Clock, SystemClock, SystemIds
from chassis.crypto import FieldCipher, KeyRing, LookupHash
from chassis.db import Database, open_database
from chassis.lifecycle import Assembly, Dial
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller
from chassis.telemetry import Telemetry
from insurance_svc.config import Settings
from insurance_svc.domain.codes import load_codes
from insurance_svc.domain.tables import Rules, load_rules
from insurance_svc.external.accounts import read_accounts
from insurance_svc.external.alarms import PortalAlarms
from insurance_svc.external.claim_code_lists import read_code_lists
from insurance_svc.external.claim_facility import read_claim_facilities
from insurance_svc.external.claim_portal import ClaimPaths, HttpClaimPortal
from insurance_svc.external.claim_portal import counts_as_trouble as counts_as_claim_trouble
from insurance_svc.external.claim_signer import FolderSigner
from insurance_svc.external.portal import HttpPortal, counts_as_trouble
from insurance_svc.external.portal_session import PortalAccount
from insurance_svc.operations import (
    DESTINATION,
    CheckCoverage,
    CoverageKeeper,
    ExportEvidence,
    KnownNumbers,
    LookUpAgain,
    PortalQuestioner,
    PublishedCopay,
    ReadCorrections,
    ReadCoverage,
    Recheck,
    SplitCost,
)
from insurance_svc.operations.claims import (
    CLAIM_DESTINATION,
    BuildClaims,
    ClaimDesk,
    CompareSettlement,
    DeliverClaims,
    DeliveryRules,
    ImportSettlement,
    LintClaims,
    ReadClaims,
    SubmitCheckIn,
    SubmitClaims,
    TrackClaims,
    WorkItems,
)
from insurance_svc.operations.claims.facts import FactsReader
from insurance_svc.operations.claims.submit import SigningDesk
from insurance_svc.operations.estimate import EstimateCost
from insurance_svc.operations.evaluate_benefit import EvaluateBenefit
from insurance_svc.operations.fhir_views import FhirViews
from insurance_svc.peers.emr import EmrVisits
from insurance_svc.peers.identity import IdentityPeople
from insurance_svc.servicer.benefit import BenefitServicer
from insurance_svc.servicer.claims import ClaimServicer, ClaimVerbs
from insurance_svc.servicer.coverage import CoverageServicer
from insurance_svc.servicer.fhir import InsuranceFhirServicer
from insurance_svc.store.claims_store import CLAIM_QUERIES, ClaimStore
from insurance_svc.store.confirmation_store import ConfirmationStore
from insurance_svc.store.evidence_store import EvidenceStore
from insurance_svc.store.settlement_store import SettlementStore
from insurance_svc.store.store import EVIDENCE_QUERIES, QUERIES, InsuranceStore
from lienthong.insurance.v1.benefit_pb2_grpc import add_BenefitServiceServicer_to_server
from lienthong.insurance.v1.claims_pb2_grpc import add_ClaimServiceServicer_to_server
from lienthong.insurance.v1.fhir_pb2_grpc import add_InsuranceFhirServiceServicer_to_server
from lienthong.insurance.v1.insurance_pb2_grpc import add_CoverageServiceServicer_to_server

NAME = "insurance"
RECEIPTS_S = 30.0
"""Time a delivery has beside the sending itself: receipts are asked for before a file goes again."""
RECHECKER = Caller(subject=f"services/{NAME}", roles=frozenset({"SERVICE"}), purpose="recheck", service=NAME)
"""On whose behalf checks are repeated; no peer is called then, so there is no token."""
SUBMITTER = Caller(subject=f"services/{NAME}", roles=frozenset({"SERVICE"}), purpose="claims", service=NAME)
"""On whose behalf claims are sent; what they say was gathered with the token of the person who built them."""


async def assemble(settings: Settings, dial: Dial, telemetry: Telemetry) -> Assembly:
    """Build insurance; only claims need siblings, and those when one is built."""
    clock, ids = SystemClock(), SystemIds()
    ring = KeyRing.from_file(settings.field_key_file)
    cipher = FieldCipher(ring)
    rules = await asyncio.to_thread(load_rules, settings.facility_table_file, settings.disease_table_file)
    db = await open_database(
        settings.database_url,
        queries=(QUERIES, EVIDENCE_QUERIES, CLAIM_QUERIES),
        package=__package__,
        telemetry=telemetry,
    )
    store, book, alarms = InsuranceStore(cipher), EvidenceStore(cipher), PortalAlarms()
    claims = ClaimStore(cipher, LookupHash(ring))
    views = FhirViews(db=db, store=store, claims=claims, clock=clock)
    breaker = Breaker(
        "insurance.portal",
        failure_threshold=settings.portal_failures,
        open_s=settings.portal_pause_s,
        counts=counts_as_trouble,
    )
    portal = await _portal(settings, breaker, clock=clock, telemetry=telemetry)
    questioner = PortalQuestioner(
        portal, load_codes(), more_numbers=KnownNumbers(db, book), clock=clock, ids=ids, alarms=alarms
    )
    coverage, recheck = _coverage(
        settings, telemetry, db=db, store=store, book=book, questioner=questioner, rules=rules, cipher=cipher
    )
    claiming = await _claims(
        settings,
        dial,
        telemetry,
        db=db,
        store=store,
        claims=claims,
        sessions=portal,
        rules=rules,
        cipher=cipher,
    )
    return Assembly(
        name=NAME,
        bindings=[
            collect(add_CoverageServiceServicer_to_server, coverage),
            collect(
                add_BenefitServiceServicer_to_server, _benefit(db=db, store=store, book=book, rules=rules)
            ),
            collect(add_InsuranceFhirServiceServicer_to_server, InsuranceFhirServicer(views)),
            collect(add_ClaimServiceServicer_to_server, ClaimServicer(claiming.verbs)),
        ],
        workers=[recheck.run, claiming.worker.run, claiming.tracker.run],
        close=[portal.close, claiming.portal.close],
        databases=[db],
        breakers=[breaker, claiming.breaker],
        collectors=alarms.collectors,
    )


def _coverage(
    settings: Settings,
    telemetry: Telemetry,
    *,
    db: Database,
    store: InsuranceStore,
    book: EvidenceStore,
    questioner: PortalQuestioner,
    rules: Rules,
    cipher: FieldCipher,
) -> tuple[CoverageServicer, outbox.Worker]:
    """Look-ups with their evidence, splits, and the worker that repeats what was not heard."""
    clock, ids = SystemClock(), SystemIds()
    keeper = CoverageKeeper(store=store, book=book, cipher=cipher, rules=rules, clock=clock, ids=ids)
    recheck = Recheck(
        db=db,
        store=store,
        questioner=questioner,
        keeper=keeper,
        clock=clock,
        wait_s=settings.portal_recheck_wait_s,
    )
    worker = outbox.Worker(
        db,
        DESTINATION,
        recheck,
        cipher=cipher,
        lease_s=settings.outbox_lease_s,
        deliver_s=settings.outbox_lease_s * 0.8,
        max_attempts=settings.outbox_max_attempts,
        backoff=outbox.Backoff(first_s=settings.outbox_backoff_s),
        clock=clock,
        caller=lambda: RECHECKER,
        telemetry=telemetry,
    )
    servicer = CoverageServicer(
        check_coverage=CheckCoverage(db=db, store=store, questioner=questioner, keeper=keeper),
        read_coverage=ReadCoverage(db=db, store=store, clock=clock),
        look_up_again=LookUpAgain(
            db=db, store=store, book=book, questioner=questioner, keeper=keeper, clock=clock, ids=ids
        ),
        export_evidence=ExportEvidence(
            db=db, store=store, book=book, codes=load_codes(), clock=clock, ids=ids
        ),
        read_corrections=ReadCorrections(db=db, store=store, book=book),
        split_cost=SplitCost(
            db=db,
            store=store,
            rules=rules,
            clock=clock,
            ids=ids,
            published_copay=PublishedCopay(book, rules),
        ),
        clock=clock,
    )
    return servicer, worker


def _benefit(*, db: Database, store: InsuranceStore, book: EvidenceStore, rules: Rules) -> BenefitServicer:
    """Rights and estimates."""
    return BenefitServicer(
        evaluate_benefit=EvaluateBenefit(rules=rules),
        estimate_cost=EstimateCost(
            db=db, store=store, rules=rules, published_copay=PublishedCopay(book, rules)
        ),
        clock=SystemClock(),
    )


async def _portal(settings: Settings, breaker: Breaker, *, clock: Clock, telemetry: Telemetry) -> HttpPortal:
    """The insurer's portal with the accounts of the operator's file."""
    return HttpPortal(
        settings.portal_url,
        accounts=await asyncio.to_thread(read_accounts, settings.portal_accounts_file),
        default_account=PortalAccount(
            username=settings.portal_username,
            password=settings.portal_password.reveal(),
            staff_name=settings.portal_staff_name,
            staff_number=settings.portal_staff_number.reveal(),
        ),
        clock=clock,
        telemetry=telemetry,
        breaker=breaker,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claiming:
    """The parts of claims."""

    verbs: ClaimVerbs
    worker: outbox.Worker
    tracker: TrackClaims
    portal: HttpClaimPortal
    breaker: Breaker


async def _claims(
    settings: Settings,
    dial: Dial,
    telemetry: Telemetry,
    *,
    db: Database,
    store: InsuranceStore,
    claims: ClaimStore,
    sessions: HttpPortal,
    rules: Rules,
    cipher: FieldCipher,
) -> _Claiming:
    """Claims, on the look-up's sign-ins."""
    clock, ids = SystemClock(), SystemIds()
    desk = ClaimDesk(claims, clock=clock, ids=ids)
    facts = FactsReader(
        db=db,
        store=store,
        visits=EmrVisits(dial("emr")),
        people=IdentityPeople(dial("identity")),
        facilities=await asyncio.to_thread(read_claim_facilities, settings.claim_facility_file),
        clock=clock,
    )
    code_lists = await asyncio.to_thread(read_code_lists, settings.claim_code_list_dir)
    lint = LintClaims(db=db, desk=desk, facts=facts, code_lists=code_lists, rules=rules, clock=clock)
    signer = await asyncio.to_thread(FolderSigner.of, settings.claim_key_dir)
    signing = SigningDesk(signer, allow_unsigned=settings.claim_allow_unsigned)
    results = SettlementStore(cipher)
    verbs = ClaimVerbs(
        build=BuildClaims(db=db, desk=desk, facts=facts, clock=clock, ids=ids),
        read=ReadClaims(db=db, desk=desk),
        lint=lint,
        submit=SubmitClaims(
            db=db, desk=desk, lint=lint, signing=signing, cipher=cipher, clock=clock, ids=ids
        ),
        check_in=SubmitCheckIn(
            db=db,
            desk=desk,
            facts=facts,
            signing=signing,
            rules=rules,
            cipher=cipher,
            clock=clock,
            ids=ids,
        ),
        work=WorkItems(db=db, desk=desk, clock=clock),
        settle=ImportSettlement(db=db, desk=desk, store=results, clock=clock),
        compare=CompareSettlement(db=db, store=results),
    )
    portal, breaker = _claim_portal(settings, sessions, telemetry)
    deliver = DeliverClaims(
        db=db,
        desk=desk,
        portal=portal,
        facts=facts,
        lint=lint,
        rules=_delivery_rules(settings),
        clock=clock,
    )
    worker = _claim_worker(settings, deliver, db=db, cipher=cipher, telemetry=telemetry)
    tracker = _claim_tracker(settings, portal, db=db, desk=desk, lint=lint, cipher=cipher)
    return _Claiming(verbs=verbs, worker=worker, tracker=tracker, portal=portal, breaker=breaker)


def _claim_worker(
    settings: Settings, deliver: DeliverClaims, *, db: Database, cipher: FieldCipher, telemetry: Telemetry
) -> outbox.Worker:
    return outbox.Worker(
        db,
        CLAIM_DESTINATION,
        deliver,
        cipher=cipher,
        lease_s=settings.claim_send_timeout_s + 2 * RECEIPTS_S,
        deliver_s=settings.claim_send_timeout_s + RECEIPTS_S,
        max_attempts=settings.outbox_max_attempts,
        backoff=outbox.Backoff(first_s=settings.outbox_backoff_s),
        clock=SystemClock(),
        caller=lambda: SUBMITTER,
        telemetry=telemetry,
    )


def _claim_tracker(
    settings: Settings,
    portal: HttpClaimPortal,
    *,
    db: Database,
    desk: ClaimDesk,
    lint: LintClaims,
    cipher: FieldCipher,
) -> TrackClaims:
    return TrackClaims(
        db=db,
        desk=desk,
        store=ConfirmationStore(),
        portal=portal,
        lint=lint,
        cipher=cipher,
        clock=SystemClock(),
        caller=SUBMITTER,
        every_s=settings.claim_track_every_s,
        settle_s=settings.claim_receipt_wait_s,
    )


def _claim_portal(
    settings: Settings, sessions: HttpPortal, telemetry: Telemetry
) -> tuple[HttpClaimPortal, Breaker]:
    """The portal's claim services; their breaker is their own, so that a slow upload shuts out no look-up."""
    breaker = Breaker(
        "insurance.claim_portal",
        failure_threshold=settings.portal_failures,
        open_s=settings.portal_pause_s,
        counts=counts_as_claim_trouble,
    )
    receipts = settings.claim_receipt_path
    paths = ClaimPaths(
        claim=settings.claim_path,
        claim_type=settings.claim_type,
        check_in=settings.check_in_path,
        check_in_type=settings.check_in_type,
        receipts="" if receipts == "none" else receipts,
    )
    portal = HttpClaimPortal(
        settings.portal_url, sessions=sessions, paths=paths, telemetry=telemetry, breaker=breaker
    )
    return portal, breaker


def _delivery_rules(settings: Settings) -> DeliveryRules:
    return DeliveryRules(
        send_timeout_s=settings.claim_send_timeout_s,
        retry_wait_s=settings.claim_retry_wait_s,
        receipt_wait_s=settings.claim_receipt_wait_s,
        fate_alarm_s=settings.claim_fate_alarm_s,
        resend_unknown=settings.claim_resend_unknown,
    )
