-- name: test_merge!
-- A merge as the master index writes it.
INSERT INTO citizen_link (citizen_id, link_id, survivor_id, reason, plan_digest, link_time, end_time)
VALUES (:citizen_id, 'link-1', :survivor_id, 'STEWARD', :plan_digest, :link_time, NULL);

-- name: test_member!
-- Who was merged, seen from the one who stayed.
INSERT INTO citizen_member (citizen_id, member_id) VALUES (:citizen_id, :member_id);
