-- name: dump_citizen
-- All rows, for comparing.
SELECT * FROM citizen ORDER BY citizen_id;

-- name: dump_identifier_lookup
-- All rows, for comparing.
SELECT * FROM identifier_lookup ORDER BY hash;

-- name: dump_identifier
-- All rows, for comparing.
SELECT * FROM identifier ORDER BY citizen_id, identifier_id;

-- name: dump_demographic
-- All rows, for comparing.
SELECT * FROM demographic ORDER BY citizen_id, version;

-- name: dump_card_reading
-- All rows, for comparing.
SELECT * FROM card_reading ORDER BY citizen_id, reading_id;

-- name: dump_chip_reading
-- All rows, for comparing.
SELECT * FROM chip_reading ORDER BY citizen_id, chip_reading_id;

-- name: dump_verification
-- All rows, for comparing.
SELECT * FROM verification ORDER BY citizen_id, verification_id;

-- name: dump_name_alias
-- All rows, for comparing.
SELECT * FROM name_alias ORDER BY citizen_id, alias_id;

-- name: dump_repair
-- All rows, for comparing.
SELECT * FROM repair ORDER BY citizen_id, repair_id;

-- name: dump_temporary_identity
-- All rows, for comparing.
SELECT * FROM temporary_identity ORDER BY citizen_id;

-- name: dump_residence
-- All rows, for comparing.
SELECT * FROM residence ORDER BY citizen_id, version;

-- name: dump_consent
-- All rows, for comparing.
SELECT * FROM consent ORDER BY citizen_id, consent_id;

-- name: dump_delegation
-- All rows, for comparing.
SELECT * FROM delegation ORDER BY citizen_id, delegation_id;

-- name: dump_representation
-- All rows, for comparing.
SELECT * FROM representation ORDER BY citizen_id, delegation_id;

-- name: dump_account
-- All rows, for comparing.
SELECT * FROM account ORDER BY citizen_id, account_id;

-- name: dump_correction
-- All rows, for comparing.
SELECT * FROM correction ORDER BY citizen_id, correction_id;

-- name: dump_match_profile
-- All rows, for comparing.
SELECT * FROM match_profile ORDER BY citizen_id;

-- name: dump_match_block_lookup
-- All rows, for comparing.
SELECT * FROM match_block_lookup ORDER BY key_hash, citizen_id;

-- name: dump_citizen_member
-- All rows, for comparing.
SELECT * FROM citizen_member ORDER BY citizen_id, member_id;
