-- What was decided about sources: append-only.
CREATE TABLE source_decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    at INTEGER NOT NULL,
    snapshot INTEGER NOT NULL,
    step TEXT NOT NULL,
    level TEXT NOT NULL,
    publisher TEXT NOT NULL,
    sub_id TEXT NOT NULL,
    offer TEXT NOT NULL,
    rule INTEGER,
    filter TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX source_decisions_by_account ON source_decisions (account, id);
CREATE INDEX source_decisions_by_publisher ON source_decisions (account, publisher, id);

-- What is in force: one row an account.
CREATE TABLE source_snapshots (
    account INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    held TEXT NOT NULL
) STRICT;

-- Decisions of persons, until they end.
CREATE TABLE source_lifts (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    until INTEGER NOT NULL,
    lift TEXT NOT NULL
) STRICT;
CREATE INDEX source_lifts_by_end ON source_lifts (account, until);

-- What became of events: one row an event.
CREATE TABLE lessons (
    account INTEGER NOT NULL,
    event BLOB NOT NULL,
    outcome INTEGER NOT NULL,
    weight REAL NOT NULL,
    time INTEGER NOT NULL,
    teacher INTEGER NOT NULL,
    keys BLOB NOT NULL,
    PRIMARY KEY (account, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX lessons_by_time ON lessons (time);

-- How far the ledger's changes were followed.
CREATE TABLE ledger_cursors (
    name TEXT PRIMARY KEY,
    changed INTEGER NOT NULL,
    row INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
