"""The parts of identity, each built of what it needs; a test builds one without the others."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TypedDict

from chassis.clock import Clock, Ids
from chassis.crypto import KeyRing, LookupHash
from chassis.db import Database
from chassis.rpc.binding import ServiceBinding, collect
from identity_svc.config import Settings
from identity_svc.domain.consent_texts import shipped_texts
from identity_svc.domain.identifier_systems import IdentifierSystems
from identity_svc.domain.match_weights import load_weights
from identity_svc.domain.proxy_code import CodeSigner
from identity_svc.operations import ReadCitizen, Settlement, VerifyCard
from identity_svc.operations.accounts import Accounts
from identity_svc.operations.authority import Authority, CheckAuthority
from identity_svc.operations.case_queue import CaseQueue
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.consent import Consents
from identity_svc.operations.correction import Corrections
from identity_svc.operations.delegation import Delegations
from identity_svc.operations.facilities import Facilities
from identity_svc.operations.identifiers import Identifiers
from identity_svc.operations.index import MasterIndex
from identity_svc.operations.link import Linker
from identity_svc.operations.match import Matcher, PreviewMatch
from identity_svc.operations.merge import Duplicates
from identity_svc.operations.note_facts import FactsNotice
from identity_svc.operations.own_view import OwnView
from identity_svc.operations.proxy_codes import ProxyCodes
from identity_svc.operations.quality_figures import QualityCounter, QualityFigures
from identity_svc.operations.read_chip import ReadChip
from identity_svc.operations.read_insurance_card import ReadInsuranceCard
from identity_svc.operations.recode import Recodings
from identity_svc.operations.recode_walk import Walker
from identity_svc.operations.register_append import AppendImport
from identity_svc.operations.register_batch import BatchStore
from identity_svc.operations.register_import import Imports
from identity_svc.operations.register_parquet import ParquetSpool
from identity_svc.operations.register_prepare import Workshop
from identity_svc.operations.rematch import Rematch
from identity_svc.operations.repairs import Repairs
from identity_svc.operations.residences import Residences, WardInIndex
from identity_svc.operations.temporary import Temporary
from identity_svc.ports import RegisterPort, TrustPort
from identity_svc.servicer.card import CardServicer
from identity_svc.servicer.citizens import IdentityServicer
from identity_svc.servicer.consent import ConsentServicer
from identity_svc.servicer.imports import RegisterImportServicer
from identity_svc.servicer.master_index import MasterIndexServicer
from identity_svc.servicer.own_view import OwnViewServicer
from identity_svc.servicer.quality import QualityServicer
from identity_svc.servicer.units import UnitServicer
from identity_svc.store.account_store import AccountStore
from identity_svc.store.chip_store import CHIP_QUERIES, ChipStore
from identity_svc.store.consent_store import CONSENT_QUERIES, ConsentStore
from identity_svc.store.correction_store import CorrectionStore
from identity_svc.store.delegation_store import DelegationStore
from identity_svc.store.figures_store import FiguresStore
from identity_svc.store.import_store import IMPORT_QUERIES, ImportStore
from identity_svc.store.index_store import INDEX_QUERIES, IndexStore
from identity_svc.store.link_store import LinkStore
from identity_svc.store.quality_store import QUALITY_QUERIES, QualityStore
from identity_svc.store.repairs_store import RepairsStore
from identity_svc.store.store import QUERIES, IdentityStore
from identity_svc.store.temporary_store import TemporaryStore
from identity_svc.store.units_facilities import FacilityStore
from identity_svc.store.units_recoding import RecodingStore
from identity_svc.store.units_store import UNITS_QUERIES, UnitsStore
from lienthong.identity.v1.consent_pb2_grpc import add_ConsentServiceServicer_to_server
from lienthong.identity.v1.own_view_pb2_grpc import add_OwnViewServiceServicer_to_server
from lienthong.identity.v1.quality_pb2_grpc import add_DataQualityServiceServicer_to_server
from lienthong.identity.v1.register_import_pb2_grpc import add_RegisterImportServiceServicer_to_server
from lienthong.identity.v1.units_pb2_grpc import add_UnitServiceServicer_to_server

ALL_QUERIES = (
    QUERIES, UNITS_QUERIES, QUALITY_QUERIES, INDEX_QUERIES, IMPORT_QUERIES, CONSENT_QUERIES, CHIP_QUERIES,
)  # fmt: skip


class Frame(TypedDict):
    """What every part of identity stands on."""

    db: Database
    store: IdentityStore
    clock: Clock
    ids: Ids


def citizen_servicer(
    *,
    db: Database,
    store: IdentityStore,
    repairs_store: RepairsStore,
    verify_card: VerifyCard,
    settlement: Settlement,
    register: RegisterPort,
    desk: CaseDesk,
    notice: FactsNotice,
    linker: Linker,
    systems: IdentifierSystems,
    clock: Clock,
    ids: Ids,
) -> IdentityServicer:
    """The edge of citizens: cards, numbers, temporary people, repairs."""
    temporary_store = TemporaryStore(store)
    return IdentityServicer(
        verify_card=verify_card,
        read_citizen=ReadCitizen(db=db, store=store, clock=clock),
        identifiers=Identifiers(
            db=db,
            store=store,
            repairs=repairs_store,
            temporary=temporary_store,
            desk=desk,
            notice=notice,
            clock=clock,
            ids=ids,
        ),
        temporary=Temporary(
            db=db,
            store=store,
            temporary=temporary_store,
            settlement=settlement,
            register=register,
            desk=desk,
            notice=notice,
            linker=linker,
            clock=clock,
            ids=ids,
        ),
        repairs=Repairs(
            db=db, store=store, repairs=repairs_store, desk=desk, notice=notice, clock=clock, ids=ids
        ),
        systems=systems,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterIndexParts:
    """The verbs of the master index, and what makes links for other operations."""

    linker: Linker
    preview: PreviewMatch
    duplicates: Duplicates
    rematch: Rematch
    """The worker that matches, too."""

    def servicer(self) -> MasterIndexServicer:
        """The edge."""
        return MasterIndexServicer(preview=self.preview, duplicates=self.duplicates, rematch=self.rematch)


def master_index(
    *, db: Database, store: IdentityStore, hashes: LookupHash, desk: CaseDesk, clock: Clock, ids: Ids
) -> MasterIndexParts:
    """Build the master index."""
    index, links = IndexStore(store.cipher, hashes), LinkStore(hashes)
    matcher = Matcher(index, links, load_weights())
    linker = Linker(store=store, index=index, links=links, matcher=matcher, ids=ids)
    return MasterIndexParts(
        linker=linker,
        preview=PreviewMatch(db=db, matcher=matcher, index=index, clock=clock),
        duplicates=Duplicates(db=db, links=links, linker=linker, cases=desk, clock=clock),
        rematch=Rematch(
            db=db, index=index, links=links, matcher=matcher, linker=linker, cases=desk, clock=clock, ids=ids
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentParts:
    """The verbs about consents, delegations and accounts."""

    consents: Consents
    delegations: Delegations
    check_authority: CheckAuthority
    proxy_codes: ProxyCodes
    accounts: Accounts
    own_view: OwnView
    authority: Authority
    """Answers other operations whether a citizen may act."""

    def bindings(self) -> list[ServiceBinding]:
        """The edges."""
        servicer = ConsentServicer(
            consents=self.consents,
            delegations=self.delegations,
            check_authority=self.check_authority,
            proxy_codes=self.proxy_codes,
            accounts=self.accounts,
        )
        return [
            collect(add_ConsentServiceServicer_to_server, servicer),
            collect(add_OwnViewServiceServicer_to_server, OwnViewServicer(own_view=self.own_view)),
        ]


def consent_parts(
    *, db: Database, store: IdentityStore, ring: KeyRing, clock: Clock, ids: Ids
) -> ConsentParts:
    """Build what concerns consents, delegations and accounts."""
    circles, delegations = ConsentStore(), DelegationStore()
    accounts = AccountStore(store.cipher, LookupHash(ring))
    authority = Authority(store=store, consents=circles, delegations=delegations, accounts=accounts)
    verbs = Delegations(db=db, store=delegations, authority=authority, clock=clock, ids=ids)
    return ConsentParts(
        consents=Consents(
            db=db, store=circles, authority=authority, texts=shipped_texts(), clock=clock, ids=ids
        ),
        delegations=verbs,
        check_authority=CheckAuthority(
            db=db, authority=authority, delegations=delegations, accounts=accounts, clock=clock
        ),
        proxy_codes=ProxyCodes(
            db=db,
            store=delegations,
            authority=authority,
            signer=CodeSigner(ring.lookup),
            clock=clock,
            randoms=os.urandom,
        ),
        accounts=Accounts(
            db=db,
            store=accounts,
            people=store,
            circles=circles,
            authority=authority,
            clock=clock,
            ids=ids,
            draw=secrets.randbelow,
        ),
        own_view=OwnView(
            db=db,
            people=store,
            consents=circles,
            accounts=accounts,
            authority=authority,
            delegations=verbs,
            clock=clock,
        ),
        authority=authority,
    )


def card_servicer(
    *,
    db: Database,
    store: IdentityStore,
    hashes: LookupHash,
    verify_card: VerifyCard,
    desk: CaseDesk,
    trust: TrustPort,
    clock: Clock,
    ids: Ids,
) -> CardServicer:
    """Card reading: chips go the way of a scanned card once they hold."""
    read_chip = ReadChip(
        db=db,
        store=store,
        chips=ChipStore(hashes),
        verify_card=verify_card,
        desk=desk,
        trust=trust,
        clock=clock,
        ids=ids,
    )
    read_citizen = ReadCitizen(db=db, store=store, clock=clock)
    return CardServicer(read_chip=read_chip, read_insurance_card=ReadInsuranceCard(read_citizen), trust=trust)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportParts:
    """The verbs about register files."""

    imports: Imports
    append: AppendImport
    workshop: Workshop
    """Its processes end with the service."""
    clock: Clock

    def bindings(self) -> list[ServiceBinding]:
        """The edge."""
        servicer = RegisterImportServicer(imports=self.imports, append=self.append, clock=self.clock)
        return [collect(add_RegisterImportServiceServicer_to_server, servicer)]


def import_parts(
    *,
    settings: Settings,
    db: Database,
    store: IdentityStore,
    ring: KeyRing,
    desk: CaseDesk,
    index: MasterIndex,
    clock: Clock,
    ids: Ids,
) -> ImportParts:
    """Build what takes register files in."""
    files, workshop = ImportStore(store.cipher), Workshop(ring, worker_count=settings.import_workers)
    spool = ParquetSpool(settings.state_dir / "register-imports", store.cipher)
    batches = BatchStore(
        identity=store,
        imports=files,
        units=UnitsStore(),
        index=index,
        cases=desk,
        ids=ids,
    )
    append = AppendImport(
        db=db,
        store=files,
        batches=batches,
        workshop=workshop,
        spool=spool,
        clock=clock,
    )
    return ImportParts(
        imports=Imports(db=db, store=files, spool=spool, clock=clock, ids=ids),
        append=append,
        workshop=workshop,
        clock=clock,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitParts:
    """The verbs about facilities, residences and re-codings."""

    facilities: Facilities
    residences: Residences
    recodings: Recodings
    walker: Walker
    """The worker that walks through the register."""

    def bindings(self) -> list[ServiceBinding]:
        """The edge."""
        servicer = UnitServicer(
            facilities=self.facilities, residences=self.residences, recodings=self.recodings
        )
        return [collect(add_UnitServiceServicer_to_server, servicer)]


def unit_parts(
    *, db: Database, store: IdentityStore, desk: CaseDesk, index: MasterIndex, clock: Clock, ids: Ids
) -> UnitParts:
    """Build what concerns facilities, residences and re-codings."""
    units, recodings = UnitsStore(), RecodingStore(store.cipher)
    notice = WardInIndex(store=store, index=index)
    return UnitParts(
        facilities=Facilities(db=db, store=FacilityStore(), clock=clock, ids=ids),
        residences=Residences(db=db, store=store, units=units, desk=desk, notice=notice, clock=clock),
        recodings=Recodings(db=db, store=recodings, clock=clock, ids=ids),
        walker=Walker(db=db, store=recodings, units=units, desk=desk, notice=notice, clock=clock),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityParts:
    """The verbs about doubts, figures and correction requests."""

    queue: CaseQueue
    figures: QualityFigures
    corrections: Corrections
    counter: QualityCounter
    """The worker that counts."""
    clock: Clock

    def bindings(self) -> list[ServiceBinding]:
        """The edge."""
        servicer = QualityServicer(
            queue=self.queue, figures=self.figures, corrections=self.corrections, clock=self.clock
        )
        return [collect(add_DataQualityServiceServicer_to_server, servicer)]


def quality_parts(
    *,
    db: Database,
    store: IdentityStore,
    repairs: RepairsStore,
    desk: CaseDesk,
    notice: FactsNotice,
    authority: Authority,
    clock: Clock,
    ids: Ids,
) -> QualityParts:
    """Build the queue of doubts, its figures and correction requests."""
    cases, corrections, figures = QualityStore(store.cipher), CorrectionStore(store.cipher), FiguresStore()
    return QualityParts(
        queue=CaseQueue(db=db, store=cases, corrections=corrections, people=store, desk=desk, clock=clock),
        figures=QualityFigures(db=db, store=figures, clock=clock),
        corrections=Corrections(
            db=db,
            people=store,
            store=corrections,
            cases=cases,
            repairs=repairs,
            desk=desk,
            authority=authority,
            notice=notice,
            clock=clock,
            ids=ids,
        ),
        counter=QualityCounter(db=db, store=figures, clock=clock),
        clock=clock,
    )
