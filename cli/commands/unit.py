"""`lienthong unit`: what a commune of either vintage is called and coded today, for one place or a whole table."""

from __future__ import annotations

import csv
import json
import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from pathlib import Path

from chassis.errors import InvalidArgument
from cli import tables
from cli.connection import Gateway
from cli.output import answer, print_json
from cli.parsers import Commands
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.identity.v1 import units_pb2 as units
from lienthong.identity.v1.units_pb2_grpc import UnitServiceStub

VINTAGES = ("before-2025-07", "from-2025-07")
FIELDS = ("ward_code", "vintage", "ward_name", "district_name", "province_name", "address")
"""What a column of a table may hold."""
ADDED = ("new_ward_code", "new_ward_name", "new_province_code", "new_province_name", "finding", "reason",
         "candidate_ward_codes", "explanation_vi")  # fmt: skip
"""Columns that are added to a table."""
PAGE_ROWS = 1_000
PAGE_MS = 10_000


class TableUnreadable(InvalidArgument):
    """A table is no UTF-8 CSV with a header line."""

    reason = "TABLE_UNREADABLE"
    vi = "Không đọc được bảng; hãy lưu tệp CSV mã hóa UTF-8 có dòng tiêu đề."

    def __init__(self) -> None:
        super().__init__("Save the table as CSV in UTF-8 with a header line.", field="input")


class ColumnMissing(InvalidArgument):
    """A table does not have a column that was named."""

    reason = "COLUMN_MISSING"
    vi = "Bảng không có cột đã nêu; hãy xem lại dòng tiêu đề."

    def __init__(self, column: str) -> None:
        super().__init__("Name columns as the header line does.", field="column", column=column)


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("unit", help="resolve or re-code communes of either vintage")
    actions = parser.add_subparsers(dest="action", required=True)
    _add_resolve(actions.add_parser("resolve", help="resolve an address or a commune code"))
    former = actions.add_parser("former", help="list the old communes that one in force was made of")
    former.add_argument("code", help="commune code in force, 5 digits")
    former.set_defaults(run=list_former)
    _add_recode(actions.add_parser("recode", help="re-code a CSV table; nothing is stored"))


def _add_resolve(parser: ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", default="", help="free address text")
    parser.add_argument("--code", default="", help="commune code, 5 digits")
    parser.add_argument("--vintage", default=VINTAGES[0], choices=VINTAGES)
    parser.set_defaults(run=resolve)


def _add_recode(parser: ArgumentParser) -> None:
    parser.add_argument("input", type=Path, help="CSV in UTF-8 with a header line")
    parser.add_argument(
        "output", type=Path, help="the same rows with columns added; replaced when all is done"
    )
    parser.add_argument(
        "--column",
        type=column,
        action="append",
        required=True,
        metavar="FIELD=NAME",
        help=f"which column holds what; FIELD is one of {', '.join(FIELDS)}",
    )
    parser.add_argument(
        "--vintage", default="", choices=("", *VINTAGES), help="of every code, where no column tells"
    )
    parser.add_argument("--report", type=Path, help="also write the counts as JSON")
    parser.set_defaults(run=recode)


def column(text: str) -> tuple[str, str]:
    """A column written FIELD=NAME."""
    field, _, name = text.partition("=")
    if field not in FIELDS or not name:
        raise ArgumentTypeError(f"write FIELD=NAME with FIELD one of {', '.join(FIELDS)}")
    return field, name


async def resolve(arguments: Namespace, gateway: Gateway) -> None:
    """Ask and show every reading."""
    request = pb.ResolveAdministrativeUnitRequest(text=arguments.text)
    if arguments.code:
        request = pb.ResolveAdministrativeUnitRequest(ward_code=arguments.code, vintage=arguments.vintage)
    async with gateway.call() as stub:
        found = await stub.ResolveAdministrativeUnit(request)
    answer(arguments, found.resolution, _readings)


async def list_former(arguments: Namespace, gateway: Gateway) -> None:
    """Show what a commune was made of."""
    async with gateway.calling(UnitServiceStub) as stub:
        found = await stub.ListFormerUnits(units.ListFormerUnitsRequest(ward_code=arguments.code))
    answer(arguments, found, lambda each: "\n".join(tables.address(old) for old in each.former_units) or "-")


async def recode(arguments: Namespace, gateway: Gateway) -> None:
    """Re-code a table page by page, in constant memory, and show the counts.

    Raises:
        TableUnreadable, ColumnMissing.
    """
    counts: Counter[str] = Counter()
    part = arguments.output.with_name(f"{arguments.output.name}.part")
    try:
        # utf-8-sig: Excel puts a mark before the first column's name.
        with (
            arguments.input.open(encoding="utf-8-sig", newline="") as source,
            part.open("w", encoding="utf-8", newline="") as target,
        ):
            reader = csv.DictReader(source, restkey="", restval="")
            header = list(reader.fieldnames or ())
            for _, name in arguments.column:
                if name not in header:
                    raise ColumnMissing(name)
            writer = csv.DictWriter(target, [*header, *ADDED], extrasaction="ignore")
            writer.writeheader()
            async for row, found in _recoded(arguments, gateway, reader):
                writer.writerow(row | _columns(found))
                counts[units.RecodingFinding.Name(found.finding).removeprefix("RECODING_FINDING_")] += 1
                counts[found.reason] += bool(found.reason)
        os.replace(part, arguments.output)
    except (UnicodeDecodeError, csv.Error, OSError) as cause:
        raise TableUnreadable from cause
    finally:
        part.unlink(missing_ok=True)
    _report(arguments, {name: count for name, count in sorted(counts.items()) if count})


async def _recoded(
    arguments: Namespace, gateway: Gateway, reader: Iterator[dict[str, str]]
) -> AsyncIterator[tuple[dict[str, str], units.RecodedRow]]:
    while page := list(islice(reader, PAGE_ROWS)):
        rows = [_row(row, arguments.column, vintage=arguments.vintage) for row in page]
        async with gateway.calling(UnitServiceStub, within_ms=PAGE_MS) as stub:
            found = await stub.RecodeRows(units.RecodeRowsRequest(rows=rows))
        for row, recoded in zip(page, found.rows, strict=True):
            yield row, recoded


def _row(row: dict[str, str], columns: Sequence[tuple[str, str]], *, vintage: str) -> units.RecodeRow:
    told = {"vintage": vintage} | {field: row[name].strip() for field, name in columns}
    code = told.get("ward_code", "")
    if code.isdecimal():
        # A spreadsheet takes the leading zeros off.
        told["ward_code"] = code.zfill(5)
    return units.RecodeRow(**told)


def _columns(found: units.RecodedRow) -> dict[str, str]:
    first = found.candidates[0] if found.candidates else identity.AddressCandidate()
    unit = first.new_unit if found.ward_code else identity.AdministrativeUnit()
    codes = dict.fromkeys(each.new_unit.ward_code for each in found.candidates)
    return dict(
        zip(
            ADDED,
            (
                found.ward_code,
                unit.ward_name,
                unit.province_code,
                unit.province_name,
                units.RecodingFinding.Name(found.finding).removeprefix("RECODING_FINDING_"),
                found.reason,
                "" if found.ward_code else " ".join(codes),
                first.reason_vi,
            ),
            strict=True,
        )
    )


def _report(arguments: Namespace, counts: dict[str, int]) -> None:
    if arguments.report:
        arguments.report.write_text(json.dumps(counts, indent=2), encoding="utf-8")
    if arguments.json:
        print_json(counts)
        return
    table = tables.plain("Kết quả", "Số dòng", title=str(arguments.output))
    for name, count in counts.items():
        table.add_row(name, str(count))
    tables.show(table)


def _readings(resolution: identity.AddressResolution) -> str:
    lines = [tables.address(candidate) for candidate in resolution.candidates]
    return "\n".join(lines) or resolution.unresolved_reason
