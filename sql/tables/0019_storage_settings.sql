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
