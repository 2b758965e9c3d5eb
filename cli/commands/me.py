"""`lienthong me`: what a citizen sees about themselves, or about somebody they may act for."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from cli import tables
from cli.commands.consent import consent_table
from cli.commands.delegation import account_table, code_table, delegation_table
from cli.connection import Gateway
from cli.moments import shown
from cli.output import answer
from cli.parsers import Commands
from lienthong.identity.v1 import own_view_pb2 as pb
from lienthong.identity.v1.own_view_pb2_grpc import OwnViewServiceStub


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("me", help="as a citizen: what is kept about me, and who looked")
    parser.add_argument("show", choices=sorted(_SHOWN), nargs="?", default="view")
    parser.add_argument("--citizen", default="", help="somebody you may act for, citizens/…")
    parser.add_argument("--page-size", type=int, default=20)
    parser.add_argument("--page-token", default="")
    parser.set_defaults(run=run)


async def run(arguments: Namespace, gateway: Gateway) -> None:
    """Show one of the three."""
    await _SHOWN[arguments.show](arguments, gateway)


async def view(arguments: Namespace, gateway: Gateway) -> None:
    """Show numbers, merges, delegations and accounts."""
    async with gateway.calling(OwnViewServiceStub) as stub:
        found = await stub.GetMyView(pb.GetMyViewRequest(citizen=arguments.citizen))
    answer(arguments, found, _view)


async def consents(arguments: Namespace, gateway: Gateway) -> None:
    """Show consents."""
    async with gateway.calling(OwnViewServiceStub) as stub:
        page = await stub.ListMyConsents(
            pb.ListMyConsentsRequest(
                citizen=arguments.citizen, page_size=arguments.page_size, page_token=arguments.page_token
            )
        )
    answer(arguments, page, lambda found: consent_table(found.consents))
    _tell_more(arguments, page.next_page_token)


async def accesses(arguments: Namespace, gateway: Gateway) -> None:
    """Show who looked."""
    async with gateway.calling(OwnViewServiceStub) as stub:
        page = await stub.ListMyAccesses(
            pb.ListMyAccessesRequest(
                citizen=arguments.citizen, page_size=arguments.page_size, page_token=arguments.page_token
            )
        )
    answer(arguments, page, lambda found: _accesses(found.accesses))
    _tell_more(arguments, page.next_page_token)


_PURPOSES = {"treatment": "khám bệnh, chữa bệnh", "payment": "thanh toán"}
"""What a sign-in is for, as the gateway names it."""
_SHOWN = {"view": view, "consents": consents, "accesses": accesses}


def _tell_more(arguments: Namespace, token: str) -> None:
    if token and not arguments.json:
        print(f"more: --page-token {token}")


def _view(found: pb.GetMyViewResponse) -> RenderableType:
    numbers = tables.plain("Số", "Nội dung", title=f"{found.full_name}, {found.birth_date} ({found.name})")
    for number in found.identifiers:
        numbers.add_row(number.masked_value, number.sentence_vi)
    links = tables.plain("Gộp hồ sơ")
    for link in found.links:
        links.add_row(link.sentence_vi)
    return Group(
        numbers,
        found.verification_vi,
        links,
        delegation_table(found.delegations, title="Ai được làm thay tôi"),
        delegation_table(found.representations, title="Tôi được làm thay ai"),
        code_table(found.proxy_codes, title="Mã đi thay"),
        account_table(found.accounts, title="Tài khoản"),
    )


def _accesses(listed: Sequence[pb.MyAccess]) -> Table:
    table = tables.plain("Lúc", "Ai đã làm gì", "Mục đích")
    for access in listed:
        purpose = _PURPOSES.get(access.purpose, access.purpose)
        table.add_row(shown(access.access_time), access.sentence_vi, purpose)
    return table
