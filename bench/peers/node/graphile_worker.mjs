// A worker of graphile-worker that posts each job, with the batching that its page on performance
// shows: a local queue, and completion in batches.
import { Logger, run } from "graphile-worker";
import pg from "pg";
import { Outcomes } from "./outcome_rows.mjs";
import { CONCURRENCY, send } from "./signed_request.mjs";

const pgPool = new pg.Pool({ max: 12 });
const outcomes = new Outcomes(pgPool);

const runner = await run({
  pgPool,
  taskList: {
    deliver: async (job) => outcomes.record(job.key, await send(job)),
  },
  logger: new Logger(() => (level, message) => {
    if (level === "error") console.error(message);
  }),
  preset: {
    worker: {
      concurrentJobs: CONCURRENCY,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      pollInterval: 2000,
    },
  },
});
console.log("ready");
await runner.promise;
