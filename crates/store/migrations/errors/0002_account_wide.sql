-- The log of a whole account, newest first.

CREATE INDEX errors_by_account ON errors (account, id);
