-- What a capture copies from a link to a new delivery, so that no capture computes it. 0039 fills the columns.

alter table rowhook.link
  add column first_status text not null default 'pending',
  add column starts_ready boolean not null default true;
