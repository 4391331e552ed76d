-- Subscriptions, and what heartbeats brought.

-- What a room wants to be told. Of two people in a group who ask for the same, the later one counts;
-- it is their rights that decide what is told. `tag` and `node` are empty where they limit nothing.
CREATE TABLE subscription (
    kind       TEXT   NOT NULL,
    bot        TEXT   NOT NULL,
    room       TEXT   NOT NULL,
    thread     TEXT   NOT NULL,
    topic      TEXT   NOT NULL,
    tag        TEXT   NOT NULL,
    node       TEXT   NOT NULL,
    room_kind  TEXT   NOT NULL,
    account_id TEXT   NOT NULL REFERENCES account (id),
    everything BIGINT NOT NULL,
    language   TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, bot, room, thread, topic, tag, node)
);

-- What subscribers were last told of a node.
CREATE TABLE watched_node (
    address    TEXT   NOT NULL PRIMARY KEY,
    online     BIGINT NOT NULL,
    flapping   BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);

-- The averages of one minute (since 1970), of many nodes in each row.
CREATE TABLE load_minute (
    minute BIGINT NOT NULL,
    part   BIGINT NOT NULL,
    points BYTEA  NOT NULL,
    PRIMARY KEY (minute, part)
);
