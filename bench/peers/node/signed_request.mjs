// Posts signed requests with undici. The headers are those of Rowhook: Standard Webhooks 1.0, and a
// `t=…,v1=…` signature.
import { createHmac, createSecretKey } from "node:crypto";
import { Pool } from "undici";

export const CONCURRENCY = 128;
const KEY = createSecretKey(Buffer.from("0123456789abcdef0123456789abcdef"));
const receiver = new Pool(process.env.BENCH_RECEIVER, { connections: CONCURRENCY, pipelining: 1 });

function signedHeaders(key, body) {
  const at = String(Math.floor(Date.now() / 1000));
  const standard = createHmac("sha256", KEY).update(`${key}.${at}.`).update(body).digest("base64");
  const own = createHmac("sha256", KEY).update(`${at}.`).update(body).digest("hex");
  return {
    "User-Agent": "Peer-Webhook/1",
    "Content-Type": "application/json",
    "Idempotency-Key": key,
    "X-Peer-Signature": `t=${at},v1=${own}`,
    "webhook-id": key,
    "webhook-timestamp": at,
    "webhook-signature": `v1,${standard}`,
  };
}

// Posts the body of a job {key, path, body}; returns the status of the response.
export async function send({ key, path, body }) {
  const { statusCode, body: response } = await receiver.request({
    path: `/${path}`,
    method: "POST",
    headers: signedHeaders(key, body),
    body,
  });
  await response.dump();
  return statusCode;
}
