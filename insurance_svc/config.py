"""Settings of insurance, from the environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from chassis.settings import CommonSettings, Secret, is_loopback, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(CommonSettings):
    """Everything insurance can be told."""

    PREFIX: ClassVar[str] = "INSURANCE_"

    listen: str = setting(default="127.0.0.1:7003", doc="Address of the gRPC server, host:port.")
    metrics_listen: str = setting(
        default="127.0.0.1:7203", doc="Address of the Prometheus page, host:port; port 0 takes a free one."
    )
    portal_url: str = setting(
        default="http://127.0.0.1:7102", doc="Address of the insurer's portal, http(s)://host:port."
    )
    portal_username: str = setting(doc="Account at the portal, such as 19999_BV.")
    portal_password: Secret = setting(doc="Password of the account at the portal, in clear.")
    portal_staff_name: str = setting(masked=True, doc="Name of the registered staff member who asks.")
    portal_staff_number: Secret = setting(doc="Citizen number of the registered staff member who asks.")
    portal_accounts_file: Path | None = setting(
        default=None,
        must_exist=True,
        doc="JSON: facility code to username, password, staff_name, staff_number; others use the account above.",
    )
    portal_failures: int = setting(
        default=5, minimum=1, maximum=100, doc="Failures in a row after which the portal is left alone."
    )
    portal_pause_s: float = setting(
        default=10.0, minimum=0.1, maximum=600.0, doc="How long it is left alone before a probe, seconds."
    )
    portal_recheck_wait_s: float = setting(
        default=5.0, minimum=0.1, maximum=3_600.0, doc="Wait between re-checks while it is down, seconds."
    )
    facility_table_file: Path | None = setting(
        default=None,
        must_exist=True,
        doc="CSV of facilities (kind, level, points, former tier and codes); none takes the sandbox's sample.",
    )
    disease_table_file: Path | None = setting(
        default=None,
        must_exist=True,
        doc="CSV of annexes I and II of Circular 01/2025/TT-BYT; none leaves it to the caller to tell the annex.",
    )
    identity_target: str = setting(default="127.0.0.1:7001", doc="Address of identity_svc.")
    emr_target: str = setting(default="127.0.0.1:7002", doc="Address of emr_svc.")
    claim_facility_file: Path | None = setting(
        default=None,
        must_exist=True,
        doc="JSON: facility code to what its claims say of it; none takes the sandbox's sample.",
    )
    claim_code_list_dir: Path | None = setting(
        default=None,
        must_exist=True,
        doc="Folder of code lists that claims are checked against (icd10.csv, staff.csv …); none skips their rules.",
    )
    claim_key_dir: Path | None = setting(
        default=None,
        must_exist=True,
        doc="Folder with FACILITY.key.pem and FACILITY.cert.pem that sign claims; none signs nothing.",
    )
    claim_allow_unsigned: bool = setting(
        default=False,
        doc="Send claims of facilities without a key unsigned, as the training portal takes them.",
    )
    claim_path: str = setting(
        default="api/qd130/guiHoSoXmlQD4750", doc="Path of the portal's service that takes claims."
    )
    claim_type: str = setting(default="130", doc="loaiHoSo of a claim.")
    check_in_path: str = setting(
        default="api/qd130/checkInKcbQd4750", doc="Path of the portal's service that takes check-ins."
    )
    check_in_type: str = setting(default="0", doc="loaiHoSo of a check-in.")
    claim_receipt_path: str = setting(
        default="api/egw/nhanChiTietHSNgay4210",
        doc='Path of the portal\'s receipts of a day; "none" when it has none.',
    )
    claim_send_timeout_s: float = setting(
        default=30.0,
        minimum=0.1,
        maximum=600.0,
        doc="Time one claim may take to be sent and answered, seconds.",
    )
    claim_retry_wait_s: float = setting(
        default=15.0, minimum=0.1, maximum=3_600.0, doc="First wait after the portal took no claim, seconds."
    )
    claim_receipt_wait_s: float = setting(
        default=60.0,
        minimum=0.0,
        maximum=3_600.0,
        doc="How long a receipt may still appear after sending, seconds.",
    )
    claim_track_every_s: float = setting(
        default=1_800.0,
        minimum=0.1,
        maximum=86_400.0,
        doc="Time between two comparisons of accepted claims with the portal's receipts, seconds.",
    )
    claim_fate_alarm_s: float = setting(
        default=3_600.0,
        minimum=1.0,
        maximum=604_800.0,
        doc="Unknown fate of a claim before people are told, seconds.",
    )
    claim_resend_unknown: bool = setting(
        default=False,
        doc="Send a claim again when the portal cannot tell whether it has it (same MA_LK replaces).",
    )

    def faults(self) -> Iterator[str]:
        """Faults that need more than one field to see."""
        yield from CommonSettings.faults(self)
        if not self.portal_url.startswith(("http://", "https://")):
            yield "INSURANCE_PORTAL_URL is neither http://host:port nor https://host:port."
        elif self.portal_url.startswith("http://") and not is_loopback(_authority(self.portal_url)):
            yield "INSURANCE_PORTAL_URL leaves this machine: use https."
        if self.environment == "production" and self.facility_table_file is None:
            yield "INSURANCE_FACILITY_TABLE_FILE is needed in production: the packaged sample is invented."
        if self.environment == "production" and self.claim_facility_file is None:
            yield "INSURANCE_CLAIM_FACILITY_FILE is needed in production: the packaged sample is invented."
        if self.environment == "production" and self.claim_allow_unsigned and "daotao" not in self.portal_url:
            yield "INSURANCE_CLAIM_ALLOW_UNSIGNED is for the training portal; give INSURANCE_CLAIM_KEY_DIR instead."


def _authority(url: str) -> str:
    """host:port of a URL, the port added where it is missing."""
    authority = url.partition("://")[2].partition("/")[0]
    return authority if ":" in authority.rpartition("]")[2] else f"{authority}:80"
