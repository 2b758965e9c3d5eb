-- name: evidence_whole_visit
-- The calls of a visit with what was sent and what came, oldest first.
SELECT evidence_id, visit_id, moment, request_form, portal_code, failure_reason, send_time, receive_time, reply_sha256,
    reply, exchange_id, sent_bytes, caller
FROM evidence WHERE citizen_id = :citizen_id AND visit_id = :visit_id
ORDER BY send_time, evidence_id LIMIT :page_size;

-- name: evidence_card_details
-- The newest coverages of a citizen in which a card was told, for further numbers to ask with.
SELECT coverage_id, detail FROM coverages
WHERE citizen_id = :citizen_id AND outcome IN ('VALID', 'VALID_MANUAL', 'CARD_CHANGED')
ORDER BY coverage_id DESC LIMIT :page_size;

-- name: evidence_correction_add!
-- Keeps a notice of what a look-up changed.
INSERT INTO corrections (
    citizen_id, correction_id, visit_id, facility, cause, before_coverage_id, coverage_id, before_outcome, outcome,
    before_patient_vnd, patient_vnd, create_time
) VALUES (
    :citizen_id, :correction_id, :visit_id, :facility, :cause, :before_coverage_id, :coverage_id, :before_outcome,
    :outcome, :before_patient_vnd, :patient_vnd, :create_time
);

-- name: evidence_corrections_of_facility
-- A page of a facility's notices, newest first; a page begins before the key of the last one.
SELECT citizen_id, correction_id, visit_id, facility, cause, before_coverage_id, coverage_id, before_outcome, outcome,
    before_patient_vnd, patient_vnd, create_time
FROM corrections
WHERE facility = :facility AND (create_time, correction_id) < (:create_time, :correction_id)
ORDER BY create_time DESC, correction_id DESC LIMIT :page_size;

-- name: evidence_corrections_of_visit
-- A page of a visit's notices, newest first.
SELECT citizen_id, correction_id, visit_id, facility, cause, before_coverage_id, coverage_id, before_outcome, outcome,
    before_patient_vnd, patient_vnd, create_time
FROM corrections
WHERE citizen_id = :citizen_id AND visit_id = :visit_id
    AND (create_time, correction_id) < (:create_time, :correction_id)
ORDER BY create_time DESC, correction_id DESC LIMIT :page_size;

-- name: evidence_export_add!
-- Keeps what an export was made of.
INSERT INTO evidence_exports (
    citizen_id, export_id, visit_id, facility, format, coverage_id, evidence_sha256, detail, caller, create_time
) VALUES (
    :citizen_id, :export_id, :visit_id, :facility, :format, :coverage_id, :evidence_sha256, :detail, :caller,
    :create_time
);

-- name: evidence_export_read
-- What an export was made of.
SELECT export_id, visit_id, facility, format, coverage_id, evidence_sha256, detail, caller, create_time
FROM evidence_exports WHERE citizen_id = :citizen_id AND export_id = :export_id;

-- name: evidence_copayments_add!
-- Keeps what the portal published about copayments.
INSERT INTO copayments (
    citizen_id, copayment_id, visit_id, evidence_id, portal_code, doubt, detail, as_of_time
) VALUES (
    :citizen_id, :copayment_id, :visit_id, :evidence_id, :portal_code, :doubt, :detail, :as_of_time
);

-- name: evidence_copayments_newest
-- What the portal last published for a visit.
SELECT copayment_id, visit_id, evidence_id, portal_code, doubt, detail, as_of_time
FROM copayments WHERE citizen_id = :citizen_id AND visit_id = :visit_id
ORDER BY copayment_id DESC LIMIT 1;

-- name: evidence_copayments_read
-- One answer about copayments.
SELECT copayment_id, visit_id, evidence_id, portal_code, doubt, detail, as_of_time
FROM copayments WHERE citizen_id = :citizen_id AND copayment_id = :copayment_id;
