-- name: payment_claim_visit
-- Says whose visit it is, unless it was said before; tells by the count of changed rows.
INSERT INTO visit_lookup (visit_id, citizen_id, facility_code) VALUES (:visit_id, :citizen_id, :facility_code)
ON CONFLICT (visit_id) DO NOTHING;

-- name: payment_read_bill
-- The bill of a visit.
SELECT b.citizen_id, b.visit_id, b.facility_code, b.split, b.lines_sealed, b.total_vnd, b.fund_vnd, b.patient_vnd,
    b.other_funding_vnd, b.paid_vnd, b.open_time, b.issue_time
FROM visit_lookup AS l JOIN bill AS b ON b.citizen_id = l.citizen_id AND b.visit_id = l.visit_id
WHERE l.visit_id = :visit_id;

-- name: payment_add_bill
-- Opens a draft.
INSERT INTO bill (citizen_id, visit_id, facility_code, split, lines_sealed, total_vnd, fund_vnd, patient_vnd,
    other_funding_vnd, paid_vnd, open_time, issue_time)
VALUES (:citizen_id, :visit_id, :facility_code, :split, :lines_sealed, 0, 0, 0, 0, 0, :open_time, NULL);

-- name: payment_issue_bill
-- Turns a draft into an issued bill; an issued one stays as it is.
UPDATE bill SET split = :split, lines_sealed = :lines_sealed, total_vnd = :total_vnd, fund_vnd = :fund_vnd,
    patient_vnd = :patient_vnd, other_funding_vnd = :other_funding_vnd, issue_time = :issue_time
WHERE citizen_id = :citizen_id AND visit_id = :visit_id AND issue_time IS NULL;

-- name: payment_pay_bill
-- Applies money to a bill; the CHECK of the table refuses more than is due.
UPDATE bill SET paid_vnd = paid_vnd + :amount_vnd WHERE citizen_id = :citizen_id AND visit_id = :visit_id;

-- name: payment_claim_reference
-- Points a reference code at an intent unless it is taken; tells by the count of changed rows.
INSERT INTO intent_lookup (reference_code, citizen_id, intent_id) VALUES (:reference_code, :citizen_id, :intent_id)
ON CONFLICT (reference_code) DO NOTHING;

-- name: payment_add_intent
-- Asks for money.
INSERT INTO intent (citizen_id, intent_id, visit_id, facility_code, account, amount_vnd, reference_code, payloads,
    received_vnd, create_time, expire_time, traceparent)
VALUES (:citizen_id, :intent_id, :visit_id, :facility_code, :account, :amount_vnd, :reference_code, :payloads,
    0, :create_time, :expire_time, :traceparent);

-- name: payment_list_intents
-- The intents of a bill, oldest first.
SELECT citizen_id, intent_id, visit_id, facility_code, account, amount_vnd, reference_code, payloads, received_vnd,
    create_time, expire_time, traceparent
FROM intent WHERE citizen_id = :citizen_id AND visit_id = :visit_id ORDER BY create_time, intent_id LIMIT :page_size;

-- name: payment_read_intent_by_reference
-- The intent a reference code means.
SELECT i.citizen_id, i.intent_id, i.visit_id, i.facility_code, i.account, i.amount_vnd, i.reference_code, i.payloads,
    i.received_vnd, i.create_time, i.expire_time, i.traceparent
FROM intent_lookup AS l JOIN intent AS i ON i.citizen_id = l.citizen_id AND i.intent_id = l.intent_id
WHERE l.reference_code = :reference_code;

-- name: payment_receive_on_intent
-- Notes what came on an intent.
UPDATE intent SET received_vnd = received_vnd + :amount_vnd WHERE citizen_id = :citizen_id AND intent_id = :intent_id;

-- name: payment_next_serial
-- The next receipt number of a facility and year.
INSERT INTO receipt_counter (facility_code, year, last_serial) VALUES (:facility_code, :year, 1)
ON CONFLICT (facility_code, year) DO UPDATE SET last_serial = receipt_counter.last_serial + 1
RETURNING last_serial;

-- name: payment_claim_number
-- Keeps a receipt number for one receipt; the key refuses a second.
INSERT INTO receipt_number_lookup (facility_code, year, serial, receipt_id)
VALUES (:facility_code, :year, :serial, :receipt_id);

-- name: payment_add_receipt
-- Issues a receipt.
INSERT INTO receipt (citizen_id, receipt_id, visit_id, facility_code, year, serial, amount_vnd, collection_id, issue_time)
VALUES (:citizen_id, :receipt_id, :visit_id, :facility_code, :year, :serial, :amount_vnd, :collection_id, :issue_time);

-- name: payment_list_receipts
-- The receipts of a bill, oldest first.
SELECT citizen_id, receipt_id, visit_id, facility_code, year, serial, amount_vnd, collection_id, issue_time
FROM receipt WHERE citizen_id = :citizen_id AND visit_id = :visit_id ORDER BY year, serial LIMIT :page_size;

-- name: payment_read_event
-- A notification's first outcome.
SELECT event_id, facility_code, verdict, amount_vnd, outcome, answer_code, visit_id, collection_id
FROM bank_event WHERE event_id = :event_id;

-- name: payment_add_event
-- Keeps a notification with its outcome.
INSERT INTO bank_event (event_id, provider, facility_code, verdict, raw_sealed, amount_vnd, outcome, answer_code, visit_id,
    collection_id, receive_time)
VALUES (:event_id, :provider, :facility_code, :verdict, :raw_sealed, :amount_vnd, :outcome, :answer_code, :visit_id,
    :collection_id, :receive_time);

-- name: payment_add_collection
-- Records money that came.
INSERT INTO collection (collection_id, facility_code, account, visit_id, intent_id, event_id, line_id, bank_reference,
    text_hash, amount_vnd, applied_vnd, unapplied_vnd, refund_vnd, confirmed_vnd, paid_time, paid_date, match_group)
VALUES (:collection_id, :facility_code, :account, :visit_id, :intent_id, :event_id, :line_id, :bank_reference,
    :text_hash, :amount_vnd, :applied_vnd, :unapplied_vnd, :refund_vnd, 0, :paid_time, :paid_date, '');

-- name: payment_read_collection
-- One sum of money.
SELECT collection_id, facility_code, account, visit_id, intent_id, event_id, line_id, bank_reference, text_hash, amount_vnd,
    applied_vnd, unapplied_vnd, refund_vnd, confirmed_vnd, paid_time, match_group
FROM collection WHERE collection_id = :collection_id;

-- name: payment_find_posted_from_line
-- Money the statement told of before its notification came: the same bank reference first, then the same intent and amount.
SELECT collection_id, facility_code, account, visit_id, intent_id, event_id, line_id, bank_reference, text_hash, amount_vnd,
    applied_vnd, unapplied_vnd, refund_vnd, confirmed_vnd, paid_time, match_group
FROM collection
WHERE account = :account AND event_id = '' AND amount_vnd = :amount_vnd
    AND (bank_reference = :bank_reference OR (intent_id <> '' AND intent_id = :intent_id))
ORDER BY CASE WHEN bank_reference = :bank_reference THEN 0 ELSE 1 END, collection_id LIMIT 1;

-- name: payment_claim_for_event
-- Ties a late notification to the money it tells of.
UPDATE collection SET event_id = :event_id WHERE collection_id = :collection_id AND event_id = '';

-- name: payment_list_unproved
-- Money no statement line has proved yet.
SELECT collection_id, facility_code, account, visit_id, intent_id, event_id, line_id, bank_reference, text_hash, amount_vnd,
    applied_vnd, unapplied_vnd, refund_vnd, confirmed_vnd, paid_time, match_group
FROM collection WHERE account = :account AND match_group = '' ORDER BY collection_id LIMIT :page_size;

-- name: payment_list_overdue
-- Unproved money of days that a statement covers and that are over for long enough.
SELECT c.collection_id, c.facility_code, c.account, c.visit_id, c.intent_id, c.event_id, c.line_id, c.bank_reference,
    c.text_hash, c.amount_vnd, c.applied_vnd, c.unapplied_vnd, c.refund_vnd, c.confirmed_vnd, c.paid_time, c.match_group
FROM collection AS c
WHERE c.account = :account AND c.match_group = '' AND c.paid_date <= :last_date AND EXISTS (
    SELECT 1 FROM statement AS s
    WHERE s.account = c.account AND s.to_date >= c.paid_date AND s.from_date <= c.paid_date
)
ORDER BY c.collection_id LIMIT :page_size;

-- name: payment_collections_of_visit
-- Money that was paid for a bill or applied to it.
SELECT collection_id, facility_code, account, visit_id, intent_id, event_id, line_id, bank_reference, text_hash, amount_vnd,
    applied_vnd, unapplied_vnd, refund_vnd, confirmed_vnd, paid_time, match_group
FROM collection
WHERE visit_id = :visit_id OR collection_id IN (
    SELECT r.collection_id FROM receipt AS r WHERE r.citizen_id = :citizen_id AND r.visit_id = :visit_id
)
ORDER BY collection_id LIMIT :page_size;

-- name: payment_move_unapplied
-- Moves waiting money to a bill or to refunds; the CHECK of the table refuses more than waits.
UPDATE collection SET applied_vnd = applied_vnd + :applied_vnd, refund_vnd = refund_vnd + :refund_vnd,
    unapplied_vnd = unapplied_vnd - :applied_vnd - :refund_vnd
WHERE collection_id = :collection_id;

-- name: payment_name_collection
-- Says which bill and intent money without a bill was for.
UPDATE collection SET visit_id = :visit_id, intent_id = :intent_id WHERE collection_id = :collection_id;

-- name: payment_prove_collection
-- A statement line showed the money.
UPDATE collection SET confirmed_vnd = :confirmed_vnd, match_group = :match_group
WHERE collection_id = :collection_id AND match_group = '';

-- name: payment_add_transfer
-- Books a movement; its derived id refuses a second one of the same cause.
INSERT INTO transfer (transfer_id, facility_code, kind, book_time) VALUES (:transfer_id, :facility_code, :kind, :book_time);

-- name: payment_add_posting
-- One side of a movement.
INSERT INTO posting (transfer_id, position, facility_code, account_code, visit_id, amount_vnd)
VALUES (:transfer_id, :position, :facility_code, :account_code, :visit_id, :amount_vnd);

-- name: payment_balances
-- The balance of each account of a facility.
SELECT account_code, CAST(SUM(amount_vnd) AS BIGINT) AS balance_vnd
FROM posting WHERE facility_code = :facility_code GROUP BY account_code ORDER BY account_code;

-- name: payment_receivable_of_visit
-- What the books say the patient still owes on a bill.
SELECT CAST(COALESCE(SUM(amount_vnd), 0) AS BIGINT) AS balance_vnd
FROM posting WHERE visit_id = :visit_id AND account_code = 'PATIENT_RECEIVABLE';

-- name: payment_add_statement
-- Records an imported file.
INSERT INTO statement (statement_id, facility_code, account, number, opening_vnd, closing_vnd, line_count, duplicate_count,
    quarantined_count, is_proved, from_date, to_date, import_time)
VALUES (:statement_id, :facility_code, :account, :number, :opening_vnd, :closing_vnd, :line_count, 0,
    :quarantined_count, :is_proved, :from_date, :to_date, :import_time);

-- name: payment_note_duplicates
-- How many lines of a file were known before.
UPDATE statement SET duplicate_count = :duplicate_count WHERE statement_id = :statement_id;

-- name: payment_read_statement
-- One imported file.
SELECT statement_id, account, number, opening_vnd, closing_vnd, line_count, duplicate_count, quarantined_count, is_proved
FROM statement WHERE statement_id = :statement_id;

-- name: payment_last_statement_date
-- The last day any statement of an account covers; empty without one.
SELECT COALESCE(MAX(to_date), '') AS to_date FROM statement WHERE account = :account;

-- name: payment_add_line
-- Adds a movement unless an earlier file had it.
INSERT INTO statement_line (line_id, statement_id, facility_code, account, booking_date, amount_vnd, bank_reference, codes,
    text_hash, text_sealed, outcome, match_group)
VALUES (:line_id, :statement_id, :facility_code, :account, :booking_date, :amount_vnd, :bank_reference, :codes,
    :text_hash, :text_sealed, '', '')
ON CONFLICT (line_id) DO NOTHING;

-- name: payment_count_lines
-- Movements that a file was the first to show.
SELECT COUNT(*) AS line_count FROM statement_line WHERE statement_id = :statement_id;

-- name: payment_list_open_lines
-- Movements nothing was said of yet, oldest first.
SELECT line_id, booking_date, amount_vnd, bank_reference, codes, text_hash
FROM statement_line WHERE account = :account AND outcome = '' ORDER BY booking_date, line_id LIMIT :page_size;

-- name: payment_decide_line
-- Says what a movement is, once.
UPDATE statement_line SET outcome = :outcome, match_group = :match_group WHERE line_id = :line_id AND outcome = '';

-- name: payment_line_outcomes
-- What was said of every movement of an account.
SELECT line_id, outcome, match_group FROM statement_line WHERE account = :account AND outcome <> '' LIMIT :page_size;

-- name: payment_add_quarantined
-- Keeps a line that could not be read.
INSERT INTO quarantined_line (quarantine_id, statement_id, position, fault, raw_sealed)
VALUES (:quarantine_id, :statement_id, :position, :fault, :raw_sealed);

-- name: payment_add_break
-- Opens a break unless the same one was opened before; tells by the count of changed rows.
INSERT INTO money_break (break_id, facility_code, code, amount_vnd, account, bank_reference, visit_id, collection_id, line_id,
    create_time, resolution, resolve_time, resolver, note_sealed)
VALUES (:break_id, :facility_code, :code, :amount_vnd, :account, :bank_reference, :visit_id, :collection_id, :line_id,
    :create_time, :resolution, :resolve_time, '', NULL)
ON CONFLICT (break_id) DO NOTHING;

-- name: payment_read_break
-- One break.
SELECT break_id, facility_code, code, amount_vnd, account, bank_reference, visit_id, collection_id, create_time, resolution,
    resolve_time
FROM money_break WHERE break_id = :break_id;

-- name: payment_list_breaks
-- A facility's breaks and those that are nobody's, oldest first; two index ranges joined in order.
SELECT break_id, facility_code, code, amount_vnd, account, bank_reference, visit_id, collection_id, create_time, resolution,
    resolve_time
FROM money_break
WHERE facility_code IN (:facility_code, '') AND (create_time, break_id) > (:after_time, :after_id)
    AND (:state = '' OR (:state = 'OPEN' AND resolution = '') OR (:state = 'RESOLVED' AND resolution <> ''))
ORDER BY create_time, break_id LIMIT :page_size;

-- name: payment_resolve_break
-- Ends an open break.
UPDATE money_break SET resolution = :resolution, resolve_time = :resolve_time, resolver = :resolver, note_sealed = :note_sealed
WHERE break_id = :break_id AND resolution = '';

-- name: payment_clear_breaks
-- Ends open breaks of one kind of some money because later data explained them.
UPDATE money_break SET resolution = 'AUTO_CLEARED', resolve_time = :resolve_time
WHERE collection_id = :collection_id AND code = :code AND resolution = '';

-- name: payment_list_broken_money
-- Money of an account about which a break is open.
SELECT DISTINCT collection_id FROM money_break
WHERE account = :account AND resolution = '' AND collection_id <> '' LIMIT :page_size;

-- name: payment_link_breaks_to_line
-- Ties the open breaks of money that a notification told of to the line that showed it.
UPDATE money_break SET line_id = :line_id WHERE collection_id = :collection_id AND resolution = '' AND line_id = '';

-- name: payment_count_open_lines
-- Movements of an account that wait for a person, or for the next run.
SELECT (SELECT COUNT(*) FROM statement_line WHERE account = :account AND outcome = '')
    + (SELECT COUNT(DISTINCT line_id) FROM money_break WHERE account = :account AND facility_code = :facility_code
        AND line_id <> '' AND resolution = '') AS line_count;

-- name: payment_add_run
-- Records a reconciliation.
INSERT INTO reconciliation_run (run_id, facility_code, account, by_reference_count, by_code_count, posted_count, break_count,
    open_line_count, digest, run_time)
VALUES (:run_id, :facility_code, :account, :by_reference_count, :by_code_count, :posted_count, :break_count,
    :open_line_count, :digest, :run_time);

-- name: payment_read_run
-- One reconciliation.
SELECT run_id, by_reference_count, by_code_count, posted_count, break_count, open_line_count, digest
FROM reconciliation_run WHERE run_id = :run_id;
