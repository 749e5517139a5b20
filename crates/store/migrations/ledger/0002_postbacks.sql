-- How each owed message fares. While it waits, done is empty; next is empty until it was tried.
ALTER TABLE postbacks_owed ADD COLUMN state TEXT NOT NULL DEFAULT 'pending';
ALTER TABLE postbacks_owed ADD COLUMN next INTEGER;
ALTER TABLE postbacks_owed ADD COLUMN done INTEGER;
ALTER TABLE postbacks_owed ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
-- Tries before the last resend: they count no longer.
ALTER TABLE postbacks_owed ADD COLUMN tries_before INTEGER NOT NULL DEFAULT 0;
-- Values of macros, of clicks; a conversion has its own.
ALTER TABLE postbacks_owed ADD COLUMN fields TEXT;

CREATE INDEX postbacks_waiting ON postbacks_owed (account, postback, coalesce(next, due), id) WHERE done IS NULL;
CREATE INDEX postbacks_oldest ON postbacks_owed (due) WHERE done IS NULL;
CREATE INDEX postbacks_done ON postbacks_owed (done) WHERE done IS NOT NULL;
CREATE INDEX postbacks_by_definition ON postbacks_owed (account, postback, id);
CREATE INDEX postbacks_by_state ON postbacks_owed (account, state, id);

CREATE TABLE postback_attempts (
    message INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    request TEXT NOT NULL,
    status INTEGER,
    latency_ms INTEGER NOT NULL,
    error TEXT,
    response TEXT NOT NULL,
    PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;

-- Receivers that asked for less.
CREATE TABLE postbacks_slowed (
    account INTEGER NOT NULL,
    postback INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (account, postback)
) STRICT, WITHOUT ROWID;

-- How far each lane's event log was read for clicks.
CREATE TABLE click_postbacks_cursor (
    lane INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL
) STRICT;
