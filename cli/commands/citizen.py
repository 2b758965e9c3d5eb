"""`lienthong citizen`: who somebody is, their numbers, temporary people, and repairs of what a check found."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType

from cli import tables
from cli.connection import Gateway
from cli.moments import shown
from cli.output import add_request_id, answer, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import identity_pb2 as pb
from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceStub

KINDS = {
    "citizen-number": pb.IDENTIFIER_KIND_CITIZEN_NUMBER,
    "old-number": pb.IDENTIFIER_KIND_OLD_IDENTITY_NUMBER,
    "insurance-number": pb.IDENTIFIER_KIND_INSURANCE_NUMBER,
    "insurance-card": pb.IDENTIFIER_KIND_INSURANCE_CARD,
    "passport": pb.IDENTIFIER_KIND_PASSPORT,
    "temporary": pb.IDENTIFIER_KIND_TEMPORARY,
    "foreign-id": pb.IDENTIFIER_KIND_FOREIGN_ID,
}
GENDERS = {"male": pb.GENDER_MALE, "female": pb.GENDER_FEMALE, "other": pb.GENDER_OTHER}
TEMPORARY_KINDS = {
    "newborn": pb.TEMPORARY_KIND_NEWBORN,
    "unknown": pb.TEMPORARY_KIND_UNKNOWN,
    "unconscious": pb.TEMPORARY_KIND_UNCONSCIOUS,
    "foreigner": pb.TEMPORARY_KIND_FOREIGNER,
}
END_REASONS = {
    "cancelled": pb.IDENTIFIER_END_REASON_CANCELLED,
    "reissued": pb.IDENTIFIER_END_REASON_REISSUED,
    "replaced": pb.IDENTIFIER_END_REASON_REPLACED,
    "wrong": pb.IDENTIFIER_END_REASON_WRONG,
}


def add(commands: Commands) -> None:
    """Describe the commands."""
    topic = commands.add_parser("citizen", help="who somebody is: numbers, temporary people, repairs")
    verbs = topic.add_subparsers(dest="verb", required=True)
    _add_reading(verbs)
    _add_numbers(verbs)
    _add_temporary(verbs)
    _add_repairs(verbs)


def _add_reading(verbs: Commands) -> None:
    show = verbs.add_parser("show", help="a citizen with the newest check")
    show.add_argument("citizen", help="citizens/… as answered elsewhere")
    show.set_defaults(run=run_show)
    resolve = verbs.add_parser("resolve", help="whom a number leads to")
    resolve.add_argument("value", help="the number")
    resolve.add_argument("--kind", choices=sorted(KINDS), default="citizen-number")
    resolve.add_argument("--system", default="", help="URI, OID or HL7 type code instead of --kind")
    resolve.set_defaults(run=run_resolve)


def _add_numbers(verbs: Commands) -> None:
    listing = verbs.add_parser("identifiers", help="every number, ended ones too, and accepted names")
    _add_listed(listing)
    listing.set_defaults(run=run_identifiers)
    adding = verbs.add_parser("add-identifier", help="add a number to a citizen")
    adding.add_argument("citizen")
    adding.add_argument("value")
    adding.add_argument("--kind", choices=sorted(KINDS), default="passport")
    adding.add_argument("--until", default="", help="last day of validity, YYYY-MM-DD")
    adding.add_argument("--replaces", action="store_true", help="ends the number of the same kind in use")
    add_request_id(adding)
    adding.set_defaults(run=run_add_identifier)
    ending = verbs.add_parser("end-identifier", help="end a number (steward)")
    ending.add_argument("identifier", help="citizens/…/identifiers/…")
    ending.add_argument("reason", choices=sorted(END_REASONS))
    add_request_id(ending)
    ending.set_defaults(run=run_end_identifier)


def _add_temporary(verbs: Commands) -> None:
    register = verbs.add_parser("temporary", help="register somebody without a number")
    register.add_argument("kind", choices=sorted(TEMPORARY_KINDS))
    _add_person(register)
    register.add_argument("--facility", default="", help="facility code; default your own")
    register.add_argument("--mother", default="", help="citizens/… of a newborn's mother")
    add_request_id(register)
    register.set_defaults(run=run_temporary)
    replace = verbs.add_parser("replace-temporary", help="say who a temporary person is")
    replace.add_argument("citizen", help="citizens/… of the temporary record")
    replace.add_argument("--card", default="", help="QR text of the real citizen card")
    replace.add_argument("--kind", choices=sorted(KINDS), default="citizen-number")
    replace.add_argument("--value", default="", help="the real number, where there is no card")
    _add_person(replace)
    replace.add_argument("--facility", default="", help="facility code; default your own")
    add_request_id(replace)
    replace.set_defaults(run=run_replace_temporary)


def _add_person(parser: ArgumentParser) -> None:
    parser.add_argument("--name", default="", help="full name, if known")
    parser.add_argument("--birth-date", default="", help="YYYY, YYYY-MM or YYYY-MM-DD")
    parser.add_argument("--gender", choices=sorted(GENDERS))


def _add_repairs(verbs: Commands) -> None:
    repair = verbs.add_parser("repair", help="apply a proposal of a check")
    repair.add_argument("verification", help="citizens/…/verifications/…")
    repair.add_argument("field", help="as full_name")
    repair.add_argument("code", help="as ADD_NAME_ALIAS")
    repair.add_argument("--value", default="", help="other spelling, full name or new commune code")
    add_request_id(repair)
    repair.set_defaults(run=run_repair)
    undo = verbs.add_parser("undo-repair", help="take a repair back")
    undo.add_argument("repair", help="citizens/…/repairs/…")
    add_request_id(undo)
    undo.set_defaults(run=run_undo_repair)
    listing = verbs.add_parser("repairs", help="what was repaired, newest first")
    _add_listed(listing)
    listing.set_defaults(run=run_repairs)


def _add_listed(parser: ArgumentParser) -> None:
    parser.add_argument("citizen", help="citizens/…")
    parser.add_argument("--page-token", default="", help="as the page before named it")


async def run_show(arguments: Namespace, gateway: Gateway) -> None:
    """Show one citizen."""
    async with gateway.calling(IdentityServiceStub) as stub:
        found = await stub.GetCitizen(pb.GetCitizenRequest(name=arguments.citizen))
    answer(arguments, found.citizen, _citizen)


async def run_resolve(arguments: Namespace, gateway: Gateway) -> None:
    """Show whom a number leads to, and whether it is in use."""
    request = pb.ResolveIdentifierRequest(value=arguments.value, system=arguments.system)
    if not arguments.system:
        request.kind = KINDS[arguments.kind]
    async with gateway.calling(IdentityServiceStub) as stub:
        found = await stub.ResolveIdentifier(request)
    answer(arguments, found, _resolved)


async def run_identifiers(arguments: Namespace, gateway: Gateway) -> None:
    """Show every number of a citizen."""
    async with gateway.calling(IdentityServiceStub) as stub:
        found = await stub.ListIdentifiers(
            pb.ListIdentifiersRequest(citizen=arguments.citizen, page_token=arguments.page_token)
        )
    answer(arguments, found, _numbers)


async def run_add_identifier(arguments: Namespace, gateway: Gateway) -> None:
    """Add a number."""
    request = pb.AddIdentifierRequest(
        request_id=request_id(arguments),
        citizen=arguments.citizen,
        kind=KINDS[arguments.kind],
        value=arguments.value,
        valid_until_date=arguments.until,
        replaces_current=arguments.replaces,
    )
    async with gateway.calling(IdentityServiceStub) as stub:
        done = await stub.AddIdentifier(request)
    answer(arguments, done, _added)


async def run_end_identifier(arguments: Namespace, gateway: Gateway) -> None:
    """End a number."""
    request = pb.EndIdentifierRequest(
        request_id=request_id(arguments), name=arguments.identifier, reason=END_REASONS[arguments.reason]
    )
    async with gateway.calling(IdentityServiceStub) as stub:
        done = await stub.EndIdentifier(request)
    answer(arguments, done.identifier, lambda each: _number_table([each]))


async def run_temporary(arguments: Namespace, gateway: Gateway) -> None:
    """Register somebody unknown and show the number for the wristband."""
    request = pb.RegisterTemporaryRequest(
        request_id=request_id(arguments),
        kind=TEMPORARY_KINDS[arguments.kind],
        person=_person(arguments),
        facility_code=arguments.facility,
        mother=arguments.mother,
    )
    async with gateway.calling(IdentityServiceStub) as stub:
        done = await stub.RegisterTemporary(request)
    answer(arguments, done.temporary, _temporary)


async def run_replace_temporary(arguments: Namespace, gateway: Gateway) -> None:
    """Say who a temporary person is."""
    request = pb.ReplaceTemporaryRequest(
        request_id=request_id(arguments),
        citizen=arguments.citizen,
        card_qr=arguments.card,
        facility_code=arguments.facility,
    )
    if not arguments.card:
        request.kind, request.value = KINDS[arguments.kind], arguments.value
        request.person.CopyFrom(_person(arguments))
    async with gateway.calling(IdentityServiceStub) as stub:
        done = await stub.ReplaceTemporary(request)
    answer(arguments, done, _replaced)


async def run_repair(arguments: Namespace, gateway: Gateway) -> None:
    """Apply a proposal."""
    request = pb.ApplyRepairRequest(
        request_id=request_id(arguments),
        verification=arguments.verification,
        field=arguments.field,
        code=arguments.code,
        value=arguments.value,
    )
    async with gateway.calling(IdentityServiceStub) as stub:
        done = await stub.ApplyRepair(request)
    answer(arguments, done.repair, lambda each: _repair_table([each]))


async def run_undo_repair(arguments: Namespace, gateway: Gateway) -> None:
    """Take a repair back."""
    request = pb.UndoRepairRequest(request_id=request_id(arguments), name=arguments.repair)
    async with gateway.calling(IdentityServiceStub) as stub:
        done = await stub.UndoRepair(request)
    answer(arguments, done.repair, lambda each: _repair_table([each]))


async def run_repairs(arguments: Namespace, gateway: Gateway) -> None:
    """Show what was repaired."""
    async with gateway.calling(IdentityServiceStub) as stub:
        found = await stub.ListRepairs(
            pb.ListRepairsRequest(citizen=arguments.citizen, page_token=arguments.page_token)
        )
    answer(arguments, found, lambda each: Group(_repair_table(each.repairs), *_more(each.next_page_token)))


def _person(arguments: Namespace) -> pb.TypedPerson:
    person = pb.TypedPerson(full_name=arguments.name, birth_date=arguments.birth_date)
    if arguments.gender:
        person.gender = GENDERS[arguments.gender]
    return person


def _citizen(citizen: pb.Citizen) -> RenderableType:
    table = tables.plain("", "")
    estimated = " (ước lượng)" if citizen.birth_date_estimated else ""
    check = citizen.verification
    for label, value in (
        ("hồ sơ", citizen.name),
        ("họ tên", citizen.full_name),
        ("ngày sinh", f"{citizen.birth_date}{estimated}"),
        ("giới tính", pb.Gender.Name(citizen.gender).removeprefix("GENDER_")),
        ("địa chỉ", citizen.address.text),
        ("đối chiếu", tables.word(pb.VerificationOutcome.Name(check.outcome)) if check.name else "chưa có"),
        ("lần đối chiếu", check.name),
    ):
        table.add_row(label, value)
    parts: list[RenderableType] = [table, _number_table(citizen.identifiers)]
    if check.fields:
        parts.append(tables.field_checks(check.fields))
    return Group(*parts)


def _resolved(found: pb.ResolveIdentifierResponse) -> RenderableType:
    state = "đang dùng" if found.in_use else "KHÔNG còn dùng"
    return Group(f"số này {state}", _citizen(found.citizen))


def _numbers(found: pb.ListIdentifiersResponse) -> RenderableType:
    parts: list[RenderableType] = [_number_table(found.identifiers)]
    if found.name_aliases:
        parts.append("tên khác: " + "; ".join(found.name_aliases))
    if found.HasField("temporary"):
        parts.append(_temporary(found.temporary))
    return Group(*parts, *_more(found.next_page_token))


def _more(token: str) -> list[RenderableType]:
    return [f"--page-token {token}"] if token else []


def _number_table(numbers: Iterable[pb.Identifier]) -> RenderableType:
    columns = ("loại", "số", "mức tin cậy", "nguồn", "từ", "đến", "lý do")
    return tables.named(columns, ((each.name, _number_row(each)) for each in numbers))


def _number_row(number: pb.Identifier) -> Sequence[str]:
    reason = pb.IdentifierEndReason.Name(number.end_reason).removeprefix("IDENTIFIER_END_REASON_")
    return (
        pb.IdentifierKind.Name(number.kind).removeprefix("IDENTIFIER_KIND_"),
        number.value,
        pb.Assurance.Name(number.assurance).removeprefix("ASSURANCE_"),
        pb.IdentifierSource.Name(number.source).removeprefix("IDENTIFIER_SOURCE_"),
        number.valid_from_date or shown(number.start_time),
        shown(number.end_time) or number.valid_until_date,
        "CONTESTED" if number.contested else reason.replace("UNSPECIFIED", ""),
    )


def _added(done: pb.AddIdentifierResponse) -> RenderableType:
    outcome = pb.AddIdentifierOutcome.Name(done.outcome).removeprefix("ADD_IDENTIFIER_OUTCOME_")
    return Group(" ".join((outcome, done.quality_case)).strip(), _number_table([done.identifier]))


def _temporary(temporary: pb.TemporaryIdentity) -> RenderableType:
    table = tables.plain("", "")
    for label, value in (
        ("số tạm (vòng tay)", temporary.number),
        ("hồ sơ", temporary.citizen),
        ("lý do", pb.TemporaryKind.Name(temporary.kind).removeprefix("TEMPORARY_KIND_")),
        ("phải báo trước", shown(temporary.notice_due_time)),
        ("mẹ", temporary.mother),
        ("người thật", temporary.real_citizen),
    ):
        if value:
            table.add_row(label, value)
    return table


def _replaced(done: pb.ReplaceTemporaryResponse) -> RenderableType:
    outcome = pb.ReplaceTemporaryOutcome.Name(done.outcome).removeprefix("REPLACE_TEMPORARY_OUTCOME_")
    return Group(" ".join((outcome, done.quality_case)).strip(), _citizen(done.citizen))


def _repair_table(repairs: Iterable[pb.Repair]) -> RenderableType:
    columns = ("trường", "cách sửa", "trước", "sau", "tên chấp nhận", "hoàn tác")
    return tables.named(columns, ((each.name, _repair_row(each)) for each in repairs))


def _repair_row(repair: pb.Repair) -> Sequence[str]:
    return (
        repair.field,
        repair.code,
        repair.value_before,
        repair.value_after,
        "; ".join(repair.accepted_names),
        shown(repair.undo_time),
    )
