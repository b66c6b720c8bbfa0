-- The installation itself: who works, what was applied, what the capture owes.

create or replace function rowhook.worker_list() returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(shown) from (
    select w.id,
           -- Where they run is nobody's business but an operator's.
           case when mine.operator then w.host end as host,
           case when mine.operator then w.pid end as pid,
           w.in_flight, w.started_at, w.seen_at,
           w.seen_at > now() - interval '30 seconds' as alive
    from rowhook.worker w,
      lateral (select coalesce(current_setting('rowhook.operator', true) = 'on', false) as operator) as mine
    order by w.started_at, w.id) as shown
$$;
comment on function rowhook.worker_list() is
  'the worker processes, the oldest first; host and pid for an operator alone; alive: seen in the last 30 s';

create or replace function rowhook.system() returns json
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- With its owner's rights no policy asks.
  if coalesce(current_setting('rowhook.operator', true), '') <> 'on' then
    raise insufficient_privilege using message = 'the installation is shown to operators alone';
  end if;
  return json_build_object(
    'postgres_version', current_setting('server_version'),
    'migrations', (
      select coalesce(json_agg(json_build_object('name', m.name, 'applied_at', m.applied_at)
                               order by m.applied_at, m.name), '[]')
      from rowhook.migration m),
    'identity', (
      select json_build_object(
        'adopted_at', i.adopted_at, 'epoch', i.epoch,
        'suspended_at', i.suspended_at, 'suspended_reason', i.suspended_reason)
      from rowhook.installation i),
    'workers', array_to_json(array(select rowhook.worker_list())),
    'capture_gaps', (
      select json_build_object('count', count(*), 'oldest_at', min(g.occurred_at)) from rowhook.newest_gaps() g),
    'capture_errors', (
      select coalesce(json_agg(shown order by shown.id desc), '[]')
      from (
        select e.id, e.source, cardinality(e.source_ids) as captures, e.sqlstate, e.message, e.created_at
        from rowhook.capture_error e
        where e.healed_at is null
        order by e.id desc
        limit 100) as shown),
    'chores', (
      select json_build_object('count', count(*), 'oldest_at', min(c.created_at)) from rowhook.chore c),
    'partitions', (
      select coalesce(json_agg(json_build_object('name', p.name, 'bytes', p.bytes) order by p.name), '[]')
      from (
        -- Null for one that is dropped at this moment.
        select c.relname as name, pg_total_relation_size(c.oid) as bytes
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('rowhook.attempt_row'::regclass, 'rowhook.exchange'::regclass,
                              'rowhook.failed_exchange'::regclass, 'rowhook.attempt_archive'::regclass)
        offset 0) as p
      where p.bytes is not null),
    'retention', (
      select json_agg(json_build_object(
        'kind', r.kind, 'concerns', r.concerns, 'keep_s', extract(epoch from r.keep)::float8, 'oldest_at', r.oldest,
        'last_run_at', r.last_run_at, 'last_finished_at', r.last_finished_at, 'removed', r.removed))
      from rowhook.retention_report() r),
    'storage', (select json_agg(t) from rowhook.storage_report() t));
end
$$;
comment on function rowhook.system() is
  'the installation, for an operator: versions, workers, what the capture owes, the newest 100 of its open errors, the days of attempts, how long rows are kept and what they take';
