-- Bills, collections, the ledger, statements and reconciliation.
-- Tables about a person are keyed (citizen_id, id); money of a bank account or the ledger is keyed by its own derived id.

-- Whose visit it is and where.
CREATE TABLE visit_lookup (
    visit_id TEXT PRIMARY KEY,
    citizen_id TEXT NOT NULL,
    facility_code TEXT NOT NULL
);

CREATE TABLE bill (
    citizen_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    split TEXT NOT NULL,
    lines_sealed BYTEA NOT NULL,
    total_vnd BIGINT NOT NULL CHECK (total_vnd >= 0),
    fund_vnd BIGINT NOT NULL CHECK (fund_vnd >= 0),
    patient_vnd BIGINT NOT NULL CHECK (patient_vnd >= 0),
    other_funding_vnd BIGINT NOT NULL CHECK (other_funding_vnd >= 0),
    paid_vnd BIGINT NOT NULL CHECK (paid_vnd >= 0),
    open_time TEXT NOT NULL,
    issue_time TEXT,
    PRIMARY KEY (citizen_id, visit_id),
    CHECK (total_vnd = fund_vnd + patient_vnd + other_funding_vnd),
    CHECK (paid_vnd <= patient_vnd)
);

-- Which intent a reference code in a transfer text means.
CREATE TABLE intent_lookup (
    reference_code TEXT PRIMARY KEY,
    citizen_id TEXT NOT NULL,
    intent_id TEXT NOT NULL
);

CREATE TABLE intent (
    citizen_id TEXT NOT NULL,
    intent_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    account TEXT NOT NULL,
    amount_vnd BIGINT NOT NULL CHECK (amount_vnd > 0),
    reference_code TEXT NOT NULL,
    payloads TEXT NOT NULL,
    received_vnd BIGINT NOT NULL CHECK (received_vnd >= 0),
    create_time TEXT NOT NULL,
    expire_time TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    PRIMARY KEY (citizen_id, intent_id),
    FOREIGN KEY (citizen_id, visit_id) REFERENCES bill (citizen_id, visit_id)
);

CREATE INDEX intent_by_visit ON intent (citizen_id, visit_id, create_time, intent_id);

CREATE TABLE receipt (
    citizen_id TEXT NOT NULL,
    receipt_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    year BIGINT NOT NULL,
    serial BIGINT NOT NULL CHECK (serial >= 1),
    amount_vnd BIGINT NOT NULL CHECK (amount_vnd > 0),
    collection_id TEXT NOT NULL,
    issue_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, receipt_id),
    FOREIGN KEY (citizen_id, visit_id) REFERENCES bill (citizen_id, visit_id)
);

CREATE INDEX receipt_by_visit ON receipt (citizen_id, visit_id, year, serial);

-- The last receipt number of a facility and year. A hot row on purpose: numbers have no gap, so each waits for the one before.
CREATE TABLE receipt_counter (
    facility_code TEXT NOT NULL,
    year BIGINT NOT NULL,
    last_serial BIGINT NOT NULL CHECK (last_serial >= 1),
    PRIMARY KEY (facility_code, year)
);

-- Guards that no number is given twice, whoever writes.
CREATE TABLE receipt_number_lookup (
    facility_code TEXT NOT NULL,
    year BIGINT NOT NULL,
    serial BIGINT NOT NULL,
    receipt_id TEXT NOT NULL,
    PRIMARY KEY (facility_code, year, serial)
);

-- A bank's notification as it came, once per provider and transaction: event_id is derived from both.
CREATE TABLE bank_event (
    event_id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    verdict TEXT NOT NULL,
    raw_sealed BYTEA NOT NULL,
    amount_vnd BIGINT NOT NULL CHECK (amount_vnd >= 0),
    outcome TEXT NOT NULL,
    answer_code TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    collection_id TEXT NOT NULL,
    receive_time TEXT NOT NULL
);

-- One sum of money that came in, whichever way we learned of it first.
CREATE TABLE collection (
    collection_id TEXT PRIMARY KEY,
    facility_code TEXT NOT NULL,
    account TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    intent_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    bank_reference TEXT NOT NULL,
    text_hash BYTEA NOT NULL,
    amount_vnd BIGINT NOT NULL CHECK (amount_vnd > 0),
    applied_vnd BIGINT NOT NULL CHECK (applied_vnd >= 0),
    unapplied_vnd BIGINT NOT NULL CHECK (unapplied_vnd >= 0),
    refund_vnd BIGINT NOT NULL CHECK (refund_vnd >= 0),
    confirmed_vnd BIGINT NOT NULL CHECK (confirmed_vnd >= 0),
    paid_time TEXT NOT NULL,
    paid_date TEXT NOT NULL,
    match_group TEXT NOT NULL,
    CHECK (amount_vnd = applied_vnd + unapplied_vnd + refund_vnd)
);

CREATE INDEX collection_by_proof ON collection (account, match_group, paid_date);

CREATE INDEX collection_by_visit ON collection (visit_id, collection_id);

CREATE INDEX collection_by_reference ON collection (account, bank_reference);

-- A movement in our books; rows are added and never changed.
CREATE TABLE transfer (
    transfer_id TEXT PRIMARY KEY,
    facility_code TEXT NOT NULL,
    kind TEXT NOT NULL,
    book_time TEXT NOT NULL
);

CREATE TABLE posting (
    transfer_id TEXT NOT NULL REFERENCES transfer (transfer_id),
    position BIGINT NOT NULL,
    facility_code TEXT NOT NULL,
    account_code TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    amount_vnd BIGINT NOT NULL CHECK (amount_vnd <> 0),
    PRIMARY KEY (transfer_id, position)
);

CREATE INDEX posting_by_account ON posting (facility_code, account_code, amount_vnd);

CREATE INDEX posting_by_visit ON posting (visit_id, account_code, amount_vnd);

CREATE TABLE statement (
    statement_id TEXT PRIMARY KEY,
    facility_code TEXT NOT NULL,
    account TEXT NOT NULL,
    number TEXT NOT NULL,
    opening_vnd BIGINT NOT NULL,
    closing_vnd BIGINT NOT NULL,
    line_count BIGINT NOT NULL,
    duplicate_count BIGINT NOT NULL,
    quarantined_count BIGINT NOT NULL,
    is_proved BIGINT NOT NULL CHECK (is_proved IN (0, 1)),
    from_date TEXT NOT NULL,
    to_date TEXT NOT NULL,
    import_time TEXT NOT NULL
);

CREATE INDEX statement_by_period ON statement (account, to_date, from_date);

-- One booked movement; line_id is derived from its content, so that an overlapping file adds nothing.
CREATE TABLE statement_line (
    line_id TEXT PRIMARY KEY,
    statement_id TEXT NOT NULL REFERENCES statement (statement_id),
    facility_code TEXT NOT NULL,
    account TEXT NOT NULL,
    booking_date TEXT NOT NULL,
    amount_vnd BIGINT NOT NULL CHECK (amount_vnd <> 0),
    bank_reference TEXT NOT NULL,
    codes TEXT NOT NULL,
    text_hash BYTEA NOT NULL,
    text_sealed BYTEA NOT NULL,
    outcome TEXT NOT NULL,
    match_group TEXT NOT NULL
);

CREATE INDEX statement_line_by_outcome ON statement_line (account, outcome, booking_date, line_id);

CREATE INDEX statement_line_by_statement ON statement_line (statement_id);

CREATE TABLE quarantined_line (
    quarantine_id TEXT PRIMARY KEY,
    statement_id TEXT NOT NULL REFERENCES statement (statement_id),
    position BIGINT NOT NULL,
    fault TEXT NOT NULL,
    raw_sealed BYTEA NOT NULL
);

-- A difference that somebody has to explain; break_id is derived from code and cause.
CREATE TABLE money_break (
    break_id TEXT PRIMARY KEY,
    facility_code TEXT NOT NULL,
    code TEXT NOT NULL,
    amount_vnd BIGINT NOT NULL CHECK (amount_vnd >= 0),
    account TEXT NOT NULL,
    bank_reference TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    collection_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    create_time TEXT NOT NULL,
    resolution TEXT NOT NULL,
    resolve_time TEXT,
    resolver TEXT NOT NULL,
    note_sealed BYTEA,
    CHECK ((resolution = '') = (resolve_time IS NULL))
);

CREATE INDEX money_break_by_age ON money_break (facility_code, create_time, break_id);

CREATE INDEX money_break_by_account ON money_break (account, resolution, collection_id);

CREATE INDEX money_break_by_collection ON money_break (collection_id, resolution);

CREATE TABLE reconciliation_run (
    run_id TEXT PRIMARY KEY,
    facility_code TEXT NOT NULL,
    account TEXT NOT NULL,
    by_reference_count BIGINT NOT NULL,
    by_code_count BIGINT NOT NULL,
    posted_count BIGINT NOT NULL,
    break_count BIGINT NOT NULL,
    open_line_count BIGINT NOT NULL,
    digest TEXT NOT NULL,
    run_time TEXT NOT NULL
);
