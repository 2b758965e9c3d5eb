"""The verbs of insurance, one transaction each."""

from insurance_svc.operations.ask_portal import PortalQuestioner
from insurance_svc.operations.check_coverage import CheckCommand, CheckCoverage
from insurance_svc.operations.export_evidence import ExportCommand, Exported, ExportEvidence
from insurance_svc.operations.keep_coverage import DESTINATION, CoverageKeeper
from insurance_svc.operations.known_numbers import KnownNumbers
from insurance_svc.operations.look_up_again import LookedUp, LookUpAgain, LookUpCommand
from insurance_svc.operations.published_copay import PublishedCopay
from insurance_svc.operations.read_corrections import CorrectionsQuery, ReadCorrections
from insurance_svc.operations.read_coverage import ReadCoverage
from insurance_svc.operations.recheck import Recheck
from insurance_svc.operations.split_cost import SplitCost

__all__ = [
    "DESTINATION",
    "CheckCommand",
    "CheckCoverage",
    "CorrectionsQuery",
    "CoverageKeeper",
    "ExportCommand",
    "ExportEvidence",
    "Exported",
    "KnownNumbers",
    "LookUpAgain",
    "LookUpCommand",
    "LookedUp",
    "PortalQuestioner",
    "PublishedCopay",
    "ReadCorrections",
    "ReadCoverage",
    "Recheck",
    "SplitCost",
]
