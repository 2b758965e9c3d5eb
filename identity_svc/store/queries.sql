-- name: identity_find_owner
-- Whom an identifier points at.
SELECT citizen_id FROM identifier_lookup WHERE hash = :hash;

-- name: identity_claim_lookup!
-- Points an identifier at a person unless it points at somebody already; tells by the count of changed rows.
-- An insert and not a look-up first: two clerks with one new card at one instant must make one citizen.
INSERT INTO identifier_lookup (hash, citizen_id) VALUES (:hash, :citizen_id) ON CONFLICT (hash) DO NOTHING;

-- name: identity_read_by_hash
-- The facts in force of the person an identifier points at: the hot path of a returning patient.
SELECT d.citizen_id, d.version, d.full_name_sealed, d.birth_date_sealed, d.gender, d.address_sealed, d.text_quality,
    d.issue_date, d.register_time, d.create_time
FROM demographic AS d WHERE d.citizen_id = (SELECT l.citizen_id FROM identifier_lookup AS l WHERE l.hash = :hash)
ORDER BY d.version DESC LIMIT 1;

-- name: identity_read_citizen
-- The facts in force of a person, by id.
SELECT d.citizen_id, d.version, d.full_name_sealed, d.birth_date_sealed, d.gender, d.address_sealed, d.text_quality,
    d.issue_date, d.register_time, d.create_time
FROM demographic AS d WHERE d.citizen_id = :citizen_id ORDER BY d.version DESC LIMIT 1;

-- name: identity_list_identifiers
-- A person's numbers.
SELECT citizen_id, identifier_id, kind, value_sealed, assurance, start_time, end_time FROM identifier
WHERE citizen_id = :citizen_id ORDER BY identifier_id LIMIT :page_size;

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
INSERT INTO identifier (citizen_id, identifier_id, kind, value_sealed, assurance, start_time, end_time)
VALUES (:citizen_id, :identifier_id, :kind, :value_sealed, :assurance, :start_time, :end_time);

-- name: identity_raise_assurance!
-- Notes that the register confirmed a number; never lowers it.
UPDATE identifier SET assurance = :assurance
WHERE citizen_id = :citizen_id AND identifier_id = :identifier_id AND assurance < :assurance;

-- name: identity_add_demographic!
-- Adds facts, which count from now on.
INSERT INTO demographic (
    citizen_id, version, full_name_sealed, birth_date_sealed, gender, address_sealed, text_quality, issue_date,
    reading_id, register_time, create_time
) VALUES (
    :citizen_id, :version, :full_name_sealed, :birth_date_sealed, :gender, :address_sealed, :text_quality,
    :issue_date, :reading_id, :register_time, :create_time
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
SELECT citizen_id, version, full_name_sealed, birth_date_sealed, gender, address_sealed, text_quality, issue_date
FROM demographic
WHERE citizen_id = :citizen_id ORDER BY version DESC LIMIT :page_size;
