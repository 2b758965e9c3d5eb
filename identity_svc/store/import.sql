-- name: import_add!
-- Opens an import.
INSERT INTO register_import (
    import_id, importer, facility_code, source_name, as_of_date, file_sha256, size_bytes, layout, state, next_offset,
    row_count, created_count, updated_count, unchanged_count, rejected_count, conflict_count, repeated_count,
    possible_duplicate_count, warnings, work_ms, create_time, update_time, end_time
) VALUES (
    :import_id, :importer, :facility_code, :source_name, :as_of_date, :file_sha256, :size_bytes, :layout, :state,
    :next_offset, :row_count, :created_count, :updated_count, :unchanged_count, :rejected_count, :conflict_count,
    :repeated_count, :possible_duplicate_count, :warnings, :work_ms, :create_time, :update_time, :end_time
);

-- name: import_read
-- One import.
SELECT import_id, importer, facility_code, source_name, as_of_date, file_sha256, size_bytes, layout, state, next_offset,
    row_count, created_count, updated_count, unchanged_count, rejected_count, conflict_count, repeated_count,
    possible_duplicate_count, warnings, work_ms, create_time, update_time, end_time
FROM register_import WHERE import_id = :import_id;

-- name: import_list_of_file
-- A person's imports of one file, newest first.
SELECT import_id, importer, facility_code, source_name, as_of_date, file_sha256, size_bytes, layout, state, next_offset,
    row_count, created_count, updated_count, unchanged_count, rejected_count, conflict_count, repeated_count,
    possible_duplicate_count, warnings, work_ms, create_time, update_time, end_time
FROM register_import WHERE importer = :importer AND file_sha256 = :file_sha256
ORDER BY import_id DESC LIMIT :page_size;

-- name: import_list
-- Imports, newest first.
SELECT import_id, importer, facility_code, source_name, as_of_date, file_sha256, size_bytes, layout, state, next_offset,
    row_count, created_count, updated_count, unchanged_count, rejected_count, conflict_count, repeated_count,
    possible_duplicate_count, warnings, work_ms, create_time, update_time, end_time
FROM register_import WHERE import_id < :before_id ORDER BY import_id DESC LIMIT :page_size;

-- name: import_note!
-- Notes how far an import is, unless somebody else brought it on meanwhile.
UPDATE register_import SET state = :state, next_offset = :next_offset, row_count = :row_count,
    created_count = :created_count, updated_count = :updated_count, unchanged_count = :unchanged_count,
    rejected_count = :rejected_count, conflict_count = :conflict_count, repeated_count = :repeated_count,
    possible_duplicate_count = :possible_duplicate_count, warnings = :warnings, work_ms = :work_ms,
    update_time = :update_time, end_time = :end_time
WHERE import_id = :import_id AND next_offset = :old_offset AND row_count = :old_row_count AND end_time IS NULL;

-- name: import_add_reject!
-- Keeps a row that was not taken in.
INSERT INTO register_import_reject (import_id, row_number, column_name, reason, values_sealed)
VALUES (:import_id, :row_number, :column_name, :reason, :values_sealed);

-- name: import_list_rejects
-- The rows that were not taken in, by row number.
SELECT import_id, row_number, column_name, reason, values_sealed FROM register_import_reject
WHERE import_id = :import_id AND row_number > :after_row ORDER BY row_number LIMIT :page_size;

-- name: import_claim_lookups__sqlite
-- Points many identifiers at people, those that point at nobody yet, and tells which. One statement for a batch, in each
-- engine's own way to read a list.
INSERT INTO identifier_lookup (hash, citizen_id)
SELECT unhex(json_extract(each.value, '$[0]')), json_extract(each.value, '$[1]') FROM json_each(:claims) AS each
WHERE true ON CONFLICT (hash) DO NOTHING RETURNING hash;

-- name: import_claim_lookups__postgresql
-- As above.
INSERT INTO identifier_lookup (hash, citizen_id)
SELECT decode(claim ->> 0, 'hex'), claim ->> 1 FROM json_array_elements(CAST(:claims AS JSON)) AS claim
ON CONFLICT (hash) DO NOTHING RETURNING hash;

-- name: import_find_owners__sqlite
-- Whom many identifiers point at; the list is the limit. A list is read in each engine's own way.
SELECT l.hash, l.citizen_id FROM json_each(:hashes) AS each
CROSS JOIN identifier_lookup AS l ON l.hash = unhex(each.value);

-- name: import_find_owners__postgresql
-- As above.
SELECT l.hash, l.citizen_id FROM json_array_elements_text(CAST(:hashes AS JSON)) AS each
JOIN identifier_lookup AS l ON l.hash = decode(each, 'hex');

-- name: import_find_doubles__sqlite
-- People who share three blocking keys with one of a list, [[citizen, key, key, key], …]: name, day of birth, gender and
-- commune. A list is read in each engine's own way.
SELECT json_extract(each.value, '$[0]') AS citizen_id, a.citizen_id AS other_citizen_id FROM json_each(:people) AS each
CROSS JOIN match_block_lookup AS a ON a.key_hash = unhex(json_extract(each.value, '$[1]'))
    AND a.citizen_id <> json_extract(each.value, '$[0]')
CROSS JOIN match_block_lookup AS b ON b.key_hash = unhex(json_extract(each.value, '$[2]')) AND b.citizen_id = a.citizen_id
CROSS JOIN match_block_lookup AS c ON c.key_hash = unhex(json_extract(each.value, '$[3]')) AND c.citizen_id = a.citizen_id
ORDER BY 1, 2 LIMIT :page_size;

-- name: import_find_doubles__postgresql
-- As above.
SELECT each ->> 0 AS citizen_id, a.citizen_id AS other_citizen_id FROM json_array_elements(CAST(:people AS JSON)) AS each
JOIN match_block_lookup AS a ON a.key_hash = decode(each ->> 1, 'hex') AND a.citizen_id <> each ->> 0
JOIN match_block_lookup AS b ON b.key_hash = decode(each ->> 2, 'hex') AND b.citizen_id = a.citizen_id
JOIN match_block_lookup AS c ON c.key_hash = decode(each ->> 3, 'hex') AND c.citizen_id = a.citizen_id
ORDER BY 1, 2 LIMIT :page_size;
