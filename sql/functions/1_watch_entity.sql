-- Watched tables of organizations, agents, goals and sessions: Rowhook's rows follow them.

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

create or replace function rowhook.is_owned(source rowhook.source) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case when source.mapping ? 'organization_id' then 'e.id is not null and e.organization is not null' else 'e.id is not null' end;
comment on function rowhook.is_owned(rowhook.source) is 'the condition on a row that belongs to somebody: where rows name an organization, one without it is nobody''s';

create or replace function rowhook.entity_capture_sql(source rowhook.source) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
return rowhook.fill_template($sql$
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
    else
      perform {upsert} from ({fields} from new_rows r except {fields} from old_rows r) as e where {is_owned};
    end if;
  exception when others then
    begin
      perform rowhook.note_capture_error({source}, array(select {id} from new_rows r), sqlstate, sqlerrm);
    exception when others then
      perform rowhook.note_capture_error({source}, '{}', sqlstate, sqlerrm);
    end;
  end;
  return null;
end
$sql$, rowhook.source_parts(source)
  || jsonb_build_object('upsert', rowhook.upsert_call(source.kind), 'fields', rowhook.entity_fields(source), 'is_owned', rowhook.is_owned(source)));
comment on function rowhook.entity_capture_sql(rowhook.source) is 'the body of the trigger function of a watched table of organizations, agents, goals or sessions';

create or replace function rowhook.take_over(source rowhook.source, ids text[] default null) returns void
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
    rowhook.upsert_call(source.kind), rowhook.entity_fields(source), source.relation, parts ->> 'has_id', rowhook.is_owned(source)) using ids;
  if rowhook.hides_rows(source.relation) then
    -- What is hidden is not gone.
    return;
  end if;
  execute format('select count(rowhook.delete_entity(%L, null, gone)) from unnest($1::text[]) as gone
                  where not exists (select from %s r where %s = gone)', source.kind, source.relation, parts ->> 'id') using ids;
end
$$;
comment on function rowhook.take_over(rowhook.source, text[]) is
  'brings Rowhook''s rows in step with these rows of a watched table, or with all there are; what is gone there goes here';
