-- The error log: equal errors of a minute are one row with a count.

CREATE TABLE errors (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     INTEGER NOT NULL,            -- 0 = the call named none
    integration INTEGER NOT NULL,            -- 0 = the call named none
    minute      INTEGER NOT NULL,            -- of the first sight
    print       INTEGER NOT NULL,            -- hash of door, code, field and cause
    time        INTEGER NOT NULL,            -- of the last sight, unix milliseconds
    door        TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    field       TEXT    NOT NULL,
    cause       TEXT    NOT NULL,
    sample      TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    UNIQUE (account, integration, minute, print)
) STRICT;

CREATE INDEX errors_by_integration ON errors (account, integration, id);
