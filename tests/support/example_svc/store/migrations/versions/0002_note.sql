ALTER TABLE transfers ADD COLUMN note TEXT;

CREATE INDEX transfers_by_time ON transfers (citizen_id, create_time, transfer_id);

INSERT INTO accounts (citizen_id, account_id, balance_vnd) VALUES ('migration', 'it''s :one; 100% -- here', 0);
