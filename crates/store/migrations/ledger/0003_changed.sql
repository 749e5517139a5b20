-- For those who follow what changes: the newest change last.
CREATE INDEX conversions_by_change ON conversions (changed, row);
