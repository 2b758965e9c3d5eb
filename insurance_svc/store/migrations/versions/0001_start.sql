-- Which citizen and which newest rows belong to a visit; the only way in that starts from a visit.
CREATE TABLE coverage_by_visit_lookup (
    visit_id TEXT PRIMARY KEY,
    facility TEXT NOT NULL,
    -- Empty until a coverage was checked: a bill may be split for self-pay before that.
    citizen_id TEXT NOT NULL,
    check_count BIGINT NOT NULL CHECK (check_count >= 0),
    coverage_id TEXT NOT NULL,
    split_count BIGINT NOT NULL CHECK (split_count >= 0),
    split_citizen_id TEXT NOT NULL,
    split_id TEXT NOT NULL
);

-- What was known about a citizen's insurance; never changed, a correction is a new row.
CREATE TABLE coverages (
    citizen_id TEXT NOT NULL,
    coverage_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility TEXT NOT NULL,
    service_date TEXT NOT NULL,
    check_number BIGINT NOT NULL CHECK (check_number >= 1),
    outcome TEXT NOT NULL,
    portal_code TEXT NOT NULL,
    degraded_reason TEXT NOT NULL,
    needs_recheck BIGINT NOT NULL CHECK (needs_recheck IN (0, 1)),
    -- Sealed: cards, question, explanations.
    detail BYTEA NOT NULL,
    as_of_time TEXT NOT NULL,
    create_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, coverage_id),
    UNIQUE (citizen_id, visit_id, check_number)
);

-- One row per call to the portal; never changed (Circular 12/2026/TT-BTC art. 4: keep the replies).
CREATE TABLE evidence (
    citizen_id TEXT NOT NULL,
    evidence_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    -- The coverage it led to; empty when the call only showed that the portal was still down.
    coverage_id TEXT NOT NULL,
    request_form TEXT NOT NULL,
    portal_code TEXT NOT NULL,
    failure_reason TEXT NOT NULL,
    send_time TEXT NOT NULL,
    receive_time TEXT NOT NULL,
    reply_sha256 TEXT NOT NULL CHECK (length(reply_sha256) = 64),
    -- Sealed raw bytes as they came.
    reply BYTEA NOT NULL,
    caller TEXT NOT NULL,
    PRIMARY KEY (citizen_id, evidence_id)
);

CREATE INDEX evidence_by_visit ON evidence (citizen_id, visit_id, send_time, evidence_id);

-- Who pays what of a visit; never changed, a correction is a new row.
CREATE TABLE splits (
    citizen_id TEXT NOT NULL,
    split_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility TEXT NOT NULL,
    coverage_id TEXT NOT NULL,
    split_number BIGINT NOT NULL CHECK (split_number >= 1),
    rule_id TEXT NOT NULL,
    is_provisional BIGINT NOT NULL CHECK (is_provisional IN (0, 1)),
    total_vnd BIGINT NOT NULL CHECK (total_vnd >= 0),
    fund_vnd BIGINT NOT NULL CHECK (fund_vnd >= 0),
    patient_vnd BIGINT NOT NULL CHECK (patient_vnd >= 0),
    other_funding_vnd BIGINT NOT NULL CHECK (other_funding_vnd >= 0),
    -- Sealed: the lines before and after, which tell what was done to whom.
    detail BYTEA NOT NULL,
    create_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, split_id),
    CHECK (total_vnd = fund_vnd + patient_vnd + other_funding_vnd)
);
