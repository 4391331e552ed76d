-- Imports of notes, which go on after a restart and can be taken back.

CREATE TABLE note_import (
    number     BIGINT NOT NULL PRIMARY KEY,
    account_id TEXT   NOT NULL REFERENCES account (id),
    kind       TEXT   NOT NULL,
    bot        TEXT   NOT NULL,
    room       TEXT   NOT NULL,
    thread     TEXT   NOT NULL,
    room_kind  TEXT   NOT NULL,
    reply_to   TEXT   NOT NULL,
    language   TEXT   NOT NULL,
    file       TEXT   NOT NULL, -- BLAKE3 hex
    name       TEXT   NOT NULL,
    notebook   BIGINT NULL,     -- everything goes there; null = where the file says
    replaces   BIGINT NOT NULL,
    state      TEXT   NOT NULL, -- running, done, failed, undoing, undone
    created_ms BIGINT NOT NULL
);

-- What an import made of which notes. `before` is the number of the change before it; null for a new note.
CREATE TABLE note_imported (
    import BIGINT NOT NULL REFERENCES note_import (number),
    note   BIGINT NOT NULL REFERENCES note (number),
    before BIGINT NULL,
    PRIMARY KEY (import, note)
);

-- All notes of a notebook, page by page.
CREATE INDEX note_notebook_number ON note (notebook, number);
