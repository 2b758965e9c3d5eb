"""Readers of statement files: bytes in, statements out; bad lines are quarantined, bad files refused."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from payment_svc.domain.errors import StatementUnreadable
from payment_svc.domain.readers.bank_csv import read_bank_csv
from payment_svc.domain.readers.camt053 import read_camt053
from payment_svc.domain.readers.mt940 import read_mt940
from payment_svc.domain.statement import Statement


class StatementFormat(StrEnum):
    """File forms; names as in the contract."""

    CAMT053 = "CAMT053"
    MT940 = "MT940"
    CSV = "CSV"


_READERS: dict[StatementFormat, Callable[[bytes], list[Statement]]] = {
    StatementFormat.CAMT053: read_camt053,
    StatementFormat.MT940: read_mt940,
    StatementFormat.CSV: read_bank_csv,
}


def read_statements(form: StatementFormat, content: bytes) -> list[Statement]:
    """Every statement of a file, at least one; blocks for as long as the file is long, so call it in a thread.

    Raises:
        StatementUnreadable: the file is empty or not in this form.
    """
    if not content.strip():
        raise StatementUnreadable("empty")
    statements = _READERS[form](content)
    if not statements:
        raise StatementUnreadable("no_statement")
    return statements
