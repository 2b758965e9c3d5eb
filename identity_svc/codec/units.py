"""Between messages of units.proto and values of the domain; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date

from chassis.paging import PageTokenMalformed
from chassis.rpc.timestamps import to_timestamp
from identity_svc.codec.citizens import to_resolution
from identity_svc.domain.errors import VintageUnknown, WardCodeMalformed
from identity_svc.domain.facility import (
    Facility,
    FacilityCodeAlias,
    FacilityName,
    code_alias,
    facility_name,
)
from identity_svc.domain.recoding import Finding, RecodingItem, RecodingState
from identity_svc.domain.units_errors import (
    DayMalformed,
    FacilityNameMalformed,
    RecodingNameMalformed,
    RowsTooMany,
)
from identity_svc.operations.facilities import FoundFacility
from identity_svc.operations.recode import RecodingReport
from identity_svc.operations.recode_rows import ROWS_MAX, ForeignRow, RecodedRow
from identity_svc.operations.resolve_unit import Candidate, Reading
from identity_svc.store.units_store import KeptResidence
from lienthong.identity.v1 import identity_pb2
from lienthong.identity.v1 import units_pb2 as pb
from standards.admin_units import Vintage, resolve_ward
from standards.errors import WardCodeUnknown
from standards.facility_code import FacilityCodeScheme

_ID = re.compile(r"[0-9a-f-]{1,64}", re.ASCII)
_WARD_CODE = re.compile(r"[0-9]{5}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_FIGURE_TOKEN = re.compile(r"([A-Z_]{1,20}):([0-9]{5})?", re.ASCII)

_SCHEMES = {
    FacilityCodeScheme.FIVE_CHARACTERS: pb.FACILITY_CODE_SCHEME_FIVE_CHARACTERS,
    FacilityCodeScheme.THIRTEEN_DIGITS: pb.FACILITY_CODE_SCHEME_THIRTEEN_DIGITS,
}
_FINDINGS = {finding: pb.RecodingFinding.Value(f"RECODING_FINDING_{finding}") for finding in Finding}
_STATES = {state: pb.RecodingState.Value(f"RECODING_STATE_{state}") for state in RecodingState}


def facility_id_of(name: str) -> str:
    """The id in "facilities/{facility}"; raises FacilityNameMalformed."""
    facility_id = name.removeprefix("facilities/")
    if facility_id == name or _ID.fullmatch(facility_id) is None:
        raise FacilityNameMalformed
    return facility_id


def recoding_id_of(name: str) -> str:
    """The id in "recodings/{recoding}"; raises RecodingNameMalformed."""
    recoding_id = name.removeprefix("recodings/")
    if recoding_id == name or _ID.fullmatch(recoding_id) is None:
        raise RecodingNameMalformed
    return recoding_id


def id_of_token(page_token: str) -> str:
    """The id a page begins behind, empty for the first; raises PageTokenMalformed."""
    if page_token and _ID.fullmatch(page_token) is None:
        raise PageTokenMalformed
    return page_token


def figure_of_token(page_token: str) -> tuple[str, str]:
    """The finding and old commune a page begins behind, empty for the first; raises PageTokenMalformed."""
    if not page_token:
        return "", ""
    match = _FIGURE_TOKEN.fullmatch(page_token)
    if match is None:
        raise PageTokenMalformed
    return match[1], match[2] or ""


def figure_token(figures: Sequence[tuple[Finding, str, int]], *, page_size: int) -> str:
    """The token of the page after these figures; empty on the last."""
    return f"{figures[-1][0]}:{figures[-1][1]}" if len(figures) == page_size else ""


def ward_code_of(text: str) -> str:
    """A commune code; raises WardCodeMalformed."""
    if _WARD_CODE.fullmatch(text) is None:
        raise WardCodeMalformed
    return text


def day_of(text: str, *, field: str) -> date:
    """A day; raises DayMalformed."""
    if _DAY.fullmatch(text) is None:
        raise DayMalformed(field)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DayMalformed(field) from None


def vintage_of(text: str) -> Vintage | None:
    """A vintage, None for the empty text; raises VintageUnknown."""
    if not text:
        return None
    try:
        return Vintage(text)
    except ValueError:
        raise VintageUnknown from None


def alias_of(code: pb.FacilityCode) -> FacilityCodeAlias:
    """A code that somebody declares.

    Raises:
        FacilityCodeForm, DayMalformed, DaysReversed, VintageUnknown, SourceTooLong.
    """
    return code_alias(
        code.code,
        start_date=day_of(code.start_date, field="code.start_date"),
        last_date=day_of(code.last_date, field="code.last_date") if code.last_date else None,
        vintage=vintage_of(code.vintage),
        source=code.source,
    )


def first_name_of(request: pb.DeclareFacilityRequest, alias: FacilityCodeAlias) -> FacilityName:
    """The name a facility is declared with; raises FacilityNameForm."""
    return facility_name(request.display_name, start_date=alias.start_date, source=alias.source)


def name_of(name: pb.FacilityName) -> FacilityName:
    """A new name; raises FacilityNameForm, DayMalformed, SourceTooLong."""
    start_date = day_of(name.start_date, field="new_name.start_date")
    return facility_name(name.display_name, start_date=start_date, source=name.source)


def rows_of(request: pb.RecodeRowsRequest) -> list[ForeignRow]:
    """The rows of a foreign table; raises RowsTooMany, VintageUnknown."""
    if len(request.rows) > ROWS_MAX:
        raise RowsTooMany(limit=ROWS_MAX, row_count=len(request.rows))
    return [
        ForeignRow(
            ward_code=row.ward_code.strip(),
            vintage=vintage_of(row.vintage),
            ward_name=row.ward_name,
            district_name=row.district_name,
            province_name=row.province_name,
            address=row.address,
        )
        for row in request.rows
    ]


def to_rows(rows: Iterable[RecodedRow]) -> pb.RecodeRowsResponse:
    """The rows re-coded."""
    return pb.RecodeRowsResponse(
        rows=[
            pb.RecodedRow(
                finding=_FINDINGS[row.finding],
                ward_code=row.ward_code,
                candidates=to_candidates(row.candidates),
                reason=row.reason,
            )
            for row in rows
        ]
    )


def to_candidates(candidates: tuple[Candidate, ...]) -> Sequence[identity_pb2.AddressCandidate]:
    """Readings with their reasons."""
    return to_resolution(Reading(text="", candidates=candidates, unresolved_reason="")).candidates


def to_facility(facility: Facility) -> pb.Facility:
    """A facility with its codes and names."""
    return pb.Facility(
        name=f"facilities/{facility.facility_id}",
        codes=[_to_code(alias) for alias in facility.codes],
        names=[
            pb.FacilityName(
                display_name=each.name, start_date=each.start_date.isoformat(), source=each.source
            )
            for each in facility.names
        ],
        create_time=to_timestamp(facility.create_time),
    )


def to_found(found: FoundFacility) -> pb.ResolveFacilityResponse:
    """The facility of a code on a day."""
    return pb.ResolveFacilityResponse(
        facility=to_facility(found.facility),
        in_force=found.in_force,
        codes_in_force=[_to_code(alias) for alias in found.facility.codes_on(found.day)],
        display_name=found.facility.name_on(found.day),
    )


def to_residence(kept: KeptResidence) -> pb.Residence:
    """Where somebody lives or lived."""
    residence = kept.residence
    return pb.Residence(
        ward_code="" if residence is None else residence.ward_code,
        vintage="" if residence is None else residence.vintage,
        kind="" if residence is None else residence.kind,
        old_ward_code="" if residence is None else residence.old_ward_code,
        reason="" if residence is None else residence.reason,
        source=kept.source,
        create_time=to_timestamp(kept.create_time),
    )


def to_recoding(report: RecodingReport) -> pb.Recoding:
    """A re-coding with its totals."""
    recoding = report.recoding
    return pb.Recoding(
        name=f"recodings/{recoding.recoding_id}",
        state=_STATES[recoding.state],
        done_count=recoding.done_count,
        total_count=recoding.total_count,
        left_seconds=recoding.left_seconds(),
        figures=[
            pb.RecodingFigure(finding=_FINDINGS[finding], citizen_count=count)
            for finding, count in report.totals.items()
        ],
        create_time=to_timestamp(recoding.create_time),
        update_time=to_timestamp(recoding.update_time),
    )


def to_figure(figure: tuple[Finding, str, int]) -> pb.RecodingFigure:
    """People of an old commune with one finding."""
    finding, old_ward_code, citizen_count = figure
    return pb.RecodingFigure(
        finding=_FINDINGS[finding],
        old_ward_code=old_ward_code,
        old_ward_name=_old_ward_name(old_ward_code),
        citizen_count=citizen_count,
    )


def to_item(item: RecodingItem) -> pb.RecodingItem:
    """A person to look at."""
    return pb.RecodingItem(
        citizen=f"citizens/{item.citizen_id}",
        finding=_FINDINGS[item.finding],
        reason=item.reason,
        old_ward_code=item.old_ward_code,
        candidate_ward_codes=item.candidates,
        case=f"citizens/{item.citizen_id}/cases/{item.case_id}" if item.case_id else "",
    )


def _to_code(alias: FacilityCodeAlias) -> pb.FacilityCode:
    return pb.FacilityCode(
        code=alias.code,
        scheme=_SCHEMES[alias.scheme],
        start_date=alias.start_date.isoformat(),
        last_date="" if alias.last_date is None else alias.last_date.isoformat(),
        vintage=alias.vintage or "",
        source=alias.source,
    )


def _old_ward_name(code: str) -> str:
    try:
        return resolve_ward(code, Vintage.BEFORE_2025_07).name if code else ""
    except WardCodeUnknown:
        return ""
