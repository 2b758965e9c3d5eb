"""The record as a peer: one visit with what was written into it."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from chassis.rpc.channel import Channel
from insurance_svc.domain.claim_facts import EntryKind, StayKind, VisitEntry, VisitRecord
from lienthong.emr.v1 import emr_pb2 as pb
from lienthong.emr.v1.emr_pb2_grpc import VisitServiceStub

if TYPE_CHECKING:
    from lienthong.emr.v1.emr_pb2_grpc import VisitServiceAsyncStub

_STAYS = {
    pb.VISIT_KIND_OUTPATIENT: StayKind.OUTPATIENT,
    pb.VISIT_KIND_INPATIENT: StayKind.INPATIENT,
    pb.VISIT_KIND_EMERGENCY: StayKind.EMERGENCY,
}
_ENTRIES = {
    pb.ENTRY_KIND_NOTE: EntryKind.NOTE,
    pb.ENTRY_KIND_VITAL_SIGNS: EntryKind.VITAL_SIGNS,
    pb.ENTRY_KIND_DIAGNOSIS: EntryKind.DIAGNOSIS,
    pb.ENTRY_KIND_SERVICE: EntryKind.SERVICE,
}


class EmrVisits:
    """Implements the VisitReader port on emr_svc; the caller's own token goes along."""

    def __init__(self, channel: Channel) -> None:
        self._stub: VisitServiceAsyncStub = VisitServiceStub(channel)

    async def visit(self, visit_id: str) -> VisitRecord:
        """See insurance_svc.ports.VisitReader."""
        answer = await self._stub.GetVisit(pb.GetVisitRequest(name=f"visits/{visit_id}"))
        return _record(answer.visit)


def _record(visit: pb.Visit) -> VisitRecord:
    return VisitRecord(
        visit_id=visit.name.removeprefix("visits/"),
        citizen_id=visit.citizen.removeprefix("citizens/"),
        facility=visit.facility_code,
        link_id=visit.claim_link_id,
        # A kind that a newer record knows and we do not has to be named by its note, like an emergency.
        kind=_STAYS.get(visit.kind, StayKind.EMERGENCY),
        reason_text=visit.reason_text,
        open_time=visit.open_time.ToDatetime(tzinfo=UTC),
        close_time=visit.close_time.ToDatetime(tzinfo=UTC) if visit.HasField("close_time") else None,
        entries=tuple(
            VisitEntry(
                kind=_ENTRIES[entry.kind],
                code=entry.code,
                text=entry.text,
                record_time=entry.record_time.ToDatetime(tzinfo=UTC),
                author=entry.author,
            )
            for entry in visit.entries
            if entry.kind in _ENTRIES
        ),
    )
