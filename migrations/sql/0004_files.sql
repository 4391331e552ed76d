-- What is known of stored files beyond their bytes. `source` is a place on a node, or empty for a file
-- that a person sent; `message` is the platform's message that brought it, where that is known.
CREATE TABLE file (
    number     BIGINT NOT NULL PRIMARY KEY,
    hash       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    mime       TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    source     TEXT   NOT NULL,
    account_id TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    bot        TEXT   NOT NULL,
    room       TEXT   NOT NULL,
    thread     TEXT   NOT NULL,
    message    TEXT   NOT NULL,
    job        BIGINT NOT NULL, -- 0: of no job
    created_ms BIGINT NOT NULL
);
CREATE INDEX file_room ON file (kind, bot, room, thread, number);
CREATE INDEX file_account ON file (account_id, number);
CREATE INDEX file_hash ON file (hash);
CREATE INDEX file_created ON file (created_ms);

-- Messages that show a file: an answer to one of them means that file.
CREATE TABLE file_message (
    kind    TEXT NOT NULL,
    bot     TEXT NOT NULL,
    room    TEXT NOT NULL,
    message TEXT NOT NULL,
    hash    TEXT NOT NULL,
    PRIMARY KEY (kind, bot, room, message)
);
CREATE INDEX file_message_hash ON file_message (hash);
