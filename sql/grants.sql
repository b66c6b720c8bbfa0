-- Who may do what. Re-applied whole at each migrate: what is not named here is not granted.

revoke all on schema rowhook from public;
revoke all on all tables in schema rowhook from public;
revoke all on all functions in schema rowhook from public;
revoke all on all sequences in schema rowhook from public;
grant usage on schema rowhook
  to rowhook_producer, rowhook_reader, rowhook_operator, rowhook_worker, rowhook_api;

grant select, insert, update
  on rowhook.organization, rowhook.agent, rowhook.agent_version, rowhook.job, rowhook.goal,
     rowhook.session, rowhook.commit
  to rowhook_producer;

grant select on rowhook.delivery, rowhook.webhook_health, rowhook.capture_gap
  to rowhook_reader, rowhook_operator, rowhook_worker;
grant execute on function rowhook.job_gaps(interval), rowhook.commit_gaps(interval)
  to rowhook_reader, rowhook_operator, rowhook_worker;

grant select, update (status) on rowhook.outbox to rowhook_operator;
grant execute on function
    rowhook.retry(bigint[]), rowhook.cancel(bigint[]),
    rowhook.replay(uuid, timestamptz, timestamptz, text[], boolean),
    rowhook.pause(uuid), rowhook.resume(uuid), rowhook.heal(interval)
  to rowhook_operator;

grant usage on all sequences in schema rowhook to rowhook_worker;
grant select, update on sequence rowhook.asleep, rowhook.awake to rowhook_worker;
grant select on all tables in schema rowhook to rowhook_worker;
grant insert, update on rowhook.outbox, rowhook.worker to rowhook_worker;
grant insert on rowhook.attempt, rowhook.event to rowhook_worker;
grant insert, update, delete on rowhook.chore to rowhook_worker;
grant update on rowhook.webhook to rowhook_worker;
grant insert on rowhook.keyring_check to rowhook_worker;
grant delete on rowhook.worker to rowhook_worker;
grant execute on all functions in schema rowhook to rowhook_worker;

grant select on
    rowhook.organization, rowhook.agent, rowhook.agent_version, rowhook.goal, rowhook.session,
    rowhook.job, rowhook.commit, rowhook.event, rowhook.outbox, rowhook.attempt, rowhook.worker,
    rowhook.delivery, rowhook.webhook_health, rowhook.keyring_check
  to rowhook_api;
grant select, insert, update, delete on
    rowhook.webhook, rowhook.webhook_revision, rowhook.link, rowhook.secret,
    rowhook.webhook_secret, rowhook.signing_secret, rowhook.api_key
  to rowhook_api;
grant insert on rowhook.event, rowhook.keyring_check to rowhook_api;
grant update (status) on rowhook.outbox to rowhook_api;
grant usage on sequence rowhook.event_id to rowhook_api;
grant execute on function
    rowhook.retry(bigint[]), rowhook.cancel(bigint[]),
    rowhook.replay(uuid, timestamptz, timestamptz, text[], boolean),
    rowhook.save_webhook(json, uuid, uuid, text[], bytea),
    rowhook.rotate_signing_secret(uuid, uuid, int, bytea, interval),
    rowhook.put_secret(uuid, text, int, bytea, text[]), rowhook.secret_version(uuid, text),
    rowhook.secret_hosts(uuid, text[]), rowhook.link_agent(uuid, uuid), rowhook.link_goal(uuid, text),
    rowhook.revision_of(uuid, int), rowhook.secrets_of(uuid), rowhook.keyring_check(bytea),
    rowhook.pause(uuid), rowhook.resume(uuid)
  to rowhook_api;
grant execute on function rowhook.status(), rowhook.workers(), rowhook.diagnosis()
  to rowhook_reader, rowhook_operator, rowhook_api;
