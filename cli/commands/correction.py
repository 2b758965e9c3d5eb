"""`lienthong correction`: a citizen's request to correct the record, asked for and answered."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from rich.console import RenderableType

from cli import tables
from cli.connection import Gateway
from cli.output import add_request_id, answer, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import quality_pb2 as pb
from lienthong.identity.v1.quality_pb2_grpc import DataQualityServiceStub


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("correction", help="requests of citizens to correct their record")
    verbs = parser.add_subparsers(dest="verb", required=True)
    ask = verbs.add_parser("request", help="ask for a correction")
    ask.add_argument("citizen", help='citizens/…, or "citizens/me"')
    ask.add_argument("field", choices=("full_name", "birth_date", "gender", "address"))
    ask.add_argument("value", help="the right value")
    ask.add_argument("--why", required=True, help="the citizen's words")
    add_request_id(ask)
    ask.set_defaults(run=request)
    _add_answer(verbs.add_parser("accept", help="write the value into the record"), accept)
    refusal = _add_answer(verbs.add_parser("refuse", help="refuse with a reason"), refuse)
    refusal.add_argument("answer", help="the reason, written for the citizen")
    mine = verbs.add_parser("mine", help="one's own requests")
    mine.add_argument("--citizen", default="", help="citizens/… of somebody one may act for")
    mine.set_defaults(run=list_mine)


def _add_answer(parser: ArgumentParser, run: object) -> ArgumentParser:
    parser.add_argument("name", help="citizens/…/corrections/…")
    add_request_id(parser)
    parser.set_defaults(run=run)
    return parser


async def request(arguments: Namespace, gateway: Gateway) -> None:
    """Ask for a correction."""
    asked = pb.RequestCorrectionRequest(
        request_id=request_id(arguments),
        parent=arguments.citizen,
        field=arguments.field,
        value=arguments.value,
        why=arguments.why,
    )
    async with gateway.calling(DataQualityServiceStub) as stub:
        done = await stub.RequestCorrection(asked)
    answer(arguments, done.correction, lambda found: _table([found]))


async def accept(arguments: Namespace, gateway: Gateway) -> None:
    """Write the asked value into the record."""
    asked = pb.AcceptCorrectionRequest(request_id=request_id(arguments), name=arguments.name)
    async with gateway.calling(DataQualityServiceStub) as stub:
        done = await stub.AcceptCorrection(asked)
    answer(arguments, done, lambda found: _table([found.correction]))


async def refuse(arguments: Namespace, gateway: Gateway) -> None:
    """Refuse a correction."""
    asked = pb.RefuseCorrectionRequest(
        request_id=request_id(arguments), name=arguments.name, answer=arguments.answer
    )
    async with gateway.calling(DataQualityServiceStub) as stub:
        done = await stub.RefuseCorrection(asked)
    answer(arguments, done.correction, lambda found: _table([found]))


async def list_mine(arguments: Namespace, gateway: Gateway) -> None:
    """Show one's own requests."""
    async with gateway.calling(DataQualityServiceStub) as stub:
        found = await stub.ListMyCorrections(pb.ListMyCorrectionsRequest(citizen=arguments.citizen))
    answer(arguments, found, lambda page: _table(page.corrections))


def _table(corrections: Sequence[pb.Correction]) -> RenderableType:
    table = tables.plain("Đề nghị (correction)", "Thông tin", "Giá trị", "Tình trạng", "Trả lời")
    for each in corrections:
        table.add_row(each.name, each.field, each.value, each.sentence_vi, each.answer)
    return table
