-- What an event says of names, ids and times, as one JSON text. Events keep it in plain columns.

create or replace function rowhook.readable_time(moment timestamptz) returns timestamptz
language sql immutable
return least(greatest(moment, '0001-01-03 UTC'), '9999-12-29 UTC');
comment on function rowhook.readable_time(timestamptz) is
  'a time that a client reads in every time zone: its own year must be between 1 and 9999. Payloads have the exact one, as text';

create or replace function rowhook.json_number(written text) returns text
language sql immutable
return case when written ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$' then written else 'null' end;
comment on function rowhook.json_number(text) is 'a number as it was written; null for what JSON cannot write, such as NaN';

create or replace function rowhook.json_text(written text) returns text
language sql immutable
return coalesce(to_json(written)::text, 'null');

create or replace function rowhook.event_snapshot(e rowhook.event) returns text
language sql stable
return case
  when e.snapshot is not null then e.snapshot::text
  when e.commit_id is not null then format(
    '{"commit_id":%s,"committed_at":%s,"goal":{"id":%s},"template":{"id":%s},"session":{"id":%s},'
    '"interview":{"id":%s},"organization":{"id":%s,"name":%s}}',
    rowhook.json_text(e.commit_id),
    rowhook.json_text(case when e.is_untimed is null then rowhook.rfc3339(e.occurred_at) end),
    rowhook.json_text(e.goal_id), rowhook.json_text(e.template_id), rowhook.json_text(e.session_id),
    rowhook.json_text(e.interview_id),
    rowhook.json_text(coalesce(e.organization_external_id, e.organization_id::text)),
    rowhook.json_text(e.organization_name))
  else format(
    '{"agent":{"id":%s,"name":%s},"agent_version":{"id":%s,"name":%s},'
    '"job":{"id":%s,"status":%s,"status_code":%s,"cost":%s,"created_at":%s,"completed_at":%s},'
    '"organization":{"id":%s,"name":%s}}',
    rowhook.json_text(coalesce(e.agent_external_id, e.agent_id::text)), rowhook.json_text(e.agent_name),
    rowhook.json_text(e.agent_version_id), rowhook.json_text(e.agent_version_name),
    rowhook.json_text(e.job_id), rowhook.json_text(e.job_status),
    rowhook.json_number(e.status_code), rowhook.json_number(e.cost), rowhook.json_text(e.job_created_at),
    rowhook.json_text(case when e.is_untimed is null then rowhook.rfc3339(e.occurred_at) end),
    rowhook.json_text(coalesce(e.organization_external_id, e.organization_id::text)),
    rowhook.json_text(e.organization_name))
end;
comment on function rowhook.event_snapshot(rowhook.event) is
  'names, ids and times as they were at the moment of the event; ids as the platform writes them';
