-- The schema of identity beside the frame's tables; equals the sum of the migrations. Types are PostgreSQL's.

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

-- Every number a person was seen with, its dates, where it came from and why it ended; the value is sealed.
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

-- Facts as one source told them; rows are added and never changed. A version and not a time orders them: clocks step back.
-- register_time repeats citizen.create_time, which never changes, so that a look-up needs no second table.
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

-- ── The master index ──

-- What matching compares of a person, in one sealed text; pending: it changed since it was last matched.
CREATE TABLE match_profile (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    facts_sealed BYTEA NOT NULL,
    pending BIGINT NOT NULL CHECK (pending IN (0, 1)),
    note_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id)
);

CREATE INDEX match_profile_pending ON match_profile (citizen_id) WHERE pending = 1;

-- Keyed hash of a blocking key to the people who have it. Nine bytes: a chance equality only costs a comparison.
CREATE TABLE match_block_lookup (
    key_hash BYTEA NOT NULL,
    citizen_id TEXT NOT NULL,
    PRIMARY KEY (key_hash, citizen_id)
);

-- What became of a pair that matching looked at closely; citizen_id is the smaller id of the two.
-- facts_digest is keyed: of a rejected pair it tells whether the facts changed since.
CREATE TABLE match_pair (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    other_citizen_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('PROPOSED', 'LINKED', 'REJECTED', 'GONE')),
    weight_centibits BIGINT NOT NULL,
    evidence TEXT NOT NULL,
    facts_digest BYTEA NOT NULL,
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, other_citizen_id)
);

CREATE INDEX match_pair_by_state ON match_pair (state, update_time, citizen_id, other_citizen_id);
CREATE INDEX match_pair_by_other ON match_pair (other_citizen_id, citizen_id);

-- A citizen linked into another one. Links are ended, never removed; the newest of a citizen without an end counts.
CREATE TABLE citizen_link (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    link_id TEXT NOT NULL,
    survivor_id TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('AUTOMATIC', 'STEWARD')),
    plan_digest BYTEA NOT NULL,
    link_time TEXT NOT NULL,
    end_time TEXT,
    PRIMARY KEY (citizen_id, link_id)
);

CREATE UNIQUE INDEX citizen_link_current ON citizen_link (citizen_id) WHERE end_time IS NULL;

-- The look-up rows a link moved to its survivor: what its undoing gives back.
CREATE TABLE citizen_link_move (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    link_id TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (citizen_id, link_id, hash)
);

-- Everybody who is linked into a citizen now, directly or through others: their numbers are the citizen's too.
CREATE TABLE citizen_member (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    member_id TEXT NOT NULL,
    PRIMARY KEY (citizen_id, member_id)
);

-- A run that matches everybody anew: how far it is, so that it goes on after a kill.
CREATE TABLE match_sweep (
    sweep_id TEXT NOT NULL PRIMARY KEY,
    start_time TEXT NOT NULL,
    update_time TEXT,
    end_time TEXT,
    total_count BIGINT NOT NULL,
    matched_count BIGINT NOT NULL,
    linked_count BIGINT NOT NULL,
    proposed_count BIGINT NOT NULL,
    cursor_id TEXT NOT NULL
);

CREATE INDEX citizen_link_by_survivor ON citizen_link (survivor_id, link_id);

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

-- Consents, delegations, proxy codes, accounts.

-- That a person agreed to a text. Lists are joined by commas. `facility_code` '' means every facility of the province.
CREATE TABLE consent (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    consent_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    scopes TEXT NOT NULL CHECK (scopes <> ''),
    facility_code TEXT NOT NULL,
    text_id TEXT NOT NULL,
    text_version BIGINT NOT NULL CHECK (text_version >= 1),
    text_language TEXT NOT NULL CHECK (text_language IN ('vi', 'en')),
    text_hash TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('KIOSK', 'DESK_PAPER', 'APP', 'PHONE')),
    given_as TEXT NOT NULL CHECK (given_as IN ('SELF', 'GUARDIAN', 'DELEGATE')),
    giver_id TEXT NOT NULL,
    minor_agreed BIGINT NOT NULL CHECK (minor_agreed IN (0, 1)),
    evidence_reference TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at_facility_code TEXT NOT NULL,
    grant_time TEXT NOT NULL,
    expire_time TEXT,
    withdraw_time TEXT,
    withdraw_channel TEXT NOT NULL,
    withdrawn_by TEXT NOT NULL,
    is_replaced BIGINT NOT NULL CHECK (is_replaced IN (0, 1)),
    PRIMARY KEY (citizen_id, consent_id)
);

-- One standing consent for a purpose and facility: who withdraws it has withdrawn all there is.
CREATE UNIQUE INDEX consent_standing ON consent (citizen_id, purpose, facility_code) WHERE withdraw_time IS NULL;

CREATE INDEX consent_by_purpose ON consent (citizen_id, purpose, consent_id);

-- Who may act for a citizen.
CREATE TABLE delegation (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    delegation_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('GUARDIAN', 'DELEGATE')),
    representative_id TEXT NOT NULL,
    relationship TEXT NOT NULL,
    actions TEXT NOT NULL CHECK (actions <> ''),
    evidence_kind TEXT NOT NULL,
    evidence_reference TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at_facility_code TEXT NOT NULL,
    start_time TEXT NOT NULL,
    end_time TEXT,
    revoke_time TEXT,
    revoked_by TEXT NOT NULL,
    PRIMARY KEY (citizen_id, delegation_id)
);

-- The same seen from the other side: for whom a citizen may act.
CREATE TABLE representation (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    delegation_id TEXT NOT NULL,
    represented_id TEXT NOT NULL,
    PRIMARY KEY (citizen_id, delegation_id)
);

-- A code for one visit. Its text is made anew from this row and the signing key, and is never stored.
CREATE TABLE proxy_code (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    code_id TEXT NOT NULL,
    actions TEXT NOT NULL CHECK (actions <> ''),
    facility_code TEXT NOT NULL,
    issuer_id TEXT NOT NULL,
    key_version BIGINT NOT NULL,
    issue_time TEXT NOT NULL,
    expire_time TEXT NOT NULL,
    redeem_time TEXT,
    redeemed_by TEXT NOT NULL,
    redeemed_at_facility_code TEXT NOT NULL,
    bearer_id TEXT NOT NULL,
    visit_end_time TEXT,
    revoke_time TEXT,
    PRIMARY KEY (citizen_id, code_id),
    CHECK ((redeem_time IS NULL) = (visit_end_time IS NULL))
);

CREATE INDEX proxy_code_by_issue ON proxy_code (citizen_id, issue_time, code_id);

-- The id in a code to its citizen.
CREATE TABLE proxy_code_lookup (
    code_id TEXT NOT NULL PRIMARY KEY,
    citizen_id TEXT NOT NULL
);

-- A sign-in that belongs to a citizen; its name at the issuer is sealed.
CREATE TABLE account (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    account_id TEXT NOT NULL,
    subject_sealed BYTEA NOT NULL,
    linked_by TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    link_time TEXT NOT NULL,
    unlink_time TEXT,
    unlinked_by TEXT NOT NULL,
    PRIMARY KEY (citizen_id, account_id)
);

-- Keyed hash of a sign-in's name to its citizen, while linked.
CREATE TABLE account_lookup (
    hash BYTEA NOT NULL PRIMARY KEY,
    citizen_id TEXT NOT NULL,
    account_id TEXT NOT NULL
);

-- Short codes that wait for a clerk, one for a sign-in; rows live ten minutes.
CREATE TABLE account_request (
    code_hash BYTEA NOT NULL PRIMARY KEY,
    subject_hash BYTEA NOT NULL UNIQUE,
    code_sealed BYTEA NOT NULL,
    subject_sealed BYTEA NOT NULL,
    expire_time TEXT NOT NULL
);

CREATE INDEX account_request_by_expiry ON account_request (expire_time);

-- ── Imports of register files ──

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
