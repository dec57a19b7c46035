-- Release roles. Of such a key a series is each file that it signs: last_signed.vehicle is 'role' for the role's own file,
-- 'empty' for bins without an image, and 'bin N' for the others.
CREATE TABLE release_role (
  keyid      TEXT NOT NULL PRIMARY KEY,
  bit_length INTEGER NOT NULL CHECK (bit_length BETWEEN 1 AND 32),  -- as the role's own file first said
  number     INTEGER NOT NULL CHECK (number >= 0)                   -- the highest version of any of its files
) STRICT, WITHOUT ROWID;
