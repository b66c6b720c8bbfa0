-- rowhook: outside a transaction
-- What retention finds old rows by, where no row that is kept longer comes between them. The two of the
-- outbox replace the one over all finished rows: each row is in one of them, as before.

drop index concurrently if exists rowhook.outbox_delivered;

create index concurrently outbox_delivered on rowhook.outbox (finished_at) where status = 'delivered';

comment on index rowhook.outbox_delivered is 'rowhook.retain_batch: the oldest delivered rows; rowhook.webhook_health: those of a day';

drop index concurrently if exists rowhook.outbox_failed;

create index concurrently outbox_failed on rowhook.outbox (finished_at) where status in ('dead', 'cancelled', 'skipped');

comment on index rowhook.outbox_failed is 'rowhook.retain_batch: the oldest dead, cancelled and skipped rows; rowhook.webhook_health: those of a day';

drop index concurrently if exists rowhook.outbox_finished;

drop index concurrently if exists rowhook.signing_secret_expired;

create index concurrently signing_secret_expired on rowhook.signing_secret (expires_at) where expires_at is not null;

comment on index rowhook.signing_secret_expired is 'rowhook.retain_batch: signing secrets whose overlap ended';

drop index concurrently if exists rowhook.capture_error_healed;

create index concurrently capture_error_healed on rowhook.capture_error (healed_at) where healed_at is not null;

comment on index rowhook.capture_error_healed is 'rowhook.retain_batch: captures that were made up for, the oldest first';

drop index concurrently if exists rowhook.capture_error_open_since;

create index concurrently capture_error_open_since on rowhook.capture_error (created_at) where healed_at is null;

comment on index rowhook.capture_error_open_since is 'rowhook.retain_batch: captures that were not made up for, the oldest first';
