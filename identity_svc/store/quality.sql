-- name: quality_open_or_see
-- Opens a case, or counts a sighting of the open one: the partial unique index decides, so a storm opens one.
-- An empty ward_code is filled from the newest settled residence; a closed case of the same doubt is pointed at.
INSERT INTO quality_case (citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence,
    seen_count, open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id)
VALUES (:citizen_id, :case_id, :cause, :other_citizen_id, :field, 'OPEN', :facility_code,
    COALESCE(NULLIF(:ward_code, ''), (
        SELECT CASE WHEN r.kind IN ('KEPT', 'MERGED', 'CHOSEN') THEN r.ward_code ELSE '' END
        FROM residence AS r WHERE r.citizen_id = :citizen_id ORDER BY r.version DESC LIMIT 1
    ), ''),
    :evidence, 1, :now, :now, '', '', NULL,
    COALESCE((
        SELECT c.case_id FROM quality_case AS c
        WHERE c.citizen_id = :citizen_id AND c.cause = :cause AND c.other_citizen_id = :other_citizen_id
          AND c.field = :field AND c.close_time IS NOT NULL
        ORDER BY c.close_time DESC, c.case_id DESC LIMIT 1
    ), ''))
ON CONFLICT (citizen_id, cause, other_citizen_id, field) WHERE state IN ('OPEN', 'ASSIGNED')
DO UPDATE SET seen_count = quality_case.seen_count + 1, last_seen_time = excluded.last_seen_time,
    evidence = excluded.evidence
RETURNING case_id, seen_count;

-- name: quality_read_case
-- One case.
SELECT citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence, seen_count,
    open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id
FROM quality_case WHERE citizen_id = :citizen_id AND case_id = :case_id;

-- name: quality_open_cases_of
-- A person's open cases.
SELECT citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence, seen_count,
    open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id
FROM quality_case WHERE citizen_id = :citizen_id AND state IN ('OPEN', 'ASSIGNED')
ORDER BY case_id LIMIT :page_size;

-- name: quality_open_cases_of_other
-- The open cases in which a person is the second of a pair.
SELECT citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence, seen_count,
    open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id
FROM quality_case WHERE other_citizen_id = :citizen_id AND state IN ('OPEN', 'ASSIGNED')
ORDER BY case_id LIMIT :page_size;

-- name: quality_set_state!
-- Moves a case; the state it was read in must still hold.
UPDATE quality_case SET state = :state, assignee = :assignee, resolution = :resolution, close_time = :close_time
WHERE citizen_id = :citizen_id AND case_id = :case_id AND state IN ('OPEN', 'ASSIGNED');

-- name: quality_add_event!
-- Adds a step to a case's history.
INSERT INTO quality_case_event (citizen_id, case_id, seq, step, actor, code, note_sealed, event_time)
VALUES (:citizen_id, :case_id, (
        SELECT COUNT(*) + 1 FROM quality_case_event AS e WHERE e.citizen_id = :citizen_id AND e.case_id = :case_id
    ), :step, :actor, :code, :note_sealed, :event_time);

-- name: quality_list_events
-- The history of a case, oldest first.
SELECT seq, step, actor, code, note_sealed, event_time FROM quality_case_event
WHERE citizen_id = :citizen_id AND case_id = :case_id ORDER BY seq LIMIT :page_size;

-- name: quality_list_open
-- The open queue, oldest first.
SELECT citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence, seen_count,
    open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id
FROM quality_case
WHERE state IN ('OPEN', 'ASSIGNED') AND open_time > :after_time AND open_time <= :until_time
  AND (open_time, case_id) > (:page_time, :page_id) AND (:state = '' OR state = :state)
ORDER BY open_time, case_id LIMIT :page_size;

-- name: quality_list_open_by_ward
-- The open queue of a commune.
SELECT citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence, seen_count,
    open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id
FROM quality_case
WHERE ward_code = :ward_code AND state IN ('OPEN', 'ASSIGNED') AND open_time > :after_time AND open_time <= :until_time
  AND (open_time, case_id) > (:page_time, :page_id) AND (:state = '' OR state = :state)
  AND (:cause = '' OR cause = :cause) AND (:facility_code = '' OR facility_code = :facility_code)
  AND (:assignee = '' OR assignee = :assignee)
ORDER BY open_time, case_id LIMIT :page_size;

-- name: quality_list_open_by_facility
-- The open queue of a facility.
SELECT citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence, seen_count,
    open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id
FROM quality_case
WHERE facility_code = :facility_code AND state IN ('OPEN', 'ASSIGNED') AND open_time > :after_time
  AND open_time <= :until_time AND (open_time, case_id) > (:page_time, :page_id) AND (:state = '' OR state = :state)
  AND (:cause = '' OR cause = :cause) AND (:assignee = '' OR assignee = :assignee)
ORDER BY open_time, case_id LIMIT :page_size;

-- name: quality_list_open_by_assignee
-- What a steward has taken.
SELECT citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence, seen_count,
    open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id
FROM quality_case
WHERE assignee = :assignee AND state IN ('OPEN', 'ASSIGNED') AND open_time > :after_time AND open_time <= :until_time
  AND (open_time, case_id) > (:page_time, :page_id) AND (:state = '' OR state = :state)
  AND (:cause = '' OR cause = :cause)
ORDER BY open_time, case_id LIMIT :page_size;

-- name: quality_list_open_by_cause
-- The open queue of a cause.
SELECT citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence, seen_count,
    open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id
FROM quality_case
WHERE cause = :cause AND state IN ('OPEN', 'ASSIGNED') AND open_time > :after_time AND open_time <= :until_time
  AND (open_time, case_id) > (:page_time, :page_id) AND (:state = '' OR state = :state)
ORDER BY open_time, case_id LIMIT :page_size;

-- name: quality_list_closed
-- Cases that ended in one way, oldest first.
SELECT citizen_id, case_id, cause, other_citizen_id, field, state, facility_code, ward_code, evidence, seen_count,
    open_time, last_seen_time, assignee, resolution, close_time, earlier_case_id
FROM quality_case
WHERE state IN ('RESOLVED', 'DISMISSED') AND state = :state AND open_time > :after_time AND open_time <= :until_time
  AND (open_time, case_id) > (:page_time, :page_id)
  AND (:cause = '' OR cause = :cause) AND (:facility_code = '' OR facility_code = :facility_code)
  AND (:assignee = '' OR assignee = :assignee) AND (:ward_code = '' OR ward_code = :ward_code)
ORDER BY open_time, case_id LIMIT :page_size;

-- name: quality_count_by_cause
-- Open cases for each cause, with the oldest of each.
SELECT cause AS group_key, COUNT(*) AS case_count, MIN(open_time) AS oldest_time FROM quality_case
WHERE state IN ('OPEN', 'ASSIGNED') AND facility_code BETWEEN :facility_first AND :facility_last GROUP BY cause;

-- name: quality_count_by_ward
-- Open cases for each commune, with the oldest of each.
SELECT ward_code AS group_key, COUNT(*) AS case_count, MIN(open_time) AS oldest_time FROM quality_case
WHERE state IN ('OPEN', 'ASSIGNED') AND facility_code BETWEEN :facility_first AND :facility_last GROUP BY ward_code;

-- name: quality_count_by_facility
-- Open cases for each facility, with the oldest of each.
SELECT facility_code AS group_key, COUNT(*) AS case_count, MIN(open_time) AS oldest_time FROM quality_case
WHERE state IN ('OPEN', 'ASSIGNED') AND facility_code BETWEEN :facility_first AND :facility_last GROUP BY facility_code;

-- name: quality_count_by_age
-- Open cases for each age class, with the oldest of each.
SELECT CASE WHEN open_time > :day_time THEN 'DAY' WHEN open_time > :week_time THEN 'WEEK'
        WHEN open_time > :month_time THEN 'MONTH' ELSE 'OLDER' END AS group_key,
    COUNT(*) AS case_count, MIN(open_time) AS oldest_time
FROM quality_case
WHERE state IN ('OPEN', 'ASSIGNED') AND facility_code BETWEEN :facility_first AND :facility_last
GROUP BY CASE WHEN open_time > :day_time THEN 'DAY' WHEN open_time > :week_time THEN 'WEEK'
        WHEN open_time > :month_time THEN 'MONTH' ELSE 'OLDER' END;

-- name: quality_read_position
-- How far the figures have counted.
SELECT position FROM quality_cursor WHERE name = 'figures';

-- name: quality_start_position!
-- Lays down where counting begins, unless it was laid down before.
INSERT INTO quality_cursor (name, position) VALUES ('figures', :position) ON CONFLICT (name) DO NOTHING;

-- name: quality_move_position!
-- Moves on, if nobody else did: two workers count a page once.
UPDATE quality_cursor SET position = :position WHERE name = 'figures' AND position = :former;

-- name: quality_page_citizens
-- People in the order of their registration, with their commune in force.
SELECT c.create_time AS event_time, c.citizen_id, '' AS word, COALESCE((
        SELECT CASE WHEN r.kind IN ('KEPT', 'MERGED', 'CHOSEN') THEN r.ward_code ELSE '' END
        FROM residence AS r WHERE r.citizen_id = c.citizen_id ORDER BY r.version DESC LIMIT 1
    ), '') AS ward_code, '' AS key_2, 0 AS key_3
FROM citizen AS c
WHERE (c.create_time, c.citizen_id) > (:key_0, :key_1) AND c.create_time < :before_time
ORDER BY c.create_time, c.citizen_id LIMIT :page_size;

-- name: quality_page_checks
-- Checks in the order of their moments, with the person's commune in force.
SELECT v.check_time AS event_time, v.citizen_id, v.outcome AS word, COALESCE((
        SELECT CASE WHEN r.kind IN ('KEPT', 'MERGED', 'CHOSEN') THEN r.ward_code ELSE '' END
        FROM residence AS r WHERE r.citizen_id = v.citizen_id ORDER BY r.version DESC LIMIT 1
    ), '') AS ward_code, v.verification_id AS key_2, 0 AS key_3
FROM verification AS v
WHERE (v.check_time, v.citizen_id, v.verification_id) > (:key_0, :key_1, :key_2) AND v.check_time < :before_time
ORDER BY v.check_time, v.citizen_id, v.verification_id LIMIT :page_size;

-- name: quality_page_case_steps
-- Openings and endings of cases in the order of their moments, in the commune where the case was opened.
SELECT e.event_time, e.citizen_id, e.step || ' ' || c.cause AS word, c.ward_code, e.case_id AS key_2, e.seq AS key_3
FROM quality_case_event AS e
JOIN quality_case AS c ON c.citizen_id = e.citizen_id AND c.case_id = e.case_id
WHERE e.step IN ('DISMISSED', 'OPENED', 'RESOLVED')
  AND (e.event_time, e.citizen_id, e.case_id, e.seq) > (:key_0, :key_1, :key_2, :key_3)
  AND e.event_time < :before_time
ORDER BY e.event_time, e.citizen_id, e.case_id, e.seq LIMIT :page_size;

-- name: quality_page_repairs
-- Repairs in the order of their moments, with the person's commune in force.
SELECT p.apply_time AS event_time, p.citizen_id, '' AS word, COALESCE((
        SELECT CASE WHEN r.kind IN ('KEPT', 'MERGED', 'CHOSEN') THEN r.ward_code ELSE '' END
        FROM residence AS r WHERE r.citizen_id = p.citizen_id ORDER BY r.version DESC LIMIT 1
    ), '') AS ward_code, p.repair_id AS key_2, 0 AS key_3
FROM repair AS p
WHERE (p.apply_time, p.citizen_id, p.repair_id) > (:key_0, :key_1, :key_2) AND p.apply_time < :before_time
ORDER BY p.apply_time, p.citizen_id, p.repair_id LIMIT :page_size;

-- name: quality_page_merges
-- Merges in the order of their moments.
SELECT l.link_time AS event_time, l.citizen_id, '' AS word, '' AS ward_code, l.link_id AS key_2, 0 AS key_3
FROM citizen_link AS l
WHERE (l.link_time, l.citizen_id, l.link_id) > (:key_0, :key_1, :key_2) AND l.link_time < :before_time
ORDER BY l.link_time, l.citizen_id, l.link_id LIMIT :page_size;

-- name: quality_page_unmerges
-- Merges taken back, in the order of those moments.
SELECT l.end_time AS event_time, l.citizen_id, '' AS word, '' AS ward_code, l.link_id AS key_2, 0 AS key_3
FROM citizen_link AS l
WHERE l.end_time IS NOT NULL AND (l.end_time, l.citizen_id, l.link_id) > (:key_0, :key_1, :key_2)
  AND l.end_time < :before_time
ORDER BY l.end_time, l.citizen_id, l.link_id LIMIT :page_size;

-- name: quality_read_standing
-- As what a person is counted.
SELECT ward_code, outcome, is_merged FROM quality_standing WHERE citizen_id = :citizen_id;

-- name: quality_set_standing!
-- Notes as what a person is counted from now on.
INSERT INTO quality_standing (citizen_id, ward_code, outcome, is_merged)
VALUES (:citizen_id, :ward_code, :outcome, :is_merged)
ON CONFLICT (citizen_id) DO UPDATE SET ward_code = excluded.ward_code, outcome = excluded.outcome,
    is_merged = excluded.is_merged;

-- name: quality_count!
-- Adds to a counter.
INSERT INTO quality_daily (province_code, ward_code, day_date, measure, total_count)
VALUES (:province_code, :ward_code, :day_date, :measure, :total_count)
ON CONFLICT (province_code, ward_code, day_date, measure)
DO UPDATE SET total_count = quality_daily.total_count + excluded.total_count;

-- name: quality_clear_standings!
-- Forgets a page of standings, before a new count.
DELETE FROM quality_standing WHERE citizen_id IN (SELECT citizen_id FROM quality_standing LIMIT :page_size);

-- name: quality_clear_daily!
-- Forgets every counter, before a new count.
DELETE FROM quality_daily;

-- name: quality_sum_before
-- Sums before a day, by commune.
SELECT ward_code, measure, CAST(SUM(total_count) AS BIGINT) AS total_count FROM quality_daily
WHERE province_code BETWEEN :province_first AND :province_last AND ward_code BETWEEN :ward_first AND :ward_last
  AND day_date < :from_date
GROUP BY ward_code, measure;

-- name: quality_sum_by_ward
-- Sums inside days, by commune.
SELECT ward_code, measure, CAST(SUM(total_count) AS BIGINT) AS total_count FROM quality_daily
WHERE province_code BETWEEN :province_first AND :province_last AND ward_code BETWEEN :ward_first AND :ward_last
  AND day_date BETWEEN :from_date AND :to_date
GROUP BY ward_code, measure;

-- name: quality_sum_by_day
-- Sums inside days, by day.
SELECT day_date, measure, CAST(SUM(total_count) AS BIGINT) AS total_count FROM quality_daily
WHERE province_code BETWEEN :province_first AND :province_last AND ward_code BETWEEN :ward_first AND :ward_last
  AND day_date BETWEEN :from_date AND :to_date
GROUP BY day_date, measure;

-- name: quality_page_counters
-- Counters in the order of the table's key, for the export.
SELECT province_code, ward_code, day_date, measure, total_count FROM quality_daily
WHERE province_code BETWEEN :province_first AND :province_last AND ward_code BETWEEN :ward_first AND :ward_last
  AND day_date BETWEEN :from_date AND :to_date
  AND (province_code, ward_code, day_date, measure) > (:key_0, :key_1, :key_2, :key_3)
ORDER BY province_code, ward_code, day_date, measure LIMIT :page_size;

-- name: quality_add_correction!
-- Keeps a request.
INSERT INTO correction (citizen_id, correction_id, case_id, field, value_sealed, why_sealed, state, requester,
    is_on_behalf, facility_code, request_time, answer_due_date, answer_time, answer_sealed, repair_id)
VALUES (:citizen_id, :correction_id, :case_id, :field, :value_sealed, :why_sealed, 'REQUESTED', :requester,
    :is_on_behalf, :facility_code, :request_time, :answer_due_date, NULL, NULL, '');

-- name: quality_answer_correction!
-- Answers a request that waits.
UPDATE correction SET state = :state, answer_time = :answer_time, answer_sealed = :answer_sealed,
    repair_id = :repair_id
WHERE citizen_id = :citizen_id AND correction_id = :correction_id AND state = 'REQUESTED';

-- name: quality_list_corrections
-- A person's requests, newest first.
SELECT citizen_id, correction_id, case_id, field, value_sealed, why_sealed, state, requester, is_on_behalf,
    facility_code, request_time, answer_due_date, answer_time, answer_sealed, repair_id
FROM correction WHERE citizen_id = :citizen_id ORDER BY correction_id DESC LIMIT :page_size;

-- name: quality_read_correction
-- One request.
SELECT citizen_id, correction_id, case_id, field, value_sealed, why_sealed, state, requester, is_on_behalf,
    facility_code, request_time, answer_due_date, answer_time, answer_sealed, repair_id
FROM correction WHERE citizen_id = :citizen_id AND correction_id = :correction_id;

-- name: quality_correction_of_case
-- The request behind a case.
SELECT citizen_id, correction_id, case_id, field, value_sealed, why_sealed, state, requester, is_on_behalf,
    facility_code, request_time, answer_due_date, answer_time, answer_sealed, repair_id
FROM correction WHERE citizen_id = :citizen_id AND case_id = :case_id;

-- name: quality_waiting_correction
-- The request for a field that waits.
SELECT citizen_id, correction_id, case_id, field, value_sealed, why_sealed, state, requester, is_on_behalf,
    facility_code, request_time, answer_due_date, answer_time, answer_sealed, repair_id
FROM correction WHERE citizen_id = :citizen_id AND field = :field AND state = 'REQUESTED';
