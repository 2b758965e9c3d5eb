-- Cases, figures, correction requests.

-- One doubt about one record. `citizen_id` of a pair is the smaller id. `evidence` is JSON of codes and figures.
CREATE TABLE quality_case (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    case_id TEXT NOT NULL,
    cause TEXT NOT NULL,
    other_citizen_id TEXT NOT NULL,
    field TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('OPEN', 'ASSIGNED', 'RESOLVED', 'DISMISSED')),
    facility_code TEXT NOT NULL,
    ward_code TEXT NOT NULL,
    evidence TEXT NOT NULL,
    seen_count BIGINT NOT NULL CHECK (seen_count >= 1),
    open_time TEXT NOT NULL,
    last_seen_time TEXT NOT NULL,
    assignee TEXT NOT NULL,
    resolution TEXT NOT NULL,
    close_time TEXT,
    earlier_case_id TEXT NOT NULL,
    PRIMARY KEY (citizen_id, case_id),
    CHECK ((state IN ('RESOLVED', 'DISMISSED')) = (close_time IS NOT NULL))
);

-- One open case for one doubt: the key of the deduplication, decided by the database.
CREATE UNIQUE INDEX quality_case_open ON quality_case (citizen_id, cause, other_citizen_id, field)
WHERE state IN ('OPEN', 'ASSIGNED');

-- The queue, by each of its filters, oldest first; ended cases are asked for by state alone.
CREATE INDEX quality_case_queue ON quality_case (open_time, case_id) WHERE state IN ('OPEN', 'ASSIGNED');
CREATE INDEX quality_case_by_ward ON quality_case (ward_code, open_time, case_id) WHERE state IN ('OPEN', 'ASSIGNED');
CREATE INDEX quality_case_by_facility ON quality_case (facility_code, open_time, case_id)
WHERE state IN ('OPEN', 'ASSIGNED');
CREATE INDEX quality_case_by_assignee ON quality_case (assignee, open_time, case_id)
WHERE state IN ('OPEN', 'ASSIGNED');
CREATE INDEX quality_case_by_cause ON quality_case (cause, open_time, case_id) WHERE state IN ('OPEN', 'ASSIGNED');
CREATE INDEX quality_case_ended ON quality_case (state, open_time, case_id)
WHERE state IN ('RESOLVED', 'DISMISSED');
CREATE INDEX quality_case_by_other ON quality_case (other_citizen_id, case_id) WHERE state IN ('OPEN', 'ASSIGNED');

-- What happened to a case, one row a step; rows are added and never changed.
CREATE TABLE quality_case_event (
    citizen_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (seq >= 1),
    step TEXT NOT NULL CHECK (step IN ('OPENED', 'ASSIGNED', 'NOTED', 'RESOLVED', 'DISMISSED')),
    actor TEXT NOT NULL,
    code TEXT NOT NULL,
    note_sealed BYTEA,
    event_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, case_id, seq),
    FOREIGN KEY (citizen_id, case_id) REFERENCES quality_case (citizen_id, case_id)
);

CREATE INDEX quality_case_event_by_time ON quality_case_event (event_time, citizen_id, case_id, seq);

-- The orders in which the figures count people, checks, repairs and merges.
CREATE INDEX citizen_by_time ON citizen (create_time, citizen_id);
CREATE INDEX verification_by_time ON verification (check_time, citizen_id, verification_id);
CREATE INDEX repair_by_time ON repair (apply_time, citizen_id, repair_id);
CREATE INDEX citizen_link_by_time ON citizen_link (link_time, citizen_id, link_id);
CREATE INDEX citizen_link_by_end ON citizen_link (end_time, citizen_id, link_id) WHERE end_time IS NOT NULL;

-- As what a person is counted now, so that a later check takes the former share back; outcome '' is never checked.
-- Somebody merged into another record counts nowhere.
CREATE TABLE quality_standing (
    citizen_id TEXT NOT NULL PRIMARY KEY,
    ward_code TEXT NOT NULL,
    outcome TEXT NOT NULL,
    is_merged BIGINT NOT NULL CHECK (is_merged IN (0, 1))
);

-- Figures for a commune and a day of Asia/Ho_Chi_Minh; '' is the unknown commune. A count may be negative: people move.
CREATE TABLE quality_daily (
    province_code TEXT NOT NULL,
    ward_code TEXT NOT NULL,
    day_date TEXT NOT NULL,
    measure TEXT NOT NULL,
    total_count BIGINT NOT NULL,
    PRIMARY KEY (province_code, ward_code, day_date, measure)
);

-- How far the figures have counted: one row, changed in the transaction of what was counted.
CREATE TABLE quality_cursor (
    name TEXT NOT NULL PRIMARY KEY,
    position TEXT NOT NULL
);

-- What a citizen wants corrected; the value and the words are sealed.
CREATE TABLE correction (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    correction_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    field TEXT NOT NULL,
    value_sealed BYTEA NOT NULL,
    why_sealed BYTEA NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('REQUESTED', 'ACCEPTED', 'REFUSED')),
    requester TEXT NOT NULL,
    is_on_behalf BIGINT NOT NULL CHECK (is_on_behalf IN (0, 1)),
    facility_code TEXT NOT NULL,
    request_time TEXT NOT NULL,
    answer_due_date TEXT NOT NULL,
    answer_time TEXT,
    answer_sealed BYTEA,
    repair_id TEXT NOT NULL,
    PRIMARY KEY (citizen_id, correction_id)
);

CREATE UNIQUE INDEX correction_open ON correction (citizen_id, field) WHERE state = 'REQUESTED';
