-- Identifiers with source, end reason and days of validity; facts with source; aliases, repairs, temporary identities.

-- A CHECK cannot be changed in SQLite, so each table is copied aside, made anew and filled. Not renamed: PostgreSQL
-- would keep the name of the old key.
CREATE TABLE identifier_kept (
    citizen_id TEXT NOT NULL,
    identifier_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    value_sealed BYTEA NOT NULL,
    assurance BIGINT NOT NULL,
    start_time TEXT NOT NULL,
    end_time TEXT
);

INSERT INTO identifier_kept (citizen_id, identifier_id, kind, value_sealed, assurance, start_time, end_time)
SELECT citizen_id, identifier_id, kind, value_sealed, assurance, start_time, end_time FROM identifier;

DROP TABLE identifier;

CREATE TABLE identifier (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    identifier_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('CITIZEN_NUMBER', 'OLD_IDENTITY_NUMBER', 'INSURANCE_NUMBER', 'INSURANCE_CARD',
        'PASSPORT', 'TEMPORARY', 'FOREIGN_ID')),
    value_sealed BYTEA NOT NULL,
    assurance BIGINT NOT NULL CHECK (assurance BETWEEN 0 AND 5),
    start_time TEXT NOT NULL,
    end_time TEXT,
    source TEXT NOT NULL DEFAULT 'CARD_QR' CHECK (source IN ('TYPED', 'CARD_QR', 'CARD_CHIP', 'PASSPORT_MRZ',
        'INSURANCE_CARD_QR', 'REGISTER_FILE', 'INSURER', 'ISSUED_HERE')),
    end_reason TEXT NOT NULL DEFAULT '' CHECK (end_reason IN ('', 'CANCELLED', 'REISSUED', 'REPLACED', 'WRONG')),
    valid_from_date TEXT NOT NULL DEFAULT '',
    valid_until_date TEXT NOT NULL DEFAULT '',
    is_contested BIGINT NOT NULL DEFAULT 0 CHECK (is_contested IN (0, 1)),
    PRIMARY KEY (citizen_id, identifier_id),
    CHECK ((end_time IS NULL) = (end_reason = ''))
);

-- Register-checked was 3 before the two grades of a chip came between.
INSERT INTO identifier (citizen_id, identifier_id, kind, value_sealed, assurance, start_time, end_time, end_reason)
SELECT citizen_id, identifier_id, kind, value_sealed, CASE assurance WHEN 3 THEN 5 ELSE assurance END, start_time,
    end_time, CASE WHEN end_time IS NULL THEN '' ELSE 'REPLACED' END
FROM identifier_kept;

DROP TABLE identifier_kept;

CREATE TABLE demographic_kept (
    citizen_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    full_name_sealed BYTEA NOT NULL,
    birth_date_sealed BYTEA NOT NULL,
    gender TEXT NOT NULL,
    address_sealed BYTEA NOT NULL,
    text_quality TEXT NOT NULL,
    issue_date TEXT NOT NULL,
    reading_id TEXT NOT NULL,
    register_time TEXT NOT NULL,
    create_time TEXT NOT NULL
);

INSERT INTO demographic_kept (
    citizen_id, version, full_name_sealed, birth_date_sealed, gender, address_sealed, text_quality, issue_date,
    reading_id, register_time, create_time
)
SELECT citizen_id, version, full_name_sealed, birth_date_sealed, gender, address_sealed, text_quality, issue_date,
    reading_id, register_time, create_time
FROM demographic;

DROP TABLE demographic;

CREATE TABLE demographic (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    version BIGINT NOT NULL CHECK (version >= 1),
    full_name_sealed BYTEA NOT NULL,
    birth_date_sealed BYTEA NOT NULL,
    gender TEXT NOT NULL CHECK (gender IN ('male', 'female', 'other', 'unknown')),
    address_sealed BYTEA NOT NULL,
    text_quality TEXT NOT NULL CHECK (text_quality IN ('GOOD', 'WITHOUT_ACCENTS', 'DAMAGED')),
    issue_date TEXT NOT NULL,
    reading_id TEXT NOT NULL,
    register_time TEXT NOT NULL,
    create_time TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT 'CARD_QR' CHECK (source IN ('TYPED', 'CARD_QR', 'CARD_CHIP', 'PASSPORT_MRZ',
        'INSURANCE_CARD_QR', 'REGISTER_FILE', 'INSURER', 'ISSUED_HERE')),
    is_birth_date_estimated BIGINT NOT NULL DEFAULT 0 CHECK (is_birth_date_estimated IN (0, 1)),
    repair_id TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (citizen_id, version)
);

INSERT INTO demographic (
    citizen_id, version, full_name_sealed, birth_date_sealed, gender, address_sealed, text_quality, issue_date,
    reading_id, register_time, create_time
)
SELECT citizen_id, version, full_name_sealed, birth_date_sealed, gender, address_sealed, text_quality, issue_date,
    reading_id, register_time, create_time
FROM demographic_kept;

DROP TABLE demographic_kept;

-- Another spelling that a person accepted as this citizen's; ended when its repair is undone, never deleted.
CREATE TABLE name_alias (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    alias_id TEXT NOT NULL,
    name_sealed BYTEA NOT NULL,
    repair_id TEXT NOT NULL,
    start_time TEXT NOT NULL,
    end_time TEXT,
    PRIMARY KEY (citizen_id, alias_id)
);

-- One proposal that was applied, with what was in force before and after, sealed; undone at most once.
CREATE TABLE repair (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    repair_id TEXT NOT NULL,
    verification_id TEXT NOT NULL,
    field TEXT NOT NULL,
    reason TEXT NOT NULL,
    code TEXT NOT NULL,
    before_version BIGINT NOT NULL CHECK (before_version >= 1),
    after_version BIGINT NOT NULL CHECK (after_version >= before_version),
    before_sealed BYTEA NOT NULL,
    after_sealed BYTEA NOT NULL,
    apply_subject TEXT NOT NULL,
    apply_time TEXT NOT NULL,
    undo_subject TEXT NOT NULL,
    undo_time TEXT,
    PRIMARY KEY (citizen_id, repair_id),
    CHECK ((undo_time IS NULL) = (undo_subject = ''))
);

-- Somebody treated before it is known who they are; the number itself stands in `identifier`.
CREATE TABLE temporary_identity (
    citizen_id TEXT NOT NULL PRIMARY KEY REFERENCES citizen (citizen_id),
    temporary_kind TEXT NOT NULL CHECK (temporary_kind IN ('NEWBORN', 'UNKNOWN', 'UNCONSCIOUS', 'FOREIGNER')),
    identifier_id TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    mother_citizen_id TEXT NOT NULL,
    notice_due_time TEXT,
    create_time TEXT NOT NULL,
    replace_time TEXT,
    real_citizen_id TEXT NOT NULL,
    CHECK ((replace_time IS NULL) = (real_citizen_id = ''))
);
