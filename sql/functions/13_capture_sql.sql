-- Statements of the generated captures. Each source has a trigger function that names every column it
-- reads, so that columns the platform adds change nothing. rowhook.recapture captures missed rows by
-- the same statements.

create or replace function rowhook.enqueue_sql(recipients text, condition text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return replace(replace($sql$
    insert into rowhook.outbox
      (event_id, webhook_id, organization_id, status, ready, next_attempt_at, finished_at, ordered_by)
    select e.id, l.webhook_id, l.organization_id, l.first_status, l.starts_ready,
           case when l.starts_ready then now() else rowhook.first_attempt_at(e.id, l.first_status, l.first_delay_s) end,
           case when l.first_status = 'skipped' then now() end,
           case when l.ordered then e.xact end
    from inserted e
    join {recipients}
    where {condition}$sql$, '{recipients}', recipients), '{condition}', condition);
comment on function rowhook.enqueue_sql(text, text) is
  'statement that inserts an outbox row for each recipient `l` of the events that it inserts as `inserted e`. A fragment, because a call of a function costs a capture 20 % more CPU';

create or replace function rowhook.enqueue_linked_sql(source_kind text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case source_kind
  when 'jobs' then rowhook.enqueue_sql(
    'rowhook.link l on l.agent_id = e.agent_id',
    '(l.event_types = ''{}'' or e.type = any (l.event_types)){links_of_that_time}')
  else rowhook.enqueue_sql(
    'rowhook.link l on l.goal_id = e.goal_id',
    '(l.event_types = ''{}'' or ''goal.committed'' = any (l.event_types)){links_of_that_time}') end;
comment on function rowhook.enqueue_linked_sql(text) is
  'statement that inserts an outbox row for each linked webhook of the events in `inserted`';

create or replace function rowhook.commits_sql() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return $sql$
  with committed as (
    select {id} as id, {goal_id} as goal_id, {owner} as owner, {session_id} as session_id,
           {interview_id} as interview_id, {template_id} as template_id, {data} as data, {context} as context,
           {time} as committed_at{trace_of_row}
    from {rows} r where {condition}{barrier}
  ), inserted as (
    insert into rowhook.event
      (organization_id, type, key, source, commit_id, goal_id, session_id, template_id, interview_id,
       organization_name, organization_external_id, data, context, oversize_bytes, occurred_at, is_untimed{trace_column})
    select g.organization_id, 'goal.committed', {key}, {source}, c.id, g.id, s.id,
           {event_template_id}, c.interview_id, o.name, o.external_id,
           case when size.is_checked then rowhook.unless_oversize(c.data, c.data, body.context) else c.data end,
           case when size.is_checked then rowhook.unless_oversize(body.context, c.data, body.context) else body.context end,
           case when size.is_checked then rowhook.oversize_bytes(c.data, body.context) end,
           case when timed.is_safe then c.committed_at else statement_timestamp() end,
           nullif(not timed.is_safe, false){trace_value}
    from committed c
    left join rowhook.goal g on g.id = c.goal_id{goal_belongs}
    left join rowhook.organization o on o.id = g.organization_id
    left join rowhook.session s on s.id = c.session_id and s.organization_id = g.organization_id,
    lateral (select {event_context} as context) as body,
    lateral (select greatest(pg_column_size(c.data), pg_column_size(body.context)) >= 2048 as is_checked) as size,
    lateral (select c.committed_at >= '0001-01-01 UTC' and c.committed_at < '10000-01-01 UTC' as is_safe) as timed
    where {is_known}
    {unless_known}
    returning id, xact, goal_id{returned}
  ){enqueue}$sql$;

create or replace function rowhook.jobs_sql() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return $sql$
  with completed as (
    select {id} as id, {status} as status, {status_code} as status_code, {cost} as cost, {output} as output,
           {metadata} as metadata, {created_at} as created_at, {completed_at} as completed_at, {time} as row_time,
           {agent_id} as agent_id, {agent_version_uuid} as version_uuid, {agent_version_id} as agent_version_id,
           {agent_version_name} as agent_version_name, {owner} as owner{repeat_of_row}{trace_of_row}
    from {rows} r where {condition}{barrier}
  ), inserted as (
    insert into rowhook.event
      ({repeat_column}organization_id, type, key, source, job_id, agent_id, job_status, status_code, cost, job_created_at,
       agent_name, agent_external_id, agent_version_id, agent_version_name,
       organization_name, organization_external_id, data, context, oversize_bytes, occurred_at, is_untimed, row_time{trace_column})
    select {repeat_value}o.id, 'job.' || c.status, {repeat_key}, {source}, c.id, a.id,
           c.status, c.status_code, c.cost, rowhook.rfc3339(c.created_at), a.name, a.external_id,
           {version}, o.name, o.external_id,
           case when size.is_checked then rowhook.unless_oversize(c.output, c.output, c.metadata) else c.output end,
           case when size.is_checked then rowhook.unless_oversize(c.metadata, c.output, c.metadata) else c.metadata end,
           case when size.is_checked then rowhook.oversize_bytes(c.output, c.metadata) end,
           case when timed.is_safe then c.completed_at else clock_timestamp() end,
           nullif(not timed.is_safe, false),
           case when c.row_time is distinct from c.completed_at then c.row_time end{trace_value}
    from completed c
    {agent}
    left join rowhook.organization o on o.id = a.organization_id,
    lateral (select greatest(pg_column_size(c.output), pg_column_size(c.metadata)) >= 2048 as is_checked) as size,
    lateral (select c.completed_at >= '0001-01-01 UTC' and c.completed_at < '10000-01-01 UTC' as is_safe) as timed
    where {is_known}
    {unless_known}
    returning id, xact, agent_id, type{returned}
  ){enqueue}$sql$;

create or replace function rowhook.agent_sql(has_organization boolean) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
-- Written inline: a function would be planned again for each row.
return case when has_organization then $sql$
    left join rowhook.agent a on a.id = coalesce(
      (select x.id from rowhook.agent x where x.external_id = c.agent_id and x.organization_id = c.owner),
      (select x.id from rowhook.agent x where x.id = rowhook.read_uuid(c.agent_id) and x.organization_id = c.owner))$sql$
  else $sql$
    left join rowhook.agent a on a.id = coalesce(
      -- An id that exists in several organizations is ambiguous.
      (select case when count(*) = 1 then min(x.id::text)::uuid end from rowhook.agent x where x.external_id = c.agent_id),
      (select x.id from rowhook.agent x where x.id = rowhook.read_uuid(c.agent_id)))$sql$ end;

create or replace function rowhook.insert_parts(source rowhook.source) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  has_organization constant boolean := source.mapping ? 'organization_id';
  version_column constant text := source.mapping ->> 'agent_version_id';
  organization constant text := rowhook.field_expression(source.relation, source.mapping, 'organization_id');
begin
  return jsonb_build_object(
    'owner', case when has_organization then format('coalesce(
             (select o.id from rowhook.organization o where o.external_id = %1$s),
             (select o.id from rowhook.organization o where o.id = rowhook.read_uuid(%1$s)))', organization) else 'null::uuid' end,
    'event_context', case when source.mapping ? 'context' then 'coalesce(c.context, s.context)' else 's.context' end,
    'event_template_id', case when source.mapping ? 'template_id' then 'coalesce(c.template_id, g.template_id)' else 'g.template_id' end,
    'goal_belongs', case when has_organization then ' and g.organization_id = c.owner' else '' end,
    'agent_version_uuid', case
      when version_column is null then 'null::uuid'
      when rowhook.column_type(source.relation, version_column) = 'uuid'::regtype then rowhook.column_reference(source.relation, version_column)
      else format('rowhook.read_uuid(%s)', rowhook.field_expression(source.relation, source.mapping, 'agent_version_id')) end,
    'agent', case when source.mapping ? 'agent_id' then rowhook.agent_sql(has_organization)
      else 'left join rowhook.agent_version v on v.id = c.version_uuid left join rowhook.agent a on a.id = v.agent_id'
        || case when has_organization then ' and a.organization_id = c.owner' else '' end end,
    'version', case when source.mapping ? 'agent_id' then 'c.agent_version_id, c.agent_version_name' else 'v.id::text, v.name' end);
end
$$;
comment on function rowhook.insert_parts(rowhook.source) is
  'expressions that find the goal or agent of a row, within the organization that the row names, if any';

create or replace function rowhook.add_trace(template text, is_mapped boolean) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return replace(replace(replace(template,
  '{trace_of_row}', case when is_mapped then ', {traceparent} as traceparent' else '' end),
  '{trace_column}', case when is_mapped then ', traceparent' else '' end),
  -- Other texts are not trace contexts (https://www.w3.org/TR/trace-context/), and are not stored.
  '{trace_value}', case when is_mapped
    then ', substring(c.traceparent from ''^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'')' else '' end);
comment on function rowhook.add_trace(text, boolean) is
  'statement that inserts events, with the trace of the row if the mapping has `traceparent`';

create or replace function rowhook.add_repeats(template text, may_repeat boolean) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
-- nextval is volatile. With it, the rows are stored before they are inserted.
return replace(replace(replace(replace(template,
  '{repeat_of_row}', case when may_repeat then ', {is_repeated} as is_repeated, nextval(''rowhook.event_id'') as event_id' else '' end),
  '{repeat_column}', case when may_repeat then 'id, ' else '' end),
  '{repeat_value}', case when may_repeat then 'c.event_id, ' else '' end),
  '{repeat_key}', case when may_repeat then 'case when c.is_repeated then {key} || '':'' || c.event_id else {key} end' else '{key}' end);
comment on function rowhook.add_repeats(text, boolean) is
  'statement that inserts events of jobs; with may_repeat, a completion that was captured before gets a key of its own';

create or replace function rowhook.insert_sql(source rowhook.source, parts jsonb, answers_ids boolean) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  is_own constant boolean := source.relation in ('rowhook.job'::regclass, 'rowhook.commit'::regclass);
  enqueue constant text := rowhook.enqueue_linked_sql(source.kind);
  is_known constant text := case
    -- The foreign keys of Rowhook's own tables are checked before the trigger fires.
    when parts ->> 'rows' = 'new_rows' and is_own then 'true'
    else case source.kind when 'jobs' then 'a' else 'g' end || '.id is not null or rowhook.is_captured_later({source}, c.id, {failed_at})' end;
  template text := case source.kind when 'jobs' then rowhook.jobs_sql() else rowhook.commits_sql() end;
begin
  template := rowhook.add_trace(replace(template, '{is_known}', is_known), source.mapping ? 'traceparent');
  template := rowhook.add_repeats(template, parts ? 'is_repeated');
  -- Each column that a capture returns to itself costs it.
  template := replace(template, '{returned}', case
    when not answers_ids then ''
    else ', occurred_at, ' || case source.kind when 'jobs' then 'job_id' else 'commit_id' end || ' as row_id' end);
  -- `offset 0`: a value that is converted, for example from jsonb, is converted once, not wherever it is
  -- used. Rowhook's own columns need no conversion.
  template := replace(template, '{barrier}', case when is_own then '' else ' offset 0' end);
  return rowhook.fill_template(
    replace(template, '{enqueue}', case
      when answers_ids then ', queued as (' || enqueue || ' returning 1)
  select array(select row_id from inserted), (select count(*) from queued)'
      else enqueue end),
    rowhook.source_parts(source) || rowhook.insert_parts(source) || jsonb_build_object('unless_known', case source.kind
      when 'jobs' then 'on conflict (job_id, source, key) where job_id is not null do nothing'
      else 'on conflict (commit_id, source) where commit_id is not null do nothing' end) || parts);
end
$$;
comment on function rowhook.insert_sql(rowhook.source, jsonb, boolean) is
  'statement that creates events and deliveries for rows, except for those that have an event, unless parts has unless_known; with answers_ids it returns the ids of the rows and the number of deliveries';

create or replace function rowhook.add_unseen_sql(source rowhook.source, of_rows text, condition text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $body$
  select rowhook.fill_template(case
  when source.relation in ('rowhook.job'::regclass, 'rowhook.commit'::regclass)
    or (source.kind = 'jobs' and not source.mapping ? 'agent_id') then ''
  when source.kind = 'jobs' then $sql$
    perform rowhook.add_agent(unseen.organization, unseen.agent, null)
    from (select distinct {organization_id} as organization, {agent_id} as agent from {rows} r where {condition}{names_organization}) as unseen
    where {is_unseen};$sql$
  else $sql$
    perform rowhook.add_goal(unseen.organization, unseen.goal, unseen.template, unseen.session)
    from (select distinct {organization_id} as organization, {goal_id} as goal, {template_id} as template,
                 {session_id} as session from {rows} r where {condition}{names_organization}) as unseen
    where unseen.goal is not null and (
      not exists (select from rowhook.goal g where g.id = unseen.goal)
      or (unseen.session is not null and not exists (select from rowhook.session s where s.id = unseen.session)));$sql$
  end, rowhook.source_parts(source) || jsonb_build_object('rows', of_rows, 'condition', condition,
    'is_unseen', case when source.mapping ? 'organization_id' then 'rowhook.agent_of(unseen.organization, unseen.agent) is null'
      else 'not exists (select from rowhook.agent a where a.external_id = unseen.agent)
        and not exists (select from rowhook.agent a where a.id = rowhook.read_uuid(unseen.agent))' end,
    'names_organization', case when source.mapping ? 'organization_id'
      then format(' and %s is not null', rowhook.field_expression(source.relation, source.mapping, 'organization_id')) else '' end))
$body$;
comment on function rowhook.add_unseen_sql(rowhook.source, text, text) is
  'statement that creates the agents, goals, sessions and organizations that rows of a watched table name for the first time';

create or replace function rowhook.moved_commits_sql() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return $sql$  if tg_op = 'UPDATE' then
    begin
      select array_agg(c.id), array_agg('goal.committed'::text), array_agg(c.moment), array_agg(c.searched_at),
             array_agg(c.searched_before)
      into moved_ids, moved_types, moved_to, searched, searched_before
      from (
        select changed.*,
               -- A row whose id was changed has one image for each id. It was sent under the old id.
               count(*) filter (where not changed.keeps_id and not changed.is_new) over ()
                 >= count(*) filter (where not changed.keeps_id and changed.is_new) over () as were_sent
        from (
          select i.id, max(i.moment) filter (where i.is_new) as moment,
                 max(i.searched_at) filter (where i.is_new) as searched_at,
                 max(i.searched_at) filter (where not i.is_new) as searched_before,
                 count(*) > 1 as keeps_id, bool_and(i.is_new) as is_new
          from (
            select {id} as id, true as is_new, {time} as moment, {searched} as searched_at
            from new_rows r where {goal_id} is not null
            union all
            select {id}, false, {time}, {searched} from old_rows r where {goal_id} is not null
          ) as i
          group by i.id
          having count(*) = 1 or (max(i.moment) filter (where i.is_new)) is distinct from max(i.moment) filter (where not i.is_new)
        ) as changed
      ) as c
      where c.keeps_id or (c.is_new and c.were_sent and not {had_failed});
      if moved_ids is not null then
        perform rowhook.move_completions({source}, moved_ids, moved_types, moved_to, searched, searched_before);
      end if;
    exception when others then
      -- A row that cannot be read was never captured.
      perform rowhook.note_capture_error({source}, moved_ids, 'RH007', sqlerrm) where moved_ids is not null;
    end;
    return null;
  end if;
$sql$;
comment on function rowhook.moved_commits_sql() is
  'part of the capture of commits that handles updates: it follows changed times';
