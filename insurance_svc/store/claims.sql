-- name: claim_place
-- The claim of a visit.
SELECT visit_id, facility, citizen_id, claim_id FROM claim_by_visit_lookup WHERE visit_id = :visit_id;

-- name: claim_place_add!
-- Points a visit to its claim.
INSERT INTO claim_by_visit_lookup (visit_id, facility, citizen_id, claim_id)
VALUES (:visit_id, :facility, :citizen_id, :claim_id);

-- name: claim_link_add!
-- Points a link number to its claim.
INSERT INTO claim_by_link_lookup (link_hash, citizen_id, claim_id) VALUES (:link_hash, :citizen_id, :claim_id);

-- name: claim_link
-- The claim behind a link number.
SELECT citizen_id, claim_id FROM claim_by_link_lookup WHERE link_hash = :link_hash;

-- name: claim_add!
-- Keeps a claim.
INSERT INTO claims (
    citizen_id, claim_id, visit_id, facility, link, month, state, states, version, counted_version, counted_month,
    counted_hundredths, create_time, update_time
) VALUES (
    :citizen_id, :claim_id, :visit_id, :facility, :link, :month, :state, :states, :version, :counted_version,
    :counted_month, :counted_hundredths, :create_time, :update_time
);

-- name: claim_change!
-- Says where a claim stands now, unless somebody moved it meanwhile.
UPDATE claims SET month = :month, state = :state, states = :states, version = :version,
    counted_version = :counted_version, counted_month = :counted_month, counted_hundredths = :counted_hundredths,
    update_time = :update_time
WHERE citizen_id = :citizen_id AND claim_id = :claim_id AND states = :states_before;

-- name: claim_read
-- One claim.
SELECT citizen_id, claim_id, visit_id, facility, link, month, states, counted_hundredths, create_time, update_time
FROM claims WHERE citizen_id = :citizen_id AND claim_id = :claim_id;

-- name: claim_list
-- A page of a facility's claims, newest change first.
SELECT citizen_id, claim_id, visit_id, facility, link, month, states, counted_hundredths, create_time, update_time
FROM claims
WHERE facility = :facility AND (update_time, claim_id) < (:before_time, :before_id)
    AND (:state = '' OR state = :state) AND (:month = '' OR month = :month)
ORDER BY update_time DESC, claim_id DESC LIMIT :page_size;

-- name: claim_version_add!
-- Keeps a version.
INSERT INTO claim_versions (
    citizen_id, claim_id, version, schema_version, month, split_id, coverage_id, total_hundredths, covered_hundredths,
    fund_hundredths, fund_vnd, lack_count, facts_sha256, file_sha256, file, detail, caller, create_time
) VALUES (
    :citizen_id, :claim_id, :version, :schema_version, :month, :split_id, :coverage_id, :total_hundredths,
    :covered_hundredths, :fund_hundredths, :fund_vnd, :lack_count, :facts_sha256, :file_sha256, :file, :detail, :caller,
    :create_time
);

-- name: claim_version_read
-- One version with its bytes.
SELECT citizen_id, claim_id, version, schema_version, month, split_id, coverage_id, total_hundredths, covered_hundredths,
    fund_hundredths, fund_vnd, facts_sha256, file_sha256, file, detail, caller, create_time
FROM claim_versions WHERE citizen_id = :citizen_id AND claim_id = :claim_id AND version = :version;

-- name: claim_version_amounts
-- Month and amount of one version.
SELECT month, fund_hundredths FROM claim_versions
WHERE citizen_id = :citizen_id AND claim_id = :claim_id AND version = :version;

-- name: claim_versions_of
-- The versions of a claim without their bytes, oldest first.
SELECT citizen_id, claim_id, version, schema_version, month, split_id, coverage_id, total_hundredths, covered_hundredths,
    fund_hundredths, fund_vnd, facts_sha256, file_sha256, detail, caller, create_time
FROM claim_versions WHERE citizen_id = :citizen_id AND claim_id = :claim_id ORDER BY version;

-- name: claim_event_number
-- Number of the newest event of a claim.
SELECT COALESCE(MAX(number), 0) AS number FROM claim_events WHERE citizen_id = :citizen_id AND claim_id = :claim_id;

-- name: claim_event_add!
-- Keeps what happened to a version.
INSERT INTO claim_events (citizen_id, claim_id, number, version, state, reason, actor, event_time)
VALUES (:citizen_id, :claim_id, :number, :version, :state, :reason, :actor, :event_time);

-- name: claim_events_of
-- What happened to a claim, oldest first.
SELECT number, version, state, reason, actor, event_time
FROM claim_events WHERE citizen_id = :citizen_id AND claim_id = :claim_id ORDER BY number LIMIT :page_size;

-- name: claim_submission_add!
-- Keeps a file handed over for sending.
INSERT INTO claim_submissions (
    citizen_id, submission_id, kind, visit_id, facility, claim_id, version, state, is_signed, file_sha256, file,
    total_hundredths, send_count, first_send_time, last_send_time, answer_time, transaction_number, portal_code,
    failure_reason, detail, create_time, update_time
) VALUES (
    :citizen_id, :submission_id, :kind, :visit_id, :facility, :claim_id, :version, :state, :is_signed, :file_sha256,
    :file, :total_hundredths, :send_count, :first_send_time, :last_send_time, :answer_time, :transaction_number,
    :portal_code, :failure_reason, :detail, :create_time, :update_time
);

-- name: claim_submission_change!
-- Says what became of a submission.
UPDATE claim_submissions SET state = :state, send_count = :send_count, first_send_time = :first_send_time,
    last_send_time = :last_send_time, answer_time = :answer_time, transaction_number = :transaction_number,
    portal_code = :portal_code, failure_reason = :failure_reason, detail = :detail, update_time = :update_time
WHERE citizen_id = :citizen_id AND submission_id = :submission_id;

-- name: claim_submission_read
-- One submission with its bytes.
SELECT citizen_id, submission_id, kind, visit_id, facility, claim_id, version, state, is_signed, file_sha256, file,
    total_hundredths, send_count, first_send_time, last_send_time, answer_time, transaction_number, portal_code,
    failure_reason, detail, create_time, update_time
FROM claim_submissions WHERE citizen_id = :citizen_id AND submission_id = :submission_id;

-- name: claim_submissions_of
-- The submissions of a visit without their bytes, oldest first.
SELECT citizen_id, submission_id, kind, visit_id, facility, claim_id, version, state, is_signed, file_sha256,
    total_hundredths, send_count, first_send_time, last_send_time, answer_time, transaction_number, portal_code,
    failure_reason, detail, create_time, update_time
FROM claim_submissions WHERE citizen_id = :citizen_id AND visit_id = :visit_id
ORDER BY create_time, submission_id;

-- name: claim_transactions
-- Transaction numbers of a facility's files sent from a moment on, but not of one of them.
SELECT transaction_number FROM claim_submissions
WHERE facility = :facility AND last_send_time >= :from_time AND transaction_number <> ''
    AND submission_id <> :submission_id;

-- name: claim_rivals
-- How many other files of a facility with the same total have no known fate.
SELECT COUNT(*) AS rival_count FROM claim_submissions
WHERE facility = :facility AND last_send_time >= :from_time AND kind = 'CLAIM' AND state IN ('SENT', 'UNKNOWN')
    AND total_hundredths = :total_hundredths AND submission_id <> :submission_id;

-- name: claim_unconfirmed
-- Accepted claims sent between two moments that were not looked for among the receipts yet, a page by id.
SELECT citizen_id, submission_id, transaction_number FROM claim_submissions
WHERE facility = :facility AND last_send_time >= :from_time AND last_send_time < :to_time
    AND kind = 'CLAIM' AND state = 'ACCEPTED' AND is_confirmed = 0 AND submission_id > :after_id
ORDER BY submission_id LIMIT :page_size;

-- name: claim_unconfirmed_facilities
-- Facilities with such claims.
SELECT DISTINCT facility FROM claim_submissions
WHERE last_send_time >= :from_time AND kind = 'CLAIM' AND state = 'ACCEPTED' AND is_confirmed = 0;

-- name: claim_confirm!
-- Says that a claim was looked for among the receipts.
UPDATE claim_submissions SET is_confirmed = 1 WHERE citizen_id = :citizen_id AND submission_id = :submission_id;

-- name: claim_work_item_add!
-- Keeps a work item.
INSERT INTO claim_work_items (
    citizen_id, work_item_id, visit_id, facility, claim_id, version, cause, portal_code, resolution, resolver, detail,
    open_time, resolve_time
) VALUES (
    :citizen_id, :work_item_id, :visit_id, :facility, :claim_id, :version, :cause, :portal_code, :resolution, :resolver,
    :detail, :open_time, :resolve_time
);

-- name: claim_work_item_name!
-- Makes a work item findable by its name.
INSERT INTO claim_work_item_lookup (work_item_id, citizen_id) VALUES (:work_item_id, :citizen_id);

-- name: claim_work_item_change!
-- Ends or renews a work item.
UPDATE claim_work_items SET version = :version, portal_code = :portal_code, resolution = :resolution,
    resolver = :resolver, detail = :detail, resolve_time = :resolve_time
WHERE citizen_id = :citizen_id AND work_item_id = :work_item_id;

-- name: claim_work_item_place
-- Whose a work item is.
SELECT citizen_id FROM claim_work_item_lookup WHERE work_item_id = :work_item_id;

-- name: claim_work_item_read
-- One work item.
SELECT citizen_id, work_item_id, visit_id, facility, claim_id, version, cause, portal_code, resolution, resolver, detail,
    open_time, resolve_time
FROM claim_work_items WHERE citizen_id = :citizen_id AND work_item_id = :work_item_id;

-- name: claim_work_items_open
-- The open work items of a visit.
SELECT citizen_id, work_item_id, visit_id, facility, claim_id, version, cause, portal_code, resolution, resolver, detail,
    open_time, resolve_time
FROM claim_work_items WHERE citizen_id = :citizen_id AND visit_id = :visit_id AND resolution = ''
ORDER BY open_time, work_item_id;

-- name: claim_work_item_list
-- A page of a facility's work items, oldest first.
SELECT citizen_id, work_item_id, visit_id, facility, claim_id, version, cause, portal_code, resolution, resolver, detail,
    open_time, resolve_time
FROM claim_work_items
WHERE facility = :facility AND (open_time, work_item_id) > (:after_time, :after_id)
    AND (:show_resolved = 1 OR resolution = '') AND (:cause = '' OR cause = :cause)
ORDER BY open_time, work_item_id LIMIT :page_size;

-- name: claim_settlement_add!
-- Keeps a result file; the same again changes nothing.
INSERT INTO claim_settlements (
    settlement_id, facility, month, file_sha256, line_count, unmatched_count, repeated_count, caller, create_time
) VALUES (
    :settlement_id, :facility, :month, :file_sha256, :line_count, :unmatched_count, :repeated_count, :caller,
    :create_time
) ON CONFLICT (settlement_id) DO NOTHING;

-- name: claim_settlement_read
-- One result file.
SELECT settlement_id, facility, month, file_sha256, line_count, unmatched_count, repeated_count, caller, create_time
FROM claim_settlements WHERE settlement_id = :settlement_id;

-- name: claim_settlement_newest
-- The result file of a month that counts.
SELECT settlement_id, facility, month, file_sha256, line_count, unmatched_count, repeated_count, caller, create_time
FROM claim_settlements WHERE facility = :facility AND month = :month
ORDER BY create_time DESC, settlement_id DESC LIMIT 1;

-- name: claim_settlement_line_add!
-- Keeps a result; the same again changes nothing.
INSERT INTO claim_settlement_lines (
    citizen_id, settlement_id, line_number, claim_id, visit_id, claimed_hundredths, accepted_hundredths, detail
) VALUES (
    :citizen_id, :settlement_id, :line_number, :claim_id, :visit_id, :claimed_hundredths, :accepted_hundredths, :detail
) ON CONFLICT (citizen_id, settlement_id, line_number) DO NOTHING;

-- name: claim_settled
-- What the newest result file that names a claim accepts of it.
SELECT lines.accepted_hundredths FROM claim_settlement_lines AS lines
JOIN claim_settlements AS files ON files.settlement_id = lines.settlement_id
WHERE lines.citizen_id = :citizen_id AND lines.claim_id = :claim_id
ORDER BY files.create_time DESC, files.settlement_id DESC LIMIT 1;

-- name: claim_month_totals
-- What a facility's month claims, and what a result file says to it.
SELECT COUNT(*) AS claimed_count, CAST(COALESCE(SUM(claims.counted_hundredths), 0) AS BIGINT) AS claimed_hundredths,
    COUNT(lines.claim_id) AS told_count,
    CAST(COALESCE(SUM(lines.accepted_hundredths), 0) AS BIGINT) AS accepted_hundredths,
    CAST(COALESCE(SUM(CASE WHEN lines.claim_id IS NULL THEN claims.counted_hundredths ELSE 0 END), 0) AS BIGINT)
        AS untold_hundredths
FROM claims LEFT JOIN claim_settlement_lines AS lines
    ON lines.citizen_id = claims.citizen_id AND lines.claim_id = claims.claim_id
    AND lines.settlement_id = :settlement_id
WHERE claims.facility = :facility AND claims.counted_month = :month;

-- name: claim_month_differences
-- Claims of a month that a result file does not accept as claimed, a page by claim.
SELECT claims.citizen_id, claims.claim_id, claims.visit_id, claims.link, claims.counted_hundredths,
    lines.line_number, lines.accepted_hundredths, lines.detail
FROM claims LEFT JOIN claim_settlement_lines AS lines
    ON lines.citizen_id = claims.citizen_id AND lines.claim_id = claims.claim_id
    AND lines.settlement_id = :settlement_id
WHERE claims.facility = :facility AND claims.counted_month = :month AND claims.claim_id > :after_id
    AND (lines.claim_id IS NULL OR lines.accepted_hundredths <> claims.counted_hundredths)
ORDER BY claims.claim_id LIMIT :page_size;

-- name: claim_month_foreign
-- Results of a file that name no claim counting in the month, a page by line.
SELECT lines.citizen_id, lines.claim_id, lines.visit_id, lines.line_number, lines.accepted_hundredths, lines.detail
FROM claim_settlement_lines AS lines LEFT JOIN claims
    ON claims.citizen_id = lines.citizen_id AND claims.claim_id = lines.claim_id AND claims.counted_month = :month
WHERE lines.settlement_id = :settlement_id AND lines.line_number > :after_number AND claims.claim_id IS NULL
ORDER BY lines.line_number LIMIT :page_size;

-- name: claim_month_foreign_total
-- What a file accepts for link numbers that are no claim of the month.
SELECT CAST(COALESCE(SUM(lines.accepted_hundredths), 0) AS BIGINT) AS foreign_hundredths
FROM claim_settlement_lines AS lines LEFT JOIN claims
    ON claims.citizen_id = lines.citizen_id AND claims.claim_id = lines.claim_id AND claims.counted_month = :month
WHERE lines.settlement_id = :settlement_id AND claims.claim_id IS NULL;
