-- The director's inventory (DIR-10 to DIR-12), what vehicles said (DIR-30), and each vehicle's signed files (DIR-2).
-- Times are seconds since 1970 UTC. Documents are JSON text.

CREATE TABLE vehicle (
  vin              TEXT PRIMARY KEY NOT NULL CHECK (vin <> ''),
  added_at         INTEGER NOT NULL,
  manifest_counter INTEGER NOT NULL DEFAULT 0,  -- of the last accepted manifest
  last_manifest_at INTEGER,
  desired_revision INTEGER NOT NULL DEFAULT 1   -- grows with each change of what any ECU is to run
) STRICT, WITHOUT ROWID;

-- An ECU belongs to one vehicle, and a key to one ECU. Of its key this is the public half.
CREATE TABLE ecu (
  serial           TEXT PRIMARY KEY NOT NULL CHECK (serial <> ''),
  vin              TEXT NOT NULL REFERENCES vehicle (vin),
  position         INTEGER NOT NULL,            -- in the factory's record
  hardware_id      TEXT NOT NULL,
  is_primary       INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
  key_material     TEXT NOT NULL UNIQUE,
  record           TEXT NOT NULL,               -- as the factory recorded it
  floor            INTEGER NOT NULL,            -- highest release counter it is known to have run
  absence          TEXT,                        -- why the last manifest had no report of it
  -- its last accepted report
  report_counter   INTEGER,
  report_digest    BLOB CHECK (length(report_digest) = 32),
  report           TEXT,
  reported_at      INTEGER,                     -- by our clock
  quarantined      INTEGER NOT NULL DEFAULT 0 CHECK (quarantined IN (0, 1)),
  CHECK ((report_counter IS NULL) = (report IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ecu_of_vehicle ON ecu (vin, position);
CREATE UNIQUE INDEX one_primary ON ecu (vin) WHERE is_primary = 1;
CREATE INDEX ecu_of_hardware ON ecu (hardware_id);

-- Every image that an ECU was ever to run; the newest is what it is to run now.
CREATE TABLE assignment (
  id           INTEGER PRIMARY KEY,
  serial       TEXT NOT NULL REFERENCES ecu (serial),
  target       TEXT NOT NULL,
  entry        TEXT NOT NULL,                   -- copied from the image repository's verified metadata (DIR-43)
  source       TEXT NOT NULL CHECK (source IN ('factory', 'operator')),
  made_at      INTEGER NOT NULL,
  confirmed_at INTEGER                          -- when the ECU's own signed report first showed it
) STRICT;
CREATE INDEX assignment_of_ecu ON assignment (serial, id);

-- Every manifest that came, and what became of it. Of a refused one the digest: its bytes are the sender's choice.
CREATE TABLE manifest (
  id          INTEGER PRIMARY KEY,
  vin         TEXT NOT NULL REFERENCES vehicle (vin),
  received_at INTEGER NOT NULL,
  digest      BLOB NOT NULL CHECK (length(digest) = 32),
  rule        TEXT,                             -- that refused it; NULL: accepted
  reason      TEXT,
  body        BLOB,
  CHECK ((rule IS NULL) = (body IS NOT NULL))
) STRICT;
CREATE INDEX manifest_of_vehicle ON manifest (vin, id);

-- What ECUs and manifests told of attacks.
CREATE TABLE attack_signal (
  id      INTEGER PRIMARY KEY,
  vin     TEXT NOT NULL REFERENCES vehicle (vin),
  serial  TEXT NOT NULL,                        -- also of ECUs that we do not know
  seen_at INTEGER NOT NULL,
  kind    TEXT NOT NULL CHECK (kind IN ('detected', 'forged-report', 'unknown-image', 'unannounced-ecu')),
  detail  TEXT NOT NULL
) STRICT;
CREATE INDEX attack_signal_of_vehicle ON attack_signal (vin, id);

-- ECUs and keys that a vehicle named and no factory did: they wait for a person (DIR-14).
CREATE TABLE pending_ecu (
  vin         TEXT NOT NULL REFERENCES vehicle (vin),
  serial      TEXT NOT NULL,
  hardware_id TEXT NOT NULL,
  key         TEXT NOT NULL,
  first_seen  INTEGER NOT NULL,
  PRIMARY KEY (vin, serial, hardware_id, key)
) STRICT, WITHOUT ROWID;

-- The files each vehicle is served: the current set and the one before it.
CREATE TABLE director_set (
  vin               TEXT NOT NULL REFERENCES vehicle (vin),
  timestamp_version INTEGER NOT NULL CHECK (timestamp_version > 0),
  snapshot_version  INTEGER NOT NULL CHECK (snapshot_version > 0),
  targets_version   INTEGER NOT NULL CHECK (targets_version > 0),
  root_version      INTEGER NOT NULL CHECK (root_version > 0),  -- under which it was signed
  desired_revision  INTEGER NOT NULL,                           -- from which it was made
  made_at           INTEGER NOT NULL,
  expires           INTEGER NOT NULL,
  timestamp         BLOB NOT NULL,
  snapshot          BLOB NOT NULL,
  targets           BLOB NOT NULL,
  PRIMARY KEY (vin, timestamp_version)
) STRICT, WITHOUT ROWID;

-- What was resolved for a vehicle, from which targets version on (DIR-30): a row for each change.
CREATE TABLE resolution (
  vin             TEXT NOT NULL REFERENCES vehicle (vin),
  targets_version INTEGER NOT NULL,
  made_at         INTEGER NOT NULL,
  entries         TEXT NOT NULL,
  PRIMARY KEY (vin, targets_version)
) STRICT, WITHOUT ROWID;
