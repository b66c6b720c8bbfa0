/**
 * For receivers: whether a request was signed with a webhook's secret, both ways, now.
 *
 * One file without dependencies, to be copied: Node 18 or later, Deno, Bun, workers, browsers.
 * It does what `rowhook.verify` does in Python, check by check and word for word.
 */

export const TOLERANCE_S = 300;
const LEAST_SECRET_BYTES = 24;
const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;
// More digits than any clock shows would not fit into a number.
const SECONDS = /^[0-9]{1,15}$/;
const REMEDY =
  "Copy the complete whsec_… value that was displayed at creation or rotation, without " +
  "spaces or line breaks, or rotate the secret of the webhook.";

/** The request must not be trusted; the message says which check it failed. */
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
    throw new VerificationFailed(`The timestamps in ${ours} and webhook-timestamp differ.`);
  }
  checkTime(at, now, toleranceS);
  const signed = joined(`${at}.`, bytesOf(body));
  match(hex(await hmac(ascii(secret), signed)), marks, ours);
  await checkStandard(given, key, signed);
}

function standardKey(secret) {
  const found = SECRET.exec(secret);
  if (found === null) {
    throw unusable(`The signing secret is malformed: ${fault(secret)}`);
  }
  const key = Uint8Array.from(atob(found[1]), (one) => one.charCodeAt(0));
  if (key.length < LEAST_SECRET_BYTES) {
    throw unusable(
      `The signing secret is too short: it has ${key.length} bytes after whsec_, ` +
        `but needs at least ${LEAST_SECRET_BYTES}`,
    );
  }
  return key;
}

function fault(secret) {
  if (!String(secret).startsWith("whsec_")) return "it does not begin with whsec_";
  return "the part after whsec_ is not padded base64";
}

function unusable(why) {
  return new VerificationFailed(`${why}. ${REMEDY}`);
}

function lowered(headers) {
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  return new Map(Array.from(pairs, ([name, value]) => [name.toLowerCase(), value]));
}

function field(given, name) {
  const value = given.get(name);
  if (value === undefined || value === null) {
    throw new VerificationFailed(`The header ${name} is missing.`);
  }
  // A header that came twice may be a list.
  const text = String(value);
  if (!/^[\x00-\x7f]*$/.test(text)) {
    throw new VerificationFailed(`The header ${name} is not ASCII. It was changed in transit.`);
  }
  return text;
}

/** The one timestamp and the `v1` signatures of `t=…,v1=…`. */
function parts(header, name) {
  const all = header.split(",").map((part) => cut(part, "="));
  const times = all.filter(([key]) => key === "t").map(([, value]) => value);
  if (times.length !== 1) {
    throw new VerificationFailed(`${name} must have one timestamp, t=…, but has ${times.length}.`);
  }
  return [times[0], all.filter(([key]) => key === "v1").map(([, value]) => value)];
}

function cut(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function checkTime(text, now, toleranceS) {
  if (!SECONDS.test(text)) {
    throw new VerificationFailed("The timestamp is not a number of seconds.");
  }
  // Said this way round, a clock that is not a number is refused too.
  if (!(Math.abs(now - Number(text)) <= toleranceS)) {
    throw new VerificationFailed(`The timestamp is more than ${toleranceS} s away from now.`);
  }
}

async function checkStandard(given, key, signed) {
  const whole = joined(`${field(given, "webhook-id")}.`, signed);
  const wanted = btoa(String.fromCharCode(...(await hmac(key, whole))));
  const marks = field(given, "webhook-signature").split(" ").map((one) => cut(one, ","));
  const offered = marks.filter(([version]) => version === "v1").map(([, mark]) => mark);
  match(wanted, offered, "webhook-signature");
}

function match(wanted, offered, name) {
  // Every offer is compared: how long it takes tells nothing of which one was near.
  const matches = offered.map((one) => same(wanted, one));
  if (!matches.includes(true)) {
    throw new VerificationFailed(
      `No signature in ${name} matches. The secret is wrong, or the body was changed.`,
    );
  }
}

/** Looks at every character, wherever the first difference is: Web Crypto has no such function. */
function same(wanted, offered) {
  let differences = wanted.length ^ offered.length;
  for (let place = 0; place < wanted.length; place += 1) {
    differences |= wanted.charCodeAt(place) ^ offered.charCodeAt(place);
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
  // Node 18 keeps it here. The name stands apart so that no bundler looks for it.
  const place = "node:crypto";
  return (await import(/* webpackIgnore: true */ /* @vite-ignore */ place)).webcrypto.subtle;
}

function bytesOf(body) {
  // Not `instanceof`: bytes may come from another realm, as they do in test runners.
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
  return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
}
