"""The verbs of claims, one transaction each."""

from insurance_svc.operations.claims.build import BuildClaims, BuiltAnswer
from insurance_svc.operations.claims.check_in import SubmitCheckIn
from insurance_svc.operations.claims.compare import CompareSettlement, Comparison
from insurance_svc.operations.claims.deliver import CLAIM_DESTINATION, DeliverClaims, DeliveryRules
from insurance_svc.operations.claims.desk import ClaimDesk
from insurance_svc.operations.claims.lint import LintClaims
from insurance_svc.operations.claims.read import ReadClaims
from insurance_svc.operations.claims.settle import ImportSettlement
from insurance_svc.operations.claims.submit import SubmitClaims
from insurance_svc.operations.claims.track import TrackClaims
from insurance_svc.operations.claims.work import WorkItems

__all__ = [
    "CLAIM_DESTINATION",
    "BuildClaims",
    "BuiltAnswer",
    "ClaimDesk",
    "CompareSettlement",
    "Comparison",
    "DeliverClaims",
    "DeliveryRules",
    "ImportSettlement",
    "LintClaims",
    "ReadClaims",
    "SubmitCheckIn",
    "SubmitClaims",
    "TrackClaims",
    "WorkItems",
]
