-- Imports of register files.

-- One import. next_offset, row_count and the counts change in the transaction of the rows they tell of, so that a killed
-- import goes on where it stood. layout and warnings are JSON: column names and reasons, no value of a row.
CREATE TABLE register_import (
    import_id TEXT NOT NULL PRIMARY KEY,
    importer TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    source_name TEXT NOT NULL,
    as_of_date TEXT NOT NULL,
    file_sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 1),
    layout TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('RECEIVING', 'WORKING', 'DONE', 'CANCELLED')),
    next_offset BIGINT NOT NULL CHECK (next_offset BETWEEN 0 AND size_bytes),
    row_count BIGINT NOT NULL CHECK (row_count >= 0),
    created_count BIGINT NOT NULL CHECK (created_count >= 0),
    updated_count BIGINT NOT NULL CHECK (updated_count >= 0),
    unchanged_count BIGINT NOT NULL CHECK (unchanged_count >= 0),
    rejected_count BIGINT NOT NULL CHECK (rejected_count >= 0),
    conflict_count BIGINT NOT NULL CHECK (conflict_count >= 0),
    repeated_count BIGINT NOT NULL CHECK (repeated_count >= 0),
    possible_duplicate_count BIGINT NOT NULL CHECK (possible_duplicate_count >= 0),
    warnings TEXT NOT NULL,
    work_ms BIGINT NOT NULL CHECK (work_ms >= 0),
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    end_time TEXT,
    CHECK ((state IN ('DONE', 'CANCELLED')) = (end_time IS NOT NULL)),
    CHECK (row_count = created_count + updated_count + unchanged_count + rejected_count + conflict_count)
);

CREATE INDEX register_import_by_file ON register_import (importer, file_sha256, import_id);

-- A row that was not taken in; its values are sealed and given back to the importer alone.
CREATE TABLE register_import_reject (
    import_id TEXT NOT NULL REFERENCES register_import (import_id),
    row_number BIGINT NOT NULL CHECK (row_number >= 1),
    column_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    values_sealed BYTEA NOT NULL,
    PRIMARY KEY (import_id, row_number)
);
