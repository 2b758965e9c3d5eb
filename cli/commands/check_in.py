"""`lienthong check-in`: admit a citizen from the QR text of a citizen card."""

from __future__ import annotations

import sys
from argparse import Namespace

from cli import tables
from cli.connection import Gateway
from cli.output import add_request_id, answer, request_id
from cli.parsers import Commands
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb

KINDS = {
    "outpatient": emr.VISIT_KIND_OUTPATIENT,
    "inpatient": emr.VISIT_KIND_INPATIENT,
    "emergency": emr.VISIT_KIND_EMERGENCY,
}
CLASSES = {
    "normal": emr.PRIORITY_CLASS_NORMAL,
    "priority": emr.PRIORITY_CLASS_PRIORITY,
    "emergency": emr.PRIORITY_CLASS_EMERGENCY,
}


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("check-in", help="admit a citizen from the QR of a citizen card")
    parser.add_argument(
        "--qr", help="the QR's text; without it one line is read from the scanner (standard input)"
    )
    parser.add_argument("--room", default="", help="room of the queue")
    parser.add_argument("--kind", choices=sorted(KINDS), default="outpatient")
    parser.add_argument("--priority", choices=sorted(CLASSES), default="normal")
    parser.add_argument("--reason", default="", help="reason told at arrival")
    parser.add_argument("--self-pay", action="store_true", help="without insurance")
    add_request_id(parser)
    parser.set_defaults(run=run)


async def run(arguments: Namespace, gateway: Gateway) -> None:
    """Admit and show the visit."""
    request = pb.CheckInRequest(
        request_id=request_id(arguments),
        card_qr=arguments.qr or sys.stdin.readline().rstrip("\r\n"),
        kind=KINDS[arguments.kind],
        room=arguments.room,
        priority_class=CLASSES[arguments.priority],
        reason_text=arguments.reason,
        self_pay=arguments.self_pay,
    )
    async with gateway.call() as stub:
        admitted = await stub.CheckIn(request)
    answer(arguments, admitted.view, tables.visit_view)
