-- At most one row: what is remembered of attested time (common/trust/time_state.h).
CREATE TABLE time_state (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  record BLOB NOT NULL
) STRICT;
