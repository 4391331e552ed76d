-- Translation of what people say to each other.

-- What a room decided: languages, people, glossary, the rooms tied to it. A room without has no row.
CREATE TABLE translation_room (
    kind     TEXT NOT NULL,
    bot      TEXT NOT NULL,
    room     TEXT NOT NULL,
    thread   TEXT NOT NULL,
    settings TEXT NOT NULL, -- JSON
    PRIMARY KEY (kind, bot, room, thread)
);

-- Translations that are to be made and shown. `origin` names the message.
CREATE TABLE translation (
    id         TEXT   NOT NULL PRIMARY KEY,
    origin     TEXT   NOT NULL,
    work       TEXT   NOT NULL, -- JSON
    is_delayed BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX translation_origin ON translation (origin);

-- Characters that engines were sent.
CREATE TABLE translation_count (
    month      TEXT   NOT NULL,
    engine     TEXT   NOT NULL,
    account_id TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    bot        TEXT   NOT NULL,
    room       TEXT   NOT NULL,
    thread     TEXT   NOT NULL,
    characters BIGINT NOT NULL,
    PRIMARY KEY (month, engine, account_id, kind, bot, room, thread)
);

-- Who answers a message of ours may mean the person whose words it shows.
CREATE INDEX progress_message ON progress (message_id);
