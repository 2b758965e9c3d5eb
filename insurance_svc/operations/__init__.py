"""The verbs of insurance, one transaction each."""

from insurance_svc.operations.ask_portal import PortalQuestioner
from insurance_svc.operations.check_coverage import CheckCommand, CheckCoverage
from insurance_svc.operations.keep_coverage import DESTINATION, CoverageKeeper
from insurance_svc.operations.read_coverage import ReadCoverage
from insurance_svc.operations.recheck import Recheck
from insurance_svc.operations.split_cost import SplitCost

__all__ = [
    "DESTINATION",
    "CheckCommand",
    "CheckCoverage",
    "CoverageKeeper",
    "PortalQuestioner",
    "ReadCoverage",
    "Recheck",
    "SplitCost",
]
