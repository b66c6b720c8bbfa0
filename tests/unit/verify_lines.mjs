// Verifies a request a line, as JSON with the body in base64, and prints the verdict as JSON: the
// failed check, or null where the request is believed. The module is the first argument.
import { createInterface } from "node:readline";

const { verify, VerificationFailed } = await import(process.argv[2]);

for await (const line of createInterface({ input: process.stdin })) {
  const { headers, body, now, toleranceS, brand, secret } = JSON.parse(line);
  try {
    const bytes = Buffer.from(body, "base64");
    await verify({ secret, headers, body: bytes, now: Number(now), toleranceS, brand });
    console.log("null");
  } catch (failed) {
    if (!(failed instanceof VerificationFailed)) throw failed;
    console.log(JSON.stringify(failed.message));
  }
}
