-- A store for the tests of the frame: accounts and the transfers between them.

CREATE TABLE account_lookup (
    number_hash BYTEA PRIMARY KEY,
    citizen_id TEXT NOT NULL
);

CREATE TABLE accounts (
    citizen_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    balance_vnd BIGINT NOT NULL CHECK (balance_vnd >= 0),
    PRIMARY KEY (citizen_id, account_id)
);

CREATE TABLE transfers (
    citizen_id TEXT NOT NULL,
    transfer_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    amount_vnd BIGINT NOT NULL,
    create_time TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (citizen_id, transfer_id),
    FOREIGN KEY (citizen_id, account_id) REFERENCES accounts (citizen_id, account_id)
);

CREATE INDEX transfers_by_time ON transfers (citizen_id, create_time, transfer_id);
