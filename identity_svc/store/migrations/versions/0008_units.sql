-- Residences, facilities and their dated codes.

-- Where a person lives, as a commune code with its vintage; rows are added and never changed, the highest version counts.
-- WITHDRAWN says that nothing is known again: the re-coding that gave the first residence was taken back.
CREATE TABLE residence (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    version BIGINT NOT NULL CHECK (version >= 1),
    ward_code TEXT NOT NULL,
    vintage TEXT NOT NULL CHECK (vintage IN ('before-2025-07', 'from-2025-07')),
    kind TEXT NOT NULL
        CHECK (kind IN ('KEPT', 'MERGED', 'CHOSEN', 'SPLIT', 'AMBIGUOUS', 'UNRESOLVED', 'WITHDRAWN')),
    old_ward_code TEXT NOT NULL,
    reason TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('CARD', 'IMPORT', 'RECODING', 'STEWARD', 'UNDO')),
    batch_id TEXT NOT NULL,
    create_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, version)
);

-- The people of one batch, in order, for taking a re-coding back page by page.
CREATE INDEX residence_by_batch ON residence (batch_id, source, citizen_id, version);

-- A place of care; its codes and names come and go, the id never changes.
CREATE TABLE facility (
    facility_id TEXT NOT NULL PRIMARY KEY,
    create_time TEXT NOT NULL
);

CREATE TABLE facility_name (
    facility_id TEXT NOT NULL REFERENCES facility (facility_id),
    start_date TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (facility_id, start_date)
);

-- A code of a facility with its first and last day, both inside; no last_date: in force until further notice.
-- That no two rows of one code share a day is checked in the operation: neither engine has both the constraint and the types.
CREATE TABLE facility_code_alias (
    code TEXT NOT NULL,
    start_date TEXT NOT NULL,
    last_date TEXT CHECK (last_date >= start_date),
    facility_id TEXT NOT NULL REFERENCES facility (facility_id),
    scheme TEXT NOT NULL CHECK (scheme IN ('FIVE_CHARACTERS', 'THIRTEEN_DIGITS')),
    vintage TEXT NOT NULL CHECK (vintage IN ('', 'before-2025-07', 'from-2025-07')),
    source TEXT NOT NULL,
    create_time TEXT NOT NULL,
    PRIMARY KEY (code, start_date)
);

CREATE INDEX facility_code_by_facility ON facility_code_alias (facility_id, start_date, code);

-- One re-coding of the whole register. `cursor_id` is the last citizen done in the present walk: with the page's
-- effects in one transaction it makes a killed walk go on where it stood.
CREATE TABLE recoding (
    recoding_id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('COUNTING', 'COUNTED', 'APPLYING', 'APPLIED', 'UNDOING', 'UNDONE')),
    cursor_id TEXT NOT NULL,
    done_count BIGINT NOT NULL CHECK (done_count >= 0),
    total_count BIGINT NOT NULL CHECK (total_count >= 0),
    requester TEXT NOT NULL,
    create_time TEXT NOT NULL,
    start_time TEXT NOT NULL,
    update_time TEXT NOT NULL
);

CREATE INDEX recoding_by_state ON recoding (state, recoding_id);

-- People per walk, finding and old commune ('' where none was named).
CREATE TABLE recoding_figure (
    recoding_id TEXT NOT NULL REFERENCES recoding (recoding_id),
    walk TEXT NOT NULL CHECK (walk IN ('COUNT', 'APPLY', 'UNDO')),
    finding TEXT NOT NULL,
    old_ward_code TEXT NOT NULL,
    citizen_count BIGINT NOT NULL CHECK (citizen_count >= 0),
    PRIMARY KEY (recoding_id, walk, finding, old_ward_code)
);

-- The people a person has to look at: splits, unclear and unknown places, and residences an undo left alone. Codes only.
CREATE TABLE recoding_item (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    recoding_id TEXT NOT NULL,
    walk TEXT NOT NULL CHECK (walk IN ('COUNT', 'APPLY', 'UNDO')),
    finding TEXT NOT NULL,
    reason TEXT NOT NULL,
    old_ward_code TEXT NOT NULL,
    candidates TEXT NOT NULL,
    case_id TEXT NOT NULL,
    PRIMARY KEY (citizen_id, recoding_id, walk)
);

CREATE INDEX recoding_item_by_walk ON recoding_item (recoding_id, walk, citizen_id);
