-- One row about the database itself.
CREATE TABLE about (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    created_ms INTEGER NOT NULL,
    key_seed   INTEGER NOT NULL -- of the fingerprints of client keys
) STRICT;

-- One row for each time that the log was opened, in order. `epoch` is drawn at random.
CREATE TABLE epoch (
    id        INTEGER PRIMARY KEY,
    epoch     INTEGER NOT NULL UNIQUE,
    start     INTEGER NOT NULL, -- the head of the log at that time
    opened_ms INTEGER NOT NULL
) STRICT;

-- What pids are signed with. The key without `retired_ms` signs; the others only verify, for ever.
CREATE TABLE signing_key (
    id         INTEGER PRIMARY KEY,
    secret     BLOB NOT NULL CHECK (length(secret) = 32),
    created_ms INTEGER NOT NULL,
    retired_ms INTEGER
) STRICT;

-- Short names for lineages, so that the index over keys is short and the keys of one page lie together.
CREATE TABLE lineage (
    id      INTEGER PRIMARY KEY,
    lineage BLOB NOT NULL UNIQUE CHECK (length(lineage) = 16)
) STRICT;

-- The last numbers that each room has used.
CREATE TABLE room (
    id  INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    rev INTEGER NOT NULL
) STRICT;

CREATE TABLE entry (
    position  INTEGER PRIMARY KEY, -- dense
    room      INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    rev       INTEGER NOT NULL,
    kind      INTEGER NOT NULL,    -- 1: message
    at_ms     INTEGER NOT NULL,
    lineage   INTEGER REFERENCES lineage,
    key       TEXT,                -- the client's
    key_print INTEGER,             -- its fingerprint
    content   BLOB NOT NULL CHECK (length(content) = 16),
    text      TEXT NOT NULL,
    checksum  INTEGER NOT NULL     -- over all columns before
) STRICT;

-- A `Seq` is translated to a position. The rooms' ends are the only pages written.
CREATE INDEX entry_seq ON entry (room, seq);

-- Both lookups for repeats. The neighbours in it are the neighbours in time of the same sender, so a batch writes
-- about one page of it for each of its senders. A second index for the other order would double that.
CREATE INDEX entry_sent ON entry (key_print, lineage, content) WHERE key_print IS NOT NULL;
