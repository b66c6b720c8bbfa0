create or replace view rowhook.delivery as
select o.id, o.organization_id, o.webhook_id,
       coalesce(w.name, (
         select r.name from rowhook.webhook_revision r
         where r.webhook_id = o.webhook_id order by r.revision desc limit 1)) as webhook_name,
       o.event_id, e.type as event_type, e.key, e.job_id, e.commit_id,
       o.status, o.attempts, o.next_attempt_at, o.created_at, o.finished_at,
       o.last_status_code, o.last_error,
       case when o.status = 'delivered' then o.finished_at - e.created_at end as latency
from rowhook.outbox o
left join rowhook.event e on e.id = o.event_id
left join rowhook.webhook w on w.id = o.webhook_id;
comment on view rowhook.delivery is
  'one row per delivery; latency is measured from the capture of the event to the recorded delivery';

-- The same columns under the rights and policies of the caller, for the API.
do $$
begin
  execute 'create or replace view rowhook.api_delivery with (security_invoker = true) as '
    || pg_get_viewdef('rowhook.delivery'::regclass);
end
$$;

-- A delivery as the API, the dashboard and the command line present it.
create or replace view rowhook.shown_delivery with (security_invoker = true) as
select d.id, rowhook.organization_platform_id(d.organization_id) as organization_id, d.webhook_id, d.webhook_name, d.event_id, d.event_type, d.key,
       d.job_id, d.commit_id, d.status, d.attempts, d.next_attempt_at, d.created_at, d.finished_at,
       d.last_status_code, d.last_error, extract(epoch from d.latency) * 1000 as latency_ms,
       exists (select from rowhook.webhook w where w.id = d.webhook_id) as webhook_exists
from rowhook.api_delivery d;
comment on view rowhook.shown_delivery is
  'api_delivery as in API documents: with the platform id of its organization, its latency in milliseconds, and whether its webhook still exists';
