-- A supplier's own supplier has the policy of the one above it, and goes with it; its own is empty.
ALTER TABLE supplier ADD COLUMN below TEXT REFERENCES supplier (name);
