-- `entry` may have rows of kind 13, by which a sign-in of a person begins, and 14, by which some of them end. Their room is
-- 2^53, above every room. No table changes for them, but an older version would let in who was signed out, and would number
-- new rooms from there on. So it must not open the file any more.
--
-- A key that was revoked verifies nothing. Such keys are deleted, but for the oldest: the public id of the server is
-- derived from it.
ALTER TABLE signing_key ADD COLUMN revoked_ms INTEGER;
