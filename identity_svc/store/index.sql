-- name: index_put_profile!
-- Keeps the facts matching compares of a person and marks them as not yet matched.
INSERT INTO match_profile (citizen_id, facts_sealed, pending, note_time)
VALUES (:citizen_id, :facts_sealed, 1, :note_time)
ON CONFLICT (citizen_id) DO UPDATE SET facts_sealed = excluded.facts_sealed, pending = 1,
    note_time = excluded.note_time;

-- name: index_add_block!
-- Files a person under a blocking key.
INSERT INTO match_block_lookup (key_hash, citizen_id) VALUES (:key_hash, :citizen_id)
ON CONFLICT (key_hash, citizen_id) DO NOTHING;

-- name: index_remove_block!
-- Takes a person from under a blocking key.
DELETE FROM match_block_lookup WHERE key_hash = :key_hash AND citizen_id = :citizen_id;

-- name: index_read_profile
-- The facts matching compares of a person.
SELECT citizen_id, facts_sealed, pending, note_time FROM match_profile WHERE citizen_id = :citizen_id;

-- name: index_candidates
-- Who is filed under any of up to four blocking keys, the newest of each key first: ids sort by the time they were made.
-- One statement and a cap for each key, so that Nguyễn Văn Hùng of 1 January costs no more than anybody.
SELECT p.citizen_id, p.facts_sealed, l.survivor_id, b.block FROM (
    SELECT citizen_id, 0 AS block FROM (
        SELECT citizen_id FROM match_block_lookup WHERE key_hash = :key_0 ORDER BY citizen_id DESC LIMIT :cap
    ) AS b0
    UNION ALL
    SELECT citizen_id, 1 AS block FROM (
        SELECT citizen_id FROM match_block_lookup WHERE key_hash = :key_1 ORDER BY citizen_id DESC LIMIT :cap
    ) AS b1
    UNION ALL
    SELECT citizen_id, 2 AS block FROM (
        SELECT citizen_id FROM match_block_lookup WHERE key_hash = :key_2 ORDER BY citizen_id DESC LIMIT :cap
    ) AS b2
    UNION ALL
    SELECT citizen_id, 3 AS block FROM (
        SELECT citizen_id FROM match_block_lookup WHERE key_hash = :key_3 ORDER BY citizen_id DESC LIMIT :cap
    ) AS b3
) AS b
JOIN match_profile AS p ON p.citizen_id = b.citizen_id
LEFT JOIN citizen_link AS l ON l.citizen_id = b.citizen_id AND l.end_time IS NULL;

-- name: index_owner_of_number
-- The profile of whom a number leads to.
SELECT p.citizen_id, p.facts_sealed, l.survivor_id
FROM match_profile AS p LEFT JOIN citizen_link AS l ON l.citizen_id = p.citizen_id AND l.end_time IS NULL
WHERE p.citizen_id = (SELECT o.citizen_id FROM identifier_lookup AS o WHERE o.hash = :hash);

-- name: index_list_pending
-- People whose facts changed since they were last matched, a page.
SELECT citizen_id, facts_sealed FROM match_profile WHERE pending = 1 ORDER BY citizen_id LIMIT :page_size;

-- name: index_list_after
-- Everybody who is filed, a page behind an id.
SELECT citizen_id, facts_sealed FROM match_profile WHERE citizen_id > :after_id ORDER BY citizen_id LIMIT :page_size;

-- name: index_settle!
-- Notes that a person was matched, unless their facts changed meanwhile: each sealing gives other bytes.
UPDATE match_profile SET pending = 0
WHERE citizen_id = :citizen_id AND pending = 1 AND facts_sealed = :facts_sealed;

-- name: index_count_pending
-- How many wait to be matched, counted up to a limit.
SELECT COUNT(*) AS pending_count FROM (SELECT 1 AS one FROM match_profile WHERE pending = 1 LIMIT :count_max) AS p;

-- name: index_count_profiles
-- How many are filed.
SELECT COUNT(*) AS profile_count FROM match_profile;

-- name: index_put_pair!
-- Keeps what became of a pair.
INSERT INTO match_pair (
    citizen_id, other_citizen_id, state, weight_centibits, evidence, facts_digest, create_time, update_time
) VALUES (
    :citizen_id, :other_citizen_id, :state, :weight_centibits, :evidence, :facts_digest, :update_time, :update_time
) ON CONFLICT (citizen_id, other_citizen_id) DO UPDATE SET state = excluded.state,
    weight_centibits = excluded.weight_centibits, evidence = excluded.evidence,
    facts_digest = excluded.facts_digest, update_time = excluded.update_time;

-- name: index_set_pair_state!
-- Moves a pair to another state.
UPDATE match_pair SET state = :state, update_time = :update_time
WHERE citizen_id = :citizen_id AND other_citizen_id = :other_citizen_id;

-- name: index_read_pair
-- One pair.
SELECT citizen_id, other_citizen_id, state, weight_centibits, evidence, facts_digest, create_time, update_time
FROM match_pair WHERE citizen_id = :citizen_id AND other_citizen_id = :other_citizen_id;

-- name: index_list_pairs
-- Pairs of a state, the longest waiting first, a page.
SELECT citizen_id, other_citizen_id, state, weight_centibits, evidence, facts_digest, create_time, update_time
FROM match_pair
WHERE state = :state AND (update_time, citizen_id, other_citizen_id) > (:after_time, :after_id, :after_other_id)
ORDER BY update_time, citizen_id, other_citizen_id LIMIT :page_size;

-- name: index_proposed_pairs_of
-- Proposed pairs of one citizen, on either side.
SELECT citizen_id, other_citizen_id, state, weight_centibits, evidence, facts_digest, create_time, update_time
FROM match_pair WHERE state = 'PROPOSED' AND citizen_id = :citizen_id
UNION ALL
SELECT citizen_id, other_citizen_id, state, weight_centibits, evidence, facts_digest, create_time, update_time
FROM match_pair WHERE state = 'PROPOSED' AND other_citizen_id = :citizen_id
ORDER BY citizen_id, other_citizen_id LIMIT :page_size;

-- name: index_add_link!
-- Links a citizen into another.
INSERT INTO citizen_link (citizen_id, link_id, survivor_id, reason, plan_digest, link_time)
VALUES (:citizen_id, :link_id, :survivor_id, :reason, :plan_digest, :link_time);

-- name: index_end_link!
-- Ends a link.
UPDATE citizen_link SET end_time = :end_time
WHERE citizen_id = :citizen_id AND link_id = :link_id AND end_time IS NULL;

-- name: index_current_link
-- The link of a citizen that holds.
SELECT citizen_id, link_id, survivor_id, reason, link_time, end_time FROM citizen_link
WHERE citizen_id = :citizen_id AND end_time IS NULL;

-- name: index_read_link
-- One link.
SELECT citizen_id, link_id, survivor_id, reason, link_time, end_time FROM citizen_link
WHERE citizen_id = :citizen_id AND link_id = :link_id;

-- name: index_list_links
-- Links of a citizen into others and from others, the newest first, a page.
SELECT citizen_id, link_id, survivor_id, reason, link_time, end_time FROM citizen_link
WHERE citizen_id = :citizen_id AND link_id < :before_id
UNION ALL
SELECT citizen_id, link_id, survivor_id, reason, link_time, end_time FROM citizen_link
WHERE survivor_id = :citizen_id AND link_id < :before_id
ORDER BY link_id DESC LIMIT :page_size;

-- name: index_point_lookup!
-- Points a number at another record of the same person, where it points at this one.
UPDATE identifier_lookup SET citizen_id = :to_id WHERE hash = :hash AND citizen_id = :from_id;

-- name: index_read_lookup
-- Whom a number leads to.
SELECT hash, citizen_id FROM identifier_lookup WHERE hash = :hash;

-- name: index_add_move!
-- Keeps that a link moved a look-up row.
INSERT INTO citizen_link_move (citizen_id, link_id, hash) VALUES (:citizen_id, :link_id, :hash);

-- name: index_list_moves
-- The look-up rows a link moved; a person has two or three numbers.
SELECT hash FROM citizen_link_move WHERE citizen_id = :citizen_id AND link_id = :link_id ORDER BY hash LIMIT 1000;

-- name: index_add_member!
-- Makes a citizen's record part of another's.
INSERT INTO citizen_member (citizen_id, member_id) VALUES (:citizen_id, :member_id);

-- name: index_remove_member!
-- Takes a record out again.
DELETE FROM citizen_member WHERE citizen_id = :citizen_id AND member_id = :member_id;

-- name: index_list_members
-- Everybody who is linked into a citizen, directly or through others.
SELECT member_id FROM citizen_member WHERE citizen_id = :citizen_id ORDER BY member_id LIMIT 1000;

-- name: index_start_sweep!
-- Begins to match everybody.
INSERT INTO match_sweep (sweep_id, start_time, total_count, matched_count, linked_count, proposed_count, cursor_id)
VALUES (:sweep_id, :start_time, :total_count, 0, 0, 0, '');

-- name: index_newest_sweep
-- The newest run that matches everybody.
SELECT sweep_id, start_time, end_time, total_count, matched_count, linked_count, proposed_count, cursor_id, update_time
FROM match_sweep ORDER BY sweep_id DESC LIMIT 1;

-- name: index_advance_sweep!
-- Notes how far a run is; two workers that took the same page count it once.
UPDATE match_sweep SET cursor_id = :cursor_id, matched_count = matched_count + :matched_count,
    linked_count = linked_count + :linked_count, proposed_count = proposed_count + :proposed_count,
    update_time = :update_time, end_time = :end_time
WHERE sweep_id = :sweep_id AND cursor_id = :from_id AND end_time IS NULL;

-- name: index_count_rows
-- Rows of a citizen by table: what a link leaves where it is.
SELECT 'identifier' AS name, COUNT(*) AS row_count FROM identifier WHERE citizen_id = :citizen_id
UNION ALL SELECT 'demographic', COUNT(*) FROM demographic WHERE citizen_id = :citizen_id
UNION ALL SELECT 'card_reading', COUNT(*) FROM card_reading WHERE citizen_id = :citizen_id
UNION ALL SELECT 'chip_reading', COUNT(*) FROM chip_reading WHERE citizen_id = :citizen_id
UNION ALL SELECT 'verification', COUNT(*) FROM verification WHERE citizen_id = :citizen_id
UNION ALL SELECT 'name_alias', COUNT(*) FROM name_alias WHERE citizen_id = :citizen_id
UNION ALL SELECT 'repair', COUNT(*) FROM repair WHERE citizen_id = :citizen_id
UNION ALL SELECT 'temporary_identity', COUNT(*) FROM temporary_identity WHERE citizen_id = :citizen_id
UNION ALL SELECT 'residence', COUNT(*) FROM residence WHERE citizen_id = :citizen_id
UNION ALL SELECT 'consent', COUNT(*) FROM consent WHERE citizen_id = :citizen_id
UNION ALL SELECT 'delegation', COUNT(*) FROM delegation WHERE citizen_id = :citizen_id
UNION ALL SELECT 'representation', COUNT(*) FROM representation WHERE citizen_id = :citizen_id
UNION ALL SELECT 'account', COUNT(*) FROM account WHERE citizen_id = :citizen_id
UNION ALL SELECT 'correction', COUNT(*) FROM correction WHERE citizen_id = :citizen_id;

-- name: index_newest_version
-- The version of a citizen's facts in force.
SELECT version FROM demographic WHERE citizen_id = :citizen_id ORDER BY version DESC LIMIT 1;
