-- Control data: small documents with all their versions.

CREATE TABLE doc_versions (
    kind     TEXT    NOT NULL,
    id       INTEGER NOT NULL CHECK (id > 0),
    version  INTEGER NOT NULL CHECK (version > 0),
    account  INTEGER NOT NULL CHECK (account > 0),
    updated  INTEGER NOT NULL,               -- unix milliseconds
    actor    TEXT    NOT NULL,
    body     TEXT    NOT NULL,               -- JSON
    UNIQUE (kind, id, version)
) STRICT;

-- What is current: points at a version, so no body is kept twice.
CREATE TABLE docs (
    kind         TEXT    NOT NULL,
    id           INTEGER NOT NULL,
    account      INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    unique_value TEXT,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX docs_by_account ON docs (account, kind, id);
CREATE UNIQUE INDEX docs_by_unique_value ON docs (kind, unique_value) WHERE unique_value IS NOT NULL;

-- Who took a document away, and when; its versions stay.
CREATE TABLE doc_removals (
    kind     TEXT    NOT NULL,
    id       INTEGER NOT NULL,
    account  INTEGER NOT NULL,
    version  INTEGER NOT NULL,               -- the one that was current
    removed  INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Ids are never used twice, so a sequence outlives its documents.
CREATE TABLE sequences (
    kind TEXT    NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE revision (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    value    INTEGER NOT NULL
) STRICT;
INSERT INTO revision VALUES (1, 0);

-- The revision at which each account changed last.
CREATE TABLE account_revisions (
    account  INTEGER NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX account_revisions_by_revision ON account_revisions (revision);
