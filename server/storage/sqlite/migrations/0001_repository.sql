-- What has been signed or promised to a signer: the highest version of each role, and which bytes it stands for.
-- Lower versions are never signed again either, so the highest is all that must be remembered.
CREATE TABLE signed_version (
  repository TEXT NOT NULL CHECK (repository IN ('director', 'image')),
  vehicle    TEXT NOT NULL,                -- '' but for a director's per-vehicle files
  role       TEXT NOT NULL,
  version    INTEGER NOT NULL CHECK (version > 0),
  digest     BLOB CHECK (length(digest) = 32),  -- SHA-256 of the canonical bytes; NULL: spent, never to be signed again
  PRIMARY KEY (repository, vehicle, role)
) STRICT, WITHOUT ROWID;
