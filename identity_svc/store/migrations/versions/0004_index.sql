-- The master index: profiles, blocks, links.

-- What matching compares of a person, in one sealed text; pending: it changed since it was last matched.
CREATE TABLE match_profile (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    facts_sealed BYTEA NOT NULL,
    pending BIGINT NOT NULL CHECK (pending IN (0, 1)),
    note_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id)
);

CREATE INDEX match_profile_pending ON match_profile (citizen_id) WHERE pending = 1;

-- Keyed hash of a blocking key to the people who have it. Nine bytes: a chance equality only costs a comparison.
CREATE TABLE match_block_lookup (
    key_hash BYTEA NOT NULL,
    citizen_id TEXT NOT NULL,
    PRIMARY KEY (key_hash, citizen_id)
);

-- What became of a pair that matching looked at closely; citizen_id is the smaller id of the two.
-- facts_digest is keyed: of a rejected pair it tells whether the facts changed since.
CREATE TABLE match_pair (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    other_citizen_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('PROPOSED', 'LINKED', 'REJECTED', 'GONE')),
    weight_centibits BIGINT NOT NULL,
    evidence TEXT NOT NULL,
    facts_digest BYTEA NOT NULL,
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    PRIMARY KEY (citizen_id, other_citizen_id)
);

CREATE INDEX match_pair_by_state ON match_pair (state, update_time, citizen_id, other_citizen_id);
CREATE INDEX match_pair_by_other ON match_pair (other_citizen_id, citizen_id);

-- A citizen linked into another one. Links are ended, never removed; the newest of a citizen without an end counts.
CREATE TABLE citizen_link (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    link_id TEXT NOT NULL,
    survivor_id TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('AUTOMATIC', 'STEWARD')),
    plan_digest BYTEA NOT NULL,
    link_time TEXT NOT NULL,
    end_time TEXT,
    PRIMARY KEY (citizen_id, link_id)
);

CREATE UNIQUE INDEX citizen_link_current ON citizen_link (citizen_id) WHERE end_time IS NULL;

-- The look-up rows a link moved to its survivor: what its undoing gives back.
CREATE TABLE citizen_link_move (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    link_id TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (citizen_id, link_id, hash)
);

-- Everybody who is linked into a citizen now, directly or through others: their numbers are the citizen's too.
CREATE TABLE citizen_member (
    citizen_id TEXT NOT NULL REFERENCES citizen (citizen_id),
    member_id TEXT NOT NULL,
    PRIMARY KEY (citizen_id, member_id)
);

-- A run that matches everybody anew: how far it is, so that it goes on after a kill.
CREATE TABLE match_sweep (
    sweep_id TEXT NOT NULL PRIMARY KEY,
    start_time TEXT NOT NULL,
    update_time TEXT,
    end_time TEXT,
    total_count BIGINT NOT NULL,
    matched_count BIGINT NOT NULL,
    linked_count BIGINT NOT NULL,
    proposed_count BIGINT NOT NULL,
    cursor_id TEXT NOT NULL
);

CREATE INDEX citizen_link_by_survivor ON citizen_link (survivor_id, link_id);
