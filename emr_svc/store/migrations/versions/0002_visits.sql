-- Visits, their entries and queue tickets.

-- One stay of one person; the reason is sealed.
CREATE TABLE visit (
    citizen_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    facility_code TEXT NOT NULL,
    claim_link_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('OUTPATIENT', 'INPATIENT', 'EMERGENCY')),
    state TEXT NOT NULL CHECK (state IN ('OPEN', 'IN_PROGRESS', 'CLOSED')),
    reason_text BYTEA NOT NULL,
    open_time TEXT NOT NULL,
    close_time TEXT,
    version BIGINT NOT NULL CHECK (version >= 1),
    room TEXT NOT NULL,
    queue_date TEXT NOT NULL,
    ticket_number BIGINT NOT NULL CHECK (ticket_number >= 1),
    priority_class BIGINT NOT NULL CHECK (priority_class BETWEEN 1 AND 3),
    ticket_state TEXT NOT NULL CHECK (ticket_state IN ('WAITING', 'CALLED', 'DONE')),
    call_time TEXT,
    CHECK ((state = 'CLOSED') = (close_time IS NOT NULL)),
    PRIMARY KEY (citizen_id, visit_id)
);

CREATE INDEX visit_by_facility ON visit (facility_code, open_time, visit_id);

CREATE INDEX visit_by_queue ON visit (facility_code, room, queue_date, ticket_state, priority_class, ticket_number);

-- Which person a visit belongs to, for callers that know the visit only.
CREATE TABLE visit_lookup (
    visit_id TEXT NOT NULL PRIMARY KEY,
    citizen_id TEXT NOT NULL
);

-- Last number given out in front of a room on a day.
CREATE TABLE queue_number_lookup (
    facility_code TEXT NOT NULL,
    room TEXT NOT NULL,
    queue_date TEXT NOT NULL,
    last_number BIGINT NOT NULL CHECK (last_number >= 1),
    PRIMARY KEY (facility_code, room, queue_date)
);

-- What was written into a visit; rows are added and never changed, the text is sealed.
CREATE TABLE entry (
    citizen_id TEXT NOT NULL,
    visit_id TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    kind TEXT NOT NULL CHECK (kind IN ('NOTE', 'VITAL_SIGNS', 'DIAGNOSIS', 'SERVICE')),
    code BYTEA NOT NULL,
    text BYTEA NOT NULL,
    record_time TEXT NOT NULL,
    author TEXT NOT NULL,
    PRIMARY KEY (citizen_id, visit_id, number),
    FOREIGN KEY (citizen_id, visit_id) REFERENCES visit (citizen_id, visit_id)
);
