-- Which database Rowhook was installed in. A dump carries this row over, but not the facts that it
-- records: where they differ, the database is a copy.

create table rowhook.installation (
  singleton boolean primary key default true constraint one_installation check (singleton),
  system_identifier bigint,
  database_oid oid not null,
  table_oid oid not null,
  nonce text,
  neon_timeline text,
  adopted_at timestamptz not null default now(),
  checked_server timestamptz not null,
  checked_file text not null,
  suspended_at timestamptz,
  suspended_reason text,
  epoch int not null default 0 constraint epoch_fits_in_15_bits check (epoch between 0 and 32767),
  epoch_system_identifier bigint,
  highest_xid xid8 not null,
  constraint suspended_for_a_reason check ((suspended_at is null) = (suspended_reason is null))
);
comment on column rowhook.installation.system_identifier is
  'of the cluster; null: pg_control_system() may not be called here';
comment on column rowhook.installation.table_oid is 'of this table: a restore creates it anew, a move of the cluster does not';
comment on column rowhook.installation.nonce is
  'also kept as the setting rowhook.installation of the database, which no dump of the schema holds; null: it may not be set here';
comment on column rowhook.installation.adopted_at is 'since when it is the installation: by migrate, or by rowhook.adopt';
comment on column rowhook.installation.checked_server is 'start of the server on which the facts were compared last: after another start they are compared again';
comment on column rowhook.installation.checked_file is 'file of this table when the facts were compared last, by which another database on the same server is told';
comment on column rowhook.installation.suspended_at is 'since when nothing is sent, because the database is a copy; null: deliveries go out';
comment on column rowhook.installation.epoch is 'the high bits of event.xact and outbox.ordered_by: raised when the transaction ids are those of another cluster';
comment on column rowhook.installation.epoch_system_identifier is 'of the cluster whose transaction ids belong to this epoch';
comment on column rowhook.installation.highest_xid is 'of this epoch, noted every ten minutes: a lower one later belongs to another cluster';
comment on column rowhook.event.xact is
  'its place in the order of commits: the epoch in the bits from 48 on, its transaction below';
