create or replace view rowhook.capture_gap as
select 'job'::text as source, j.id::text as source_id, j.completed_at as occurred_at
from rowhook.job_gaps() as gap
join rowhook.job j on j.id = gap
union all
select 'commit', c.id, c.committed_at
from rowhook.commit_gaps() as gap
join rowhook.commit c on c.id = gap;
comment on view rowhook.capture_gap is 'completions of the last days without an event: empty, or about to be healed';
