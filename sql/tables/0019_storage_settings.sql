-- No update of a delivery is HOT: each one changes its status or its due time, which the claim finds it
-- by. So a page keeps less room for its rows' next versions, which go wherever there is room.
alter table rowhook.outbox set (fillfactor = 90);

-- Retention deletes the oldest events in batches: by default a fifth of the table would be dead before
-- it is vacuumed.
alter table rowhook.event set (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05
);

-- The platform writes these: a job is updated some times until it is finished, a commit never. heal looks
-- both up by their times, so their statistics must not be old.
alter table rowhook.job set (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.05
);
alter table rowhook.commit set (
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05
);
