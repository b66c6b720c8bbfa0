-- From an id that a caller writes to Rowhook's row: the platform's id first, then Rowhook's uuid.

create or replace function rowhook.identify_organization(id text) returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select coalesce(
    (select o.id from rowhook.organization o where o.external_id = $1 and rowhook.sees(o.id)),
    (select o.id from rowhook.organization o where o.id = rowhook.parse_uuid($1) and rowhook.sees(o.id)))
$$;
comment on function rowhook.identify_organization(text) is
  'the organization with this id, as the platform writes it or Rowhook''s own; null if this transaction sees none';

create or replace function rowhook.identify_agent(organization uuid, id text) returns setof uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with owner as (
    select o.id from rowhook.organization o
    where o.id = coalesce($1, nullif(current_setting('rowhook.organization', true), '')::uuid)
      and rowhook.sees(o.id)
    union all
    select o.id from rowhook.organization o where $1 is null and current_setting('rowhook.operator', true) = 'on'
  ), candidate as (
    select a.id, a.organization_id, true as is_external
    from owner o join rowhook.agent a on a.organization_id = o.id and a.external_id = $2
    union all
    select a.id, a.organization_id, false
    from owner o join rowhook.agent a on a.organization_id = o.id and a.id = rowhook.parse_uuid($2)
  )
  select distinct on (c.organization_id) c.id
  from candidate c
  order by c.organization_id, c.is_external desc
  limit 2
$$;
comment on function rowhook.identify_agent(uuid, text) is
  'the agent with this id, as the platform writes it or Rowhook''s own, in one organization or in all that this transaction sees: two rows if several organizations have one';

create or replace function rowhook.webhook_owner(webhook uuid) returns uuid
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select w.organization_id from rowhook.webhook w where w.id = webhook
$$;
comment on function rowhook.webhook_owner(uuid) is 'the organization of a webhook; null if this transaction sees no such webhook';
