-- A row that is complete gets another time: it is the same completion, whether its event is still kept
-- or retention has removed it, so heal must not take it for one that was missed.

create or replace function rowhook.heal_window() returns interval
language sql immutable
set search_path = pg_catalog, pg_temp
return interval '7 days';
comment on function rowhook.heal_window() is 'how far back rowhook.heal looks for what the capture missed';

create or replace function rowhook.heal_since(source rowhook.source) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
as $body$
  select greatest(
  clock_timestamp() - rowhook.heal_window(),
  source.heal_from,
  case when source.relation in ('rowhook.job'::regclass, 'rowhook.commit'::regclass) then source.installed_at
       else source.history_until + interval '1 microsecond' end)
$body$;
comment on function rowhook.heal_since(rowhook.source) is 'older rows are not looked at: they are history, or retention may have removed their events';

create or replace function rowhook.trace_until(searched_at timestamptz) returns timestamptz
language sql immutable
set search_path = pg_catalog, pg_temp
-- A day more than the window: a look may have begun long ago.
return searched_at + rowhook.heal_window() + interval '1 day';
comment on function rowhook.trace_until(timestamptz) is
  'up to when rowhook.removed_event keeps a row that heal looks for by this time';

create or replace function rowhook.move_completions(
  source text, ids text[], types text[], moments timestamptz[], searched timestamptz[], searched_before timestamptz[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  oldest constant timestamptz := (select rowhook.heal_since(s) from rowhook.source s where s.name = source);
begin
  update rowhook.event e set row_time = moved.moment
  from unnest(ids, types, moments) as moved (id, type, moment)
  where moved.moment is not null and e.id = coalesce(
    -- `offset 0`: the latest of these few, never the primary key from its end.
    (select max(job.id) from (
       select e.id from rowhook.event e
       where e.source = move_completions.source and e.job_id = moved.id and e.type = moved.type offset 0) as job),
    (select max(commit.id) from (
       select e.id from rowhook.event e
       where e.source = move_completions.source and e.commit_id = moved.id offset 0) as commit));
  -- What heal can see, and either would find without an event though it was no gap before, or finds by
  -- another time than the event has.
  insert into rowhook.removed_event as t (source, row_id, type, moment, captured_at, expires_at)
  select source, moved.id, moved.type, max(coalesce(moved.moment, '-infinity')),
         '-infinity', max(rowhook.trace_until(moved.searched_at))
  from unnest(ids, types, moments, searched, searched_before) as moved (id, type, moment, searched_at, searched_before),
  -- Not `exists`: over a table that is believed small the whole of it would be read and hashed.
  lateral (select coalesce(
    (select true from rowhook.event e
     where e.source = move_completions.source and e.job_id = moved.id and e.type = moved.type limit 1),
    (select true from rowhook.event e where e.source = move_completions.source and e.commit_id = moved.id limit 1),
    false) as has_event) as known
  where rowhook.trace_until(moved.searched_at) > clock_timestamp()
    and case when known.has_event then moved.searched_at is distinct from moved.moment
      else moved.searched_before is null or moved.searched_before < oldest or coalesce((
        select r.moment >= moved.searched_before from rowhook.removed_event r
        where r.source = move_completions.source and r.row_id = moved.id and r.type = moved.type), false) end
  group by moved.id, moved.type
  on conflict on constraint removed_event_pkey do update
    set moment = greatest(t.moment, excluded.moment), expires_at = greatest(t.expires_at, excluded.expires_at);
end
$$;
comment on function rowhook.move_completions(text, text[], text[], timestamptz[], timestamptz[], timestamptz[]) is
  'the platform changed the time of complete rows, by which heal looks for them: what was captured or is history stays so; what was a gap stays one';
