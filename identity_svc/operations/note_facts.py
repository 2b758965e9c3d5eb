"""Tells the rest of identity what is new about a person: the master index, the residence, the desk for cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chassis.db import Tx
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.matching import MatchFacts, facts_of
from identity_svc.domain.model import Citizen, TextQuality
from identity_svc.domain.residence import ResidenceKind, ResidenceSource, chosen, residence_of
from identity_svc.domain.temporary import is_made_up_name
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.index import MasterIndex
from identity_svc.store.units_store import UnitsStore

_ADDRESS_CAUSES = {
    ResidenceKind.SPLIT: CaseCause.ADDRESS_SPLIT,
    ResidenceKind.AMBIGUOUS: CaseCause.ADDRESS_UNRESOLVED,
    ResidenceKind.UNRESOLVED: CaseCause.ADDRESS_UNRESOLVED,
}


class FactsNotice:
    """Passes changed facts on, in the transaction that changes them."""

    def __init__(self, *, index: MasterIndex, units: UnitsStore, desk: CaseDesk) -> None:
        self._index = index
        self._units = units
        self._desk = desk

    async def tell(
        self,
        tx: Tx,
        citizen: Citizen,
        *,
        facility_code: str = "",
        ward_code: str = "",
        is_undo: bool = False,
        now: datetime,
    ) -> None:
        """File a person whose facts or numbers are new or changed.

        An address that leads to no commune, or to several, opens a case; one that leads to one closes it.

        Args:
            citizen: With facts and numbers as they stand now.
            facility_code: Where it became known, or empty.
            ward_code: Commune in force that a person chose for the address, or empty.
            is_undo: A repair is taken back: a commune that was chosen with it no longer stands.
            now: When.
        """
        if is_undo:
            await self._units.add_residence(
                tx, citizen.citizen_id, None, source=ResidenceSource.UNDO, now=now
            )
        ward = await self._settle_residence(
            tx, citizen, facility_code=facility_code, ward_code=ward_code, now=now
        )
        await self._index.note(
            tx, citizen.citizen_id, facts_for_index(citizen, ward_code=ward, now=now), now=now
        )

    async def _settle_residence(
        self, tx: Tx, citizen: Citizen, *, facility_code: str, ward_code: str, now: datetime
    ) -> str:
        """Keep where the person lives and give the commune in force, or empty."""
        facts = citizen.demographics
        if not facts.address or facts.text_quality is TextQuality.DAMAGED:
            return ""
        told = chosen(ward_code) if ward_code else residence_of(facts.address)
        source = ResidenceSource.STEWARD if ward_code else ResidenceSource.CARD
        residence = await self._units.add_residence(tx, citizen.citizen_id, told, source=source, now=now)
        assert residence is not None, "an address says something of where a person lives"
        cause = _ADDRESS_CAUSES.get(residence.kind)
        if cause is not None:
            await self._desk.open(
                tx,
                cause=cause,
                citizen_id=citizen.citizen_id,
                field="address",
                facility_code=facility_code,
                evidence={"reason": residence.reason},
                now=now,
            )
        elif facts.version > 1:
            for settled in (CaseCause.ADDRESS_SPLIT, CaseCause.ADDRESS_UNRESOLVED):
                await self._desk.close(
                    tx, cause=settled, citizen_id=citizen.citizen_id, resolution="ADDRESS_RESOLVED", now=now
                )
        return residence.ward_in_force


def facts_for_index(citizen: Citizen, *, ward_code: str, now: datetime) -> MatchFacts:
    """What the master index compares of a record; a name that a desk made up tells nothing, linked records file theirs.

    Args:
        ward_code: Commune in force, or empty.
    """
    facts = citizen.demographics
    if is_made_up_name(facts.full_name):
        facts = replace(facts, full_name="")
    own = [each for each in citizen.identifiers if not each.record_id]
    return facts_of(facts, own, ward_code=ward_code, at=now)
