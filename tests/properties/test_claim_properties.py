"""Claim files: whatever is written comes back, and whatever comes in ends in a value or a typed error."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from standards.claims import ClaimFile, ClaimRecord, read_claim_file, schema_named, write_claim_file
from standards.claims.errors import ClaimFileError

SCHEMA = schema_named("3176")
GOLDEN = (Path(__file__).resolve().parents[1] / "golden" / "claims" / "full_claim.xml").read_bytes()
TEXT = st.text(
    st.characters(
        blacklist_categories=["Cs"], blacklist_characters="".join(map(chr, range(32))) + "\ufffe\uffff"
    ),
    max_size=12,
)
IN_FILE = [name for name, table in SCHEMA.tables.items() if not table.travels_alone]


@st.composite
def records(draw: st.DrawFn) -> ClaimRecord:
    tables = {}
    for name in draw(st.lists(st.sampled_from(IN_FILE), unique=True, min_size=1, max_size=4)):
        names = [field.name for field in SCHEMA.tables[name].fields]
        tables[name] = draw(
            st.lists(
                st.fixed_dictionaries(dict.fromkeys(names[:6], TEXT)),
                min_size=1,
                max_size=1 if name == "XML1" else 3,
            )
        )
    return ClaimRecord(tables=tables)


@settings(max_examples=60, deadline=None)
@given(st.lists(records(), max_size=3))
def test_what_is_written_comes_back(written: list[ClaimRecord]) -> None:
    file = ClaimFile(facility_code="19001", made_date="20260301", record_count="", records=tuple(written))

    back = read_claim_file(write_claim_file(file, schema=SCHEMA))

    assert back.record_count == str(len(written))
    for one, other in zip(back.records, written, strict=True):
        assert one.doubts == ()
        assert list(one.tables) == list(other.tables)
        for name, rows in one.tables.items():
            filled = [{key: value for key, value in row.items() if value} for row in rows]
            assert filled == [
                {key: value for key, value in row.items() if value} for row in other.tables[name]
            ]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOLDEN) - 1), st.binary(max_size=6), st.integers(0, 40))
def test_any_damage_ends_in_a_value_or_a_typed_error(at: int, put: bytes, cut: int) -> None:
    damaged = GOLDEN[:at] + put + GOLDEN[at + cut :]
    # Any other exception fails the test.
    with suppress(ClaimFileError):
        read_claim_file(damaged)
