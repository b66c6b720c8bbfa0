-- Who is signed in to the dashboard, and links that sign in once. Kept as SHA-256, like keys.

create table rowhook.sign_in (
  hash bytea primary key,
  once boolean not null,
  key_hash bytea,
  ends_at timestamptz not null
);
comment on column rowhook.sign_in.once is 'a link, gone when it is opened; else a session of a browser';
comment on column rowhook.sign_in.key_hash is 'the API key that it stands for, asked for at each request; null: who holds the database';
create index sign_in_ended on rowhook.sign_in (ends_at);
comment on index rowhook.sign_in_ended is 'rowhook.sign_in: those that have ended go when another one comes';
