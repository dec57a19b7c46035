-- What the primary must not forget. Roots are kept all, for secondaries that have slept; of other roles the newest.
CREATE TABLE metadata (
  repository TEXT NOT NULL,
  role       TEXT NOT NULL,
  version    INTEGER NOT NULL,
  wire       BLOB NOT NULL,
  PRIMARY KEY (repository, role, version)
) STRICT;

-- One row: where the cycle stands. Times are seconds since 1970.
CREATE TABLE cycle (
  one             INTEGER PRIMARY KEY CHECK (one = 1),
  phase           INTEGER NOT NULL,
  now             INTEGER NOT NULL,
  image_refreshed INTEGER NOT NULL
) STRICT;
INSERT INTO cycle VALUES (1, 0, 0, 0);

-- The ECUs as the factory recorded them. A floor only rises.
CREATE TABLE ecu (
  serial      TEXT PRIMARY KEY,
  hardware_id TEXT NOT NULL,
  public_key  TEXT NOT NULL,
  floor       INTEGER NOT NULL
) STRICT;

-- One row: manifest counters below this one may have been used.
CREATE TABLE counter (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  reserved INTEGER NOT NULL
) STRICT;
INSERT INTO counter VALUES (1, 0);
