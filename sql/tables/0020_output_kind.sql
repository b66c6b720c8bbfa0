-- The kinds of outputs and their fields are listed in src/rowhook/output_kinds.py: a new kind needs no
-- change of the schema. The worker rejects a delivery of a kind that it does not have.
alter table rowhook.webhook drop constraint kind_is_known, drop constraint url_iff_http;
alter table rowhook.webhook
  add constraint kind_is_a_name check (kind ~ '^[a-z][a-z0-9_]{0,62}$') not valid,
  add constraint http_has_url check (kind <> 'http' or url is not null) not valid;
alter table rowhook.webhook
  validate constraint kind_is_a_name,
  validate constraint http_has_url;
