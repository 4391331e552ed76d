-- One-time tokens with which a node joins, and keys on their way out.

-- `node` is the address that used it up. A join is `told` in its room when the node is there.
CREATE TABLE join_token (
    token_hash TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL, -- '' = what the node calls itself
    tags       TEXT   NOT NULL, -- JSON: list of tags
    script     TEXT   NOT NULL, -- what a bare server downloads
    kind       TEXT   NOT NULL,
    bot        TEXT   NOT NULL,
    room       TEXT   NOT NULL,
    thread     TEXT   NOT NULL,
    reply_to   TEXT   NOT NULL,
    language   TEXT   NOT NULL,
    expires_ms BIGINT NOT NULL,
    node       TEXT,
    told       BIGINT NOT NULL
);
CREATE INDEX join_token_node ON join_token (node);

-- Addresses that nodes had before, what they are now, and until when the old ones are let in.
CREATE TABLE former_address (
    address  TEXT   NOT NULL PRIMARY KEY,
    node     TEXT   NOT NULL,
    until_ms BIGINT NOT NULL
);
