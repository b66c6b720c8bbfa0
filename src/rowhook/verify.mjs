/**
 * Verifies the signatures of a request, for use by receivers.
 *
 * One file without dependencies, to be copied: Node 18 or later, Deno, Bun, workers, browsers.
 * The checks and messages are the same as in the Python module `rowhook.verify`.
 */

export const TOLERANCE_S = 300;
const MIN_SECRET_BYTES = 24;
const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;
// More digits would not fit into a number.
const SECONDS = /^[0-9]{1,15}$/;
const REMEDY =
  "Copy the complete whsec_… value that was displayed at creation or rotation, without " +
  "spaces or line breaks, or rotate the secret of the webhook.";

/** A request is not authentic; the message says which check failed. */
export class VerificationFailed extends Error {
  name = "VerificationFailed";
}

/**
 * Verify `X-<Brand>-Signature` and `webhook-signature` over the raw body, in constant time.
 *
 * Rejects with VerificationFailed for a malformed secret, a header that is missing or not ASCII, a
 * timestamp more than `toleranceS` seconds away, different timestamps in the two signatures, or a
 * signature that does not match; with a TypeError for a body that is not bytes.
 *
 * @param {object} request
 * @param {string} request.secret the webhook's signing secret, `whsec_…`
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
  const fields = lowerCased(headers);
  const name = `x-${brand.toLowerCase()}-signature`;
  const [timestamp, signatures] = parse(field(fields, name), name);
  if (timestamp !== field(fields, "webhook-timestamp")) {
    throw new VerificationFailed(`The timestamps in ${name} and webhook-timestamp differ.`);
  }
  checkTime(timestamp, now, toleranceS);
  const content = joined(`${timestamp}.`, bytesOf(body));
  match(hex(await hmac(ascii(secret), content)), signatures, name);
  await checkStandard(fields, key, content);
}

function standardKey(secret) {
  const matched = SECRET.exec(secret);
  if (matched === null) {
    throw invalidSecret(`The signing secret is malformed: ${defect(secret)}`);
  }
  const key = Uint8Array.from(atob(matched[1]), (char) => char.charCodeAt(0));
  if (key.length < MIN_SECRET_BYTES) {
    throw invalidSecret(
      `The signing secret is too short: it has ${key.length} bytes after whsec_, ` +
        `but needs at least ${MIN_SECRET_BYTES}`,
    );
  }
  return key;
}

function defect(secret) {
  if (!String(secret).startsWith("whsec_")) return "it does not begin with whsec_";
  return "the part after whsec_ is not padded base64";
}

function invalidSecret(reason) {
  return new VerificationFailed(`${reason}. ${REMEDY}`);
}

function lowerCased(headers) {
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  return new Map(Array.from(pairs, ([name, value]) => [name.toLowerCase(), value]));
}

function field(fields, name) {
  const value = fields.get(name);
  if (value === undefined || value === null) {
    throw new VerificationFailed(`The header ${name} is missing.`);
  }
  // A repeated header may be a list.
  const text = String(value);
  if (!/^[\x00-\x7f]*$/.test(text)) {
    throw new VerificationFailed(`The header ${name} is not ASCII. It was changed in transit.`);
  }
  return text;
}

/** Returns the timestamp and the `v1` signatures of `t=…,v1=…`. */
function parse(header, name) {
  const all = header.split(",").map((part) => cut(part, "="));
  const times = all.filter(([key]) => key === "t").map(([, value]) => value);
  if (times.length !== 1) {
    throw new VerificationFailed(`${name} must have one timestamp, t=…, but has ${times.length}.`);
  }
  return [times[0], all.filter(([key]) => key === "v1").map(([, value]) => value)];
}

function cut(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function checkTime(text, now, toleranceS) {
  if (!SECONDS.test(text)) {
    throw new VerificationFailed("The timestamp is not a number of seconds.");
  }
  // Written this way, the comparison also fails if `now` is NaN.
  if (!(Math.abs(now - Number(text)) <= toleranceS)) {
    throw new VerificationFailed(`The timestamp is more than ${toleranceS} s away from now.`);
  }
}

async function checkStandard(fields, key, content) {
  const standardContent = joined(`${field(fields, "webhook-id")}.`, content);
  const expected = btoa(String.fromCharCode(...(await hmac(key, standardContent))));
  const parts = field(fields, "webhook-signature").split(" ").map((part) => cut(part, ","));
  const signatures = parts.filter(([version]) => version === "v1").map(([, value]) => value);
  match(expected, signatures, "webhook-signature");
}

function match(expected, signatures, name) {
  // All are compared, so that the time does not reveal which one matches.
  const matches = signatures.map((signature) => same(expected, signature));
  if (!matches.includes(true)) {
    throw new VerificationFailed(
      `No signature in ${name} matches. The secret is wrong, or the body was changed.`,
    );
  }
}

/** Compares in constant time, which Web Crypto has no function for. */
function same(expected, signature) {
  let differences = expected.length ^ signature.length;
  for (let index = 0; index < expected.length; index += 1) {
    differences |= expected.charCodeAt(index) ^ signature.charCodeAt(index);
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
  // For Node 18. The name is in a variable, so that bundlers ignore the import.
  const module = "node:crypto";
  return (await import(/* webpackIgnore: true */ /* @vite-ignore */ module)).webcrypto.subtle;
}

function bytesOf(body) {
  // Not `instanceof`, because bytes may come from another realm, as in test runners.
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  if (Object.prototype.toString.call(body) === "[object ArrayBuffer]") return new Uint8Array(body);
  throw new TypeError("The body must be the raw bytes, not a string or parsed JSON.");
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
