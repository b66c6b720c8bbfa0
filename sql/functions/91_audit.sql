-- Audit log. Triggers record every change, whoever makes it; no row contains a secret.

create or replace function rowhook.write_audit(
  organization uuid, action text, subject text, before json default null, after json default null
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  -- Security definer, so the policy of the table does not apply.
  if current_setting('role') = 'rowhook_api' and rowhook.can_see(organization) is not true then
    raise insufficient_privilege using message = 'The audit log of another organization cannot be written.';
  end if;
  insert into rowhook.audit (organization_id, actor, action, subject, before, after)
  values (organization,
          -- Any session may set the actor, but only rowhook.set_tenant sets it together with this
          -- role.
          coalesce(case when current_setting('role') = 'rowhook_api'
                     then nullif(current_setting('rowhook.actor', true), '') end, session_user),
          action, subject, before, after);
end
$$;
comment on function rowhook.write_audit(uuid, text, text, json, json) is
  'writes an audit row with the actor of this transaction';

create or replace function rowhook.audit_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  -- Columns that change without a person, or that are secret.
  hidden constant text[] := array['sealed', 'hash', 'last_used_at', 'secrets_version', 'updated_at'];
  old_values jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - hidden end;
  new_values jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - hidden end;
  row_values jsonb := coalesce(new_values, old_values);
begin
  if old_values is distinct from new_values then
    perform rowhook.write_audit(
      (row_values ->> 'organization_id')::uuid,
      tg_table_name || '.' || case tg_op
        when 'INSERT' then 'created' when 'DELETE' then 'deleted' else 'changed' end,
      coalesce(row_values ->> 'webhook_id', row_values ->> 'id'),
      old_values::json, new_values::json);
  end if;
  return null;
end
$$;

create or replace function rowhook.audit_deliveries(action text, outbox_ids bigint[], arguments json default null) returns void
language sql
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select rowhook.write_audit(
    o.organization_id, action,
    case when count(*) = 1 then min(o.id)::text else count(*) || ' deliveries' end,
    null,
    json_build_object('count', count(*), 'first_ids', (array_agg(o.id order by o.id))[1:100], 'asked', arguments))
  from rowhook.outbox o
  where o.id = any (outbox_ids)
  group by o.organization_id
$$;
comment on function rowhook.audit_deliveries(text, bigint[], json) is
  'writes one audit row per organization for an action on these deliveries';

create or replace function rowhook.audit_page(
  organization uuid, before_id bigint, most int,
  by_actor text default null, of_action text default null, of_subject text default null
) returns setof json
language sql stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select row_to_json(document) from (
    select a.id, rowhook.organization_platform_id(a.organization_id) as organization_id, a.actor, a.action, a.subject,
           rowhook.with_platform_ids(a.before) as before, rowhook.with_platform_ids(a.after) as after, a.created_at
    from rowhook.audit a
    where (organization is null or a.organization_id = organization)
      and (before_id is null or a.id < before_id)
      and (by_actor is null or a.actor = by_actor)
      and (of_action is null or a.action = of_action)
      and (of_subject is null or a.subject = of_subject)
    order by a.id desc
    limit most) as document
$$;
comment on function rowhook.audit_page(uuid, bigint, int, text, text, text) is
  'audit rows, newest first; null organization: all that this transaction can see';
