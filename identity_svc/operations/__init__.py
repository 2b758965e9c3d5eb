"""The verbs of identity, one transaction each."""

from identity_svc.operations.read_citizen import ReadCitizen
from identity_svc.operations.recheck import Recheck
from identity_svc.operations.register_check import Check
from identity_svc.operations.resolve_unit import Reading, resolve_code, resolve_text
from identity_svc.operations.settle import DESTINATION, Settlement, Verified
from identity_svc.operations.verify_card import VerifyCard

__all__ = [
    "DESTINATION",
    "Check",
    "ReadCitizen",
    "Reading",
    "Recheck",
    "Settlement",
    "Verified",
    "VerifyCard",
    "resolve_code",
    "resolve_text",
]
