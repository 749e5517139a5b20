-- The keys of transaction ids: one ring for the whole installation.

CREATE TABLE transaction_keys (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    ring     TEXT    NOT NULL                -- JSON
) STRICT;
