-- Which release counters images in bins were listed with (IMG-9): to find the highest of a hardware id no bin is read.
-- A row counts once its timestamp is published; of a publication that never came, the next writer drops it.
CREATE TABLE release_counter (
  hardware_id       TEXT NOT NULL CHECK (hardware_id <> ''),
  counter           INTEGER NOT NULL CHECK (counter >= 0),
  timestamp_version INTEGER NOT NULL CHECK (timestamp_version > 0),  -- of the first publication that listed it
  PRIMARY KEY (hardware_id, counter)
) STRICT, WITHOUT ROWID;
