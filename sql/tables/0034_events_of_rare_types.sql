-- rowhook: outside a transaction
-- Nearly all events are of the two types that are left out, so captures rarely write this index.

drop index concurrently if exists rowhook.event_of_rare_type;

create index concurrently event_of_rare_type on rowhook.event (type, organization_id, xact, id)
  where type not in ('job.succeeded', 'goal.committed');
