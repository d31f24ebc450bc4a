-- A row of `spent` is a run of consecutive numbers: the first one in the columns that were there before, and the others
-- here, one after the other. NULL if there are none; part of the checksum where it is there. For each number:
-- 1 byte, the result, and then for result 3: the room (8 bytes, little-endian) and the hash of the content (16),
-- for refusals (1, 2, and from 4 on, also those that are added later): the first 4 bytes of the hash.
-- The last row of a device grows until it is full; the rows before it stay as they are.
ALTER TABLE spent ADD COLUMN more BLOB;
