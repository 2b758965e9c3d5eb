-- Consents, delegations, proxy codes, accounts.

-- That a person agreed to a text. Lists are joined by commas. `facility_code` '' means every facility of the province.
CREATE TABLE consent (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    consent_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    scopes TEXT NOT NULL CHECK (scopes <> ''),
    facility_code TEXT NOT NULL,
    text_id TEXT NOT NULL,
    text_version BIGINT NOT NULL CHECK (text_version >= 1),
    text_language TEXT NOT NULL CHECK (text_language IN ('vi', 'en')),
    text_hash TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('KIOSK', 'DESK_PAPER', 'APP', 'PHONE')),
    given_as TEXT NOT NULL CHECK (given_as IN ('SELF', 'GUARDIAN', 'DELEGATE')),
    giver_id TEXT NOT NULL,
    minor_agreed BIGINT NOT NULL CHECK (minor_agreed IN (0, 1)),
    evidence_reference TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at_facility_code TEXT NOT NULL,
    grant_time TEXT NOT NULL,
    expire_time TEXT,
    withdraw_time TEXT,
    withdraw_channel TEXT NOT NULL,
    withdrawn_by TEXT NOT NULL,
    is_replaced BIGINT NOT NULL CHECK (is_replaced IN (0, 1)),
    PRIMARY KEY (citizen_id, consent_id)
);

-- One standing consent for a purpose and facility: who withdraws it has withdrawn all there is.
CREATE UNIQUE INDEX consent_standing ON consent (citizen_id, purpose, facility_code) WHERE withdraw_time IS NULL;

CREATE INDEX consent_by_purpose ON consent (citizen_id, purpose, consent_id);

-- Who may act for a citizen.
CREATE TABLE delegation (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    delegation_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('GUARDIAN', 'DELEGATE')),
    representative_id TEXT NOT NULL,
    relationship TEXT NOT NULL,
    actions TEXT NOT NULL CHECK (actions <> ''),
    evidence_kind TEXT NOT NULL,
    evidence_reference TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at_facility_code TEXT NOT NULL,
    start_time TEXT NOT NULL,
    end_time TEXT,
    revoke_time TEXT,
    revoked_by TEXT NOT NULL,
    PRIMARY KEY (citizen_id, delegation_id)
);

-- The same seen from the other side: for whom a citizen may act.
CREATE TABLE representation (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    delegation_id TEXT NOT NULL,
    represented_id TEXT NOT NULL,
    PRIMARY KEY (citizen_id, delegation_id)
);

-- A code for one visit. Its text is made anew from this row and the signing key, and is never stored.
CREATE TABLE proxy_code (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    code_id TEXT NOT NULL,
    actions TEXT NOT NULL CHECK (actions <> ''),
    facility_code TEXT NOT NULL,
    issuer_id TEXT NOT NULL,
    key_version BIGINT NOT NULL,
    issue_time TEXT NOT NULL,
    expire_time TEXT NOT NULL,
    redeem_time TEXT,
    redeemed_by TEXT NOT NULL,
    redeemed_at_facility_code TEXT NOT NULL,
    bearer_id TEXT NOT NULL,
    visit_end_time TEXT,
    revoke_time TEXT,
    PRIMARY KEY (citizen_id, code_id),
    CHECK ((redeem_time IS NULL) = (visit_end_time IS NULL))
);

CREATE INDEX proxy_code_by_issue ON proxy_code (citizen_id, issue_time, code_id);

-- The id in a code to its citizen.
CREATE TABLE proxy_code_lookup (
    code_id TEXT NOT NULL PRIMARY KEY,
    citizen_id TEXT NOT NULL
);

-- A sign-in that belongs to a citizen; its name at the issuer is sealed.
CREATE TABLE account (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    account_id TEXT NOT NULL,
    subject_sealed BYTEA NOT NULL,
    linked_by TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    link_time TEXT NOT NULL,
    unlink_time TEXT,
    unlinked_by TEXT NOT NULL,
    PRIMARY KEY (citizen_id, account_id)
);

-- Keyed hash of a sign-in's name to its citizen, while linked.
CREATE TABLE account_lookup (
    hash BYTEA NOT NULL PRIMARY KEY,
    citizen_id TEXT NOT NULL,
    account_id TEXT NOT NULL
);

-- Short codes that wait for a clerk, one for a sign-in; rows live ten minutes.
CREATE TABLE account_request (
    code_hash BYTEA NOT NULL PRIMARY KEY,
    subject_hash BYTEA NOT NULL UNIQUE,
    code_sealed BYTEA NOT NULL,
    subject_sealed BYTEA NOT NULL,
    expire_time TEXT NOT NULL
);

CREATE INDEX account_request_by_expiry ON account_request (expire_time);
