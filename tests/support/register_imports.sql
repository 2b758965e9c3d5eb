-- name: test_import_citizens
-- Everybody in a test's store.
SELECT citizen_id FROM citizen ORDER BY citizen_id;

-- name: test_import_cases
-- The causes of the open cases.
SELECT cause FROM quality_case WHERE state = 'OPEN' ORDER BY cause, citizen_id;

-- name: test_import_as_card!
-- Makes all facts such as a card told.
UPDATE demographic SET source = 'CARD_QR';
