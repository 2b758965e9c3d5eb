"""Imports of register files: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from chassis.crypto import FieldCipher
from chassis.db import Row, Tx
from chassis.db.columns import optional_text, optional_time, to_text, to_time
from identity_svc.domain.register_file import Column, Encoding, FileFormat, Layout, RegisterField
from identity_svc.domain.register_import import Counts, ImportState, RegisterImport, Reject

IMPORT_QUERIES = Path(__file__).with_name("import.sql")
IMPORTS_OF_FILE_MAX = 20
LAST_ID = "~"
"""Sorts behind every id."""

_COUNTS = {
    "created_count": "created",
    "updated_count": "updated",
    "unchanged_count": "unchanged",
    "rejected_count": "rejected",
    "conflict_count": "conflicts",
    "repeated_count": "repeated",
    "possible_duplicate_count": "possible_duplicates",
}


class ImportStore:
    """Reads and writes imports; holds the key, no connection and no state."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    async def add(self, tx: Tx, new: RegisterImport) -> None:
        """Open an import."""
        await tx.execute(
            "import_add",
            import_id=new.import_id,
            importer=new.importer,
            facility_code=new.facility_code,
            source_name=new.source_name,
            as_of_date=new.as_of_date.isoformat(),
            file_sha256=new.file_sha256,
            size_bytes=new.size_bytes,
            layout=layout_text(new.layout),
            create_time=to_text(new.create_time),
            **_progress(new),
        )

    async def read(self, tx: Tx, import_id: str) -> RegisterImport | None:
        """One import, or None."""
        row = await tx.one("import_read", import_id=import_id)
        return None if row is None else _import(row)

    async def of_file(self, tx: Tx, *, importer: str, file_sha256: str) -> list[RegisterImport]:
        """A person's imports of one file, newest first."""
        rows = await tx.all(
            "import_list_of_file", importer=importer, file_sha256=file_sha256, page_size=IMPORTS_OF_FILE_MAX
        )
        return [_import(row) for row in rows]

    async def page(self, tx: Tx, *, before_id: str, page_size: int) -> list[RegisterImport]:
        """Imports opened before one, newest first; LAST_ID begins."""
        rows = await tx.all("import_list", before_id=before_id, page_size=page_size)
        return [_import(row) for row in rows]

    async def note(self, tx: Tx, before: RegisterImport, after: RegisterImport) -> bool:
        """Note how far an import is; False when somebody else brought it on, or ended it, since it was read."""
        changed = await tx.execute(
            "import_note",
            import_id=before.import_id,
            old_offset=before.next_offset,
            old_row_count=before.counts.rows,
            **_progress(after),
        )
        return changed == 1

    def reject_row(self, import_id: str, reject: Reject) -> Mapping[str, object]:
        """The parameters of `import_add_reject`."""
        text = json.dumps(reject.values, ensure_ascii=False)
        return {
            "import_id": import_id,
            "row_number": reject.row_number,
            "column_name": reject.column_name,
            "reason": reject.reason,
            "values_sealed": self._cipher.seal(text, place=_place(import_id, reject.row_number)),
        }

    async def rejects(
        self, tx: Tx, import_id: str, *, after_row: int, page_size: int, with_values: bool
    ) -> list[Reject]:
        """A page of the rows that were not taken in, by row number; their values only where they are asked for."""
        rows = await tx.all(
            "import_list_rejects", import_id=import_id, after_row=after_row, page_size=page_size
        )
        return [self._reject(row, with_values=with_values) for row in rows]

    async def claim(self, tx: Tx, claims: Iterable[tuple[bytes, str]]) -> set[bytes]:
        """Point each (hash, citizen_id) where the hash points at nobody yet; give the hashes that were free."""
        rows = await tx.all(
            "import_claim_lookups", claims=json.dumps([(digest.hex(), owner) for digest, owner in claims])
        )
        return {bytes(row["hash"]) for row in rows}

    async def owners(self, tx: Tx, hashes: Iterable[bytes]) -> dict[bytes, str]:
        """Whom each hash points at; those that point at nobody are left out."""
        wanted = [digest.hex() for digest in hashes]
        if not wanted:
            return {}
        rows = await tx.all("import_find_owners", hashes=json.dumps(wanted))
        return {bytes(row["hash"]): str(row["citizen_id"]) for row in rows}

    async def doubles(
        self, tx: Tx, people: Sequence[tuple[str, tuple[bytes, ...]]], *, page_size: int
    ) -> list[tuple[str, str]]:
        """Pairs (of the list, other person) that share three blocking keys; people: citizen_id and the keys' hashes."""
        if not people:
            return []
        text = json.dumps([[owner, *(key.hex() for key in keys)] for owner, keys in people])
        rows = await tx.all("import_find_doubles", people=text, page_size=page_size)
        return [(str(row["citizen_id"]), str(row["other_citizen_id"])) for row in rows]

    def _reject(self, row: Row, *, with_values: bool) -> Reject:
        place = _place(row["import_id"], row["row_number"])
        values: list[str] = []
        if with_values:
            values = json.loads(self._cipher.open_text(row["values_sealed"], place=place))
        return Reject(
            row_number=row["row_number"],
            column_name=row["column_name"],
            reason=row["reason"],
            values=tuple(values),
        )


def layout_text(layout: Layout) -> str:
    """A layout as kept: equal layouts give equal texts."""
    columns = [[column.name, column.field] for column in layout.columns]
    return json.dumps(
        [layout.file_format, layout.encoding, layout.delimiter, columns],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _layout(text: str) -> Layout:
    file_format, encoding, delimiter, columns = json.loads(text)
    return Layout(
        file_format=FileFormat(file_format),
        encoding=Encoding(encoding),
        delimiter=delimiter,
        columns=tuple(
            Column(name=name, field=None if of is None else RegisterField(of)) for name, of in columns
        ),
    )


def _progress(at: RegisterImport) -> dict[str, object]:
    return {
        "state": at.state,
        "next_offset": at.next_offset,
        "row_count": at.counts.rows,
        **{column: getattr(at.counts, name) for column, name in _COUNTS.items()},
        "warnings": json.dumps(dict(sorted(at.warnings.items()))),
        "work_ms": at.work_ms,
        "update_time": to_text(at.update_time),
        "end_time": optional_text(at.end_time),
    }


def _import(row: Row) -> RegisterImport:
    return RegisterImport(
        import_id=row["import_id"],
        importer=row["importer"],
        facility_code=row["facility_code"],
        source_name=row["source_name"],
        as_of_date=date.fromisoformat(row["as_of_date"]),
        file_sha256=row["file_sha256"],
        size_bytes=row["size_bytes"],
        layout=_layout(row["layout"]),
        state=ImportState(row["state"]),
        next_offset=row["next_offset"],
        counts=Counts(**{name: row[column] for column, name in _COUNTS.items()}),
        warnings=json.loads(row["warnings"]),
        work_ms=row["work_ms"],
        create_time=to_time(row["create_time"]),
        update_time=to_time(row["update_time"]),
        end_time=optional_time(row["end_time"]),
    )


def _place(import_id: str, row_number: int) -> str:
    return f"register_import_reject|values_sealed|{import_id}/{row_number}"
