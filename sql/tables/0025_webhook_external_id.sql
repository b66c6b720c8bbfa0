alter table rowhook.webhook
  add column external_id text
    constraint external_id_has_text check (external_id <> '');
create unique index webhook_by_external_id on rowhook.webhook (organization_id, external_id) where external_id is not null;
