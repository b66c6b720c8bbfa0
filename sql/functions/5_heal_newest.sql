-- Gaps among the newest completions: cheap enough for an interactive call.

create or replace function rowhook.newest_gaps(most int default 10000)
returns table (source text, source_id text, occurred_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  watched rowhook.source;
  since timestamptz;
begin
  for watched in select * from rowhook.source s where s.kind in ('jobs', 'commits') order by s.name loop
    continue when rowhook.mapping_fault(watched) is not null or not rowhook.can_heal(watched);
    begin
      since := rowhook.heal_since(watched);
      if watched.mapping ? rowhook.time_field(watched.kind) then
        since := coalesce(rowhook.nth_time(watched, since, most, true), since);
      end if;
      return query
        select watched.name, gap.source_id, gap.occurred_at from rowhook.gaps_of(watched, since, 'infinity', since) as gap limit most;
    exception when others then
      -- rowhook.source.heal_error says so, and doctor.
      raise warning 'rowhook cannot look for gaps in %: %', watched.name, sqlerrm;
    end;
  end loop;
end
$$;
comment on function rowhook.newest_gaps(int) is
  'rows without an event among the newest completions of each source; rowhook.gaps looks at all of 7 days';
