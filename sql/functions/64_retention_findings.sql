-- Findings of rowhook doctor about the retention.

create or replace function rowhook.count_text(counted bigint) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case when counted > 100000 then '100,000+' else counted::text end;
comment on function rowhook.count_text(bigint) is 'text of a count that was capped at 100,001';

create or replace function rowhook.count_text(counted bigint, singular text, plural text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return rowhook.count_text(counted) || ' ' || case counted when 1 then singular else plural end;
comment on function rowhook.count_text(bigint, text, text) is 'text of a count with a noun in the singular or plural';

create or replace function rowhook.partition_users(relations oid[]) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  holders text[] := rowhook.lock_holders_of(relations);
begin
  if holders <> '{}' then
    -- As in rowhook.drop_expired_partition: only a superuser could see when they started.
    perform pg_sleep(1);
    holders := array(select unnest(holders) intersect select unnest(rowhook.lock_holders_of(relations)));
  end if;
  return (
    select string_agg(distinct coalesce(
      'process ' || l.pid || coalesce(' (' || nullif(a.application_name, '') || ')', ''),
      'the prepared transaction ' || coalesce(p.gid, l.virtualtransaction)), ', ')
    from pg_locks l
    left join pg_stat_activity a on a.pid = l.pid
    left join pg_prepared_xacts p on l.pid is null and p.transaction::text = split_part(l.virtualtransaction, '/', 2)
    where l.virtualtransaction = any (holders));
end
$$;
comment on function rowhook.partition_users(oid[]) is
  'processes and prepared transactions that have used one of these relations for over a second, which keeps it from being dropped; null: none';

create or replace function rowhook.partition_findings()
returns table (subject text, healthy boolean, finding text, advice text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  partitions oid[];
  tables oid[];
  oldest text;
  users text;
begin
  -- A run drops a partition on the day it expires.
  select array_agg(p.partition::oid), array_agg(distinct p.parent::oid), (array_agg(p.partition::text order by p.place))[1]
  into partitions, tables, oldest
  from rowhook.partition_cutoffs() as cutoff,
  lateral rowhook.expired_partitions(
    cutoff.attempts - interval '1 day', cutoff.bodies - interval '1 day', cutoff.failed_bodies - interval '1 day')
    with ordinality as p (parent, partition, place);
  subject := 'expired partitions';
  healthy := partitions is null;
  if healthy then
    finding := 'none is overdue';
  else
    users := rowhook.partition_users(partitions || tables);
    finding := rowhook.count_text(cardinality(partitions), 'partition', 'partitions') || ' of attempts and bodies expired over a day ago, the first ' || oldest
      || case when users is null then '; no transaction uses them now' else '; in use by ' || users end;
    advice := case
      when users is null then 'to drop them now: rowhook retain --now; see retention.failed in the log of the workers'
      else 'let these transactions end (a backup, a long report), or end them; workers retry every ten minutes, rowhook retain --now at once' end;
  end if;
  return next;
end
$$;
comment on function rowhook.partition_findings() is
  'partitions that expired over a day ago and are still there, and the transactions that use them';

create or replace function rowhook.retention_findings()
returns table (subject text, healthy boolean, finding text, advice text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
  select 'retention', count(*) = 0,
         case when count(*) = 0 then 'removes old rows'
              else 'not finished for over an hour: ' || string_agg(r.kind, ', ' order by r.place) end,
         'see retention.failed in the log of the workers; to run it now: select rowhook.retain()'
  from rowhook.retention r
  where coalesce(r.last_finished_at, r.last_run_at, (select min(w.started_at) from rowhook.worker w)) < now() - interval '1 hour'
    and exists (select from rowhook.worker w where w.seen_at > now() - interval '1 minute' and w.started_at < now() - interval '1 hour')
  union all
  select 'held until removed', count(*) = 0,
         case when count(*) = 0 then 'none is removed within 7 days'
              else rowhook.count_text(count(*), 'held delivery is', 'held deliveries are') || ' removed within 7 days, the first '
                || case when min(old.removed_at) < now() then 'now' else 'on ' || to_char(min(old.removed_at), 'YYYY-MM-DD') end end,
         'fix the webhook to send them, or keep them longer: select rowhook.set_retention(''held'', ''365 days'')'
  from (
    select o.created_at + r.keep as removed_at
    from rowhook.retention r, rowhook.webhook w,
    lateral (
      select o.created_at from rowhook.outbox o
      where o.webhook_id = w.id and o.status = 'held' and o.created_at < now() - r.keep + interval '7 days' and o.next_attempt_at is null
      offset 0) as o
    where r.kind = 'held'
    limit 100001) as old
  union all
  select * from rowhook.partition_findings()
$$;
comment on function rowhook.retention_findings() is
  'runs that do not finish although workers are alive, partitions that could not be dropped, and held deliveries that will be removed soon';
