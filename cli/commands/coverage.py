"""`lienthong coverage`: what the insurer says of a visit, the proof of it, and what later look-ups changed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from cli import tables
from cli.commands.reconcile import writable
from cli.connection import Gateway
from cli.moments import shown
from cli.output import add_request_id, answer, as_dict, print_json, request_id
from cli.parsers import Commands
from lienthong.insurance.v1 import insurance_pb2 as pb
from lienthong.insurance.v1.insurance_pb2_grpc import CoverageServiceStub

LOOK_UP_MS = 8_000
"""The portal has 40 % of it, once for the card and once for the copayments."""
_MOMENTS = {"during": pb.LOOK_UP_MOMENT_DURING, "end": pb.LOOK_UP_MOMENT_END}
_FORMATS = {"pdf": pb.EVIDENCE_FORMAT_PDF, "json": pb.EVIDENCE_FORMAT_JSON}


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("coverage", help="insurance of a visit: result, evidence, later look-ups")
    verbs = parser.add_subparsers(dest="verb", required=True)
    _add_visit(verbs.add_parser("show", help="the newest result, from what is stored"), show_coverage)
    _add_visit(verbs.add_parser("evidence", help="every call to the portal"), list_evidence)
    recheck = _add_visit(
        verbs.add_parser("recheck", help="ask the portal again during or at the end of a treatment"), look_up
    )
    recheck.add_argument("--moment", choices=list(_MOMENTS), default="end")
    recheck.add_argument(
        "--copayments", action="store_true", help="also ask what was published of the year's copayments"
    )
    add_request_id(recheck)
    export = _add_visit(
        verbs.add_parser("export", help="the paper for the insurance office after a failed look-up"),
        export_paper,
    )
    export.add_argument("--format", choices=list(_FORMATS), default="pdf")
    export.add_argument("--out", type=writable, help="file or folder; the current folder unless told")
    export.add_argument("--phone", default="", help="of the citizen")
    export.add_argument("--address", default="")
    export.add_argument("--note", default="")
    add_request_id(export)
    corrections = verbs.add_parser("corrections", help="what later look-ups changed, newest first")
    corrections.add_argument("--visit", default="", help="visits/…; else the whole facility")
    corrections.add_argument("--facility", default="", help="for callers who belong to none")
    corrections.add_argument("--page-size", type=int, default=50)
    corrections.add_argument("--page-token", default="")
    corrections.set_defaults(run=list_corrections)


def _add_visit(parser: ArgumentParser, run: object) -> ArgumentParser:
    parser.add_argument("visit", help="visits/…")
    parser.set_defaults(run=run)
    return parser


async def show_coverage(arguments: Namespace, gateway: Gateway) -> None:
    """Show the newest result."""
    async with gateway.calling(CoverageServiceStub) as stub:
        found = await stub.GetCoverage(pb.GetCoverageRequest(visit=arguments.visit))
    answer(arguments, found.coverage, _coverage)


async def list_evidence(arguments: Namespace, gateway: Gateway) -> None:
    """Show every call to the portal."""
    async with gateway.calling(CoverageServiceStub) as stub:
        found = await stub.ListEvidence(pb.ListEvidenceRequest(visit=arguments.visit))
    answer(arguments, found, lambda page: _evidence(page.evidence))


async def look_up(arguments: Namespace, gateway: Gateway) -> None:
    """Ask the portal again."""
    request = pb.LookUpAgainRequest(
        request_id=request_id(arguments),
        visit=arguments.visit,
        moment=_MOMENTS[arguments.moment],
        with_copayments=arguments.copayments,
    )
    async with gateway.calling(CoverageServiceStub, within_ms=LOOK_UP_MS) as stub:
        found = await stub.LookUpAgain(request)
    answer(arguments, found, _looked_up)


async def export_paper(arguments: Namespace, gateway: Gateway) -> None:
    """Fetch the paper and write it to a file, which only its owner may read: it is about a person."""
    request = pb.ExportEvidenceRequest(
        request_id=request_id(arguments),
        visit=arguments.visit,
        format=_FORMATS[arguments.format],
        contact_phone=arguments.phone,
        contact_address=arguments.address,
        contact_note=arguments.note,
    )
    async with gateway.calling(CoverageServiceStub) as stub:
        paper = await stub.ExportEvidence(request)
    place = arguments.out or Path()
    file = place / paper.file_name if place.is_dir() else place
    file.touch(mode=0o600)
    file.write_bytes(paper.content)
    if arguments.json:
        told = as_dict(paper)
        del told["content"]
        print_json({**told, "file": str(file)})
    else:
        tables.show(_written(paper, file))


async def list_corrections(arguments: Namespace, gateway: Gateway) -> None:
    """Show what later look-ups changed."""
    request = pb.ListCorrectionsRequest(
        visit=arguments.visit,
        facility=arguments.facility,
        page_size=arguments.page_size,
        page_token=arguments.page_token,
    )
    async with gateway.calling(CoverageServiceStub) as stub:
        page = await stub.ListCorrections(request)
    answer(arguments, page, _corrections)


def _coverage(coverage: pb.Coverage) -> RenderableType:
    outcome = tables.word(pb.CoverageOutcome.Name(coverage.outcome))
    facts = tables.plain("", "")
    facts.add_row("Kết quả (outcome)", " ".join(filter(None, (outcome, coverage.reason))))
    facts.add_row("Mã cổng (portal code)", coverage.portal_code or coverage.degraded_reason)
    facts.add_row("Giải thích", coverage.explanation_vi)
    for card in coverage.cards or ([coverage.card] if coverage.HasField("card") else []):
        facts.add_row("Thẻ (card)", f"{card.number} · {card.valid_from_date} – {card.valid_to_date}")
    if coverage.grace_end_date:
        facts.add_row("Nội trú đến hết (grace)", coverage.grace_end_date)
    facts.add_row("Tính đến (as of)", f"{shown(coverage.as_of_time)}, lần {coverage.check_number}")
    if coverage.recheck_pending:
        facts.add_row("Tự tra lại (re-check)", "đang chờ")
    return facts


def _evidence(evidence: Sequence[pb.Evidence]) -> RenderableType:
    table = tables.plain(
        "Lúc", "Thời điểm", "Dạng yêu cầu (form)", "Kết quả", "ms", "SHA-256", "Chứng cứ (name)"
    )
    for each in evidence:
        took_ms = round((each.receive_time.ToNanoseconds() - each.send_time.ToNanoseconds()) / 1e6)
        table.add_row(
            shown(each.send_time),
            pb.LookUpMoment.Name(each.moment).removeprefix("LOOK_UP_MOMENT_"),
            each.request_form,
            each.portal_code or each.failure_reason,
            str(took_ms),
            each.reply_sha256[:12],
            each.name,
        )
    return table


def _looked_up(found: pb.LookUpAgainResponse) -> RenderableType:
    parts: list[RenderableType] = []
    if found.failure_reason:
        parts.append(
            Text(
                f"Chưa tra cứu được cổng ({found.failure_reason}); dưới đây là kết quả đã lưu.",
                style="yellow",
            )
        )
    parts.append(_coverage(found.coverage))
    if found.HasField("copayments"):
        told = found.copayments
        amount = tables.dong(told.accumulated_vnd)
        why = told.doubt or (f"mã {told.portal_code}" if told.portal_code != "200" else "")
        parts.append(Text(" · ".join(filter(None, (f"Cùng chi trả lũy kế trong năm: {amount}", why)))))
    return Group(*parts)


def _written(paper: pb.ExportEvidenceResponse, file: Path) -> RenderableType:
    facts = tables.plain("", "")
    facts.add_row("Tệp (file)", str(file))
    facts.add_row("SHA-256 chứng cứ", paper.evidence_sha256)
    return facts


def _corrections(page: pb.ListCorrectionsResponse) -> RenderableType:
    parts: list[RenderableType] = []
    for each in page.corrections:
        parts += [
            Text(f"{shown(each.create_time)}  {each.visit}", no_wrap=True, overflow="ignore"),
            Text(f"  {each.notice_vi}"),
        ]
    if page.next_page_token:
        parts.append(Text(f"--page-token {page.next_page_token}", style="dim"))
    return Group(*parts) if parts else Text("Không có thay đổi (no corrections)")
