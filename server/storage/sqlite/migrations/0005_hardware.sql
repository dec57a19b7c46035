-- What the ECUs of a hardware id can verify, where it is not what the Cotter client can. NULL: as that.
CREATE TABLE hardware (
  hardware_id  TEXT PRIMARY KEY NOT NULL CHECK (hardware_id <> ''),
  schemes      TEXT,                                    -- names, a JSON list, not empty
  max_metadata INTEGER CHECK (max_metadata > 0),        -- bytes of any metadata file
  max_root     INTEGER CHECK (max_root > 0),
  max_targets  INTEGER CHECK (max_targets > 0)
) STRICT, WITHOUT ROWID;
