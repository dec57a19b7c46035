-- Of timestamps: the highest version that a client may have fetched. What is published later is never older, unless an
-- older copy of it was put back.
ALTER TABLE signed_version ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;
