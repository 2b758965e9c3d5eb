-- name: test_list_cases
-- Every case, in the order they were opened.
SELECT cause, state, seen_count FROM quality_case ORDER BY open_time;

-- name: test_dump_chips
-- Everything that is kept of chip readings.
SELECT citizen_id, chip_reading_id, outcome, fault, fault_group, groups_read, signer_fingerprint, issuer_fingerprint,
    warnings, content_hash, consent_reference, facility_code, verification_id, read_time FROM chip_reading;
