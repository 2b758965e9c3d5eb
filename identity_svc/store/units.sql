-- name: units_newest_residence
-- Where a person lives now, or that it is not known again (WITHDRAWN).
SELECT version, ward_code, vintage, kind, old_ward_code, reason, source, batch_id, create_time FROM residence
WHERE citizen_id = :citizen_id ORDER BY version DESC LIMIT 1;

-- name: units_residence_before
-- Where a person lived before a version.
SELECT version, ward_code, vintage, kind, old_ward_code, reason, source, batch_id, create_time FROM residence
WHERE citizen_id = :citizen_id AND version < :version ORDER BY version DESC LIMIT 1;

-- name: units_list_residences
-- Where a person lived, newest first.
SELECT version, ward_code, vintage, kind, old_ward_code, reason, source, batch_id, create_time FROM residence
WHERE citizen_id = :citizen_id ORDER BY version DESC LIMIT :page_size;

-- name: units_add_residence!
-- Adds a residence, which counts from now on.
INSERT INTO residence (
    citizen_id, version, ward_code, vintage, kind, old_ward_code, reason, source, batch_id, create_time
) VALUES (
    :citizen_id, :version, :ward_code, :vintage, :kind, :old_ward_code, :reason, :source, :batch_id, :create_time
);

-- name: units_add_facility!
-- Declares a place of care.
INSERT INTO facility (facility_id, create_time) VALUES (:facility_id, :create_time);

-- name: units_add_facility_name!
-- Adds a name; tells by the count of changed rows whether the day was free.
INSERT INTO facility_name (facility_id, start_date, name, source) VALUES (:facility_id, :start_date, :name, :source)
ON CONFLICT (facility_id, start_date) DO NOTHING;

-- name: units_add_facility_code!
-- Adds a code.
INSERT INTO facility_code_alias (code, start_date, last_date, facility_id, scheme, vintage, source, create_time)
VALUES (:code, :start_date, :last_date, :facility_id, :scheme, :vintage, :source, :create_time);

-- name: units_end_facility_code!
-- Ends a code that is in force until further notice.
UPDATE facility_code_alias SET last_date = :last_date
WHERE code = :code AND facility_id = :facility_id AND last_date IS NULL;

-- name: units_owners_of_code
-- Everybody who ever had a code, with the days.
SELECT facility_id, code, scheme, start_date, last_date, vintage, source FROM facility_code_alias
WHERE code = :code ORDER BY start_date LIMIT :page_size;

-- name: units_read_facility
-- A facility without its codes and names.
SELECT facility_id, create_time FROM facility WHERE facility_id = :facility_id;

-- name: units_list_facilities
-- Facilities in the order they were declared: ids grow with time.
SELECT facility_id, create_time FROM facility WHERE facility_id > :after ORDER BY facility_id LIMIT :page_size;

-- name: units_list_facility_names
-- A facility's names, oldest first.
SELECT name, start_date, source FROM facility_name WHERE facility_id = :facility_id ORDER BY start_date
LIMIT :page_size;

-- name: units_list_facility_codes
-- A facility's codes, oldest first.
SELECT facility_id, code, scheme, start_date, last_date, vintage, source FROM facility_code_alias
WHERE facility_id = :facility_id ORDER BY start_date, code LIMIT :page_size;

-- name: units_add_recoding!
-- Orders a re-coding.
INSERT INTO recoding (
    recoding_id, state, cursor_id, done_count, total_count, requester, create_time, start_time, update_time
) VALUES (
    :recoding_id, :state, '', 0, :total_count, :requester, :create_time, :create_time, :create_time
);

-- name: units_read_recoding
-- One re-coding.
SELECT recoding_id, state, cursor_id, done_count, total_count, requester, create_time, start_time, update_time
FROM recoding WHERE recoding_id = :recoding_id;

-- name: units_list_recodings
-- Re-codings, newest first: ids grow with time.
SELECT recoding_id, state, cursor_id, done_count, total_count, requester, create_time, start_time, update_time
FROM recoding WHERE recoding_id < :before ORDER BY recoding_id DESC LIMIT :page_size;

-- name: units_walking_recoding
-- The re-coding that walks through the register now; there is at most one.
SELECT recoding_id, state, cursor_id, done_count, total_count, requester, create_time, start_time, update_time
FROM recoding WHERE state IN ('COUNTING', 'APPLYING', 'UNDOING') ORDER BY state, recoding_id LIMIT 1;

-- name: units_begin_walk!
-- Lets a walk begin.
UPDATE recoding SET state = :state, cursor_id = '', done_count = 0, total_count = :total_count,
    requester = :requester, start_time = :now, update_time = :now
WHERE recoding_id = :recoding_id;

-- name: units_move_recoding!
-- Notes that a page is done; tells by the count of changed rows whether it was ours to do.
UPDATE recoding SET state = :state, cursor_id = :cursor_id, done_count = done_count + :page_count, update_time = :now
WHERE recoding_id = :recoding_id AND state = :former_state AND cursor_id = :former_cursor_id;

-- name: units_count_citizens
-- People in the register, once per walk, to show how far it is.
SELECT COUNT(*) AS citizen_count FROM citizen;

-- name: units_count_batch
-- Residences a re-coding gave, once per undo.
SELECT COUNT(*) AS citizen_count FROM residence WHERE batch_id = :batch_id AND source = 'RECODING';

-- name: units_page_of_register
-- A page of people with their newest address and residence. Who is linked into another person is left out: their
-- rows stay as they were, and the survivor's count.
SELECT c.citizen_id, d.version AS facts_version, d.address_sealed, d.text_quality, r.version, r.ward_code, r.vintage,
    r.kind, r.old_ward_code, r.reason, r.source, r.batch_id, r.create_time,
    CASE WHEN l.citizen_id IS NULL THEN 0 ELSE 1 END AS is_linked
FROM (SELECT k.citizen_id FROM citizen AS k WHERE k.citizen_id > :after ORDER BY k.citizen_id LIMIT :page_size) AS c
LEFT JOIN demographic AS d ON d.citizen_id = c.citizen_id
    AND d.version = (SELECT MAX(x.version) FROM demographic AS x WHERE x.citizen_id = c.citizen_id)
LEFT JOIN residence AS r ON r.citizen_id = c.citizen_id
    AND r.version = (SELECT MAX(y.version) FROM residence AS y WHERE y.citizen_id = c.citizen_id)
LEFT JOIN citizen_link AS l ON l.citizen_id = c.citizen_id AND l.end_time IS NULL
ORDER BY c.citizen_id;

-- name: units_page_of_batch
-- A page of people to whom a re-coding gave a residence.
SELECT citizen_id, version FROM residence
WHERE batch_id = :batch_id AND source = 'RECODING' AND citizen_id > :after ORDER BY citizen_id LIMIT :page_size;

-- name: units_add_figure!
-- Adds people to a figure.
INSERT INTO recoding_figure (recoding_id, walk, finding, old_ward_code, citizen_count)
VALUES (:recoding_id, :walk, :finding, :old_ward_code, :citizen_count)
ON CONFLICT (recoding_id, walk, finding, old_ward_code)
DO UPDATE SET citizen_count = recoding_figure.citizen_count + excluded.citizen_count;

-- name: units_list_totals
-- People per finding of a walk.
SELECT finding, SUM(citizen_count) AS citizen_count FROM recoding_figure
WHERE recoding_id = :recoding_id AND walk = :walk GROUP BY finding ORDER BY finding LIMIT :page_size;

-- name: units_list_figures
-- People per finding and old commune of a walk.
SELECT finding, old_ward_code, citizen_count FROM recoding_figure
WHERE recoding_id = :recoding_id AND walk = :walk AND (finding, old_ward_code) > (:after_finding, :after_code)
ORDER BY finding, old_ward_code LIMIT :page_size;

-- name: units_add_item!
-- Keeps a person that a person has to look at.
INSERT INTO recoding_item (citizen_id, recoding_id, walk, finding, reason, old_ward_code, candidates, case_id)
VALUES (:citizen_id, :recoding_id, :walk, :finding, :reason, :old_ward_code, :candidates, :case_id);

-- name: units_list_items
-- People of a walk that a person has to look at.
SELECT citizen_id, finding, reason, old_ward_code, candidates, case_id FROM recoding_item
WHERE recoding_id = :recoding_id AND walk = :walk AND citizen_id > :after ORDER BY citizen_id LIMIT :page_size;
