"""Facilities: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from datetime import date, datetime

from chassis.db import Row, Tx
from chassis.db.columns import date_to_text, optional_date, to_date, to_text, to_time
from identity_svc.domain.facility import Facility, FacilityCodeAlias, FacilityName
from standards.admin_units import Vintage
from standards.facility_code import FacilityCodeScheme

ALIASES_MAX = 100
"""Codes, names and owners read of one facility or code; a merger gives one more."""


class FacilityStore:
    """Reads and writes facilities; holds no state."""

    async def add(self, tx: Tx, facility_id: str, *, now: datetime) -> None:
        """Declare a facility."""
        await tx.execute("units_add_facility", facility_id=facility_id, create_time=to_text(now))

    async def add_name(self, tx: Tx, facility_id: str, name: FacilityName) -> bool:
        """Add a name; False when another begins on the same day."""
        added = await tx.execute(
            "units_add_facility_name",
            facility_id=facility_id,
            start_date=date_to_text(name.start_date),
            name=name.name,
            source=name.source,
        )
        return added == 1

    async def add_code(self, tx: Tx, facility_id: str, alias: FacilityCodeAlias, *, now: datetime) -> None:
        """Add a code; that its days are free is checked before."""
        await tx.execute(
            "units_add_facility_code",
            code=alias.code,
            start_date=date_to_text(alias.start_date),
            last_date=None if alias.last_date is None else date_to_text(alias.last_date),
            facility_id=facility_id,
            scheme=alias.scheme,
            vintage=alias.vintage or "",
            source=alias.source,
            create_time=to_text(now),
        )

    async def end_code(self, tx: Tx, facility_id: str, code: str, *, last_date: date) -> bool:
        """End a code; False when the facility has no such code without a last day."""
        ended = await tx.execute(
            "units_end_facility_code", facility_id=facility_id, code=code, last_date=date_to_text(last_date)
        )
        return ended == 1

    async def owners(self, tx: Tx, code: str) -> list[tuple[str, FacilityCodeAlias]]:
        """Everybody who ever had a code: facility id and days, oldest first."""
        rows = await tx.all("units_owners_of_code", code=code, page_size=ALIASES_MAX)
        return [(str(row["facility_id"]), _alias(row)) for row in rows]

    async def read(self, tx: Tx, facility_id: str) -> Facility | None:
        """A facility with its codes and names, or None."""
        row = await tx.one("units_read_facility", facility_id=facility_id)
        return None if row is None else await self._facility(tx, row)

    async def page(self, tx: Tx, *, after: str, page_size: int) -> list[Facility]:
        """Facilities after an id, in the order they were declared."""
        rows = await tx.all("units_list_facilities", after=after, page_size=page_size)
        return [await self._facility(tx, row) for row in rows]

    async def _facility(self, tx: Tx, row: Row) -> Facility:
        facility_id = str(row["facility_id"])
        names = await tx.all("units_list_facility_names", facility_id=facility_id, page_size=ALIASES_MAX)
        codes = await tx.all("units_list_facility_codes", facility_id=facility_id, page_size=ALIASES_MAX)
        return Facility(
            facility_id=facility_id,
            names=tuple(
                FacilityName(name=each["name"], start_date=to_date(each["start_date"]), source=each["source"])
                for each in names
            ),
            codes=tuple(_alias(each) for each in codes),
            create_time=to_time(row["create_time"]),
        )


def _alias(row: Row) -> FacilityCodeAlias:
    return FacilityCodeAlias(
        code=row["code"],
        scheme=FacilityCodeScheme(row["scheme"]),
        start_date=to_date(row["start_date"]),
        last_date=optional_date(row["last_date"]),
        vintage=Vintage(row["vintage"]) if row["vintage"] else None,
        source=row["source"],
    )
