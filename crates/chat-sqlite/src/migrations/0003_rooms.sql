-- Kinds of entries from here on: 1 message, 2 edited, 3 deleted, 4 room created, 5 room renamed, 6 topic set,
-- 7 joined, 8 left, 9 removed, 10 named, 11 owner. From 4 on, `text` holds their fields as JSON.

-- What has become of the text of kinds 1 and 2; part of the checksum where it is there, as is `target`.
ALTER TABLE entry ADD COLUMN body INTEGER;   -- 1: edited, 2: gone
-- The `seq` of the message that kinds 2 and 3 speak of.
ALTER TABLE entry ADD COLUMN target INTEGER;

-- Messages alone by their numbers, instead of everything: `seq` is no number of the other kinds.
DROP INDEX entry_seq;
CREATE INDEX entry_message ON entry (room, seq) WHERE kind = 1;
-- What has changed in a room.
CREATE INDEX entry_rev ON entry (room, rev);
-- What the directory is made of, without reading the messages between.
CREATE INDEX entry_directory ON entry (position) WHERE kind > 3;
-- What became of a message.
CREATE INDEX entry_change ON entry (room, target) WHERE target IS NOT NULL;

-- How far everybody has read.
CREATE TABLE pointer (
    user INTEGER NOT NULL,
    room INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;

-- The room in which there was nothing to do (result 3); part of the checksum where it is there. Results from 4 on are
-- refusals: see device.rs.
ALTER TABLE spent ADD COLUMN room INTEGER;
