"""`lienthong cases`: the queue of doubts about records, worked from problem to repaired record."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from cli import tables
from cli.connection import Gateway
from cli.moments import shown
from cli.output import add_request_id, answer, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import quality_pb2 as pb
from lienthong.identity.v1.quality_pb2_grpc import DataQualityServiceStub

_SEVERITY_STYLE = {pb.CASE_SEVERITY_HIGH: "red", pb.CASE_SEVERITY_MEDIUM: "yellow"}


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("cases", help="doubts about records: list, take, resolve")
    verbs = parser.add_subparsers(dest="verb", required=True)
    _add_list(
        verbs.add_parser("list", help="the queue, oldest first; open and assigned unless told otherwise")
    )
    show = verbs.add_parser("show", help="one case: history, evidence, ways out")
    show.add_argument("name", help="citizens/…/cases/…")
    show.set_defaults(run=show_case)
    take = _add_step(verbs.add_parser("take", help="work on a case"), take_case)
    take.add_argument("--for", dest="assignee", default="", help="another steward's subject")
    take.add_argument("--take-over", action="store_true", help="take it from the steward who has it")
    note = _add_step(verbs.add_parser("note", help="note something about a case"), note_case)
    note.add_argument("note", help="free words; kept sealed")
    resolve = _add_step(
        verbs.add_parser("resolve", help="end a case whose record is right now"), resolve_case
    )
    resolve.add_argument("resolution", choices=_words(pb.CaseResolution.keys(), "CASE_RESOLUTION_"))
    resolve.add_argument("--note", default="")
    dismiss = _add_step(
        verbs.add_parser("dismiss", help="end a case without anything to repair"), dismiss_case
    )
    dismiss.add_argument("reason", choices=_words(pb.CaseDismissal.keys(), "CASE_DISMISSAL_"))
    dismiss.add_argument("--note", default="")
    count = verbs.add_parser("count", help="the map of the queue: by cause, commune, facility and age")
    count.set_defaults(run=count_cases)


def _add_list(parser: ArgumentParser) -> None:
    parser.add_argument("--state", choices=_words(pb.CaseState.keys(), "CASE_STATE_"), default="UNSPECIFIED")
    parser.add_argument("--cause", choices=_words(pb.CaseCause.keys(), "CASE_CAUSE_"), default="UNSPECIFIED")
    parser.add_argument("--ward", default="", help="commune code in force, 5 digits")
    parser.add_argument("--facility", default="", help="facility code")
    parser.add_argument("--assignee", default="", help='subject of a steward, or "me"')
    parser.add_argument("--age", choices=_words(pb.CaseAge.keys(), "CASE_AGE_"), default="UNSPECIFIED")
    parser.add_argument("--page-size", type=int, default=50)
    parser.add_argument("--page-token", default="")
    parser.set_defaults(run=list_cases)


def _add_step(parser: ArgumentParser, run: object) -> ArgumentParser:
    parser.add_argument("name", help="citizens/…/cases/…")
    add_request_id(parser)
    parser.set_defaults(run=run)
    return parser


async def list_cases(arguments: Namespace, gateway: Gateway) -> None:
    """Show a page of the queue."""
    request = pb.ListCasesRequest(
        state=pb.CaseState.Value(f"CASE_STATE_{arguments.state}"),
        cause=pb.CaseCause.Value(f"CASE_CAUSE_{arguments.cause}"),
        ward_code=arguments.ward,
        facility_code=arguments.facility,
        assignee=arguments.assignee,
        age=pb.CaseAge.Value(f"CASE_AGE_{arguments.age}"),
        page_size=arguments.page_size,
        page_token=arguments.page_token,
    )
    async with gateway.calling(DataQualityServiceStub) as stub:
        page = await stub.ListCases(request)
    answer(arguments, page, _page)


async def show_case(arguments: Namespace, gateway: Gateway) -> None:
    """Show one case."""
    async with gateway.calling(DataQualityServiceStub) as stub:
        found = await stub.GetCase(pb.GetCaseRequest(name=arguments.name))
    answer(arguments, found, _view)


async def take_case(arguments: Namespace, gateway: Gateway) -> None:
    """Take a case, or give it to another steward."""
    request = pb.AssignCaseRequest(
        request_id=request_id(arguments),
        name=arguments.name,
        assignee=arguments.assignee,
        take_over=arguments.take_over,
    )
    async with gateway.calling(DataQualityServiceStub) as stub:
        done = await stub.AssignCase(request)
    answer(arguments, done.case, lambda case: _lines([case]))


async def note_case(arguments: Namespace, gateway: Gateway) -> None:
    """Note something about a case."""
    request = pb.AddCaseNoteRequest(
        request_id=request_id(arguments), name=arguments.name, note=arguments.note
    )
    async with gateway.calling(DataQualityServiceStub) as stub:
        done = await stub.AddCaseNote(request)
    answer(arguments, done.case, lambda case: _lines([case]))


async def resolve_case(arguments: Namespace, gateway: Gateway) -> None:
    """End a case whose record is right now."""
    request = pb.ResolveCaseRequest(
        request_id=request_id(arguments),
        name=arguments.name,
        resolution=pb.CaseResolution.Value(f"CASE_RESOLUTION_{arguments.resolution}"),
        note=arguments.note,
    )
    async with gateway.calling(DataQualityServiceStub) as stub:
        done = await stub.ResolveCase(request)
    answer(arguments, done.case, lambda case: _lines([case]))


async def dismiss_case(arguments: Namespace, gateway: Gateway) -> None:
    """End a case without anything to repair."""
    request = pb.DismissCaseRequest(
        request_id=request_id(arguments),
        name=arguments.name,
        reason=pb.CaseDismissal.Value(f"CASE_DISMISSAL_{arguments.reason}"),
        note=arguments.note,
    )
    async with gateway.calling(DataQualityServiceStub) as stub:
        done = await stub.DismissCase(request)
    answer(arguments, done.case, lambda case: _lines([case]))


async def count_cases(arguments: Namespace, gateway: Gateway) -> None:
    """Show the map of the queue."""
    async with gateway.calling(DataQualityServiceStub) as stub:
        found = await stub.CountCases(pb.CountCasesRequest())
    answer(arguments, found, _map)


def _words(names: Sequence[str], prefix: str) -> list[str]:
    """The values of an enum as typed on the command line."""
    return [name.removeprefix(prefix) for name in names if not name.endswith("_UNSPECIFIED")]


def _page(page: pb.ListCasesResponse) -> RenderableType:
    more = Text(f"--page-token {page.next_page_token}" if page.next_page_token else "", style="dim")
    return Group(_lines(page.cases), more)


def _lines(cases: Sequence[pb.Case]) -> RenderableType:
    """Two lines a case: its name whole, so that it can be copied, and what it is."""
    parts: list[RenderableType] = []
    for case in cases:
        facts = (
            case.ward_name or case.ward_code,
            case.facility_code,
            tables.word(pb.CaseState.Name(case.state)),
            f"{case.seen_count} lần",
            f"hạn {shown(case.due_time)}",
            case.assignee,
        )
        line = Text("  ")
        line.append(case.cause_vi, style=_SEVERITY_STYLE.get(case.severity, ""))
        line.append("".join(f" · {fact}" for fact in facts if fact))
        parts += [Text(case.name, no_wrap=True, overflow="ignore"), line]
    return Group(*parts)


def _view(found: pb.GetCaseResponse) -> RenderableType:
    facts = tables.plain("", "")
    facts.add_row("Việc cần làm (advice)", found.advice_vi)
    facts.add_row("Mức độ (severity)", found.severity_vi)
    if found.finding_vi:
        facts.add_row("Kết quả đối chiếu", found.finding_vi)
    for evidence in found.case.evidence:
        facts.add_row(f"{evidence.label_vi} ({evidence.key})", evidence.value)
    if found.HasField("correction"):
        facts.add_row(f"Đề nghị sửa {found.correction.field}", found.correction.value)
        facts.add_row("Lý do của người dân", found.correction.why)
    ways = tables.plain("Cách xử lý (proposal)", "Mã", "Giải thích")
    for proposal in found.proposals:
        ways.add_row(proposal.action, proposal.code or proposal.ward_code, proposal.explanation_vi)
    steps = tables.plain("Bước (step)", "Lúc", "Người", "Mã", "Ghi chú")
    for event in found.events:
        steps.add_row(event.step, shown(event.event_time), event.actor, event.code, event.note)
    return Group(_lines([found.case]), Text(), facts, Text(), ways, Text(), steps)


def _map(found: pb.CountCasesResponse) -> RenderableType:
    parts: list[RenderableType] = [Text(f"{found.case_count} hồ sơ đang mở (open cases)")]
    groups = (
        ("Nguyên nhân (cause)", found.causes),
        ("Xã (commune)", found.wards),
        ("Cơ sở (facility)", found.facilities),
        ("Tuổi (age)", found.ages),
    )
    for title, counts in groups:
        table = tables.plain(title, "Số hồ sơ", "Cũ nhất")
        for count in counts:
            table.add_row(count.label_vi, str(count.case_count), shown(count.oldest_time))
        parts += [Text(), table]
    return Group(*parts)
