"""`lienthong visit`: look at a visit, write into it, call the queue, end it."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace

from cli import tables
from cli.connection import Gateway
from cli.output import add_request_id, answer, as_dict, print_json, request_id
from cli.parsers import Commands
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.insurance.v1 import insurance_pb2 as insurance

WATCH_MS = 600_000


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("visit", help="look at a visit, write into it, call the queue, end it")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, function, text in (
        ("show", show, "show a visit"),
        ("watch", watch, "show a visit after each change"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("visit", help="visits/…")
        action.set_defaults(run=function)
    listing = actions.add_parser("list", help="list the facility's visits")
    listing.add_argument("--page-size", type=int, default=20)
    listing.add_argument("--page-token", default="")
    listing.set_defaults(run=list_visits)
    record = actions.add_parser("record", help="append to the record")
    record.add_argument("visit", help="visits/…")
    record.add_argument("--note", action="append", default=[], help="a note")
    record.add_argument("--diagnosis", action="append", default=[], help="ICD-10 code, or CODE=text")
    add_request_id(record)
    record.set_defaults(run=record_entries)
    call = actions.add_parser("call", help="call the next patient of a room")
    call.add_argument("room")
    add_request_id(call)
    call.set_defaults(run=call_next)
    end = actions.add_parser("discharge", help="split the cost, issue the bill, close the record")
    end.add_argument("visit", help="visits/…")
    end.add_argument(
        "--line",
        type=cost_line,
        action="append",
        required=True,
        help="CODE;name;quantity;price;covered price",
    )
    end.add_argument(
        "--visit-code", default="", help="code of Decision 3276/QĐ-BYT; worked out when left out"
    )
    add_request_id(end)
    end.set_defaults(run=discharge)


def cost_line(text: str) -> insurance.CostLine:
    """A line written CODE;name;quantity;price;covered price, prices in whole dong."""
    parts = text.split(";")
    try:
        code, name, quantity, price, covered = parts
        return insurance.CostLine(
            line_id=code,
            service_code=code,
            display_name=name,
            quantity=quantity,
            unit_price_vnd=int(price),
            covered_unit_price_vnd=int(covered),
        )
    except ValueError as cause:
        raise ArgumentTypeError("write CODE;name;quantity;price;covered price") from cause


async def show(arguments: Namespace, gateway: Gateway) -> None:
    """Show a visit."""
    async with gateway.call() as stub:
        found = await stub.GetVisit(pb.GetVisitRequest(name=arguments.visit))
    answer(arguments, found.view, tables.visit_view)


async def watch(arguments: Namespace, gateway: Gateway) -> None:
    """Show a visit after each change, until it is paid and closed or Ctrl-C."""
    async with gateway.call(within_ms=WATCH_MS) as stub:
        async for change in stub.WatchVisit(pb.WatchVisitRequest(name=arguments.visit)):
            answer(arguments, change.view, tables.visit_view)


async def list_visits(arguments: Namespace, gateway: Gateway) -> None:
    """List visits, newest first."""
    async with gateway.call() as stub:
        page = await stub.ListVisits(
            pb.ListVisitsRequest(page_size=arguments.page_size, page_token=arguments.page_token)
        )
    if arguments.json:
        print_json(as_dict(page))
        return
    tables.show(tables.visits(page.visits))
    if page.next_page_token:
        print(f"more: --page-token {page.next_page_token}")


async def record_entries(arguments: Namespace, gateway: Gateway) -> None:
    """Append notes and diagnoses."""
    entries = [emr.Entry(kind=emr.ENTRY_KIND_NOTE, text=text) for text in arguments.note]
    for given in arguments.diagnosis:
        code, _, text = given.partition("=")
        entries.append(emr.Entry(kind=emr.ENTRY_KIND_DIAGNOSIS, code=code, text=text))
    async with gateway.call() as stub:
        recorded = await stub.RecordEntries(
            pb.RecordEntriesRequest(request_id=request_id(arguments), visit=arguments.visit, entries=entries)
        )
    answer(arguments, recorded.visit, lambda visit: tables.visits([visit]))


async def call_next(arguments: Namespace, gateway: Gateway) -> None:
    """Call the next patient."""
    async with gateway.call() as stub:
        called = await stub.CallNextTicket(
            pb.CallNextTicketRequest(request_id=request_id(arguments), room=arguments.room)
        )
    answer(
        arguments,
        called.ticket,
        lambda ticket: f"phòng {ticket.room}: mời số {ticket.number} ({ticket.name})",
    )


async def discharge(arguments: Namespace, gateway: Gateway) -> None:
    """End a visit."""
    async with gateway.call(within_ms=10_000) as stub:
        ended = await stub.Discharge(
            pb.DischargeRequest(
                request_id=request_id(arguments),
                visit=arguments.visit,
                lines=arguments.line,
                visit_code=arguments.visit_code,
            )
        )
    answer(arguments, ended.view, tables.visit_view)
