-- The first layout. Times are UTC milliseconds, ids are UUIDv7 text (so they sort by time), flags are
-- 0 or 1, JSON is text. A bot is (kind, bot), a room is (kind, bot, room, thread), an identity is
-- (kind, person), each under these column names wherever it occurs.

-- Numbers that people use: of accounts, of jobs.
CREATE TABLE counter (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE account (
    id         TEXT   NOT NULL PRIMARY KEY,
    number     BIGINT NOT NULL UNIQUE,
    name       TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    tags       TEXT   NOT NULL, -- JSON: list of node tags
    language   TEXT,
    created_ms BIGINT NOT NULL
);

CREATE TABLE identity (
    kind                TEXT   NOT NULL,
    person              TEXT   NOT NULL,
    account_id          TEXT   NOT NULL REFERENCES account (id),
    previous_account_id TEXT REFERENCES account (id),
    name                TEXT   NOT NULL,
    handle              TEXT   NOT NULL,
    language_hint       TEXT   NOT NULL,
    last_seen_ms        BIGINT NOT NULL,
    PRIMARY KEY (kind, person)
);
CREATE INDEX identity_account ON identity (account_id);

-- One-time codes that join a second identity to an account. `claimant_id` is set for the second code
-- of a binding that was started where others could read the first.
CREATE TABLE binding (
    code_hash     TEXT   NOT NULL PRIMARY KEY,
    issuer_kind   TEXT   NOT NULL,
    issuer_person TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    bot           TEXT   NOT NULL,
    room          TEXT   NOT NULL,
    thread        TEXT   NOT NULL,
    in_group      BIGINT NOT NULL,
    claimant_id   TEXT,
    attempts      BIGINT NOT NULL,
    expires_ms    BIGINT NOT NULL
);
CREATE INDEX binding_issuer ON binding (issuer_kind, issuer_person);

-- Codes that make the first owner.
CREATE TABLE claim (
    code_hash  TEXT   NOT NULL PRIMARY KEY,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT
);

CREATE TABLE dialog (
    account_id  TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    bot         TEXT   NOT NULL,
    room        TEXT   NOT NULL,
    thread      TEXT   NOT NULL,
    dialog_kind TEXT   NOT NULL,
    data        TEXT   NOT NULL, -- JSON, the dialog's own
    expires_ms  BIGINT NOT NULL,
    PRIMARY KEY (account_id, kind, bot, room, thread)
);

-- Commands that wait for a yes.
CREATE TABLE question (
    id         TEXT   NOT NULL PRIMARY KEY,
    account_id TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    bot        TEXT   NOT NULL,
    room       TEXT   NOT NULL,
    thread     TEXT   NOT NULL,
    command    TEXT   NOT NULL,
    data       TEXT   NOT NULL, -- JSON, the command's own
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used       BIGINT NOT NULL
);

CREATE TABLE room (
    kind            TEXT   NOT NULL,
    bot             TEXT   NOT NULL,
    room            TEXT   NOT NULL,
    thread          TEXT   NOT NULL,
    room_kind       TEXT   NOT NULL,
    title           TEXT   NOT NULL,
    language        TEXT,
    last_message_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, bot, room, thread)
);

-- Inbound events that were handled. The row is written in the transaction of what the event caused.
CREATE TABLE event (
    kind        TEXT   NOT NULL,
    bot         TEXT   NOT NULL,
    event_id    TEXT   NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, bot, event_id)
);
CREATE INDEX event_received ON event (received_ms);

-- What still has to be said; a confirmed row is deleted.
CREATE TABLE outbox (
    id            TEXT   NOT NULL PRIMARY KEY,
    kind          TEXT   NOT NULL,
    bot           TEXT   NOT NULL,
    room          TEXT   NOT NULL,
    thread        TEXT   NOT NULL,
    action        BYTEA  NOT NULL, -- encoded chat Action
    progress_key  TEXT,
    attempts      BIGINT NOT NULL,
    not_before_ms BIGINT NOT NULL,
    created_ms    BIGINT NOT NULL
);
CREATE INDEX outbox_room ON outbox (kind, bot, room, thread, id);

-- The platform's message that shows a progress object.
CREATE TABLE progress (
    name       TEXT   NOT NULL PRIMARY KEY,
    message_id TEXT   NOT NULL,
    updated_ms BIGINT NOT NULL
);

CREATE TABLE job (
    id              TEXT   NOT NULL PRIMARY KEY,
    number          BIGINT NOT NULL UNIQUE,
    account_id      TEXT   NOT NULL,
    identity_kind   TEXT   NOT NULL,
    identity_person TEXT   NOT NULL,
    kind            TEXT   NOT NULL,
    bot             TEXT   NOT NULL,
    room            TEXT   NOT NULL,
    thread          TEXT   NOT NULL,
    reply_to        TEXT   NOT NULL,
    spec            TEXT   NOT NULL, -- JSON
    state           TEXT   NOT NULL,
    created_ms      BIGINT NOT NULL,
    ended_ms        BIGINT,
    wait_until_ms   BIGINT NOT NULL,
    language        TEXT   NOT NULL
);
CREATE INDEX job_account ON job (account_id, number);
CREATE INDEX job_open ON job (number) WHERE state = 'open';

CREATE TABLE task (
    order_id     TEXT   NOT NULL PRIMARY KEY,
    job_id       TEXT   NOT NULL REFERENCES job (id),
    position     BIGINT NOT NULL,
    node         TEXT   NOT NULL,
    address      TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    is_final     BIGINT NOT NULL,
    signed_order BYTEA  NOT NULL, -- encoded SignedOrder, empty until made
    ending       BYTEA  NOT NULL, -- encoded Ended or Refused, empty until final
    started_ms   BIGINT NOT NULL,
    ended_ms     BIGINT NOT NULL,
    UNIQUE (job_id, position)
);
CREATE INDEX task_node ON task (node);
CREATE INDEX task_open ON task (address) WHERE is_final = 0;

CREATE TABLE node (
    address      TEXT   NOT NULL PRIMARY KEY,
    name         TEXT   NOT NULL UNIQUE,
    tags         TEXT   NOT NULL, -- JSON: list
    dial         TEXT   NOT NULL, -- empty: the node dials us
    enrolled_ms  BIGINT NOT NULL,
    facts        BYTEA  NOT NULL, -- encoded Facts as last told, may be empty
    last_seen_ms BIGINT NOT NULL
);

CREATE TABLE audit (
    id              TEXT   NOT NULL PRIMARY KEY,
    time_ms         BIGINT NOT NULL,
    account_id      TEXT,
    identity_kind   TEXT,
    identity_person TEXT,
    what            TEXT   NOT NULL,
    detail          TEXT   NOT NULL,
    target          TEXT   NOT NULL,
    result          TEXT   NOT NULL,
    trace           TEXT   NOT NULL
);

-- Who may ask for which bytes: `origin` names the room or the job that they belong to.
CREATE TABLE blob_ref (
    hash       TEXT   NOT NULL,
    origin     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    mime       TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (hash, origin)
);
CREATE INDEX blob_ref_origin ON blob_ref (origin);
