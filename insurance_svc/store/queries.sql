-- name: visit_read
-- The citizen and the newest rows of a visit.
SELECT visit_id, facility, citizen_id, check_count, coverage_id, split_count, split_citizen_id, split_id
FROM coverage_by_visit_lookup WHERE visit_id = :visit_id;

-- name: visit_save!
-- Points a visit to its newest rows.
INSERT INTO coverage_by_visit_lookup (
    visit_id, facility, citizen_id, check_count, coverage_id, split_count, split_citizen_id, split_id
) VALUES (
    :visit_id, :facility, :citizen_id, :check_count, :coverage_id, :split_count, :split_citizen_id, :split_id
)
ON CONFLICT (visit_id) DO UPDATE SET
    citizen_id = excluded.citizen_id, check_count = excluded.check_count, coverage_id = excluded.coverage_id,
    split_count = excluded.split_count, split_citizen_id = excluded.split_citizen_id, split_id = excluded.split_id;

-- name: coverage_add!
-- Keeps a coverage.
INSERT INTO coverages (
    citizen_id, coverage_id, visit_id, facility, service_date, check_number, outcome, portal_code, degraded_reason,
    needs_recheck, detail, as_of_time, create_time, moment
) VALUES (
    :citizen_id, :coverage_id, :visit_id, :facility, :service_date, :check_number, :outcome, :portal_code,
    :degraded_reason, :needs_recheck, :detail, :as_of_time, :create_time, :moment
);

-- name: coverage_read
-- One coverage.
SELECT citizen_id, coverage_id, visit_id, facility, service_date, check_number, outcome, portal_code, degraded_reason,
    needs_recheck, detail, as_of_time, moment
FROM coverages WHERE citizen_id = :citizen_id AND coverage_id = :coverage_id;

-- name: evidence_add!
-- Keeps one call to the portal.
INSERT INTO evidence (
    citizen_id, evidence_id, visit_id, coverage_id, request_form, portal_code, failure_reason, send_time, receive_time,
    reply_sha256, reply, caller, moment, exchange_id, sent_bytes
) VALUES (
    :citizen_id, :evidence_id, :visit_id, :coverage_id, :request_form, :portal_code, :failure_reason, :send_time,
    :receive_time, :reply_sha256, :reply, :caller, :moment, :exchange_id, :sent_bytes
);

-- name: evidence_read
-- One call with its sealed reply.
SELECT evidence_id, visit_id, moment, request_form, portal_code, failure_reason, send_time, receive_time, reply_sha256,
    reply, exchange_id, sent_bytes, caller
FROM evidence WHERE citizen_id = :citizen_id AND evidence_id = :evidence_id AND visit_id = :visit_id;

-- name: evidence_of_visit
-- The calls of a visit, oldest first, without replies.
SELECT evidence_id, visit_id, coverage_id, moment, request_form, portal_code, failure_reason, send_time, receive_time,
    reply_sha256, exchange_id, caller
FROM evidence WHERE citizen_id = :citizen_id AND visit_id = :visit_id
ORDER BY send_time, evidence_id LIMIT :page_size;

-- name: evidence_count
-- How many calls of a visit are kept.
SELECT COUNT(*) AS evidence_count FROM evidence WHERE citizen_id = :citizen_id AND visit_id = :visit_id;

-- name: split_add!
-- Keeps a split.
INSERT INTO splits (
    citizen_id, split_id, visit_id, facility, coverage_id, split_number, rule_id, is_provisional, total_vnd, fund_vnd,
    patient_vnd, other_funding_vnd, detail, create_time
) VALUES (
    :citizen_id, :split_id, :visit_id, :facility, :coverage_id, :split_number, :rule_id, :is_provisional, :total_vnd,
    :fund_vnd, :patient_vnd, :other_funding_vnd, :detail, :create_time
);

-- name: split_read
-- One split.
SELECT citizen_id, split_id, visit_id, facility, coverage_id, split_number, total_vnd, fund_vnd, patient_vnd,
    other_funding_vnd, detail, create_time
FROM splits WHERE citizen_id = :citizen_id AND split_id = :split_id;
