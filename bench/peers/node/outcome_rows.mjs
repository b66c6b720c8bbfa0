// Records outcomes in batches, for peers that do not keep the result of a job.
const INSERT = {
  name: "insert_outcomes",
  text: "insert into bench_outcome (key, status) select * from unnest($1::text[], $2::int[])",
};
const MAX_BATCH = 128;

// Inserts the outcomes that came while the last insert ran, up to 128 at once.
export class Outcomes {
  constructor(pool) {
    this.pool = pool;
    this.waiting = [];
    this.running = false;
  }

  // Resolves when the outcome is committed.
  record(key, status) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ key, status, resolve, reject });
      if (!this.running) this.run();
    });
  }

  async run() {
    this.running = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, MAX_BATCH);
      try {
        const values = [batch.map((one) => one.key), batch.map((one) => one.status)];
        await this.pool.query({ ...INSERT, values });
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.running = false;
  }
}
