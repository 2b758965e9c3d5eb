"""`lienthong duplicates`: people who may be one person, from proposal to link and back."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli import tables
from cli.connection import Gateway
from cli.moments import shown
from cli.output import add_request_id, answer, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.identity.v1 import master_index_pb2 as pb
from lienthong.identity.v1.master_index_pb2_grpc import MasterIndexServiceStub

_GENDERS = {"male": identity.GENDER_MALE, "female": identity.GENDER_FEMALE}
_STATES = {
    "proposed": pb.DUPLICATE_STATE_PROPOSED,
    "linked": pb.DUPLICATE_STATE_LINKED,
    "rejected": pb.DUPLICATE_STATE_REJECTED,
    "gone": pb.DUPLICATE_STATE_GONE,
}
_CLASS_STYLE = {pb.MATCH_CLASS_AUTOMATIC: "green", pb.MATCH_CLASS_REVIEW: "yellow"}


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("duplicates", help="records that may be one person: show, link, unlink")
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = _verb(verbs.add_parser("list", help="pairs, longest waiting first"), list_pairs)
    listing.add_argument("--state", choices=sorted(_STATES), default="proposed")
    listing.add_argument("--page-size", type=int, default=50)
    listing.add_argument("--page-token", default="")
    show = _verb(verbs.add_parser("show", help="one pair with its evidence"), show_pair)
    show.add_argument("name", help="citizens/…/duplicates/…")
    _add_preview(verbs.add_parser("preview", help="whom somebody would match; changes nothing"))
    for name, run, told in (
        ("link", link_pair, "the pair is one person"),
        ("reject", reject_pair, "the pair is two people"),
    ):
        decide = _verb(verbs.add_parser(name, help=told), run)
        decide.add_argument("name", help="citizens/…/duplicates/…")
        add_request_id(decide)
    plan = _verb(verbs.add_parser("plan-merge", help="what linking one into another would do"), plan_merge)
    merge = _verb(verbs.add_parser("merge", help="link one into another as planned"), merge_citizens)
    for each in (plan, merge):
        each.add_argument("citizen", help="citizens/… that is linked")
        each.add_argument("survivor", help="citizens/… that answers for both")
    merge.add_argument("--plan", type=bytes.fromhex, required=True, help="digest that plan-merge printed")
    merge.add_argument("--accept-conflicts", action="store_true", help="the conflicts were looked at")
    add_request_id(merge)
    unmerge = _verb(verbs.add_parser("unmerge", help="end a citizen's link"), unmerge_citizen)
    unmerge.add_argument("citizen", help="citizens/…")
    add_request_id(unmerge)
    links = _verb(verbs.add_parser("links", help="links of a citizen, ended ones too"), list_links)
    links.add_argument("citizen", help="citizens/…")
    rematch = _verb(
        verbs.add_parser("rematch", help="match everybody anew, or tell how far that is"), run_rematch
    )
    rematch.add_argument("--start", action="store_true")
    add_request_id(rematch)


def _verb(
    parser: ArgumentParser, run: Callable[[Namespace, Gateway], Coroutine[Any, Any, None]]
) -> ArgumentParser:
    parser.set_defaults(run=run)
    return parser


def _add_preview(parser: ArgumentParser) -> None:
    parser.add_argument("citizen", nargs="?", default="", help="citizens/…; or give facts")
    parser.add_argument("--name", default="", help="full name")
    parser.add_argument("--birth-date", default="", help="YYYY, YYYY-MM or YYYY-MM-DD")
    parser.add_argument("--gender", choices=sorted(_GENDERS))
    parser.add_argument("--ward", default="", help="commune code in force, 5 digits")
    parser.set_defaults(run=preview)


async def list_pairs(arguments: Namespace, gateway: Gateway) -> None:
    """Show a page of pairs."""
    request = pb.ListDuplicatesRequest(
        state=_STATES[arguments.state], page_size=arguments.page_size, page_token=arguments.page_token
    )
    async with gateway.calling(MasterIndexServiceStub) as stub:
        page = await stub.ListDuplicates(request)
    answer(arguments, page, _pairs)


async def show_pair(arguments: Namespace, gateway: Gateway) -> None:
    """Show one pair."""
    async with gateway.calling(MasterIndexServiceStub) as stub:
        found = await stub.GetDuplicate(pb.GetDuplicateRequest(name=arguments.name))
    answer(arguments, found, _pair)


async def preview(arguments: Namespace, gateway: Gateway) -> None:
    """Show whom somebody would match."""
    facts = pb.MatchFacts(
        full_name=arguments.name,
        birth_date=arguments.birth_date,
        gender=_GENDERS.get(arguments.gender, identity.GENDER_UNSPECIFIED),
        ward_code=arguments.ward,
    )
    async with gateway.calling(MasterIndexServiceStub) as stub:
        found = await stub.PreviewMatch(pb.PreviewMatchRequest(citizen=arguments.citizen, facts=facts))
    answer(arguments, found, _candidates)


async def link_pair(arguments: Namespace, gateway: Gateway) -> None:
    """Confirm a pair."""
    request = pb.ConfirmLinkRequest(request_id=request_id(arguments), name=arguments.name)
    async with gateway.calling(MasterIndexServiceStub) as stub:
        done = await stub.ConfirmLink(request)
    answer(arguments, done, lambda made: _links([made.link]))


async def reject_pair(arguments: Namespace, gateway: Gateway) -> None:
    """Reject a pair."""
    request = pb.RejectLinkRequest(request_id=request_id(arguments), name=arguments.name)
    async with gateway.calling(MasterIndexServiceStub) as stub:
        done = await stub.RejectLink(request)
    answer(arguments, done, lambda made: _pairs(pb.ListDuplicatesResponse(duplicates=[made.duplicate])))


async def plan_merge(arguments: Namespace, gateway: Gateway) -> None:
    """Show what a merge would do."""
    request = pb.PlanMergeRequest(citizen=arguments.citizen, survivor=arguments.survivor)
    async with gateway.calling(MasterIndexServiceStub) as stub:
        done = await stub.PlanMerge(request)
    answer(arguments, done, _plan)


async def merge_citizens(arguments: Namespace, gateway: Gateway) -> None:
    """Merge as planned."""
    request = pb.MergeRequest(
        request_id=request_id(arguments),
        citizen=arguments.citizen,
        survivor=arguments.survivor,
        plan_digest=arguments.plan,
        accept_conflicts=arguments.accept_conflicts,
    )
    async with gateway.calling(MasterIndexServiceStub) as stub:
        done = await stub.Merge(request)
    answer(arguments, done, lambda made: _links([made.link]))


async def unmerge_citizen(arguments: Namespace, gateway: Gateway) -> None:
    """End a link."""
    request = pb.UnmergeRequest(request_id=request_id(arguments), citizen=arguments.citizen)
    async with gateway.calling(MasterIndexServiceStub) as stub:
        done = await stub.Unmerge(request)
    answer(arguments, done, lambda ended: _links([ended.link]))


async def list_links(arguments: Namespace, gateway: Gateway) -> None:
    """Show the links of a citizen."""
    async with gateway.calling(MasterIndexServiceStub) as stub:
        page = await stub.ListLinks(pb.ListLinksRequest(citizen=arguments.citizen, page_size=200))
    answer(arguments, page, lambda found: _links(found.links))


async def run_rematch(arguments: Namespace, gateway: Gateway) -> None:
    """Begin a run over everybody, and show how far the newest one is."""
    async with gateway.calling(MasterIndexServiceStub) as stub:
        if arguments.start:
            await stub.StartRematch(pb.StartRematchRequest(request_id=request_id(arguments)))
        progress = await stub.GetRematchProgress(pb.GetRematchProgressRequest())
    answer(arguments, progress, _progress)


def _pairs(page: pb.ListDuplicatesResponse) -> RenderableType:
    table = tables.plain("Cặp", "Trạng thái", "Điểm", "Cần người xem vì", title="Hồ sơ nghi trùng")
    for each in page.duplicates:
        state = pb.DuplicateState.Name(each.state).removeprefix("DUPLICATE_STATE_")
        table.add_row(each.name, state, f"{each.weight_bits:.1f}", _codes(each.rules))
    if page.next_page_token:
        return Group(table, Text(f"--page-token {page.next_page_token}", style="dim"))
    return table


def _pair(found: pb.GetDuplicateResponse) -> RenderableType:
    people = tables.plain("", "Họ tên", "Ngày sinh", "Mã xã")
    pair = found.duplicate
    for name, facts in ((pair.citizen, found.facts), (pair.other_citizen, found.other_facts)):
        people.add_row(name, facts.full_name, facts.birth_date, facts.ward_code)
    return Group(people, _evidence(pair.evidence, pair.rules))


def _candidates(found: pb.PreviewMatchResponse) -> RenderableType:
    parts: list[RenderableType] = []
    for each in found.candidates:
        kind = pb.MatchClass.Name(each.match_class).removeprefix("MATCH_CLASS_")
        line = (
            f"{each.citizen}  {each.facts.full_name}  {each.facts.birth_date}  {kind} {each.weight_bits:.1f}"
        )
        parts += [
            Text(line, style=_CLASS_STYLE.get(each.match_class, "")),
            _evidence(each.evidence, each.rules),
        ]
    parts.append(Text(f"Đã so sánh {found.compared_count} hồ sơ.", style="dim"))
    if found.capped:
        parts.append(Text("Khóa tìm quá phổ biến: chỉ so sánh những hồ sơ mới nhất.", style="yellow"))
    return Group(*parts)


def _evidence(evidence: Sequence[pb.MatchEvidence], rules: Sequence[pb.MatchRule]) -> RenderableType:
    table = tables.plain("Căn cứ", "Điểm")
    for each in evidence:
        table.add_row(each.explanation_vi, f"{each.weight_bits:+.1f}")
    for rule in rules:
        table.add_row(Text(rule.explanation_vi, style="yellow"), "")
    return table


def _codes(rules: Sequence[pb.MatchRule]) -> str:
    return ", ".join(rule.code for rule in rules)


def _plan(found: pb.PlanMergeResponse) -> RenderableType:
    plan = found.plan
    table = tables.plain("", "", title="Gộp hồ sơ: xem trước")
    table.add_row("Hồ sơ được gộp", plan.citizen)
    table.add_row("Hồ sơ chính", plan.survivor)
    table.add_row("Số giấy tờ chuyển theo", str(plan.moved_number_count))
    for name, count in sorted(plan.row_counts.items()):
        table.add_row(name, str(count))
    for each in plan.followers:
        table.add_row("Đi theo", each)
    for each in plan.conflicts:
        table.add_row(Text("Mâu thuẫn", style="red"), each)
    table.add_row("--plan", plan.digest.hex())
    return table


def _links(links: Sequence[pb.CitizenLink]) -> RenderableType:
    table = tables.plain("Hồ sơ", "Hồ sơ chính", "Ai gộp", "Từ", "Đến")
    for each in links:
        reason = pb.LinkReason.Name(each.reason).removeprefix("LINK_REASON_")
        table.add_row(each.citizen, each.survivor, reason, shown(each.link_time), shown(each.end_time))
    return table


def _progress(found: pb.GetRematchProgressResponse) -> RenderableType:
    table = tables.plain("", "", title="Đối chiếu lại")
    table.add_row("Đang chờ vì dữ liệu đổi", str(found.pending_count))
    if found.HasField("rematch"):
        run = found.rematch
        table.add_row("Đã đối chiếu", f"{run.matched_count}/{run.total_count}")
        table.add_row("Đã gộp", str(run.linked_count))
        table.add_row("Chờ người xem", str(run.proposed_count))
        table.add_row("Còn khoảng", "xong" if run.HasField("end_time") else f"{run.left_s} giây")
    return table
