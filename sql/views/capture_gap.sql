create or replace view rowhook.capture_gap as
select gap.source, gap.source_id, gap.occurred_at from rowhook.gaps() as gap;
comment on view rowhook.capture_gap is
  'completions of the last days without an event: empty, or about to be healed';
