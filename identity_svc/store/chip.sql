-- name: chip_add_reading!
-- Keeps the verdict about a chip.
INSERT INTO chip_reading (citizen_id, chip_reading_id, outcome, fault, fault_group, groups_read, signer_fingerprint,
    issuer_fingerprint, warnings, content_hash, consent_reference, facility_code, verification_id, read_time)
VALUES (:citizen_id, :chip_reading_id, :outcome, :fault, :fault_group, :groups_read, :signer_fingerprint,
    :issuer_fingerprint, :warnings, :content_hash, :consent_reference, :facility_code, :verification_id, :read_time);

-- name: chip_read_reading
-- One verdict.
SELECT citizen_id, chip_reading_id, outcome, fault, fault_group, groups_read, signer_fingerprint, issuer_fingerprint,
    warnings, content_hash, consent_reference, facility_code, verification_id, read_time FROM chip_reading
WHERE citizen_id = :citizen_id AND chip_reading_id = :chip_reading_id;

-- name: chip_list_readings
-- A page of a person's verdicts, newest first: ids grow with time.
SELECT citizen_id, chip_reading_id, outcome, fault, fault_group, groups_read, signer_fingerprint, issuer_fingerprint,
    warnings, content_hash, consent_reference, facility_code, verification_id, read_time FROM chip_reading
WHERE citizen_id = :citizen_id AND chip_reading_id < :before_id ORDER BY chip_reading_id DESC LIMIT :page_size;
