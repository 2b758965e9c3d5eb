"""The edge of the FHIR views: decode, call one operation, encode."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from chassis.rpc.context import current_caller
from chassis.rpc.timestamps import to_timestamp
from insurance_svc.codec.coverage import visit_id_of
from insurance_svc.codec.fhir import write_fhir
from insurance_svc.domain.fhir_errors import FhirNameMalformed, FhirResourceNotFound, FhirTypeUnknown
from insurance_svc.domain.fhir_facts import FhirFacts, FhirType
from insurance_svc.operations.fhir_views import FhirViews
from lienthong.insurance.v1 import fhir_pb2 as pb
from lienthong.insurance.v1.fhir_pb2_grpc import InsuranceFhirServiceServicer

_NAME = re.compile(r"fhir/([A-Za-z]{1,64})/([0-9a-z-]{1,64})", re.ASCII)


class InsuranceFhirServicer(InsuranceFhirServiceServicer):
    """Serves lienthong.insurance.v1.InsuranceFhirService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(self, views: FhirViews) -> None:
        self._views = views

    async def GetFhirResource(
        self, request: pb.GetFhirResourceRequest, context: Any
    ) -> pb.GetFhirResourceResponse:
        """Read one view of a visit."""
        match = _NAME.fullmatch(request.name)
        if match is None:
            raise FhirNameMalformed
        if match[1] not in set(FhirType):
            raise FhirTypeUnknown
        kind = FhirType(match[1])
        facts = await self._views(match[2], request.name, current_caller())
        if facts is None or kind not in facts.types():
            raise FhirResourceNotFound
        return pb.GetFhirResourceResponse(resource=_resource(kind, facts))

    async def ListFhirResources(
        self, request: pb.ListFhirResourcesRequest, context: Any
    ) -> pb.ListFhirResourcesResponse:
        """Read every view of a visit."""
        visit_id = visit_id_of(request.visit)
        facts = await self._views(visit_id, f"{request.visit}/fhirResources", current_caller())
        if facts is None:
            return pb.ListFhirResourcesResponse()
        return pb.ListFhirResourcesResponse(resources=[_resource(kind, facts) for kind in facts.types()])


def _resource(kind: FhirType, facts: FhirFacts) -> pb.FhirResource:
    document = write_fhir(kind, facts)
    return pb.FhirResource(
        name=f"fhir/{kind}/{facts.visit_id}",
        visit=f"visits/{facts.visit_id}",
        type=kind.value,
        version_id=document["meta"]["versionId"],
        last_update_time=to_timestamp(datetime.fromisoformat(document["meta"]["lastUpdated"])),
        json=json.dumps(document, ensure_ascii=False, separators=(",", ":")),
    )
