-- Files in notes and what they say, who changed a note, links between notes, and the words and
-- synonyms that a notebook knows.

-- Nothing: the author.
ALTER TABLE note ADD COLUMN changed_by TEXT NULL;
ALTER TABLE note_revision ADD COLUMN changed_by TEXT NULL;

-- The bytes that a note needs. What it shows no longer is kept for a while, so that undo finds it.
CREATE TABLE note_file (
    note       BIGINT NOT NULL REFERENCES note (number),
    hash       TEXT   NOT NULL,
    dropped_ms BIGINT NULL,
    PRIMARY KEY (note, hash)
);
CREATE INDEX note_file_hash ON note_file (hash);

-- What the bytes of a file say, for searching.
CREATE TABLE file_text (
    hash       TEXT   NOT NULL PRIMARY KEY,
    text       TEXT   NOT NULL,
    created_ms BIGINT NOT NULL
);

-- The folded first line of a note, by which others link to it.
CREATE TABLE note_title (
    note   BIGINT NOT NULL PRIMARY KEY REFERENCES note (number),
    folded TEXT   NOT NULL
);
CREATE INDEX note_title_folded ON note_title (folded);

-- What a note links to: a folded first line, a key or a number.
CREATE TABLE note_link (
    note   BIGINT NOT NULL REFERENCES note (number),
    folded TEXT   NOT NULL,
    PRIMARY KEY (note, folded)
);
CREATE INDEX note_link_folded ON note_link (folded);

-- Words that a notebook knows beside the dictionary, folded.
CREATE TABLE notebook_word (
    notebook BIGINT NOT NULL REFERENCES notebook (number),
    word     TEXT   NOT NULL,
    PRIMARY KEY (notebook, word)
);

-- Pairs of words that mean the same in a notebook, folded; each pair stands here once.
CREATE TABLE notebook_synonym (
    notebook BIGINT NOT NULL REFERENCES notebook (number),
    word     TEXT   NOT NULL,
    other    TEXT   NOT NULL,
    PRIMARY KEY (notebook, word, other)
);
