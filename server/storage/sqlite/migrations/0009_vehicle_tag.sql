-- What people call vehicles by, to choose among them: a test fleet, a market, a plant.
CREATE TABLE vehicle_tag (
  vin TEXT NOT NULL REFERENCES vehicle (vin),
  tag TEXT NOT NULL CHECK (tag <> ''),
  PRIMARY KEY (vin, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX vehicle_of_tag ON vehicle_tag (tag, vin);
