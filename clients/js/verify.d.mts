export declare const TOLERANCE_S: number;

/** A request is not authentic; the message says which check failed. */
export declare class VerificationFailed extends Error {
  name: "VerificationFailed";
}

export interface SignedRequest {
  /** The webhook's signing secret, `whsec_…`. */
  secret: string;
  headers: Iterable<[string, string]> | Record<string, string | string[] | undefined>;
  /** The bytes as they arrived, before any parser. */
  body: Uint8Array | ArrayBuffer;
  /** Unix seconds. */
  now?: number;
  toleranceS?: number;
  brand?: string;
}

/** Rejects with VerificationFailed unless both signatures match the body and are recent. */
export declare function verify(request: SignedRequest): Promise<void>;
