"""`lienthong delegate`, `proxy` and `account`: who may act for whom, codes for one visit, citizens' sign-ins."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

import segno
from rich.console import Group, RenderableType
from rich.table import Table

from cli import tables
from cli.commands.consent import wire_name, words
from cli.connection import Gateway
from cli.moments import day_end, moment, shown, stamp
from cli.output import add_request_id, answer, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import consent_pb2 as pb
from lienthong.identity.v1.consent_pb2_grpc import ConsentServiceStub

ACTIONS = words(pb.DelegatedAction.keys(), "DELEGATED_ACTION_")
KINDS = words(pb.DelegationKind.keys(), "DELEGATION_KIND_")
RELATIONSHIPS = words(pb.Relationship.keys(), "RELATIONSHIP_")
EVIDENCE = words(pb.EvidenceKind.keys(), "EVIDENCE_KIND_")


def actions(typed: Sequence[str]) -> list[pb.DelegatedAction.ValueType]:
    """Typed actions on the wire."""
    return [pb.DelegatedAction.Value(wire_name("DELEGATED_ACTION_", word)) for word in typed]


def add(commands: Commands) -> None:
    """Describe the commands."""
    _describe_delegate(commands)
    _describe_proxy(commands)
    _describe_account(commands)


def _describe_delegate(commands: Commands) -> None:
    parser = commands.add_parser("delegate", help="let one citizen act for another")
    verbs = parser.add_subparsers(dest="action", required=True)
    new = verbs.add_parser("add", help="record a guardian or a delegate")
    new.add_argument("citizen", help="who is acted for, citizens/…")
    new.add_argument("representative", help="who acts, citizens/…")
    new.add_argument("--kind", choices=KINDS, required=True)
    new.add_argument("--relationship", choices=RELATIONSHIPS, required=True)
    new.add_argument("--may", choices=ACTIONS, action="append", default=[], help="what a delegate may do")
    new.add_argument("--evidence", choices=EVIDENCE, help="what was shown")
    new.add_argument("--reference", default="", help="number of the paper; no identity number")
    new.add_argument("--until", type=day_end, help="last day; a delegate needs one")
    add_request_id(new)
    new.set_defaults(run=add_delegation)
    revoke = verbs.add_parser("revoke", help="end a delegation now")
    revoke.add_argument("delegation", help="citizens/…/delegations/…")
    add_request_id(revoke)
    revoke.set_defaults(run=revoke_delegation)
    listing = verbs.add_parser("list", help="who may act for a citizen, and for whom the citizen may")
    listing.add_argument("citizen", help="citizens/…")
    listing.set_defaults(run=list_delegations)
    check = verbs.add_parser("check", help="may this person do that for this citizen?")
    check.add_argument("citizen", help="who is acted for, citizens/…")
    check.add_argument("may", choices=ACTIONS, help="what is to be done")
    who = check.add_mutually_exclusive_group()
    who.add_argument("--actor", help="who acts, citizens/…")
    who.add_argument("--proxy-code", help="a code that was taken, citizens/…/proxyCodes/…")
    check.add_argument("--facility", default="", help="where; your own when left out")
    check.add_argument("--at", type=moment, help="14/08/2026, or with 09:30; now when left out")
    check.set_defaults(run=check_authority)


def _describe_proxy(commands: Commands) -> None:
    parser = commands.add_parser("proxy", help="codes with which somebody acts for a citizen at one visit")
    verbs = parser.add_subparsers(dest="action", required=True)
    issue = verbs.add_parser("issue", help="make a code and show its QR")
    issue.add_argument("citizen", help="who is acted for, citizens/…")
    issue.add_argument("--may", choices=ACTIONS, action="append", required=True)
    issue.add_argument("--facility", default="", help="the one that is to take it; any without")
    issue.add_argument("--hours", type=int, default=0, help="1 to 72; 24 when left out")
    issue.add_argument("--issuer", default="", help="guardian who asks for it, citizens/…")
    add_request_id(issue)
    issue.set_defaults(run=issue_code)
    redeem = verbs.add_parser("redeem", help="take a code at a desk; it is burnt with this")
    redeem.add_argument("code", help="the 195 digits of the QR")
    redeem.add_argument("--facility", default="", help="your own when left out")
    redeem.add_argument("--bearer", default="", help="who brought it, citizens/…")
    add_request_id(redeem)
    redeem.set_defaults(run=redeem_code)
    revoke = verbs.add_parser("revoke", help="make a code useless")
    revoke.add_argument("code", help="citizens/…/proxyCodes/…")
    add_request_id(revoke)
    revoke.set_defaults(run=revoke_code)


def _describe_account(commands: Commands) -> None:
    parser = commands.add_parser("account", help="link a citizen's sign-in to the citizen")
    verbs = parser.add_subparsers(dest="action", required=True)
    code = verbs.add_parser("code", help="as a citizen: get a code to tell the clerk")
    add_request_id(code)
    code.set_defaults(run=request_link)
    link = verbs.add_parser("link", help="as a clerk: link the sign-in behind a code")
    link.add_argument("citizen", help="the citizen at the desk, citizens/…")
    link.add_argument("code", help="eight digits from the person's app")
    add_request_id(link)
    link.set_defaults(run=confirm_link)
    unlink = verbs.add_parser("unlink", help="part a sign-in from its citizen")
    unlink.add_argument("account", help="citizens/…/accounts/…")
    add_request_id(unlink)
    unlink.set_defaults(run=unlink_account)


async def add_delegation(arguments: Namespace, gateway: Gateway) -> None:
    """Record a delegation."""
    evidence = wire_name("EVIDENCE_KIND_", arguments.evidence or "unspecified")
    async with gateway.calling(ConsentServiceStub) as stub:
        added = await stub.AddDelegation(
            pb.AddDelegationRequest(
                request_id=request_id(arguments),
                parent=arguments.citizen,
                kind=pb.DelegationKind.Value(wire_name("DELEGATION_KIND_", arguments.kind)),
                representative=arguments.representative,
                relationship=pb.Relationship.Value(wire_name("RELATIONSHIP_", arguments.relationship)),
                actions=actions(arguments.may),
                evidence_kind=pb.EvidenceKind.Value(evidence),
                evidence_reference=arguments.reference,
                end_time=stamp(arguments.until),
            )
        )
    answer(arguments, added.delegation, lambda delegation: delegation_table([delegation]))


async def revoke_delegation(arguments: Namespace, gateway: Gateway) -> None:
    """End a delegation."""
    async with gateway.calling(ConsentServiceStub) as stub:
        ended = await stub.RevokeDelegation(
            pb.RevokeDelegationRequest(request_id=request_id(arguments), name=arguments.delegation)
        )
    answer(arguments, ended.delegation, lambda delegation: delegation_table([delegation]))


async def list_delegations(arguments: Namespace, gateway: Gateway) -> None:
    """List delegations from both sides, and codes."""
    async with gateway.calling(ConsentServiceStub) as stub:
        found = await stub.ListDelegations(pb.ListDelegationsRequest(parent=arguments.citizen))
    answer(arguments, found, _both_sides)


async def check_authority(arguments: Namespace, gateway: Gateway) -> None:
    """Ask who may act."""
    request = pb.CheckAuthorityRequest(
        citizen=arguments.citizen,
        action=actions([arguments.may])[0],
        actor=arguments.actor,
        proxy_code=arguments.proxy_code,
        facility_code=arguments.facility,
        at_time=stamp(arguments.at),
    )
    async with gateway.calling(ConsentServiceStub) as stub:
        found = await stub.CheckAuthority(request)
    answer(arguments, found, _ruling)


async def issue_code(arguments: Namespace, gateway: Gateway) -> None:
    """Make a code and show its QR."""
    async with gateway.calling(ConsentServiceStub) as stub:
        issued = await stub.IssueProxyCode(
            pb.IssueProxyCodeRequest(
                request_id=request_id(arguments),
                parent=arguments.citizen,
                actions=actions(arguments.may),
                facility_code=arguments.facility,
                lifetime_h=arguments.hours,
                issuer=arguments.issuer,
            )
        )
    answer(arguments, issued, lambda made: code_table([made.proxy_code]))
    if not arguments.json:
        segno.make(issued.code_text, error="m", micro=False).terminal(compact=True)
        print(issued.code_text)


async def redeem_code(arguments: Namespace, gateway: Gateway) -> None:
    """Take a code."""
    async with gateway.calling(ConsentServiceStub) as stub:
        taken = await stub.RedeemProxyCode(
            pb.RedeemProxyCodeRequest(
                request_id=request_id(arguments),
                code_text=arguments.code,
                facility_code=arguments.facility,
                bearer=arguments.bearer,
            )
        )
    answer(arguments, taken, lambda found: code_table([found.proxy_code]))


async def revoke_code(arguments: Namespace, gateway: Gateway) -> None:
    """Make a code useless."""
    async with gateway.calling(ConsentServiceStub) as stub:
        ended = await stub.RevokeProxyCode(
            pb.RevokeProxyCodeRequest(request_id=request_id(arguments), name=arguments.code)
        )
    answer(arguments, ended.proxy_code, lambda code: code_table([code]))


async def request_link(arguments: Namespace, gateway: Gateway) -> None:
    """Get a link code."""
    async with gateway.calling(ConsentServiceStub) as stub:
        waiting = await stub.RequestAccountLink(
            pb.RequestAccountLinkRequest(request_id=request_id(arguments))
        )
    answer(
        arguments,
        waiting,
        lambda found: f"{found.link_code[:4]} {found.link_code[4:]} (đến {shown(found.expire_time)})",
    )


async def confirm_link(arguments: Namespace, gateway: Gateway) -> None:
    """Link a sign-in."""
    async with gateway.calling(ConsentServiceStub) as stub:
        linked = await stub.ConfirmAccountLink(
            pb.ConfirmAccountLinkRequest(
                request_id=request_id(arguments), citizen=arguments.citizen, link_code=arguments.code
            )
        )
    answer(arguments, linked.account, lambda account: account_table([account]))


async def unlink_account(arguments: Namespace, gateway: Gateway) -> None:
    """Part a sign-in."""
    async with gateway.calling(ConsentServiceStub) as stub:
        parted = await stub.UnlinkAccount(
            pb.UnlinkAccountRequest(request_id=request_id(arguments), name=arguments.account)
        )
    answer(arguments, parted.account, lambda account: account_table([account]))


def delegation_table(listed: Sequence[pb.Delegation], *, title: str = "") -> Table:
    """Delegations in sentences."""
    table = tables.plain("Giám hộ, ủy quyền (delegation)", "Người làm thay", "Nội dung", title=title)
    for delegation in listed:
        table.add_row(delegation.name, delegation.representative, delegation.sentence_vi)
    return table


def code_table(listed: Sequence[pb.ProxyCode], *, title: str = "") -> Table:
    """Proxy codes with what became of them."""
    table = tables.plain("Mã đi thay (proxy code)", "Hạn dùng", "Đã dùng", "Đã hủy", title=title)
    for code in listed:
        table.add_row(code.name, shown(code.expire_time), shown(code.redeem_time), shown(code.revoke_time))
    return table


def account_table(listed: Sequence[pb.Account], *, title: str = "") -> Table:
    """Accounts with their dates."""
    table = tables.plain("Tài khoản (account)", "Liên kết", "Hủy liên kết", title=title)
    for account in listed:
        table.add_row(account.name, shown(account.link_time), shown(account.unlink_time))
    return table


def _both_sides(found: pb.ListDelegationsResponse) -> RenderableType:
    return Group(
        delegation_table(found.delegations, title="Ai được làm thay người này"),
        delegation_table(found.representations, title="Người này được làm thay ai"),
        code_table(found.proxy_codes, title="Mã đi thay"),
    )


def _ruling(found: pb.CheckAuthorityResponse) -> str:
    decision = pb.AuthorityDecision.Name(found.decision).removeprefix("AUTHORITY_DECISION_")
    basis = pb.AuthorityBasis.Name(found.basis).removeprefix("AUTHORITY_BASIS_")
    return f"{decision} {found.reason or basis} {found.authority}\n{found.explanation_vi}"
