-- Short names for the devices of those who number their commands.
CREATE TABLE device (
    id     INTEGER PRIMARY KEY,
    user   INTEGER NOT NULL,
    device BLOB NOT NULL CHECK (length(device) = 16),
    UNIQUE (user, device)
) STRICT;

-- Who sent an entry, if not a page with a lineage; part of the checksum where it is there.
ALTER TABLE entry ADD COLUMN device INTEGER REFERENCES device;
ALTER TABLE entry ADD COLUMN n INTEGER;

-- No number has two results. The end of a device's numbers is the only page written.
CREATE UNIQUE INDEX entry_counted ON entry (device, n) WHERE device IS NOT NULL;

-- Numbers that were used up without an entry.
CREATE TABLE spent (
    device   INTEGER NOT NULL REFERENCES device,
    n        INTEGER NOT NULL,
    result   INTEGER NOT NULL, -- 0: cancelled, 1: conflict, 2: too large
    at_ms    INTEGER NOT NULL,
    content  BLOB NOT NULL CHECK (length(content) = 16),
    checksum INTEGER NOT NULL, -- over all columns before
    PRIMARY KEY (device, n)
) STRICT, WITHOUT ROWID;
