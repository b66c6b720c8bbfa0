-- Organizations, agents, goals and sessions, addressed by the platform's own ids.

create or replace function rowhook.read_uuid(id text) returns uuid
language sql immutable
set search_path = pg_catalog, pg_temp
return case when id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then id::uuid end;
comment on function rowhook.read_uuid(text) is
  'uuid in the form that PostgreSQL writes; null for any other text, which is then an external id';

create or replace function rowhook.organization_of(id text) returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
  select coalesce(
    (select o.id from rowhook.organization o where o.external_id = $1),
    (select o.id from rowhook.organization o where o.id = rowhook.read_uuid($1)))
$$;
comment on function rowhook.organization_of(text) is 'organization with this platform id; null if unknown';

create or replace function rowhook.add_organization(id text) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  organizations uuid[];
begin
  if $1 is null then
    -- The platform has no organizations: use the only one there is, or create one.
    organizations := array(select o.id from rowhook.organization o limit 2);
    return case when cardinality(organizations) = 1 then organizations[1] else rowhook.add_organization('default') end;
  end if;
  if rowhook.organization_of($1) is null then
    insert into rowhook.organization (id, external_id, name)
    values (coalesce(rowhook.read_uuid($1), gen_random_uuid()), case when rowhook.read_uuid($1) is null then $1 end, $1)
    on conflict do nothing;
  end if;
  return rowhook.organization_of($1);
end
$$;
comment on function rowhook.add_organization(text) is
  'returns the organization with this platform id, creating it if necessary; for a null id the only organization, or one called default';

create or replace function rowhook.agent_of(organization text, id text) returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
as $$
declare
  agents constant uuid[] := array(
    select a.id from rowhook.agent a
    where a.external_id = $2 and ($1 is null or a.organization_id = rowhook.organization_of($1))
    union
    select a.id from rowhook.agent a
    where a.id = rowhook.read_uuid($2) and ($1 is null or a.organization_id = rowhook.organization_of($1))
    limit 2);
begin
  if cardinality(agents) > 1 then
    raise exception using errcode = 'RH004', message = format('Several organizations have an agent %s.', $2),
      hint = 'Map organization_id to identify the agent.';
  end if;
  return agents[1];
end
$$;
comment on function rowhook.agent_of(text, text) is
  'agent with this platform id, within the organization if one is named; null if unknown';

create or replace function rowhook.upsert_organization(id text, name text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  update rowhook.organization o set name = $2
  where o.id = rowhook.add_organization($1) and $2 is not null and o.name is distinct from $2
$$;

create or replace function rowhook.add_agent(organization text, id text, name text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into rowhook.agent (id, organization_id, external_id, name)
  values (coalesce(rowhook.read_uuid($2), gen_random_uuid()), rowhook.add_organization($1),
          case when rowhook.read_uuid($2) is null then $2 end, coalesce($3, $2))
  on conflict do nothing
$$;
comment on function rowhook.add_agent(text, text, text) is 'creates an agent with this platform id';

create or replace function rowhook.upsert_agent(organization text, id text, name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  agent constant uuid := rowhook.agent_of($1, $2);
begin
  if agent is not null then
    update rowhook.agent a set name = $3 where a.id = agent and $3 is not null and a.name is distinct from $3;
    return;
  end if;
  perform rowhook.add_agent($1, $2, $3);
  if rowhook.agent_of($1, $2) is null then
    raise exception using errcode = 'RH006', message = format('Agent %s belongs to another organization than %s.', $2, $1),
      hint = 'An agent cannot move between organizations. Use a different id.';
  end if;
end
$$;
comment on function rowhook.upsert_agent(text, text, text) is
  'creates or renames an agent with this platform id; never changes an agent of another organization';

create or replace function rowhook.upsert_goal(organization text, id text, name text, template_id text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  update rowhook.goal g set name = coalesce($3, g.name), template_id = coalesce($4, g.template_id)
  where g.id = $2 and ($1 is null or g.organization_id = rowhook.organization_of($1))
    and (g.name, g.template_id) is distinct from (coalesce($3, g.name), coalesce($4, g.template_id));
  if not exists (select from rowhook.goal g where g.id = $2) then
    insert into rowhook.goal (id, organization_id, template_id, name)
    values ($2, rowhook.add_organization($1), $4, coalesce($3, $2))
    on conflict do nothing;
  end if;
end
$$;
comment on function rowhook.upsert_goal(text, text, text, text) is
  'creates or renames a goal; does not change a goal of another organization, see rowhook.misplaced_condition';

create or replace function rowhook.upsert_session(organization text, id text, context json) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  update rowhook.session s set context = $3
  where s.id = $2 and ($1 is null or s.organization_id = rowhook.organization_of($1))
    and $3 is not null and s.context::text is distinct from $3::text;
  if not exists (select from rowhook.session s where s.id = $2) then
    insert into rowhook.session (id, organization_id, context)
    values ($2, rowhook.add_organization($1), coalesce($3, '{}'))
    on conflict do nothing;
  end if;
end
$$;
comment on function rowhook.upsert_session(text, text, json) is
  'creates a session or changes its context; does not change a session of another organization, see rowhook.misplaced_condition';

create or replace function rowhook.add_goal(organization text, id text, template_id text, session text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  perform rowhook.upsert_goal($1, $2, null, $3) where not exists (select from rowhook.goal g where g.id = $2);
  -- The session of a commit belongs to the organization of the goal.
  insert into rowhook.session (id, organization_id)
  select $4, g.organization_id from rowhook.goal g
  where $4 is not null and g.id = $2 and ($1 is null or g.organization_id = rowhook.organization_of($1))
  on conflict do nothing;
end
$$;
comment on function rowhook.add_goal(text, text, text, text) is
  'creates the goal and the session that a watched commit names for the first time';

create or replace function rowhook.delete_entity(entity_kind text, organization text, id text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  agent constant uuid := case entity_kind when 'agents' then rowhook.agent_of(organization, $3) end;
  owner constant uuid := rowhook.organization_of(case entity_kind when 'organizations' then $3 else organization end);
begin
  if exists (select from rowhook.link l
             where l.agent_id = agent
               or (entity_kind = 'organizations' and l.organization_id = owner)
               or (entity_kind = 'goals' and l.goal_id = $3 and (organization is null or l.organization_id = owner))) then
    raise exception using errcode = 'foreign_key_violation',
      message = format('A webhook is linked to %s %s.', trim(trailing 's' from entity_kind), $3),
      hint = 'Delete the links or the webhook first; GET /v1/webhooks lists them.';
  end if;
  case entity_kind
    when 'organizations' then delete from rowhook.organization o where o.id = owner;
    when 'agents' then
      delete from rowhook.agent_version v where v.agent_id = agent;
      delete from rowhook.agent a where a.id = agent;
    when 'goals' then delete from rowhook.goal g where g.id = $3 and (organization is null or g.organization_id = owner);
    else delete from rowhook.session s where s.id = $3 and (organization is null or s.organization_id = owner);
  end case;
exception when foreign_key_violation or restrict_violation then
  -- The row is referenced by another row of Rowhook, such as a webhook or a job, so it stays.
  if sqlerrm like 'A webhook is linked%' or sqlerrm like '%link_holds%' then
    raise;
  end if;
end
$$;
comment on function rowhook.delete_entity(text, text, text) is
  'follows a delete in a watched table; raises an error while a link refers to the row';

-- Platform ids for output: the external id if there is one.

create or replace function rowhook.organization_platform_id(organization uuid) returns text
language sql stable
as $$
  select coalesce((select o.external_id from rowhook.organization o where o.id = $1), $1::text)
$$;
comment on function rowhook.organization_platform_id(uuid) is
  'platform id of an organization: its external_id, otherwise the uuid; null for null';

create or replace function rowhook.agent_platform_id(agent uuid) returns text
language sql stable
as $$
  select coalesce((select a.external_id from rowhook.agent a where a.id = $1), $1::text)
$$;
comment on function rowhook.agent_platform_id(uuid) is
  'platform id of an agent: its external_id, otherwise the uuid; null for null';

create or replace function rowhook.parse_uuid(id text) returns uuid
language sql immutable
set search_path = pg_catalog, pg_temp
return case when id ~* '^[0-9a-f]{8}(-?)([0-9a-f]{4}\1){3}[0-9a-f]{12}$' then id::uuid end;
comment on function rowhook.parse_uuid(text) is
  'uuid in either case, with or without hyphens; null for any other text';

create or replace function rowhook.with_platform_ids(document json) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when json_typeof($1) = 'object' and $1::jsonb ?| array['organization_id', 'agent_id'] then
      ($1::jsonb || jsonb_strip_nulls(jsonb_build_object(
        'organization_id', rowhook.organization_platform_id(rowhook.parse_uuid($1 ->> 'organization_id')),
        'agent_id', rowhook.agent_platform_id(rowhook.parse_uuid($1 ->> 'agent_id')))))::json
    else $1
  end
$$;
comment on function rowhook.with_platform_ids(json) is
  'row of a table as JSON, with the platform ids of its organization and agent';

-- Watched tables of organizations, agents, goals and sessions, which Rowhook's own rows follow.

create or replace function rowhook.entity_fields(source rowhook.source) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
return rowhook.fill_template(
  'select {organization_id} as organization, {id} as id, {name} as name, {template_id} as template_id, {context}::text as context',
  rowhook.source_parts(source));

create or replace function rowhook.upsert_call(entity_kind text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case entity_kind
  when 'organizations' then 'rowhook.upsert_organization(e.id, e.name)'
  when 'agents' then 'rowhook.upsert_agent(e.organization, e.id, e.name)'
  when 'goals' then 'rowhook.upsert_goal(e.organization, e.id, e.name, e.template_id)'
  when 'sessions' then 'rowhook.upsert_session(e.organization, e.id, e.context::json)' end;

create or replace function rowhook.owner_condition(source rowhook.source) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case when source.mapping ? 'organization_id' then 'e.id is not null and e.organization is not null' else 'e.id is not null' end;
comment on function rowhook.owner_condition(rowhook.source) is
  'condition for rows that have an owner: if rows name an organization, it must not be null';

create or replace function rowhook.misplaced_condition(entity_kind text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case when entity_kind in ('goals', 'sessions') then format(
  'e.organization is not null and exists (select from rowhook.%I x where x.id = e.id and x.organization_id is distinct from rowhook.organization_of(e.organization))',
  trim(trailing 's' from entity_kind)) else 'false' end;
comment on function rowhook.misplaced_condition(text) is
  'condition for rows whose id belongs to another organization than they name, so that they were not imported; for agents that is an error';

create or replace function rowhook.merged_entities_sql(source rowhook.source, parts jsonb) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
-- See rowhook.merged_jobs_sql: the rows that a MERGE updated are read from the table.
return case when (select c.relkind from pg_class c where c.oid = source.relation) = 'p' then rowhook.fill_template($sql$
      replaced := array(select {id} from old_rows r except all select {id} from new_rows r);
      perform {upsert} from ({fields} from {relation} r where {was_replaced}) as e where replaced <> '{}' and {is_owned};$sql$,
      parts || jsonb_build_object('was_replaced', replace(parts ->> 'has_id', '$1', 'capture.replaced')))
  else '' end;
comment on function rowhook.merged_entities_sql(rowhook.source, jsonb) is
  'part of the capture of a partitioned table of organizations, agents, goals or sessions that handles MERGE; empty for other tables';

create or replace function rowhook.entity_capture_sql(source rowhook.source) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  parts constant jsonb := rowhook.source_parts(source) || jsonb_build_object('upsert', rowhook.upsert_call(source.kind),
    'fields', rowhook.entity_fields(source), 'is_owned', rowhook.owner_condition(source),
    'is_misplaced', rowhook.misplaced_condition(source.kind));
begin
  return rowhook.fill_template($sql$
#variable_conflict use_column
<<capture>>
declare
  replaced text[];
begin
  if tg_op = 'DELETE' then
    begin
      perform rowhook.delete_entity({kind}, {organization_id}, {id}) from old_rows r;
    exception when foreign_key_violation then
      raise;
    when others then
      begin
        perform rowhook.note_capture_error({source}, array(select {id} from old_rows r), sqlstate, sqlerrm);
      exception when others then
        perform rowhook.note_capture_error({source}, '{}', sqlstate, sqlerrm);
      end;
    end;
    return null;
  end if;
  begin
    if tg_op = 'INSERT' then
      perform {upsert} from ({fields} from new_rows r) as e where {is_owned};
    else{merged}
      perform {upsert} from ({fields} from new_rows r except {fields} from old_rows r) as e where {is_owned};
    end if;
    perform rowhook.is_captured_later({source}, e.id, null) from ({fields} from new_rows r) as e where {is_owned} and {is_misplaced};
  exception when others then
    begin
      perform rowhook.note_capture_error({source}, array(select {id} from new_rows r), sqlstate, sqlerrm);
    exception when others then
      perform rowhook.note_capture_error({source}, '{}', sqlstate, sqlerrm);
    end;
  end;
  return null;
end
$sql$, parts || jsonb_build_object('merged', rowhook.merged_entities_sql(source, parts)));
end
$$;
comment on function rowhook.entity_capture_sql(rowhook.source) is
  'body of the trigger function for a watched table of organizations, agents, goals or sessions';

create or replace function rowhook.sync_entities(source rowhook.source, ids text[] default null) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 1
set jit = off
as $$
declare
  parts constant jsonb := rowhook.source_parts(source);
begin
  execute format('select count(%s) from (%s from %s r where $1::text[] is null or %s) as e where %s',
    rowhook.upsert_call(source.kind), rowhook.entity_fields(source), source.relation, parts ->> 'has_id', rowhook.owner_condition(source)) using ids;
  execute format('select count(rowhook.is_captured_later(%L, e.id, null)) from (%s from %s r where $1::text[] is null or %s) as e where %s and %s',
    source.name, rowhook.entity_fields(source), source.relation, parts ->> 'has_id', rowhook.owner_condition(source),
    rowhook.misplaced_condition(source.kind)) using ids;
end
$$;
comment on function rowhook.sync_entities(rowhook.source, text[]) is
  'creates and changes Rowhook''s rows for the given rows of a watched table, or for all of them';

create or replace function rowhook.delete_gone_entities(source rowhook.source, ids text[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO'
set intervalstyle = 'postgres'
set bytea_output = 'hex'
set extra_float_digits = 1
set jit = off
as $$
begin
  execute format('select count(rowhook.delete_entity(%L, null, gone)) from unnest($1::text[]) as gone
                  where not exists (select from %s r where %s = gone)',
    source.kind, source.relation, rowhook.source_parts(source) ->> 'id') using ids;
end
$$;
comment on function rowhook.delete_gone_entities(rowhook.source, text[]) is
  'deletes Rowhook''s rows for rows that were deleted in a watched table';
