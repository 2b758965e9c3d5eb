-- name: identity_find_owner
-- Whom an identifier points at.
SELECT citizen_id FROM identifier_lookup WHERE hash = :hash;

-- name: identity_claim_lookup!
-- Points an identifier at a person unless it points at somebody already; tells by the count of changed rows.
-- An insert and not a look-up first: two clerks with one new card at one instant must make one citizen.
INSERT INTO identifier_lookup (hash, citizen_id) VALUES (:hash, :citizen_id) ON CONFLICT (hash) DO NOTHING;

-- name: identity_move_lookup!
-- Points an identifier at another record of the same person.
UPDATE identifier_lookup SET citizen_id = :citizen_id WHERE hash = :hash;

-- name: identity_release_lookup!
-- Lets an identifier point at nobody, where it points at this person.
DELETE FROM identifier_lookup WHERE hash = :hash AND citizen_id = :citizen_id;

-- name: identity_read_by_hash
-- The facts in force of the person an identifier points at: the hot path of a returning patient.
SELECT d.citizen_id, d.version, d.full_name_sealed, d.birth_date_sealed, d.gender, d.address_sealed, d.text_quality,
    d.issue_date, d.register_time, d.create_time, d.source, d.is_birth_date_estimated, d.reading_id, d.repair_id
FROM demographic AS d WHERE d.citizen_id = (SELECT l.citizen_id FROM identifier_lookup AS l WHERE l.hash = :hash)
ORDER BY d.version DESC LIMIT 1;

-- name: identity_read_citizen
-- The facts in force of a person, by id.
SELECT d.citizen_id, d.version, d.full_name_sealed, d.birth_date_sealed, d.gender, d.address_sealed, d.text_quality,
    d.issue_date, d.register_time, d.create_time, d.source, d.is_birth_date_estimated, d.reading_id, d.repair_id
FROM demographic AS d WHERE d.citizen_id = :citizen_id ORDER BY d.version DESC LIMIT 1;

-- name: identity_read_current
-- The facts in force of whoever answers for a person: themselves, or the one their record was linked into at last.
WITH RECURSIVE chain (citizen_id) AS (
    SELECT CAST(:citizen_id AS TEXT)
    UNION ALL
    SELECT l.survivor_id FROM citizen_link AS l JOIN chain AS c ON c.citizen_id = l.citizen_id WHERE l.end_time IS NULL
)
SELECT d.citizen_id, d.version, d.full_name_sealed, d.birth_date_sealed, d.gender, d.address_sealed, d.text_quality,
    d.issue_date, d.register_time, d.create_time, d.source, d.is_birth_date_estimated, d.reading_id, d.repair_id
FROM demographic AS d WHERE d.citizen_id = (
    SELECT c.citizen_id FROM chain AS c WHERE NOT EXISTS (
        SELECT l.citizen_id FROM citizen_link AS l WHERE l.citizen_id = c.citizen_id AND l.end_time IS NULL
    )
)
ORDER BY d.version DESC LIMIT 1;

-- name: identity_list_identifiers
-- A person's numbers and those of every record linked into theirs, ended ones too, in the order they were first seen.
SELECT citizen_id, identifier_id, kind, value_sealed, assurance, start_time, end_time, source, end_reason,
    valid_from_date, valid_until_date, is_contested
FROM identifier
WHERE citizen_id IN (
    SELECT CAST(:citizen_id AS TEXT)
    UNION ALL SELECT m.member_id FROM citizen_member AS m WHERE m.citizen_id = :citizen_id
) ORDER BY identifier_id LIMIT :page_size;

-- name: identity_read_identifier
-- One number of a record.
SELECT citizen_id, identifier_id, kind, value_sealed, assurance, start_time, end_time, source, end_reason,
    valid_from_date, valid_until_date, is_contested
FROM identifier WHERE citizen_id = :citizen_id AND identifier_id = :identifier_id;

-- name: identity_newest_verification
-- A person's newest check.
SELECT citizen_id, verification_id, reading_id, facts_hash, outcome, fields, register_reference, check_time, warnings,
    degraded_reason, recheck_pending
FROM verification WHERE citizen_id = :citizen_id ORDER BY verification_id DESC LIMIT 1;

-- name: identity_newest_verification_of_facts
-- A person's newest check of the same card facts.
SELECT citizen_id, verification_id, reading_id, facts_hash, outcome, fields, register_reference, check_time, warnings,
    degraded_reason, recheck_pending
FROM verification WHERE citizen_id = :citizen_id AND facts_hash = :facts_hash ORDER BY verification_id DESC LIMIT 1;

-- name: identity_list_explained
-- A person's checks that gave a reason, newest first.
SELECT citizen_id, verification_id, reading_id, facts_hash, outcome, fields, register_reference, check_time, warnings,
    degraded_reason, recheck_pending
FROM verification WHERE citizen_id = :citizen_id AND fields LIKE :reason
ORDER BY verification_id DESC LIMIT :page_size;

-- name: identity_read_verification
-- One check.
SELECT citizen_id, verification_id, reading_id, facts_hash, outcome, fields, register_reference, check_time, warnings,
    degraded_reason, recheck_pending
FROM verification WHERE citizen_id = :citizen_id AND verification_id = :verification_id;

-- name: identity_read_reading
-- One scan.
SELECT citizen_id, reading_id, raw_text_sealed, facts_hash, facility_code, read_time FROM card_reading
WHERE citizen_id = :citizen_id AND reading_id = :reading_id;

-- name: identity_add_citizen!
-- Registers a person.
INSERT INTO citizen (citizen_id, create_time) VALUES (:citizen_id, :create_time);

-- name: identity_add_identifier!
-- Adds a number to a person.
INSERT INTO identifier (
    citizen_id, identifier_id, kind, value_sealed, assurance, start_time, end_time, source, end_reason,
    valid_from_date, valid_until_date, is_contested
) VALUES (
    :citizen_id, :identifier_id, :kind, :value_sealed, :assurance, :start_time, :end_time, :source, :end_reason,
    :valid_from_date, :valid_until_date, :is_contested
);

-- name: identity_note_identifier!
-- Notes what is known anew of a number: its assurance, dates, end, and whether another person holds it.
UPDATE identifier SET assurance = :assurance, end_time = :end_time, source = :source, end_reason = :end_reason,
    valid_from_date = :valid_from_date, valid_until_date = :valid_until_date, is_contested = :is_contested
WHERE citizen_id = :citizen_id AND identifier_id = :identifier_id;

-- name: identity_raise_assurance!
-- Notes that the register confirmed a number; never lowers it.
UPDATE identifier SET assurance = :assurance
WHERE citizen_id = :citizen_id AND identifier_id = :identifier_id AND assurance < :assurance;

-- name: identity_add_demographic!
-- Adds facts, which count from now on.
INSERT INTO demographic (
    citizen_id, version, full_name_sealed, birth_date_sealed, gender, address_sealed, text_quality, issue_date,
    reading_id, register_time, create_time, source, is_birth_date_estimated, repair_id
) VALUES (
    :citizen_id, :version, :full_name_sealed, :birth_date_sealed, :gender, :address_sealed, :text_quality,
    :issue_date, :reading_id, :register_time, :create_time, :source, :is_birth_date_estimated, :repair_id
);

-- name: identity_add_reading!
-- Keeps a scan.
INSERT INTO card_reading (citizen_id, reading_id, raw_text_sealed, facts_hash, facility_code, read_time)
VALUES (:citizen_id, :reading_id, :raw_text_sealed, :facts_hash, :facility_code, :read_time);

-- name: identity_add_verification!
-- Keeps a check.
INSERT INTO verification (
    citizen_id, verification_id, reading_id, facts_hash, outcome, fields, register_reference, check_time, warnings,
    degraded_reason, recheck_pending
) VALUES (
    :citizen_id, :verification_id, :reading_id, :facts_hash, :outcome, :fields, :register_reference, :check_time,
    :warnings, :degraded_reason, :recheck_pending
);

-- name: identity_settle_rechecks!
-- Ends the waiting of every check of the same card facts, once the register was heard on them.
UPDATE verification SET recheck_pending = 0
WHERE citizen_id = :citizen_id AND facts_hash = :facts_hash AND recheck_pending = 1;

-- name: identity_list_history
-- A person's facts over time, newest first.
SELECT citizen_id, version, full_name_sealed, birth_date_sealed, gender, address_sealed, text_quality, issue_date,
    source, is_birth_date_estimated, reading_id, repair_id
FROM demographic
WHERE citizen_id = :citizen_id ORDER BY version DESC LIMIT :page_size;

-- name: identity_read_version
-- One version of a person's facts.
SELECT citizen_id, version, full_name_sealed, birth_date_sealed, gender, address_sealed, text_quality, issue_date,
    source, is_birth_date_estimated, reading_id, repair_id
FROM demographic WHERE citizen_id = :citizen_id AND version = :version;

-- name: identity_add_alias!
-- Accepts another spelling of a person's name.
INSERT INTO name_alias (citizen_id, alias_id, name_sealed, repair_id, start_time, end_time)
VALUES (:citizen_id, :alias_id, :name_sealed, :repair_id, :start_time, NULL);

-- name: identity_list_aliases
-- The spellings accepted of a person's name.
SELECT alias_id, name_sealed, repair_id FROM name_alias WHERE citizen_id = :citizen_id AND end_time IS NULL
ORDER BY alias_id LIMIT :page_size;

-- name: identity_end_aliases!
-- Accepts the spellings of a repair no longer.
UPDATE name_alias SET end_time = :end_time
WHERE citizen_id = :citizen_id AND repair_id = :repair_id AND end_time IS NULL;

-- name: identity_add_repair!
-- Keeps an applied proposal.
INSERT INTO repair (
    citizen_id, repair_id, verification_id, field, reason, code, before_version, after_version, before_sealed,
    after_sealed, apply_subject, apply_time, undo_subject, undo_time
) VALUES (
    :citizen_id, :repair_id, :verification_id, :field, :reason, :code, :before_version, :after_version,
    :before_sealed, :after_sealed, :apply_subject, :apply_time, '', NULL
);

-- name: identity_undo_repair!
-- Notes who took a repair back, once.
UPDATE repair SET undo_subject = :undo_subject, undo_time = :undo_time
WHERE citizen_id = :citizen_id AND repair_id = :repair_id AND undo_time IS NULL;

-- name: identity_read_repair
-- One repair.
SELECT citizen_id, repair_id, verification_id, field, reason, code, before_version, after_version, before_sealed,
    after_sealed, apply_subject, apply_time, undo_subject, undo_time
FROM repair WHERE citizen_id = :citizen_id AND repair_id = :repair_id;

-- name: identity_list_repairs
-- A person's repairs, newest first, a page before a repair.
SELECT citizen_id, repair_id, verification_id, field, reason, code, before_version, after_version, before_sealed,
    after_sealed, apply_subject, apply_time, undo_subject, undo_time
FROM repair WHERE citizen_id = :citizen_id AND repair_id < :before_id ORDER BY repair_id DESC LIMIT :page_size;

-- name: identity_list_settled
-- What a person decided about these card facts: fields and reasons of the repairs in force.
SELECT r.field, r.reason, r.code FROM repair AS r JOIN verification AS v
    ON v.citizen_id = r.citizen_id AND v.verification_id = r.verification_id
WHERE r.citizen_id = :citizen_id AND v.facts_hash = :facts_hash AND r.undo_time IS NULL LIMIT :page_size;

-- name: identity_add_temporary!
-- Notes that a person is registered without knowing who they are.
INSERT INTO temporary_identity (
    citizen_id, temporary_kind, identifier_id, facility_code, mother_citizen_id, notice_due_time, create_time,
    replace_time, real_citizen_id
) VALUES (
    :citizen_id, :temporary_kind, :identifier_id, :facility_code, :mother_citizen_id, :notice_due_time, :create_time,
    NULL, ''
);

-- name: identity_read_temporary
-- The temporary identity of a record.
SELECT citizen_id, temporary_kind, identifier_id, facility_code, mother_citizen_id, notice_due_time, create_time,
    replace_time, real_citizen_id
FROM temporary_identity WHERE citizen_id = :citizen_id;

-- name: identity_replace_temporary!
-- Notes who a temporary person really is, once.
UPDATE temporary_identity SET replace_time = :replace_time, real_citizen_id = :real_citizen_id
WHERE citizen_id = :citizen_id AND replace_time IS NULL;
