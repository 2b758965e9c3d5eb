"""The insurance claim file (GIAMDINHHS) and its tables XML0 to XML15: schema by date, reading, writing, signing.

Source: Decision 130/QĐ-BYT (18/01/2023) as amended by 4750/QĐ-BYT (29/12/2023) and 3176/QĐ-BYT (29/10/2024).
"""

from standards.claims.model import ClaimFile, ClaimRecord, Doubt, Row
from standards.claims.reading import LIMITS, ClaimStream, Limits, read_claim_file, read_records
from standards.claims.schema import Field, Schema, Table, schema_for, schema_named
from standards.claims.writing import write_claim_file, write_table

__all__ = [
    "LIMITS",
    "ClaimFile",
    "ClaimRecord",
    "ClaimStream",
    "Doubt",
    "Field",
    "Limits",
    "Row",
    "Schema",
    "Table",
    "read_claim_file",
    "read_records",
    "schema_for",
    "schema_named",
    "write_claim_file",
    "write_table",
]
