"""`lienthong quality`: how clean the records of a commune or province are, and how that changes by day."""

from __future__ import annotations

import sys
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

EXPORT_MS = 60_000


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("quality", help="figures per commune: share verified, dirt, trend by day")
    verbs = parser.add_subparsers(dest="verb", required=True)
    _add_place(verbs.add_parser("figures", help="whole range, each commune, each day"), show_figures)
    _add_place(verbs.add_parser("export", help="the counters as CSV on standard output"), export)
    anew = verbs.add_parser("rebuild", help="count everything again from the records")
    add_request_id(anew)
    anew.set_defaults(run=rebuild)


def _add_place(parser: ArgumentParser, run: object) -> None:
    parser.add_argument("--ward", default="", help="commune code in force, 5 digits")
    parser.add_argument("--province", default="", help="province code in force, 2 digits")
    parser.add_argument("--from", dest="from_date", default="", help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="to_date", default="", help="last day, YYYY-MM-DD; today if not told")
    parser.set_defaults(run=run)


async def show_figures(arguments: Namespace, gateway: Gateway) -> None:
    """Show the figures."""
    request = pb.GetQualityFiguresRequest(
        ward_code=arguments.ward,
        province_code=arguments.province,
        from_date=arguments.from_date,
        to_date=arguments.to_date,
    )
    async with gateway.calling(DataQualityServiceStub) as stub:
        found = await stub.GetQualityFigures(request)
    answer(arguments, found, _figures)


async def export(arguments: Namespace, gateway: Gateway) -> None:
    """Write the counters as CSV."""
    request = pb.ExportQualityFiguresRequest(
        ward_code=arguments.ward,
        province_code=arguments.province,
        from_date=arguments.from_date,
        to_date=arguments.to_date,
    )
    async with gateway.calling(DataQualityServiceStub, within_ms=EXPORT_MS) as stub:
        async for part in stub.ExportQualityFigures(request):
            sys.stdout.write(part.csv_lines)


async def rebuild(arguments: Namespace, gateway: Gateway) -> None:
    """Have everything counted again."""
    async with gateway.calling(DataQualityServiceStub) as stub:
        done = await stub.RebuildQualityFigures(
            pb.RebuildQualityFiguresRequest(request_id=request_id(arguments))
        )
    answer(arguments, done, lambda _: Text("Đang đếm lại từ đầu (counting again)."))


def _figures(found: pb.GetQualityFiguresResponse) -> RenderableType:
    counted = shown(found.counted_time) or "–"
    head = Text(f"{found.from_date} – {found.to_date} · đã đếm đến (counted to) {counted}")
    dirt = tables.plain("Loại lỗi (dirt)", "Mở mới", "Đã đóng", "Đang mở", "% số người")
    for each in found.total.dirt:
        row = (each.opened_count, each.closed_count, each.open_count)
        dirt.add_row(each.label_vi, *(str(count) for count in row), f"{each.open_pct:.2f}")
    return Group(
        head,
        Text(),
        _table("Toàn bộ", [found.total]),
        Text(),
        dirt,
        Text(),
        _table("Xã (commune)", found.wards),
        Text(),
        _table("Ngày (day)", found.days),
    )


def _table(title: str, figures: Sequence[pb.QualityFigure]) -> RenderableType:
    table = tables.plain(title, "Người", "% xác minh", "Lần kiểm tra", "Sai lệch", "Đã sửa", "Lỗi đang mở")
    for figure in figures:
        table.add_row(
            figure.day_date or figure.ward_name or figure.ward_code or "–",
            str(figure.people_count),
            f"{figure.confirmed_pct:.2f}",
            str(figure.checks_count),
            str(figure.checks_disputed_count),
            str(figure.repairs_count),
            str(sum(each.open_count for each in figure.dirt)),
        )
    return table
