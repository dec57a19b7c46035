-- signing.db: what the signing process has signed and what it has refused. It lies beside the keys, not in cotter.db:
-- whoever asks for signatures must not be able to write it.

-- Of each series, a key and on directors a vehicle, the last: nothing below it is signed again. A new key begins anew.
CREATE TABLE last_signed (
  keyid   TEXT NOT NULL,
  vehicle TEXT NOT NULL,                  -- '' but for a director's files
  number  INTEGER NOT NULL CHECK (number >= 0),  -- its version; the size of the ledger
  digest  BLOB NOT NULL CHECK (length(digest) = 32),  -- SHA-256 of what was signed
  listed  TEXT NOT NULL,                  -- JSON: the versions that it lists, by role
  PRIMARY KEY (keyid, vehicle)
) STRICT, WITHOUT ROWID;

-- Whose an ECU is: the vehicle whose targets first named it.
CREATE TABLE ecu_owner (
  keyid   TEXT NOT NULL,                  -- of the key that signed those targets
  serial  TEXT NOT NULL,
  vehicle TEXT NOT NULL,
  PRIMARY KEY (keyid, serial)
) STRICT, WITHOUT ROWID;

-- Every signature but those of times, in order.
CREATE TABLE signature (
  id      INTEGER PRIMARY KEY,
  made_at INTEGER NOT NULL,               -- seconds since 1970 UTC, by the signing process's clock
  caller  INTEGER NOT NULL,               -- the account that asked, by number
  key     TEXT NOT NULL,
  keyid   TEXT NOT NULL,
  vehicle TEXT NOT NULL,
  number  INTEGER NOT NULL,
  digest  BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

-- Refusals: of a row that break one policy the first in each minute.
CREATE TABLE refusal (
  id      INTEGER PRIMARY KEY,
  made_at INTEGER NOT NULL,
  caller  INTEGER NOT NULL,
  key     TEXT NOT NULL,
  policy  TEXT NOT NULL,
  why     TEXT NOT NULL,
  digest  BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

CREATE TRIGGER signature_stays BEFORE UPDATE ON signature BEGIN SELECT RAISE(ABORT, 'signatures stay as they are'); END;
CREATE TRIGGER signature_remains BEFORE DELETE ON signature BEGIN SELECT RAISE(ABORT, 'signatures stay as they are'); END;
CREATE TRIGGER refusal_stays BEFORE UPDATE ON refusal BEGIN SELECT RAISE(ABORT, 'refusals stay as they are'); END;
CREATE TRIGGER refusal_remains BEFORE DELETE ON refusal BEGIN SELECT RAISE(ABORT, 'refusals stay as they are'); END;
