-- rowhook: outside a transaction
-- Events captured before 0009 get their source and the job's id as text, 5,000 rows a transaction, so
-- that nothing is locked for long and no old row version is held. A time that RFC 3339 cannot write
-- becomes that of the capture.

do $$
declare
  first_id bigint := (select min(id) from rowhook.event);
  last_id constant bigint := (select max(id) from rowhook.event);
begin
  while first_id <= last_id loop
    update rowhook.event e
    set job_text = e.job_id::text,
        source = case when e.job_id is not null then 'job' else 'commit' end,
        is_untimed = case when e.occurred_at >= '0001-01-01 UTC' and e.occurred_at < '10000-01-01 UTC' then null else true end,
        occurred_at = case when e.occurred_at >= '0001-01-01 UTC' and e.occurred_at < '10000-01-01 UTC'
                        then e.occurred_at else e.created_at end
    where e.id >= first_id and e.id < first_id + 5000
      and e.source is null and (e.job_id is not null or e.commit_id is not null) and e.type not like 'webhook.%';
    commit;
    first_id := first_id + 5000;
  end loop;
end
$$;

drop index concurrently if exists rowhook.event_job;

create unique index concurrently event_job on rowhook.event (job_text, source, key) where job_text is not null;

comment on index rowhook.event_job is 'one event a completion; rowhook.heal and capture_gap look jobs up here';

drop index concurrently if exists rowhook.event_commit;

create unique index concurrently event_commit on rowhook.event (commit_id, source) where commit_id is not null;

comment on index rowhook.event_commit is 'one event a commit; rowhook.heal and capture_gap look commits up here';
