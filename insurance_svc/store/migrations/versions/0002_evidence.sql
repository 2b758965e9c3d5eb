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
