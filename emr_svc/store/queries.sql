-- name: emr_claim_visit
-- Gives a visit id to a person unless it is taken; tells by the count of changed rows.
INSERT INTO visit_lookup (visit_id, citizen_id) VALUES (:visit_id, :citizen_id) ON CONFLICT (visit_id) DO NOTHING;

-- name: emr_read_visit
-- One visit, found by its id alone.
SELECT v.citizen_id, v.visit_id, v.facility_code, v.claim_link_id, v.kind, v.state, v.reason_text, v.open_time,
    v.close_time, v.version, v.room, v.queue_date, v.ticket_number, v.priority_class, v.ticket_state, v.call_time
FROM visit_lookup AS l
JOIN visit AS v ON v.citizen_id = l.citizen_id AND v.visit_id = l.visit_id
WHERE l.visit_id = :visit_id;

-- name: emr_read_entries
-- What was written into a visit, in order.
SELECT number, kind, code, text, record_time, author FROM entry
WHERE citizen_id = :citizen_id AND visit_id = :visit_id ORDER BY number;

-- name: emr_next_ticket_number
-- Takes the next number in front of a room on a day.
INSERT INTO queue_number_lookup (facility_code, room, queue_date, last_number)
VALUES (:facility_code, :room, :queue_date, 1)
ON CONFLICT (facility_code, room, queue_date) DO UPDATE SET last_number = queue_number_lookup.last_number + 1
RETURNING last_number;

-- name: emr_add_visit
-- Keeps a new visit with its ticket.
INSERT INTO visit (citizen_id, visit_id, facility_code, claim_link_id, kind, state, reason_text, open_time,
    close_time, version, room, queue_date, ticket_number, priority_class, ticket_state, call_time)
VALUES (:citizen_id, :visit_id, :facility_code, :claim_link_id, :kind, :state, :reason_text, :open_time,
    NULL, :version, :room, :queue_date, :ticket_number, :priority_class, :ticket_state, NULL);

-- name: emr_add_entry
-- Appends one entry.
INSERT INTO entry (citizen_id, visit_id, number, kind, code, text, record_time, author)
VALUES (:citizen_id, :visit_id, :number, :kind, :code, :text, :record_time, :author);

-- name: emr_change_visit
-- Writes what may change of a visit; only from the version that was read.
UPDATE visit SET state = :state, close_time = :close_time, version = :version, ticket_state = :ticket_state,
    call_time = :call_time
WHERE citizen_id = :citizen_id AND visit_id = :visit_id AND version = :read_version;

-- name: emr_first_waiting
-- The visit that is called next: the highest class, then the lowest number.
SELECT visit_id FROM visit
WHERE facility_code = :facility_code AND room = :room AND queue_date = :queue_date AND ticket_state = 'WAITING'
ORDER BY priority_class DESC, ticket_number LIMIT 1;

-- name: emr_list_tickets
-- The tickets of a room and day in calling order.
SELECT visit_id, room, queue_date, ticket_number, priority_class, ticket_state, open_time, call_time FROM visit
WHERE facility_code = :facility_code AND room = :room AND queue_date = :queue_date
ORDER BY priority_class DESC, ticket_number LIMIT :page_size;

-- name: emr_list_visits
-- A page of a facility's visits, newest first; empty text and '~' stand for no filter and no beginning.
SELECT citizen_id, visit_id, facility_code, claim_link_id, kind, state, reason_text, open_time, close_time, version,
    room, queue_date, ticket_number, priority_class, ticket_state, call_time
FROM visit
WHERE facility_code = :facility_code AND (open_time, visit_id) < (:before_time, :before_id)
    AND (:any_citizen = 1 OR citizen_id = :citizen_id) AND (:any_state = 1 OR state = :state)
ORDER BY open_time DESC, visit_id DESC LIMIT :page_size;
