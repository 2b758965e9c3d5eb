-- Citizens, their identifiers, facts, card readings and checks; types are PostgreSQL's.

-- One row per person; the id never changes. Facts stand in `demographic`, of which the highest version counts.
CREATE TABLE citizen (
    citizen_id TEXT NOT NULL PRIMARY KEY,
    create_time TEXT NOT NULL
);

-- Keyed hash of an identifier to the person. No foreign key: it may live on another shard than the person.
CREATE TABLE identifier_lookup (
    hash BYTEA NOT NULL PRIMARY KEY,
    citizen_id TEXT NOT NULL
);

-- Every number a person was seen with, with its dates; the value is sealed.
CREATE TABLE identifier (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    identifier_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('CITIZEN_NUMBER', 'OLD_IDENTITY_NUMBER', 'INSURANCE_NUMBER', 'INSURANCE_CARD')),
    value_sealed BYTEA NOT NULL,
    assurance BIGINT NOT NULL CHECK (assurance BETWEEN 1 AND 3),
    start_time TEXT NOT NULL,
    end_time TEXT,
    PRIMARY KEY (citizen_id, identifier_id)
);

-- Facts as one card told them; rows are added and never changed. A version and not a time orders them: clocks step back.
-- register_time repeats citizen.create_time, which never changes, so that a look-up needs no second table.
CREATE TABLE demographic (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    version BIGINT NOT NULL CHECK (version >= 1),
    full_name_sealed BYTEA NOT NULL,
    birth_date_sealed BYTEA NOT NULL,
    gender TEXT NOT NULL CHECK (gender IN ('male', 'female')),
    address_sealed BYTEA NOT NULL,
    text_quality TEXT NOT NULL CHECK (text_quality IN ('GOOD', 'WITHOUT_ACCENTS', 'DAMAGED')),
    issue_date TEXT NOT NULL,
    reading_id TEXT NOT NULL,
    register_time TEXT NOT NULL,
    create_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, version)
);

-- The text of each different scan, sealed, so that it can be read again when the form of newer cards is known.
CREATE TABLE card_reading (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    reading_id TEXT NOT NULL,
    raw_text_sealed BYTEA NOT NULL,
    facts_hash BYTEA NOT NULL,
    facility_code TEXT NOT NULL,
    read_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, reading_id)
);

-- Each check against the population register: the verdict, never the register's data. The newest counts.
CREATE TABLE verification (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    verification_id TEXT NOT NULL,
    reading_id TEXT NOT NULL,
    facts_hash BYTEA NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('VERIFIED', 'PARTIAL', 'DISPUTED', 'UNVERIFIED')),
    fields TEXT NOT NULL,
    register_reference TEXT NOT NULL,
    check_time TEXT NOT NULL,
    warnings TEXT NOT NULL,
    degraded_reason TEXT NOT NULL,
    recheck_pending BIGINT NOT NULL CHECK (recheck_pending IN (0, 1)),
    PRIMARY KEY (citizen_id, verification_id)
);

CREATE INDEX verification_by_facts ON verification (citizen_id, facts_hash, verification_id);
