"""`lienthong recoding`: re-code the whole register to the units in force: dry run, report, apply, undo."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TypeVar

from rich.console import RenderableType

from cli import tables
from cli.connection import Gateway
from cli.output import add_request_id, answer, as_dict, print_json, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import units_pb2 as pb
from lienthong.identity.v1.units_pb2_grpc import UnitServiceStub

P = TypeVar("P", pb.ListRecodingFiguresResponse, pb.ListRecodingItemsResponse)


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("recoding", help="re-code the whole register to the units in force")
    actions = parser.add_subparsers(dest="action", required=True)
    begin = actions.add_parser("start", help="start a dry run, which changes nobody")
    add_request_id(begin)
    begin.set_defaults(run=start)
    for name, function, text in (
        ("apply", apply, "apply a counted re-coding"),
        ("undo", undo, "bring the former residences back"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("recoding", help="recodings/…")
        add_request_id(action)
        action.set_defaults(run=function)
    look = actions.add_parser("show", help="show how far a re-coding is, or list all")
    look.add_argument("recoding", nargs="?", default="", help="recodings/…")
    look.set_defaults(run=show)
    for name, function, text in (
        ("figures", figures, "list the people per old commune and finding"),
        ("items", items, "list the people a person has to look at"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("recoding", help="recodings/…")
        action.add_argument("--page-size", type=int, default=50)
        action.add_argument("--page-token", default="")
        action.set_defaults(run=function)


async def start(arguments: Namespace, gateway: Gateway) -> None:
    """Start the dry run."""
    async with gateway.calling(UnitServiceStub) as stub:
        done = await stub.StartRecoding(pb.StartRecodingRequest(request_id=request_id(arguments)))
    answer(arguments, done.recoding, _recoding)


async def apply(arguments: Namespace, gateway: Gateway) -> None:
    """Apply a counted re-coding."""
    request = pb.ApplyRecodingRequest(request_id=request_id(arguments), name=arguments.recoding)
    async with gateway.calling(UnitServiceStub) as stub:
        done = await stub.ApplyRecoding(request)
    answer(arguments, done.recoding, _recoding)


async def undo(arguments: Namespace, gateway: Gateway) -> None:
    """Take an applied re-coding back."""
    request = pb.UndoRecodingRequest(request_id=request_id(arguments), name=arguments.recoding)
    async with gateway.calling(UnitServiceStub) as stub:
        done = await stub.UndoRecoding(request)
    answer(arguments, done.recoding, _recoding)


async def show(arguments: Namespace, gateway: Gateway) -> None:
    """Show one re-coding, or list the newest."""
    async with gateway.calling(UnitServiceStub) as stub:
        if arguments.recoding:
            found = await stub.GetRecoding(pb.GetRecodingRequest(name=arguments.recoding))
            answer(arguments, found.recoding, _recoding)
            return
        page = await stub.ListRecodings(pb.ListRecodingsRequest())
    answer(arguments, page, _recodings)


async def figures(arguments: Namespace, gateway: Gateway) -> None:
    """List the people per old commune and finding."""
    async with gateway.calling(UnitServiceStub) as stub:
        page = await stub.ListRecodingFigures(
            pb.ListRecodingFiguresRequest(
                name=arguments.recoding, page_size=arguments.page_size, page_token=arguments.page_token
            )
        )
    _page(arguments, page, _figures)


async def items(arguments: Namespace, gateway: Gateway) -> None:
    """List the people a person has to look at."""
    async with gateway.calling(UnitServiceStub) as stub:
        page = await stub.ListRecodingItems(
            pb.ListRecodingItemsRequest(
                name=arguments.recoding, page_size=arguments.page_size, page_token=arguments.page_token
            )
        )
    _page(arguments, page, _items)


def _page(arguments: Namespace, page: P, table: Callable[[P], RenderableType]) -> None:
    if arguments.json:
        print_json(as_dict(page))
        return
    tables.show(table(page))
    if page.next_page_token:
        print(f"more: --page-token {page.next_page_token}")


def _recoding(recoding: pb.Recoding) -> RenderableType:
    state = pb.RecodingState.Name(recoding.state).removeprefix("RECODING_STATE_")
    table = tables.plain("", "", title=f"{recoding.name}: {state}")
    left = f", còn khoảng {recoding.left_seconds} giây" if recoding.left_seconds else ""
    table.add_row("Đã xét", f"{recoding.done_count} / {recoding.total_count} người{left}")
    for figure in recoding.figures:
        table.add_row(_finding(figure.finding), str(figure.citizen_count))
    return table


def _recodings(page: pb.ListRecodingsResponse) -> RenderableType:
    table = tables.plain("Đợt chuyển mã", "Trạng thái", "Đã xét")
    for each in page.recodings:
        state = pb.RecodingState.Name(each.state).removeprefix("RECODING_STATE_")
        table.add_row(each.name, state, f"{each.done_count} / {each.total_count}")
    return table


def _figures(page: pb.ListRecodingFiguresResponse) -> RenderableType:
    table = tables.plain("Kết quả", "Xã, phường cũ", "Mã", "Số người")
    for each in page.figures:
        table.add_row(_finding(each.finding), each.old_ward_name, each.old_ward_code, str(each.citizen_count))
    return table


def _items(page: pb.ListRecodingItemsResponse) -> RenderableType:
    table = tables.plain("Người", "Kết quả", "Lý do", "Mã cũ", "Chọn trong", "Hồ sơ")
    for each in page.items:
        table.add_row(
            each.citizen,
            _finding(each.finding),
            each.reason,
            each.old_ward_code,
            " ".join(each.candidate_ward_codes),
            each.case,
        )
    return table


def _finding(finding: pb.RecodingFinding.ValueType) -> str:
    return pb.RecodingFinding.Name(finding).removeprefix("RECODING_FINDING_")
