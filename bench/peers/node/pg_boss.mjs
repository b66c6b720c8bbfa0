// A worker of pg-boss that posts each job. Batches, a result for each job, and fetching without a pause
// while batches are full; woken by NOTIFY, or polling at the shortest interval.
import { PgBoss } from "pg-boss";
import { send } from "./signed_request.mjs";

const notify = process.env.BENCH_NOTIFY === "1";
const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = process.env;
const boss = new PgBoss({
  host: PGHOST,
  port: PGPORT ? Number(PGPORT) : undefined,
  user: PGUSER,
  password: PGPASSWORD,
  database: PGDATABASE,
  useListenNotify: notify,
});
boss.on("error", (error) => console.error(error));

await boss.start();
await boss.createQueue("deliver", { notify });
const options = {
  batchSize: 500,
  localConcurrency: 2,
  perJobResults: true,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
  notifyPollingIntervalSeconds: 0.5,
};
await boss.work("deliver", options, (jobs) => Promise.all(jobs.map(deliver)));
console.log("ready");

async function deliver({ id, data }) {
  return { id, status: "completed", output: { status: await send(data) } };
}
