-- Ids as the platform writes them, for whoever reads: external ids where there are any.

create or replace function rowhook.organization_platform_id(organization uuid) returns text
language sql stable
as $$
  select coalesce((select o.external_id from rowhook.organization o where o.id = $1), $1::text)
$$;
comment on function rowhook.organization_platform_id(uuid) is
  'the id of an organization as the platform writes it: its external_id, else the uuid; null for null';

create or replace function rowhook.agent_platform_id(agent uuid) returns text
language sql stable
as $$
  select coalesce((select a.external_id from rowhook.agent a where a.id = $1), $1::text)
$$;
comment on function rowhook.agent_platform_id(uuid) is
  'the id of an agent as the platform writes it: its external_id, else the uuid; null for null';

create or replace function rowhook.parse_uuid(id text) returns uuid
language sql immutable
set search_path = pg_catalog, pg_temp
return case when id ~* '^[0-9a-f]{8}(-?)([0-9a-f]{4}\1){3}[0-9a-f]{12}$' then id::uuid end;
comment on function rowhook.parse_uuid(text) is 'a uuid in either case, with or without hyphens; null for any other text';

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
  'a row of Rowhook''s tables as a document, with the ids of its organization and its agent as the platform writes them';
