-- What doctor asks of the retention.

create or replace function rowhook.count_text(counted bigint) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case when counted > 100000 then '100,000+' else counted::text end;
comment on function rowhook.count_text(bigint) is 'a count that ended at 100,001 as people read it';

create or replace function rowhook.retention_findings()
returns table (subject text, healthy boolean, finding text, advice text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
  select 'retention', count(*) = 0,
         case when count(*) = 0 then 'removes what is old'
              else 'not finished for over an hour: ' || string_agg(r.kind, ', ' order by r.place) end,
         'the log of the workers says why: retention.failed; by hand: select rowhook.retain()'
  from rowhook.retention r
  where coalesce(r.last_finished_at, r.last_run_at, (select min(w.started_at) from rowhook.worker w)) < now() - interval '1 hour'
    and exists (select from rowhook.worker w where w.seen_at > now() - interval '1 minute' and w.started_at < now() - interval '1 hour')
  union all
  select 'held until removed', count(*) = 0,
         case when count(*) = 0 then 'none is removed within 7 days'
              else rowhook.count_text(count(*)) || ' held deliveries are removed within 7 days, the first '
                || case when min(old.removed_at) < now() then 'now' else 'on ' || to_char(min(old.removed_at), 'YYYY-MM-DD') end end,
         'fix the webhook and they are sent; or keep them: select rowhook.set_retention(''held'', ''365 days'')'
  from (
    select o.created_at + r.keep as removed_at
    from rowhook.retention r, rowhook.webhook w,
    lateral (
      select o.created_at from rowhook.outbox o
      where o.webhook_id = w.id and o.status = 'held' and o.created_at < now() - r.keep + interval '7 days' and o.next_attempt_at is null
      offset 0) as o
    where r.kind = 'held'
    limit 100001) as old
$$;
comment on function rowhook.retention_findings() is 'runs that do not come to their end while workers live, and held deliveries that go soon';
