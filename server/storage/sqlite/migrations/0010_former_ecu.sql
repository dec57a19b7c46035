-- ECUs that left their vehicle (DIR-14). A serial and a key stay with the vehicle that had them first: who finds an old ECU
-- builds it into no other vehicle under its old name.
CREATE TABLE former_ecu (
  id               INTEGER PRIMARY KEY,
  vin              TEXT NOT NULL REFERENCES vehicle (vin),
  serial           TEXT NOT NULL CHECK (serial <> ''),
  key_material     TEXT NOT NULL,
  record           TEXT NOT NULL,
  floor            INTEGER NOT NULL,
  report_counter   INTEGER,            -- of its last accepted report, as in ecu
  report_digest    BLOB CHECK (length(report_digest) = 32),
  report           TEXT,
  reported_at      INTEGER,
  quarantined      INTEGER NOT NULL CHECK (quarantined IN (0, 1)),
  manifest_counter INTEGER,            -- of the last manifest that it signed, when it was the primary
  left_at          INTEGER NOT NULL,
  reason           TEXT NOT NULL,
  CHECK ((report_counter IS NULL) = (report IS NULL))
) STRICT;
CREATE INDEX former_ecu_of_vehicle ON former_ecu (vin, id);
CREATE INDEX former_ecu_by_serial ON former_ecu (serial);
CREATE INDEX former_ecu_by_key ON former_ecu (key_material);

-- What an ECU was to run outlives its place in the vehicle, and ends with it.
CREATE TABLE lasting_assignment (
  id           INTEGER PRIMARY KEY,
  vin          TEXT NOT NULL REFERENCES vehicle (vin),
  serial       TEXT NOT NULL CHECK (serial <> ''),
  target       TEXT NOT NULL,
  entry        TEXT NOT NULL,          -- copied from the image repository's verified metadata (DIR-43)
  source       TEXT NOT NULL CHECK (source IN ('factory', 'operator')),
  made_at      INTEGER NOT NULL,
  confirmed_at INTEGER,                -- when the ECU's own signed report first showed it
  ended_at     INTEGER                 -- when the ECU left the vehicle
) STRICT;
INSERT INTO lasting_assignment (id, vin, serial, target, entry, source, made_at, confirmed_at)
  SELECT a.id, e.vin, a.serial, a.target, a.entry, a.source, a.made_at, a.confirmed_at
  FROM assignment a JOIN ecu e ON e.serial = a.serial;
DROP TABLE assignment;
ALTER TABLE lasting_assignment RENAME TO assignment;
CREATE INDEX assignment_of_ecu ON assignment (serial, id);
