-- Conversions, their append-only history, the keys that tell a repetition, and what is owed.
-- Amounts are kept as they were sent and as whole micro units; an empty text is "not given".
CREATE TABLE conversions (
    row INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    conversion BLOB NOT NULL,
    integration INTEGER NOT NULL,
    kind TEXT NOT NULL,
    event TEXT NOT NULL,
    order_id TEXT NOT NULL,
    time INTEGER NOT NULL,
    received INTEGER NOT NULL,
    transaction_id TEXT NOT NULL,
    external_transaction_id TEXT NOT NULL,
    click BLOB,
    advertiser TEXT NOT NULL,
    offer TEXT NOT NULL,
    publisher TEXT NOT NULL,
    sub_id TEXT NOT NULL,
    sub_id_2 TEXT NOT NULL,
    sub_id_3 TEXT NOT NULL,
    sub_id_4 TEXT NOT NULL,
    sub_id_5 TEXT NOT NULL,
    sub_id_6 TEXT NOT NULL,
    source_id TEXT NOT NULL,
    country TEXT NOT NULL,
    payout TEXT,
    payout_micros INTEGER,
    revenue TEXT,
    revenue_micros INTEGER,
    currency TEXT NOT NULL,
    action TEXT NOT NULL,
    fields TEXT NOT NULL,
    -- Where it stands: the fold of its entries.
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    reasons TEXT NOT NULL,
    note TEXT NOT NULL,
    waiting TEXT,
    version INTEGER NOT NULL,
    changed INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX conversions_by_id ON conversions (account, conversion);
CREATE INDEX conversions_by_time ON conversions (account, time, conversion);
CREATE INDEX conversions_by_external_id ON conversions (account, external_transaction_id, integration)
    WHERE external_transaction_id <> '';
CREATE INDEX conversions_by_transaction_id ON conversions (account, transaction_id, integration)
    WHERE transaction_id <> '';
CREATE INDEX conversions_by_click ON conversions (account, click, integration) WHERE click IS NOT NULL;
CREATE INDEX conversions_waiting ON conversions (waiting, account, conversion) WHERE waiting IS NOT NULL;

-- Kept for ever. A conversion has several: its click's, and those of the ids it was sent with.
CREATE TABLE conversion_keys (
    account INTEGER NOT NULL,
    key BLOB NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

-- Append-only.
CREATE TABLE conversion_entries (
    row INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    from_status TEXT,
    to_status TEXT NOT NULL,
    reason TEXT NOT NULL,
    reasons TEXT NOT NULL,
    note TEXT NOT NULL,
    waiting TEXT,
    PRIMARY KEY (row, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER conversion_entries_stay BEFORE UPDATE ON conversion_entries
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER conversion_entries_are_kept BEFORE DELETE ON conversion_entries
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;

-- Messages owed to receivers; written in the transaction of what they tell of.
CREATE TABLE postbacks_owed (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    postback INTEGER NOT NULL,
    subject BLOB NOT NULL,
    event TEXT NOT NULL,
    seq INTEGER NOT NULL,
    due INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    UNIQUE (account, postback, subject, seq)
) STRICT;
