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

-- Evidence of look-ups: when in a treatment, which call, what was sent; corrections, exports, published copayments.
ALTER TABLE coverages ADD COLUMN moment TEXT NOT NULL DEFAULT 'ARRIVAL' CHECK (moment IN ('ARRIVAL', 'DURING', 'END'));
ALTER TABLE evidence ADD COLUMN moment TEXT NOT NULL DEFAULT 'ARRIVAL' CHECK (moment IN ('ARRIVAL', 'DURING', 'END'));
-- The call itself: desks that asked the same at once share it. Empty in rows of before.
ALTER TABLE evidence ADD COLUMN exchange_id TEXT NOT NULL DEFAULT '';
-- Bytes of what was asked (without credentials) that stand before the reply in its sealed column; 0 in rows of before.
ALTER TABLE evidence ADD COLUMN sent_bytes BIGINT NOT NULL DEFAULT 0 CHECK (sent_bytes >= 0);

-- What a later look-up changed; never changed itself. Amounts are of the newest split before and after, NULL without one.
CREATE TABLE corrections (
    citizen_id TEXT NOT NULL,
    correction_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('OUTAGE_OVER', 'LOOKED_UP_AGAIN')),
    before_coverage_id TEXT NOT NULL,
    coverage_id TEXT NOT NULL,
    before_outcome TEXT NOT NULL,
    outcome TEXT NOT NULL,
    before_patient_vnd BIGINT CHECK (before_patient_vnd >= 0),
    patient_vnd BIGINT CHECK (patient_vnd >= 0),
    create_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, correction_id)
);

CREATE INDEX corrections_by_facility ON corrections (facility, create_time, correction_id);
CREATE INDEX corrections_by_visit ON corrections (citizen_id, visit_id, create_time, correction_id);

-- Every paper made of a visit's evidence, so that it can be made again byte for byte.
CREATE TABLE evidence_exports (
    citizen_id TEXT NOT NULL,
    export_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility TEXT NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('JSON', 'PDF')),
    coverage_id TEXT NOT NULL,
    evidence_sha256 TEXT NOT NULL CHECK (length(evidence_sha256) = 64),
    -- Sealed: the contact, and which evidence it holds.
    detail BYTEA NOT NULL,
    caller TEXT NOT NULL,
    create_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, export_id)
);

-- What the portal published about a citizen's copayments of the year when it was asked for a visit; never changed.
CREATE TABLE copayments (
    citizen_id TEXT NOT NULL,
    copayment_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    evidence_id TEXT NOT NULL,
    portal_code TEXT NOT NULL,
    doubt TEXT NOT NULL,
    -- Sealed: the rows.
    detail BYTEA NOT NULL,
    as_of_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, copayment_id)
);

CREATE INDEX copayments_by_visit ON copayments (citizen_id, visit_id, copayment_id);

-- Claims, their submission and settlement.

-- The claim of a visit; the only way in that starts from a visit.
CREATE TABLE claim_by_visit_lookup (
    visit_id TEXT PRIMARY KEY,
    facility TEXT NOT NULL,
    citizen_id TEXT NOT NULL,
    claim_id TEXT NOT NULL
);

-- The claim behind a link number (MA_LK) of a facility, found by its keyed hash: what result files name.
CREATE TABLE claim_by_link_lookup (
    link_hash BYTEA PRIMARY KEY,
    citizen_id TEXT NOT NULL,
    claim_id TEXT NOT NULL
);

-- One claim with where it stands; its content is in the versions.
CREATE TABLE claims (
    citizen_id TEXT NOT NULL,
    claim_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility TEXT NOT NULL,
    -- Sealed: MA_LK.
    link BYTEA NOT NULL,
    -- YYYY-MM of the newest version.
    month TEXT NOT NULL CHECK (length(month) = 7),
    -- State of the newest version, and of all, oldest first, separated by commas.
    state TEXT NOT NULL CHECK (state IN (
        'DRAFT', 'READY', 'SIGNED', 'SENT', 'ACCEPTED', 'REJECTED', 'UNKNOWN', 'REPLACED', 'REVERSED', 'SETTLED'
    )),
    states TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    -- The version that counts at the portal, its month and what it asks of the fund in hundredths of a dong; 0 and empty
    -- when none does. Sums of a month read these and nothing else, so that nothing is counted twice.
    counted_version BIGINT NOT NULL CHECK (counted_version >= 0 AND counted_version <= version),
    counted_month TEXT NOT NULL,
    counted_hundredths BIGINT NOT NULL CHECK (counted_hundredths >= 0),
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, claim_id),
    CHECK ((counted_version > 0) = (counted_month <> ''))
);

CREATE INDEX claims_by_facility ON claims (facility, update_time, claim_id);
CREATE INDEX claims_by_month ON claims (facility, counted_month, claim_id);

-- What was built; never changed.
CREATE TABLE claim_versions (
    citizen_id TEXT NOT NULL,
    claim_id TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    schema_version TEXT NOT NULL,
    month TEXT NOT NULL CHECK (length(month) = 7),
    split_id TEXT NOT NULL,
    coverage_id TEXT NOT NULL,
    total_hundredths BIGINT NOT NULL CHECK (total_hundredths >= 0),
    covered_hundredths BIGINT NOT NULL CHECK (covered_hundredths >= 0),
    fund_hundredths BIGINT NOT NULL CHECK (fund_hundredths >= 0),
    fund_vnd BIGINT NOT NULL CHECK (fund_vnd >= 0),
    lack_count BIGINT NOT NULL CHECK (lack_count >= 0),
    -- Of what the facts gave, without the day of building: the same facts make no new version.
    facts_sha256 TEXT NOT NULL CHECK (length(facts_sha256) = 64),
    -- Of the unsigned bytes.
    file_sha256 TEXT NOT NULL CHECK (length(file_sha256) = 64),
    -- Sealed: the unsigned bytes, compressed; lacks; why it was built.
    file BYTEA NOT NULL,
    detail BYTEA NOT NULL,
    caller TEXT NOT NULL,
    create_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, claim_id, version)
);

-- What happened to the versions of a claim; never changed.
CREATE TABLE claim_events (
    citizen_id TEXT NOT NULL,
    claim_id TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    version BIGINT NOT NULL CHECK (version >= 1),
    state TEXT NOT NULL,
    -- Sealed: a person's words may name a patient.
    reason BYTEA NOT NULL,
    actor TEXT NOT NULL,
    event_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, claim_id, number)
);

-- A file handed over for sending and what the portal said. Its bytes never change; its fate does.
CREATE TABLE claim_submissions (
    citizen_id TEXT NOT NULL,
    submission_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('CLAIM', 'CHECK_IN')),
    visit_id TEXT NOT NULL,
    facility TEXT NOT NULL,
    -- Empty and 0 for a check-in.
    claim_id TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 0),
    state TEXT NOT NULL CHECK (state IN ('SIGNED', 'SENT', 'ACCEPTED', 'REJECTED', 'UNKNOWN', 'REVERSED')),
    is_signed BIGINT NOT NULL CHECK (is_signed IN (0, 1)),
    file_sha256 TEXT NOT NULL CHECK (length(file_sha256) = 64),
    -- Sealed: the bytes as sent, compressed.
    file BYTEA NOT NULL,
    -- T_TONGCHI_BV, by which a receipt is told; 0 for a check-in.
    total_hundredths BIGINT NOT NULL CHECK (total_hundredths >= 0),
    send_count BIGINT NOT NULL CHECK (send_count >= 0),
    -- Empty until it was sent.
    first_send_time TEXT NOT NULL,
    last_send_time TEXT NOT NULL,
    -- Empty until the portal answered.
    answer_time TEXT NOT NULL,
    transaction_number TEXT NOT NULL,
    portal_code TEXT NOT NULL,
    failure_reason TEXT NOT NULL,
    -- 1 once the portal's receipts were compared with its answer.
    is_confirmed BIGINT NOT NULL DEFAULT 0 CHECK (is_confirmed IN (0, 1)),
    -- Sealed: the portal's words, MA_LK.
    detail BYTEA NOT NULL,
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, submission_id)
);

CREATE INDEX claim_submissions_by_visit ON claim_submissions (citizen_id, visit_id, create_time, submission_id);
CREATE INDEX claim_submissions_unconfirmed ON claim_submissions (is_confirmed, last_send_time, facility);
CREATE INDEX claim_submissions_by_day ON claim_submissions (facility, last_send_time, submission_id);

-- What a person has to look at.
CREATE TABLE claim_work_items (
    citizen_id TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility TEXT NOT NULL,
    -- Empty and 0 for a check-in.
    claim_id TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 0),
    cause TEXT NOT NULL CHECK (cause IN ('NOT_READY', 'FINDINGS', 'REJECTED', 'FATE_UNKNOWN', 'SETTLED_SHORT')),
    portal_code TEXT NOT NULL,
    -- Empty while it is open.
    resolution TEXT NOT NULL CHECK (resolution IN ('', 'DISMISSED', 'SEND_AGAIN', 'PORTAL_HAS_IT', 'OVERTAKEN')),
    resolver TEXT NOT NULL,
    -- Sealed: MA_LK, the portal's words, findings, lacks, note.
    detail BYTEA NOT NULL,
    open_time TEXT NOT NULL,
    resolve_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, work_item_id)
);

CREATE INDEX claim_work_items_by_facility ON claim_work_items (facility, resolution, open_time, work_item_id);
CREATE INDEX claim_work_items_by_visit ON claim_work_items (citizen_id, visit_id, resolution);

-- A work item by its name.
CREATE TABLE claim_work_item_lookup (
    work_item_id TEXT PRIMARY KEY,
    citizen_id TEXT NOT NULL
);

-- A result file of the insurer; the newest of a facility's month counts.
CREATE TABLE claim_settlements (
    settlement_id TEXT PRIMARY KEY,
    facility TEXT NOT NULL,
    month TEXT NOT NULL CHECK (length(month) = 7),
    file_sha256 TEXT NOT NULL CHECK (length(file_sha256) = 64),
    line_count BIGINT NOT NULL CHECK (line_count >= 0),
    unmatched_count BIGINT NOT NULL CHECK (unmatched_count >= 0),
    repeated_count BIGINT NOT NULL CHECK (repeated_count >= 0),
    caller TEXT NOT NULL,
    create_time TEXT NOT NULL
);

CREATE INDEX claim_settlements_by_month ON claim_settlements (facility, month, create_time, settlement_id);

-- One result of such a file; never changed. citizen_id is empty where the link number is none of ours.
CREATE TABLE claim_settlement_lines (
    citizen_id TEXT NOT NULL,
    settlement_id TEXT NOT NULL,
    line_number BIGINT NOT NULL CHECK (line_number >= 1),
    -- Empty where the link number is none of ours.
    claim_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    -- What counted when the file came; 0 when nothing did.
    claimed_hundredths BIGINT NOT NULL CHECK (claimed_hundredths >= 0),
    accepted_hundredths BIGINT NOT NULL CHECK (accepted_hundredths >= 0),
    -- Sealed: MA_LK, the insurer's cause.
    detail BYTEA NOT NULL,
    PRIMARY KEY (citizen_id, settlement_id, line_number)
);

CREATE INDEX claim_settlement_lines_by_file ON claim_settlement_lines (settlement_id, line_number);
CREATE INDEX claim_settlement_lines_by_claim ON claim_settlement_lines (citizen_id, claim_id, settlement_id);
