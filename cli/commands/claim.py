"""`lienthong claim`: builds, shows, sends and settles insurance claims, and lists what people have to look at."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from cli import tables
from cli.commands.claim_lint import add_lint
from cli.commands.reconcile import readable, writable_file
from cli.connection import Gateway
from cli.moments import shown
from cli.output import add_request_id, answer, as_dict, print_json, request_id
from cli.parsers import Commands
from lienthong.insurance.v1 import claims_pb2 as pb
from lienthong.insurance.v1.claims_pb2_grpc import ClaimServiceStub

CHUNK_BYTES = 256 * 1024
FILE_MS = 60_000
STATES = sorted(name.removeprefix("CLAIM_STATE_").lower() for name in pb.ClaimState.keys()[1:])
CAUSES = sorted(name.removeprefix("WORK_ITEM_CAUSE_").lower() for name in pb.WorkItemCause.keys()[1:])
EVERY = "unspecified"
"""The filter that lets everything through, as the contract names it."""
RESOLUTIONS = {
    "dismissed": pb.WORK_ITEM_RESOLUTION_DISMISSED,
    "send-again": pb.WORK_ITEM_RESOLUTION_SEND_AGAIN,
    "portal-has-it": pb.WORK_ITEM_RESOLUTION_PORTAL_HAS_IT,
}


def add(commands: Commands) -> None:
    """Describe the group `claim` and its commands."""
    parser = commands.add_parser("claim", help="insurance claims: build, check, send, settle")
    actions = parser.add_subparsers(dest="action", required=True)
    add_lint(actions)
    build = _of_visit(actions, "build", build_claim, "build the claim of a visit from its record and bill")
    build.add_argument(
        "--month", default="", help="month of settlement, YYYY-MM; that of the discharge unless told"
    )
    _of_visit(
        actions, "show", show_claim, "versions, submissions and events of a visit's claim", writes=False
    )
    _of_visit(actions, "check", check_claim, "check the newest version as a reviewer would", writes=False)
    submit = _of_visit(actions, "submit", submit_claim, "check, sign and hand over for sending")
    submit.add_argument("--despite", default="", metavar="REASON", help="why it goes although it has errors")
    replace = _of_visit(actions, "replace", replace_claim, "build a new version of a claim the portal has")
    replace.add_argument("--reason", required=True)
    reverse = _of_visit(actions, "reverse", reverse_claim, "take a claim back for good")
    reverse.add_argument("--reason", required=True)
    reverse.add_argument("--reference", default="", help="the insurer's act, when the portal has the claim")
    _add_file(_of_visit(actions, "file", save_file, "save the bytes of a version", writes=False))
    _add_list(actions.add_parser("list", help="the facility's claims, newest change first"))
    _add_work(actions.add_parser("work", help="what people have to look at, or end one of it"))
    _add_settle(
        actions.add_parser("settle", help="take a monthly result file in and compare, or compare alone")
    )


def _of_visit(actions: Commands, name: str, run: object, text: str, *, writes: bool = True) -> ArgumentParser:
    parser = actions.add_parser(name, help=text)
    parser.add_argument("visit", help="visits/…")
    if writes:
        add_request_id(parser)
    parser.set_defaults(run=run)
    return parser


def _add_file(parser: ArgumentParser) -> None:
    parser.add_argument("--version", type=int, default=0, help="the newest unless told")
    parser.add_argument(
        "--out", type=writable_file, required=True, help="where to save it; holds personal data"
    )


def _add_list(parser: ArgumentParser) -> None:
    parser.add_argument("--state", choices=STATES, default=EVERY)
    parser.add_argument("--month", default="", help="YYYY-MM")
    _add_pages(parser)
    parser.set_defaults(run=list_claims)


def _add_work(parser: ArgumentParser) -> None:
    parser.add_argument("--cause", choices=CAUSES, default=EVERY)
    parser.add_argument("--all", action="store_true", help="ended ones too")
    _add_pages(parser)
    parser.add_argument("--resolve", metavar="ITEM", default="", help="claimWorkItems/…")
    parser.add_argument("--as", dest="resolution", choices=sorted(RESOLUTIONS), default="dismissed")
    parser.add_argument("--number", default="", help="the portal's number, with --as portal-has-it")
    parser.add_argument("--note", default="", help="why, needed with --resolve")
    add_request_id(parser)
    parser.set_defaults(run=work)


def _add_settle(parser: ArgumentParser) -> None:
    parser.add_argument("month", help="YYYY-MM")
    parser.add_argument("--file", type=readable, help="the insurer's result file, JSON or CSV")
    _add_pages(parser)
    add_request_id(parser)
    parser.set_defaults(run=settle)


def _add_pages(parser: ArgumentParser) -> None:
    parser.add_argument("--page-size", type=int, default=50)
    parser.add_argument("--page-token", default="")


async def build_claim(arguments: Namespace, gateway: Gateway) -> None:
    """Build and show what is lacking."""
    request = pb.BuildClaimRequest(
        request_id=request_id(arguments), visit=arguments.visit, settlement_month=arguments.month
    )
    async with gateway.calling(ClaimServiceStub) as stub:
        built = await stub.BuildClaim(request)
    answer(arguments, built, _built)


async def show_claim(arguments: Namespace, gateway: Gateway) -> None:
    """Show a claim."""
    async with gateway.calling(ClaimServiceStub) as stub:
        found = await stub.GetClaim(pb.GetClaimRequest(visit=arguments.visit))
    answer(arguments, found.claim, _claim)


async def check_claim(arguments: Namespace, gateway: Gateway) -> None:
    """Show what a reviewer would find."""
    async with gateway.calling(ClaimServiceStub) as stub:
        found = await stub.LintClaim(pb.LintClaimRequest(visit=arguments.visit))
    answer(arguments, found.report, _report)


async def submit_claim(arguments: Namespace, gateway: Gateway) -> None:
    """Hand over, and show where it stands."""
    request = pb.SubmitClaimRequest(
        request_id=request_id(arguments), visit=arguments.visit, accept_findings=arguments.despite
    )
    async with gateway.calling(ClaimServiceStub) as stub:
        done = await stub.SubmitClaim(request)
    answer(arguments, done, lambda each: Group(_claim(each.claim), _report(each.report)))


async def replace_claim(arguments: Namespace, gateway: Gateway) -> None:
    """Build a new version."""
    request = pb.ReplaceClaimRequest(
        request_id=request_id(arguments), visit=arguments.visit, reason=arguments.reason
    )
    async with gateway.calling(ClaimServiceStub) as stub:
        done = await stub.ReplaceClaim(request)
    answer(arguments, done, lambda each: Group(_claim(each.claim), _lacks(each.lacks)))


async def reverse_claim(arguments: Namespace, gateway: Gateway) -> None:
    """Take back."""
    request = pb.ReverseClaimRequest(
        request_id=request_id(arguments),
        visit=arguments.visit,
        reason=arguments.reason,
        withdrawal_reference=arguments.reference,
    )
    async with gateway.calling(ClaimServiceStub) as stub:
        done = await stub.ReverseClaim(request)
    answer(arguments, done.claim, _claim)


async def save_file(arguments: Namespace, gateway: Gateway) -> None:
    """Save the bytes of a version; the file is there whole or not at all, and only its owner may read it."""
    request = pb.GetClaimFileRequest(visit=arguments.visit, version=arguments.version)
    part = arguments.out.with_name(f"{arguments.out.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        async with gateway.calling(ClaimServiceStub, within_ms=FILE_MS) as stub:
            with part.open("wb") as target:
                async for piece in stub.GetClaimFile(request):
                    target.write(piece.content)
        part.replace(arguments.out)
    finally:
        part.unlink(missing_ok=True)
    size_bytes = arguments.out.stat().st_size
    if arguments.json:
        print_json({"file": str(arguments.out), "size_bytes": size_bytes})
    else:
        tables.show(Text(f"{arguments.out}: {size_bytes} bytes"))


async def list_claims(arguments: Namespace, gateway: Gateway) -> None:
    """Show a page of claims."""
    request = pb.ListClaimsRequest(
        page_size=arguments.page_size,
        page_token=arguments.page_token,
        settlement_month=arguments.month,
        state=pb.ClaimState.Value(f"CLAIM_STATE_{arguments.state.upper()}"),
    )
    async with gateway.calling(ClaimServiceStub) as stub:
        page = await stub.ListClaims(request)
    answer(arguments, page, lambda each: _with_token(_claims(each.claims), each.next_page_token))


async def work(arguments: Namespace, gateway: Gateway) -> None:
    """Show what is to be done, or end one of it."""
    async with gateway.calling(ClaimServiceStub) as stub:
        if arguments.resolve:
            done = await stub.ResolveWorkItem(
                pb.ResolveWorkItemRequest(
                    request_id=request_id(arguments),
                    name=arguments.resolve,
                    resolution=RESOLUTIONS[arguments.resolution],
                    note=arguments.note,
                    transaction_number=arguments.number,
                )
            )
            answer(arguments, done.work_item, lambda item: _work_items([item]))
            return
        cause = pb.WorkItemCause.Value(f"WORK_ITEM_CAUSE_{arguments.cause.upper()}")
        page = await stub.ListWorkItems(
            pb.ListWorkItemsRequest(
                page_size=arguments.page_size,
                page_token=arguments.page_token,
                cause=cause,
                show_resolved=arguments.all,
            )
        )
    answer(arguments, page, lambda each: _with_token(_work_items(each.work_items), each.next_page_token))


async def settle(arguments: Namespace, gateway: Gateway) -> None:
    """Take a file in where one is given, and show what the month came to."""
    async with gateway.calling(ClaimServiceStub, within_ms=FILE_MS) as stub:
        taken = None
        if arguments.file:
            header = pb.ImportSettlementHeader(request_id=request_id(arguments), month=arguments.month)
            taken = (await stub.ImportSettlement(_parts(header, arguments.file))).settlement
        found = await stub.CompareSettlement(
            pb.CompareSettlementRequest(
                month=arguments.month, page_size=arguments.page_size, page_token=arguments.page_token
            )
        )
    if arguments.json:
        print_json({"imported": as_dict(taken) if taken else None, "comparison": as_dict(found)})
        return
    tables.show(_with_token(_comparison(found), found.next_page_token))


async def _parts(header: pb.ImportSettlementHeader, file: Path) -> AsyncIterator[pb.ImportSettlementRequest]:
    yield pb.ImportSettlementRequest(header=header)
    with file.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            yield pb.ImportSettlementRequest(content=chunk)


def _built(built: pb.BuildClaimResponse) -> RenderableType:
    readiness = pb.ClaimReadiness.Name(built.readiness).removeprefix("CLAIM_READINESS_")
    parts: list[RenderableType] = [Text(readiness)]
    if built.differs:
        parts.append(Text("Dữ liệu đã thay đổi; dùng `claim replace` để lập lại (differs).", style="yellow"))
    if built.HasField("claim"):
        parts.append(_claim(built.claim))
    return Group(*parts, _lacks(built.lacks))


def _claim(claim: pb.Claim) -> RenderableType:
    versions = tables.plain(
        "Bản", "Trạng thái", "Tổng chi phí", "Quỹ BHYT", "Gửi", "Mã giao dịch", "Cổng trả lời", title=claim.name
    )  # fmt: skip
    for each in claim.versions:
        sent = each.submission
        versions.add_row(
            f"{each.version}{' *' if each.version == claim.counted_version else ''}",
            _state(each.state),
            tables.exact_dong(each.total_amount),
            tables.exact_dong(each.fund_amount),
            shown(sent.send_time),
            sent.transaction_number,
            " ".join(filter(None, (sent.portal_code, sent.portal_message, sent.failure_reason))),
        )
    head = Text(f"{claim.link_id} · {claim.settlement_month} · {_state(claim.state)}")
    return Group(head, versions, _events(claim.events))


def _events(events: Iterable[pb.ClaimEvent]) -> RenderableType:
    table = tables.plain("Lúc", "Bản", "Đến trạng thái", "Vì sao", "Ai")
    for each in events:
        table.add_row(shown(each.event_time), str(each.version), _state(each.state), each.reason, each.actor)
    return table if table.row_count else Text("")


def _claims(claims: Iterable[pb.Claim]) -> RenderableType:
    table = tables.plain("Lượt khám", "Mã liên kết", "Tháng", "Bản", "Trạng thái", "Cập nhật")
    for each in claims:
        table.add_row(
            each.visit,
            each.link_id,
            each.settlement_month,
            str(each.version),
            _state(each.state),
            shown(each.update_time),
        )
    return table


def _lacks(lacks: Iterable[pb.ClaimLack]) -> RenderableType:
    table = tables.plain("Thiếu", "Bảng", "Dòng", "Trường", "Cách bổ sung")
    for each in lacks:
        table.add_row(each.code, each.table, str(each.row or ""), each.field, each.message_vi)
    return table if table.row_count else Text("")


def _report(report: pb.ClaimReport) -> RenderableType:
    if report.clean and not report.findings:
        return Text("Không có lỗi (clean).")
    return Group(
        _findings(report.findings), Text(f"Tiền có rủi ro: {tables.exact_dong(report.at_risk_amount)}")
    )


def _findings(findings: Iterable[pb.ClaimFinding]) -> RenderableType:
    table = tables.plain("Mức", "Quy tắc", "Bảng", "Dòng", "Trường", "Nội dung", "Cách sửa")
    for each in findings:
        table.add_row(
            pb.FindingSeverity.Name(each.severity).removeprefix("FINDING_SEVERITY_"),
            each.rule_id,
            each.table,
            str(each.row or ""),
            each.field,
            each.message_vi,
            each.repair_vi,
        )
    return table


def _work_items(items: Iterable[pb.WorkItem]) -> RenderableType:
    table = tables.plain(
        "Việc", "Lượt khám", "Nguyên nhân", "Bản", "Cổng trả lời", "Ta thấy", "Mở lúc", "Xử lý"
    )
    for each in items:
        table.add_row(
            each.name,
            each.visit,
            pb.WorkItemCause.Name(each.cause).removeprefix("WORK_ITEM_CAUSE_"),
            str(each.version or ""),
            " ".join(filter(None, (each.portal_code, each.portal_message))),
            ", ".join(_ours(each)),
            shown(each.open_time),
            pb.WorkItemResolution.Name(each.resolution).removeprefix("WORK_ITEM_RESOLUTION_")
            if each.resolution
            else "",
        )
    return table


def _ours(item: pb.WorkItem) -> Iterable[str]:
    """Our own findings and lacks of an item, each once."""
    found = [each.rule_id for each in item.findings]
    return dict.fromkeys([*found, *(each.field or each.code for each in item.lacks)])


def _comparison(found: pb.CompareSettlementResponse) -> RenderableType:
    totals = found.totals
    sums = tables.plain("", "Hồ sơ", "Số tiền", title=found.settlement.name or "Chưa có tệp kết quả")
    sums.add_row("Đề nghị", str(totals.claimed_count), tables.exact_dong(totals.claimed_amount))
    sums.add_row("Duyệt", str(totals.told_count), tables.exact_dong(totals.accepted_amount))
    sums.add_row("Từ chối", "", tables.exact_dong(totals.refused_amount))
    sums.add_row(
        "Chưa có kết quả",
        str(totals.claimed_count - totals.told_count),
        tables.exact_dong(totals.untold_amount),
    )
    sums.add_row("Ngoài danh sách", "", tables.exact_dong(totals.foreign_amount))
    causes = tables.plain("Lý do từ chối", "Hồ sơ", "Số tiền")
    for cause in found.refused:
        causes.add_row(cause.cause or "-", str(cause.claim_count), tables.exact_dong(cause.refused_amount))
    rows = tables.plain("Mã liên kết", "Lượt khám", "Sai khác", "Đề nghị", "Duyệt", "Chênh lệch", "Lý do")
    for each in found.differences:
        rows.add_row(
            each.link_id,
            each.visit,
            pb.DifferenceKind.Name(each.kind).removeprefix("DIFFERENCE_KIND_"),
            tables.exact_dong(each.claimed_amount),
            tables.exact_dong(each.accepted_amount),
            tables.dong(each.difference_vnd),
            each.cause,
        )
    return Group(sums, causes, rows)


def _state(state: pb.ClaimState.ValueType) -> str:
    return pb.ClaimState.Name(state).removeprefix("CLAIM_STATE_")


def _with_token(page: RenderableType, token: str) -> RenderableType:
    return Group(page, Text(f"--page-token {token}")) if token else page
