-- The ledger: what was signed, published and decided, as a Merkle log (RFC 9162 section 2.1). Rows are only ever
-- added: the triggers keep our own code from slipping, `cotter audit verify` finds out who went round them.
CREATE TABLE ledger_entry (
  idx     INTEGER PRIMARY KEY CHECK (idx >= 0),  -- from 0, without gaps
  made_at INTEGER NOT NULL,                      -- copied from the body, as are kind and subject, to search by
  kind    TEXT NOT NULL,
  subject TEXT NOT NULL,
  body    BLOB NOT NULL CHECK (length(body) BETWEEN 2 AND 65535)  -- JSON, exactly as it was hashed
) STRICT;
CREATE INDEX ledger_entry_of_kind ON ledger_entry (kind, idx);
CREATE INDEX ledger_entry_of_subject ON ledger_entry (subject, idx);

-- Of every complete subtree its hash: that over 2^level entries from position * 2^level on.
CREATE TABLE ledger_hash (
  level    INTEGER NOT NULL CHECK (level >= 0),
  position INTEGER NOT NULL CHECK (position >= 0),
  hash     BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

-- The last signed checkpoint of each hour: all of them would outweigh the log.
CREATE TABLE ledger_checkpoint (
  hour INTEGER PRIMARY KEY,                      -- hours since 1970 UTC
  size INTEGER NOT NULL CHECK (size >= 0),
  note TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_checkpoint_of_size ON ledger_checkpoint (size);

CREATE TRIGGER ledger_entry_stays BEFORE UPDATE ON ledger_entry
  BEGIN SELECT RAISE(ABORT, 'the ledger is never rewritten'); END;
CREATE TRIGGER ledger_entry_remains BEFORE DELETE ON ledger_entry
  BEGIN SELECT RAISE(ABORT, 'the ledger is never rewritten'); END;
CREATE TRIGGER ledger_hash_stays BEFORE UPDATE ON ledger_hash
  BEGIN SELECT RAISE(ABORT, 'the ledger is never rewritten'); END;
CREATE TRIGGER ledger_hash_remains BEFORE DELETE ON ledger_hash
  BEGIN SELECT RAISE(ABORT, 'the ledger is never rewritten'); END;
