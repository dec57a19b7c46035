-- Floors and counters move to the FloorStore, which a wipe of this file does not reach (decision 0013). What a
-- file of before kept waits here until it is written there.
CREATE TABLE handover (
  name   TEXT PRIMARY KEY,
  number INTEGER NOT NULL
) STRICT;
INSERT INTO handover SELECT 'release/' || serial, floor FROM ecu;
INSERT INTO handover SELECT 'manifests', reserved FROM counter WHERE reserved > 0;
ALTER TABLE ecu DROP COLUMN floor;
DROP TABLE counter;
-- One flipped bit in `now` would make all metadata expired for ever: the row counts only where its seal fits.
ALTER TABLE cycle ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
