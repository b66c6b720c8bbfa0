/**
 * Verifies both signatures and the timestamp of a webhook request.
 *
 * One file without dependencies, to be copied: Node 18 or later, Deno, Bun, workers, browsers.
 * It makes the same checks as `rowhook.verify` in Python, with the same error messages.
 */

export const TOLERANCE_S = 300;
const LEAST_SECRET_BYTES = 24;
const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;
// More than 15 digits may exceed the exact range of a number.
const SECONDS = /^[0-9]{1,15}$/;
const REMEDY =
  "copy the whole whsec_… value that was shown at creation or rotation, without spaces or " +
  "line breaks, or rotate the webhook's secret for a new one";

/** The request must not be trusted. The message names the failed check. */
export class VerificationFailed extends Error {
  name = "VerificationFailed";
}

/**
 * Checks `X-<Brand>-Signature` and `webhook-signature` over the raw body, in constant time.
 *
 * Rejects with VerificationFailed for a malformed secret, a header that is missing or not ASCII, a
 * timestamp more than `toleranceS` away, two signatures of different timestamps, or a signature
 * that does not match; with a TypeError for a body that is not bytes.
 *
 * @param {object} request
 * @param {string} request.secret the webhook's `whsec_…`, as it was shown
 * @param {Headers | Iterable<[string, string]> | Record<string, string | string[] | undefined>} request.headers
 * @param {Uint8Array | ArrayBuffer} request.body the bytes as they arrived, before any parser
 * @param {number} [request.now] Unix seconds
 * @param {number} [request.toleranceS] seconds
 * @param {string} [request.brand]
 * @returns {Promise<void>}
 */
export async function verify({
  secret, headers, body, now = Date.now() / 1000, toleranceS = TOLERANCE_S, brand = "Roxels",
}) {
  const key = standardKey(secret);
  const given = lowered(headers);
  const ours = `x-${brand.toLowerCase()}-signature`;
  const [at, marks] = parts(field(given, ours), ours);
  if (at !== field(given, "webhook-timestamp")) {
    throw new VerificationFailed(`the timestamps in ${ours} and webhook-timestamp differ`);
  }
  checkTime(at, now, toleranceS);
  const signed = joined(`${at}.`, bytesOf(body));
  match(hex(await hmac(ascii(secret), signed)), marks, ours);
  await checkStandard(given, key, signed);
}

function standardKey(secret) {
  const found = SECRET.exec(secret);
  if (found === null) {
    throw unusable(`the signing secret is malformed: ${fault(secret)}`);
  }
  const key = Uint8Array.from(atob(found[1]), (char) => char.charCodeAt(0));
  if (key.length < LEAST_SECRET_BYTES) {
    throw unusable(
      `the signing secret is too short: ${key.length} bytes stand behind whsec_, ` +
        `at least ${LEAST_SECRET_BYTES} are needed`,
    );
  }
  return key;
}

function fault(secret) {
  if (!String(secret).startsWith("whsec_")) return "it does not begin with whsec_";
  return "what stands behind whsec_ is not padded base64";
}

function unusable(why) {
  return new VerificationFailed(`this receiver cannot verify: ${why}; ${REMEDY}`);
}

function lowered(headers) {
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  return new Map(Array.from(pairs, ([name, value]) => [name.toLowerCase(), value]));
}

function field(given, name) {
  const value = given.get(name);
  if (value === undefined || value === null) {
    throw new VerificationFailed(`the header ${name} is missing`);
  }
  // A repeated header may be an array.
  const text = String(value);
  if (!/^[\x00-\x7f]*$/.test(text)) {
    throw new VerificationFailed(`the header ${name} is not ASCII: it was changed on its way`);
  }
  return text;
}

/** The one timestamp and the `v1` signatures of `t=…,v1=…`. */
function parts(header, name) {
  const all = header.split(",").map((part) => cut(part, "="));
  const times = all.filter(([key]) => key === "t").map(([, value]) => value);
  if (times.length !== 1) {
    throw new VerificationFailed(`${name} needs one timestamp, t=…, and has ${times.length}`);
  }
  return [times[0], all.filter(([key]) => key === "v1").map(([, value]) => value)];
}

function cut(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function checkTime(text, now, toleranceS) {
  if (!SECONDS.test(text)) {
    throw new VerificationFailed("the timestamp is not a number of seconds");
  }
  // Negated, so that NaN as the clock is refused too.
  if (!(Math.abs(now - Number(text)) <= toleranceS)) {
    throw new VerificationFailed(`the timestamp is more than ${toleranceS} s away from now`);
  }
}

async function checkStandard(given, key, signed) {
  const whole = joined(`${field(given, "webhook-id")}.`, signed);
  const expected = btoa(String.fromCharCode(...(await hmac(key, whole))));
  const marks = field(given, "webhook-signature").split(" ").map((part) => cut(part, ","));
  const offered = marks.filter(([version]) => version === "v1").map(([, mark]) => mark);
  match(expected, offered, "webhook-signature");
}

function match(expected, offered, name) {
  // Compare all signatures, so that the duration does not reveal which one is close.
  const matches = offered.map((signature) => constantTimeEqual(expected, signature));
  if (!matches.includes(true)) {
    throw new VerificationFailed(
      `no signature in ${name} matches: wrong secret, or a changed body`,
    );
  }
}

/** Compares in constant time. Web Crypto has no function for it. */
function constantTimeEqual(expected, actual) {
  let differences = expected.length ^ actual.length;
  for (let place = 0; place < expected.length; place += 1) {
    differences |= expected.charCodeAt(place) ^ actual.charCodeAt(place);
  }
  return differences === 0;
}

async function hmac(key, data) {
  const subtle = await webCrypto();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", imported, data));
}

async function webCrypto() {
  if (globalThis.crypto?.subtle) return globalThis.crypto.subtle;
  // Node 18 has it in this module. A variable keeps bundlers from resolving the import.
  const place = "node:crypto";
  return (await import(/* webpackIgnore: true */ /* @vite-ignore */ place)).webcrypto.subtle;
}

function bytesOf(body) {
  // Not `instanceof`: bytes may come from another realm, as in test runners.
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  if (Object.prototype.toString.call(body) === "[object ArrayBuffer]") return new Uint8Array(body);
  throw new TypeError("the body must be its bytes as they arrived, not a text or parsed JSON");
}

function joined(text, bytes) {
  const front = ascii(text);
  const whole = new Uint8Array(front.length + bytes.length);
  whole.set(front);
  whole.set(bytes, front.length);
  return whole;
}

function ascii(text) {
  return new TextEncoder().encode(text);
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
