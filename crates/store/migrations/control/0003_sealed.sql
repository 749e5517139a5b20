-- Texts are sealed from here on (doc_versions.body, transaction_keys.ring): with which master
-- key, and something that only opens with the right one. Empty = not all are sealed yet.

CREATE TABLE sealed_with (
    key   INTEGER NOT NULL PRIMARY KEY CHECK (key > 0),
    proof TEXT    NOT NULL
) STRICT;
