"""`lienthong facility`: places of care, and the codes they have and had."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from rich.console import RenderableType

from cli import tables
from cli.connection import Gateway
from cli.output import add_request_id, answer, as_dict, print_json, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import units_pb2 as pb
from lienthong.identity.v1.units_pb2_grpc import UnitServiceStub


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("facility", help="facilities and their dated codes")
    actions = parser.add_subparsers(dest="action", required=True)
    find = actions.add_parser("find", help="find a facility by any code it has or had")
    find.add_argument("code", help="5 characters or 13 digits")
    find.add_argument("--date", default="", help="the day it is asked for, YYYY-MM-DD; today when left out")
    find.set_defaults(run=find_facility)
    listing = actions.add_parser("list", help="list facilities")
    listing.add_argument("--page-size", type=int, default=50)
    listing.add_argument("--page-token", default="")
    listing.set_defaults(run=list_facilities)
    declare = actions.add_parser("declare", help="declare a facility with its first code")
    declare.add_argument("name", help="name in Vietnamese")
    _add_code_options(declare)
    declare.set_defaults(run=declare_facility)
    more = actions.add_parser("add-code", help="give a facility another code")
    more.add_argument("facility", help="facilities/…")
    _add_code_options(more)
    more.set_defaults(run=add_code)
    end = actions.add_parser("end-code", help="give a code its last day")
    end.add_argument("facility", help="facilities/…")
    end.add_argument("code")
    end.add_argument("--last", required=True, help="last day, YYYY-MM-DD")
    add_request_id(end)
    end.set_defaults(run=end_code)
    rename = actions.add_parser("rename", help="give a facility another name")
    rename.add_argument("facility", help="facilities/…")
    rename.add_argument("name", help="name in Vietnamese")
    rename.add_argument("--from", dest="start", required=True, help="first day, YYYY-MM-DD")
    rename.add_argument("--source", default="", help="decision that says so")
    add_request_id(rename)
    rename.set_defaults(run=rename_facility)


def _add_code_options(parser: ArgumentParser) -> None:
    parser.add_argument("code", help="5 characters or 13 digits")
    parser.add_argument("--from", dest="start", required=True, help="first day, YYYY-MM-DD")
    parser.add_argument("--last", default="", help="last day, YYYY-MM-DD; left out while in force")
    parser.add_argument("--vintage", default="", choices=("", "before-2025-07", "from-2025-07"))
    parser.add_argument("--source", default="", help="decision that says so")
    add_request_id(parser)


def _code(arguments: Namespace) -> pb.FacilityCode:
    return pb.FacilityCode(
        code=arguments.code,
        start_date=arguments.start,
        last_date=arguments.last,
        vintage=arguments.vintage,
        source=arguments.source,
    )


async def find_facility(arguments: Namespace, gateway: Gateway) -> None:
    """Show the facility of a code."""
    async with gateway.calling(UnitServiceStub) as stub:
        found = await stub.ResolveFacility(
            pb.ResolveFacilityRequest(code=arguments.code, date=arguments.date)
        )
    answer(arguments, found, lambda each: _facility(each.facility, in_force=each.in_force))


async def list_facilities(arguments: Namespace, gateway: Gateway) -> None:
    """List facilities in the order they were declared."""
    async with gateway.calling(UnitServiceStub) as stub:
        page = await stub.ListFacilities(
            pb.ListFacilitiesRequest(page_size=arguments.page_size, page_token=arguments.page_token)
        )
    if arguments.json:
        print_json(as_dict(page))
        return
    table = tables.plain("Cơ sở", "Tên", "Mã")
    for each in page.facilities:
        table.add_row(each.name, each.names[-1].display_name, ", ".join(code.code for code in each.codes))
    tables.show(table)
    if page.next_page_token:
        print(f"more: --page-token {page.next_page_token}")


async def declare_facility(arguments: Namespace, gateway: Gateway) -> None:
    """Declare a facility."""
    async with gateway.calling(UnitServiceStub) as stub:
        done = await stub.DeclareFacility(
            pb.DeclareFacilityRequest(
                request_id=request_id(arguments), display_name=arguments.name, code=_code(arguments)
            )
        )
    answer(arguments, done.facility, _facility)


async def add_code(arguments: Namespace, gateway: Gateway) -> None:
    """Add a code."""
    async with gateway.calling(UnitServiceStub) as stub:
        done = await stub.AddFacilityCode(
            pb.AddFacilityCodeRequest(
                request_id=request_id(arguments), name=arguments.facility, code=_code(arguments)
            )
        )
    answer(arguments, done.facility, _facility)


async def end_code(arguments: Namespace, gateway: Gateway) -> None:
    """End a code."""
    async with gateway.calling(UnitServiceStub) as stub:
        done = await stub.EndFacilityCode(
            pb.EndFacilityCodeRequest(
                request_id=request_id(arguments),
                name=arguments.facility,
                code=arguments.code,
                last_date=arguments.last,
            )
        )
    answer(arguments, done.facility, _facility)


async def rename_facility(arguments: Namespace, gateway: Gateway) -> None:
    """Give a facility another name."""
    name = pb.FacilityName(display_name=arguments.name, start_date=arguments.start, source=arguments.source)
    async with gateway.calling(UnitServiceStub) as stub:
        done = await stub.RenameFacility(
            pb.RenameFacilityRequest(request_id=request_id(arguments), name=arguments.facility, new_name=name)
        )
    answer(arguments, done.facility, _facility)


def _facility(facility: pb.Facility, *, in_force: bool = True) -> RenderableType:
    title = f"{facility.names[-1].display_name} ({facility.name})"
    table = tables.plain("Mã", "Từ ngày", "Đến ngày", "Nguồn", title=title)
    for code in facility.codes:
        table.add_row(code.code, code.start_date, code.last_date or "-", code.source)
    if not in_force:
        table.caption = "Mã đã tra không có hiệu lực vào ngày nêu."
    return table
