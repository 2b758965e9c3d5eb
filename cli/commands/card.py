"""`lienthong card`: chips from files, paper insurance cards, and whom the chip check trusts."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.console import Group, RenderableType

from cli import tables
from cli.connection import Gateway
from cli.moments import shown
from cli.output import add_request_id, answer, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import card_pb2 as pb
from lienthong.identity.v1 import identity_pb2
from lienthong.identity.v1.card_pb2_grpc import CardServiceStub

GROUPS = (1, 2, 13, 14, 15)


def add(commands: Commands) -> None:
    """Describe the commands."""
    topic = commands.add_parser("card", help="chips, paper insurance cards, and whom the chip check trusts")
    verbs = topic.add_subparsers(dest="verb", required=True)
    chip = verbs.add_parser("chip", help="judge the files a reader took from a chip")
    chip.add_argument("--sod", type=_content, required=True, help="file with the security object")
    for number in GROUPS:
        chip.add_argument(
            f"--dg{number}",
            type=_content,
            default=b"",
            required=number == 1,
            help=f"file with data group {number}",
        )
    chip.add_argument("--qr", default="", help="text of the QR code on the same card")
    chip.add_argument("--consent", action="store_true", help="the person was asked and agrees")
    chip.add_argument("--consent-reference", default="", help="where the consent is kept")
    chip.add_argument("--facility", default="", help="facility code; default your own")
    add_request_id(chip)
    chip.set_defaults(run=run_chip)
    readings = verbs.add_parser("readings", help="a citizen's chip readings, newest first")
    readings.add_argument("citizen", help="citizens/…")
    readings.add_argument("--page-size", type=int, default=0)
    readings.add_argument("--page-token", default="")
    readings.set_defaults(run=run_readings)
    insurance = verbs.add_parser("insurance", help="read the code on a paper insurance card")
    insurance.add_argument("text", help="as the scanner gave it")
    insurance.set_defaults(run=run_insurance)
    trust = verbs.add_parser("trust", help="whom the chip check trusts, and files it could not use")
    trust.set_defaults(run=run_trust)


async def run_chip(arguments: Namespace, gateway: Gateway) -> None:
    """Judge a chip and show what came of it."""
    request = pb.ReadChipRequest(
        request_id=request_id(arguments),
        facility_code=arguments.facility,
        consent=pb.ChipConsent(given=arguments.consent, reference=arguments.consent_reference),
        sod=arguments.sod,
        card_qr=arguments.qr,
        **{f"dg{number}": getattr(arguments, f"dg{number}") for number in GROUPS},
    )
    async with gateway.calling(CardServiceStub) as stub:
        answer(arguments, await stub.ReadChip(request), _chip)


async def run_readings(arguments: Namespace, gateway: Gateway) -> None:
    """Show a page of a citizen's chip readings."""
    request = pb.ListChipReadingsRequest(
        citizen=arguments.citizen, page_size=arguments.page_size, page_token=arguments.page_token
    )
    async with gateway.calling(CardServiceStub) as stub:
        answer(arguments, await stub.ListChipReadings(request), _readings)


async def run_insurance(arguments: Namespace, gateway: Gateway) -> None:
    """Read a paper insurance card."""
    async with gateway.calling(CardServiceStub) as stub:
        read = await stub.ReadInsuranceCard(pb.ReadInsuranceCardRequest(card_qr=arguments.text))
    answer(arguments, read, _insurance)


async def run_trust(arguments: Namespace, gateway: Gateway) -> None:
    """Show the trust store."""
    async with gateway.calling(CardServiceStub) as stub:
        answer(arguments, await stub.GetChipTrust(pb.GetChipTrustRequest()), _trust)


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as cause:
        raise ArgumentTypeError(f"{path} cannot be read: {cause.strerror}") from cause


def _outcome(reading: pb.ChipReading) -> str:
    return pb.ChipOutcome.Name(reading.outcome).removeprefix("CHIP_OUTCOME_")


def _chip(read: pb.ReadChipResponse) -> RenderableType:
    reading = read.reading
    lines = [
        f"{_outcome(reading)} {reading.fault}".rstrip(),
        reading.explanation_vi,
        reading.explanation_en,
        *reading.warnings,
    ]
    if read.HasField("citizen"):
        lines.append(f"{read.citizen.name} {read.citizen.full_name}")
    return Group(*lines, _checks("QR", read.qr_checks), _checks("stored", read.stored_checks))


def _checks(source: str, checks: Collection[identity_pb2.FieldCheck]) -> RenderableType:
    if not checks:
        return ""
    table = tables.plain(source, "Kết quả (result)", "Lý do (reason)", "Giải thích")
    for each in checks:
        result = identity_pb2.FieldResult.Name(each.result).removeprefix("FIELD_RESULT_")
        table.add_row(each.field, result, each.reason, each.explanation_vi)
    return table


def _readings(page: pb.ListChipReadingsResponse) -> RenderableType:
    columns = ("Lúc (time)", "Kết quả (outcome)", "Lỗi (fault)", "Cơ sở (facility)", "Nơi cấp (issuer)")
    table = tables.named(columns, ((each.name, _reading(each)) for each in page.readings))
    return Group(table, f"--page-token {page.next_page_token}" if page.next_page_token else "")


def _reading(reading: pb.ChipReading) -> Sequence[str]:
    return (
        shown(reading.read_time),
        _outcome(reading),
        reading.fault,
        reading.facility_code,
        reading.issuer_fingerprint[:16],
    )


def _insurance(read: pb.ReadInsuranceCardResponse) -> RenderableType:
    lines = [
        f"{read.number} {read.full_name} {read.birth_date}",
        f"{read.valid_from_date} – {read.valid_until_date} {read.facility_code} {read.area}".rstrip(),
        *read.warnings,
        read.citizen.name or "Chưa có người nào mang số này (no citizen is known by this number).",
    ]
    return Group(*lines, _checks("citizen", read.checks))


def _trust(trust: pb.GetChipTrustResponse) -> RenderableType:
    table = tables.plain("Nước (country)", "Đến ngày (until)", "Đã thu hồi (revoked)", "Dấu (fingerprint)")
    for each in trust.authorities:
        until = each.not_after_time.ToDatetime().date().isoformat()
        revoked = (
            str(each.revoked_count) if each.HasField("list_issue_time") else "chưa có danh sách (no list)"
        )
        table.add_row(each.country, until, revoked, each.fingerprint)
    faults = (f"{each.file_name}: {each.reason}" for each in trust.faults)
    nobody = "Chưa cài chứng thư nào: chip chỉ được coi là nguyên vẹn. / No issuer is installed."
    return Group(table if trust.authorities else nobody, *faults)
