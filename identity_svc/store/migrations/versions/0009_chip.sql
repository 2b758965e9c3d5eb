-- Chip readings: the verdict about a citizen card's chip, never its files. content_hash is keyed: the plain digest of a
-- chip's files could be searched for by trying people.
CREATE TABLE chip_reading (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    chip_reading_id TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('VALID', 'INVALID', 'INTACT_BUT_ISSUER_UNKNOWN')),
    fault TEXT NOT NULL,
    fault_group BIGINT NOT NULL CHECK (fault_group BETWEEN 0 AND 16),
    groups_read TEXT NOT NULL,
    signer_fingerprint TEXT NOT NULL,
    issuer_fingerprint TEXT NOT NULL,
    warnings TEXT NOT NULL,
    content_hash BYTEA NOT NULL,
    consent_reference TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    verification_id TEXT NOT NULL,
    read_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, chip_reading_id),
    CHECK ((outcome = 'INVALID') = (fault <> '')),
    CHECK ((outcome = 'VALID') = (issuer_fingerprint <> ''))
);
