"""`lienthong unit`: what a commune of either vintage is called and coded today."""

from __future__ import annotations

from argparse import Namespace

from cli import tables
from cli.connection import Gateway
from cli.output import answer
from cli.parsers import Commands
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("unit", help="resolve an address or commune code of either vintage")
    parser.add_argument("text", nargs="?", default="", help="free address text")
    parser.add_argument("--code", default="", help="commune code, 5 digits")
    parser.add_argument("--vintage", default="before-2025-07", choices=("before-2025-07", "from-2025-07"))
    parser.set_defaults(run=run)


async def run(arguments: Namespace, gateway: Gateway) -> None:
    """Ask and show every reading."""
    request = pb.ResolveAdministrativeUnitRequest(text=arguments.text)
    if arguments.code:
        request = pb.ResolveAdministrativeUnitRequest(ward_code=arguments.code, vintage=arguments.vintage)
    async with gateway.call() as stub:
        found = await stub.ResolveAdministrativeUnit(request)
    answer(arguments, found.resolution, _readings)


def _readings(resolution: identity.AddressResolution) -> str:
    lines = [tables.address(candidate) for candidate in resolution.candidates]
    return "\n".join(lines) or resolution.unresolved_reason
