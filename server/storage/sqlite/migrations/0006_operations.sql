-- The operations API: who may call, which suppliers there are, and what they handed in.
-- Times are seconds since 1970 UTC. Documents are JSON text.

CREATE TABLE supplier (
  name       TEXT PRIMARY KEY NOT NULL CHECK (name <> ''),  -- of its role in the image repository too
  policy     TEXT NOT NULL,
  added_at   INTEGER NOT NULL,
  removed_at INTEGER
) STRICT, WITHOUT ROWID;

-- Of a token what is needed to know it again: 256 random bits cannot be found from their SHA-256.
CREATE TABLE api_token (
  name       TEXT PRIMARY KEY NOT NULL CHECK (name <> ''),
  hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  role       TEXT NOT NULL CHECK (role IN ('supplier', 'operator')),
  supplier   TEXT REFERENCES supplier (name),
  added_at   INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  CHECK ((role = 'supplier') = (supplier IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE submission (
  id         TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 32),
  supplier   TEXT NOT NULL REFERENCES supplier (name),
  token      TEXT NOT NULL REFERENCES api_token (name),
  files      TEXT NOT NULL,      -- as the supplier listed them
  bytes      INTEGER NOT NULL,   -- of all of them
  state      TEXT NOT NULL
    CHECK (state IN ('uploading', 'waiting', 'refused', 'accepted', 'rejected', 'withdrawn')),
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  remarks    TEXT NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;
CREATE INDEX submission_of_supplier ON submission (supplier, created_at);
-- Who comes back with the same list goes on where it was.
CREATE UNIQUE INDEX submission_under_way ON submission (supplier, files) WHERE state IN ('uploading', 'waiting');

CREATE TABLE submission_approval (
  submission TEXT NOT NULL REFERENCES submission (id),
  position   INTEGER NOT NULL,
  who        TEXT NOT NULL,
  made_at    INTEGER NOT NULL,
  PRIMARY KEY (submission, position),
  UNIQUE (submission, who)
) STRICT, WITHOUT ROWID;
