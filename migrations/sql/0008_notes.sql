-- Notes that people write in chat. The index for searching is derived from these tables.

-- A personal notebook has the negative of its owner's account number, a shared one a number of its own.
CREATE TABLE notebook (
    number     BIGINT NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    owner_id   TEXT   NOT NULL REFERENCES account (id),
    is_shared  BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX notebook_owner ON notebook (owner_id);

-- Who else may read a notebook, and write in it.
CREATE TABLE notebook_member (
    notebook   BIGINT NOT NULL REFERENCES notebook (number),
    account_id TEXT   NOT NULL REFERENCES account (id),
    can_write  BIGINT NOT NULL,
    PRIMARY KEY (notebook, account_id)
);
CREATE INDEX notebook_member_account ON notebook_member (account_id);

-- `sequence` counts all changes of all notes, in the order of their commits.
CREATE TABLE note (
    number     BIGINT NOT NULL PRIMARY KEY,
    notebook   BIGINT NOT NULL REFERENCES notebook (number),
    parts      TEXT   NOT NULL, -- JSON
    tags       TEXT   NOT NULL, -- JSON
    author_id  TEXT   NOT NULL REFERENCES account (id),
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    removed_ms BIGINT NULL,
    sequence   BIGINT NOT NULL UNIQUE
);
CREATE INDEX note_notebook ON note (notebook, updated_ms);

-- What a note was before each change.
CREATE TABLE note_revision (
    note       BIGINT NOT NULL REFERENCES note (number),
    sequence   BIGINT NOT NULL,
    parts      TEXT   NOT NULL,
    tags       TEXT   NOT NULL,
    updated_ms BIGINT NOT NULL,
    removed_ms BIGINT NULL,
    PRIMARY KEY (note, sequence)
);

-- The folded keys of notes that were not removed.
CREATE TABLE note_key (
    folded TEXT   NOT NULL,
    note   BIGINT NOT NULL REFERENCES note (number),
    PRIMARY KEY (folded, note)
);
CREATE INDEX note_key_note ON note_key (note);
