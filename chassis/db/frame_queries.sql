-- name: frame_idempotency_claim!
-- Takes a request id for this transaction; changes no row where it was taken before.
-- An insert and not a look-up: under SERIALIZABLE a look-up of an absent key locks its index page against all writers.
INSERT INTO idempotency_keys (subject, method, request_id, fingerprint, result, keep, create_time)
VALUES (:subject, :method, :request_id, :fingerprint, :result, :keep, :create_time)
ON CONFLICT (subject, method, request_id) DO NOTHING;

-- name: frame_idempotency_read
-- What the request made the first time.
SELECT fingerprint, result FROM idempotency_keys
WHERE subject = :subject AND method = :method AND request_id = :request_id;

-- name: frame_idempotency_finish!
-- Keeps what the request made.
UPDATE idempotency_keys SET result = :result, keep = :keep
WHERE subject = :subject AND method = :method AND request_id = :request_id;

-- name: frame_idempotency_purge!
-- Forgets a page of keys past their 90 days; money keys stay.
DELETE FROM idempotency_keys WHERE (subject, method, request_id) IN (
    SELECT subject, method, request_id FROM idempotency_keys
    WHERE keep = '90d' AND create_time < :before_time
    ORDER BY create_time LIMIT :page_size
);

-- name: frame_outbox_put!
-- Adds a message in the transaction of the effect it tells of.
INSERT INTO outbox (
    message_id, destination, order_key, payload, traceparent, state, attempt_count, due_time,
    lease_id, lease_end_time, last_reason, create_time
) VALUES (
    :message_id, :destination, :order_key, :payload, :traceparent, 'waiting', 0, :create_time,
    NULL, NULL, '', :create_time
);

-- name: frame_outbox_claim!
-- Leases the due messages that are the oldest of their order key.
UPDATE outbox SET lease_id = :lease_id, lease_end_time = :lease_end_time
WHERE seq IN (
    SELECT o.seq FROM outbox AS o
    WHERE o.destination = :destination AND o.state = 'waiting' AND o.due_time <= :now
      AND (o.lease_end_time IS NULL OR o.lease_end_time <= :now)
      AND NOT EXISTS (
        SELECT 1 FROM outbox AS e
        WHERE e.destination = o.destination AND e.order_key = o.order_key AND e.seq < o.seq
      )
    ORDER BY o.due_time, o.seq LIMIT :page_size
);

-- name: frame_outbox_claim__postgresql!
-- As frame_outbox_claim; SKIP LOCKED lets several workers claim side by side, SQLite has one writer anyway.
UPDATE outbox SET lease_id = :lease_id, lease_end_time = :lease_end_time
WHERE seq IN (
    SELECT o.seq FROM outbox AS o
    WHERE o.destination = :destination AND o.state = 'waiting' AND o.due_time <= :now
      AND (o.lease_end_time IS NULL OR o.lease_end_time <= :now)
      AND NOT EXISTS (
        SELECT 1 FROM outbox AS e
        WHERE e.destination = o.destination AND e.order_key = o.order_key AND e.seq < o.seq
      )
    ORDER BY o.due_time, o.seq LIMIT :page_size
    FOR UPDATE SKIP LOCKED
);

-- name: frame_outbox_leased
-- The messages of one lease.
SELECT seq, message_id, destination, order_key, payload, traceparent, attempt_count, create_time FROM outbox
WHERE destination = :destination AND lease_id = :lease_id ORDER BY seq;

-- name: frame_outbox_done!
-- Forgets a delivered message, if the lease is still ours.
DELETE FROM outbox WHERE seq = :seq AND lease_id = :lease_id;

-- name: frame_outbox_later!
-- Gives a message back for a later try, if the lease is still ours.
UPDATE outbox SET state = :state, attempt_count = :attempt_count, due_time = :due_time, last_reason = :last_reason,
    lease_id = NULL, lease_end_time = NULL
WHERE seq = :seq AND lease_id = :lease_id;

-- name: frame_outbox_next_due
-- When the worker has something to do again.
SELECT MIN(CASE WHEN o.lease_end_time IS NULL THEN o.due_time ELSE o.lease_end_time END) AS due_time FROM outbox AS o
WHERE o.destination = :destination AND o.state = 'waiting' AND NOT EXISTS (
    SELECT 1 FROM outbox AS e
    WHERE e.destination = o.destination AND e.order_key = o.order_key AND e.seq < o.seq
);

-- name: frame_outbox_depths
-- How many messages wait and how old the oldest is, for the alarm.
SELECT destination, state, COUNT(*) AS message_count, MIN(create_time) AS oldest_time FROM outbox
GROUP BY destination, state ORDER BY destination, state;

-- name: frame_outbox_list
-- A page of messages for the operator; payloads stay sealed and behind.
SELECT seq, message_id, destination, order_key, state, attempt_count, due_time, last_reason, create_time FROM outbox
WHERE state = :state AND seq > :after_seq ORDER BY seq LIMIT :page_size;

-- name: frame_outbox_retry!
-- Sends a parked message back to the queue with its tries forgotten.
UPDATE outbox SET state = 'waiting', attempt_count = 0, due_time = :now
WHERE message_id = :message_id AND state = 'parked';

-- name: frame_outbox_drop!
-- Gives up a parked message; the caller keeps the reason in its audit row.
DELETE FROM outbox WHERE message_id = :message_id AND state = 'parked';

-- name: frame_audit_head
-- The end of a chain.
SELECT seq, hash FROM audit_log WHERE writer_id = :writer_id ORDER BY seq DESC LIMIT 1;

-- name: frame_audit_append!
-- Adds a row to a chain.
INSERT INTO audit_log (
    writer_id, seq, event_time, action, resource, subject, actor, roles, facility, service, purpose, outcome,
    trace_id, prev_hash, hash
) VALUES (
    :writer_id, :seq, :event_time, :action, :resource, :subject, :actor, :roles, :facility, :service, :purpose, :outcome,
    :trace_id, :prev_hash, :hash
);

-- name: frame_audit_writers
-- The chains of this database.
SELECT DISTINCT writer_id FROM audit_log ORDER BY writer_id;

-- name: frame_audit_page
-- A page of one chain in order, for its verification.
SELECT writer_id, seq, event_time, action, resource, subject, actor, roles, facility, service, purpose, outcome,
    trace_id, prev_hash, hash
FROM audit_log WHERE writer_id = :writer_id AND seq > :after_seq ORDER BY seq LIMIT :page_size;

-- name: frame_audit_of_subject
-- Who looked at a person, newest first; the page ends before (before_time, before_writer_id, before_seq).
SELECT writer_id, seq, event_time, action, resource, actor, roles, facility, service, purpose, outcome, trace_id
FROM audit_log
WHERE subject = :subject
  AND (event_time, writer_id, seq) < (:before_time, :before_writer_id, :before_seq)
ORDER BY event_time DESC, writer_id DESC, seq DESC LIMIT :page_size;

-- name: frame_outbox_destination
-- Whose worker a message is for.
SELECT destination FROM outbox WHERE message_id = :message_id;
