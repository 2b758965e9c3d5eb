-- name: add_account!
-- Opens an account.
INSERT INTO accounts (citizen_id, account_id, balance_vnd) VALUES (:citizen_id, :account_id, :balance_vnd);

-- name: account_balance
-- What an account holds.
SELECT balance_vnd FROM accounts WHERE citizen_id = :citizen_id AND account_id = :account_id;

-- name: add_to_balance!
-- Moves a balance up or down.
UPDATE accounts SET balance_vnd = balance_vnd + :amount_vnd
WHERE citizen_id = :citizen_id AND account_id = :account_id;

-- name: set_balance!
-- Sets a balance that was computed from a read.
UPDATE accounts SET balance_vnd = :balance_vnd WHERE citizen_id = :citizen_id AND account_id = :account_id;

-- name: add_transfer!
-- Records one side of a transfer.
INSERT INTO transfers (citizen_id, transfer_id, account_id, amount_vnd, create_time)
VALUES (:citizen_id, :transfer_id, :account_id, :amount_vnd, :create_time);

-- name: transfers_of
-- A person's transfers in order.
SELECT transfer_id, amount_vnd FROM transfers WHERE citizen_id = :citizen_id ORDER BY transfer_id LIMIT :page_size;

-- name: ledger_totals
-- Numbers that must agree whatever happens.
SELECT (SELECT COALESCE(SUM(balance_vnd), 0) FROM accounts) AS balance_vnd,
    (SELECT COALESCE(SUM(amount_vnd), 0) FROM transfers) AS transfer_vnd,
    (SELECT COUNT(*) FROM transfers) AS transfer_count;

-- name: ledger_totals__postgresql
-- As ledger_totals; PostgreSQL's SUM of BIGINT is NUMERIC.
SELECT (SELECT CAST(COALESCE(SUM(balance_vnd), 0) AS BIGINT) FROM accounts) AS balance_vnd,
    (SELECT CAST(COALESCE(SUM(amount_vnd), 0) AS BIGINT) FROM transfers) AS transfer_vnd,
    (SELECT COUNT(*) FROM transfers) AS transfer_count;

-- name: engine_name
-- Which variant was loaded.
SELECT 'any' AS name;

-- name: engine_name__postgresql
-- A variant, to prove that it replaces the plain one.
SELECT 'postgresql' AS name;

-- name: count_to
-- Enough rows to take a while.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last) SELECT COUNT(*) AS total FROM n;

-- name: forget_transfers!
-- Empties the ledger between two trials.
DELETE FROM transfers;
