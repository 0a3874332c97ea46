/**
 * The tokens of one sign-in, kept fresh: for REST calls, for connecting, and for a socket that stays open.
 * Invariant: a refresh token is shown once by all tabs together; only a refusal ends the sign-in, never a silence.
 */
import * as api from "./api.js";
import * as credentials from "./credentials.js";

/** @typedef {"signedOut"|"revoked"|"gone"} Ending why a sign-in is over */
/** @typedef {<T>(request: (token: string) => Promise<T>) => Promise<T>} Ask */

const LOCK = "nura.refresh";
const LOCK_MS = 20_000; // another tab may hold it while its own call runs out
const SETTLE_MS = 150; // what one tab writes, another process may read a moment later
const NEARLY_MS = 60_000; // this close to its end, a token is not worth connecting with
/** @type {Record<string, Ending>} */
const ENDINGS = { "session-ended": "revoked", "account-erased": "gone" };

export class Tokens {
  #signIn;
  #onEnded;
  /** @type {Promise<string|null>|null} */ #flight = null;

  /** @param {string|undefined} signIn @param {(why: Ending) => void} onEnded the server will not know us any more */
  constructor(signIn, onEnded) {
    this.#signIn = signIn;
    this.#onEnded = onEnded;
  }

  #held() {
    const held = credentials.read();
    return held && held.sign_in === this.#signIn ? held : null;
  }

  /**
   * For the socket. This clock is only a hint: an old token is better than none, the server decides.
   * @param {string|null} [stale] what the server calls over, or soon over
   * @returns {Promise<string|null>} null when signed out; rejects when it cannot be known now
   */
  async forSocket(stale) {
    if (stale) return this.renew(stale);
    const held = this.#held();
    if (!held?.refresh_token || Date.parse(held.expires_at) - Date.now() > NEARLY_MS) return held?.access_token ?? null;
    return this.renew(held.access_token).catch(() => held.access_token);
  }

  /** A REST call; once more with a newer token when the server asks for one. @type {Ask} */
  async ask(request) {
    const token = this.#held()?.access_token;
    if (!token) throw new api.Problem(401); // signed out while something else was awaited
    try {
      return await request(token);
    } catch (error) {
      if (!(error instanceof api.Problem) || error.status !== 401) throw error;
      const newer = error.kind in ENDINGS ? null : await this.renew(token);
      if (newer) return request(newer).catch((again) => this.#refused(again));
      return this.#refused(error);
    }
  }

  /** @param {unknown} error @returns {never} */
  #refused(error) {
    if (error instanceof api.Problem && error.status === 401) this.#onEnded(ENDINGS[error.kind] ?? "signedOut");
    throw error;
  }

  /** @param {string} stale @returns {Promise<string|null>} a newer token, null when there will be none */
  async renew(stale) {
    while (this.#flight) {
      const token = await this.#flight;
      if (token !== stale) return token; // else it was fetched for somebody with an older one
    }
    this.#flight = this.#alone(() => this.#renewed(stale)).finally(() => (this.#flight = null));
    return this.#flight;
  }

  /**
   * One tab at a time. Without locks two may ask at once: the server gives both the same.
   * @param {() => Promise<string|null>} work @returns {Promise<string|null>}
   */
  #alone(work) {
    if (!navigator.locks) return work();
    return new Promise((resolve, reject) => {
      const inTurn = async () => {
        await work().then(resolve, reject);
        await new Promise((done) => setTimeout(done, SETTLE_MS)); // the next tab has to find what was written
      };
      navigator.locks.request(LOCK, { signal: AbortSignal.timeout(LOCK_MS) }, inTurn).catch(reject);
    });
  }

  /** @param {string} stale */
  async #renewed(stale) {
    const held = this.#held();
    if (held && held.access_token !== stale) return held.access_token; // another tab was here first
    if (!held?.refresh_token) return null;
    try {
      const signed = await api.refresh(held.refresh_token, held.attempt);
      return this.#held() && credentials.keep(signed, this.#signIn).access_token; // unless signed out meanwhile
    } catch (error) {
      if (!(error instanceof api.Problem) || error.status !== 401) throw error;
      const now = this.#held();
      return now && now.access_token !== stale ? now.access_token : null;
    }
  }
}

/** Ends the session on the server, as well as that can be done; nothing waits for it. @param {credentials.Kept} kept */
export async function signOut({ access_token, refresh_token, attempt }) {
  try {
    await api.signOut(access_token);
  } catch (error) {
    if (!(error instanceof api.Problem) || error.status !== 401 || !refresh_token) return;
    await api.refresh(refresh_token, attempt).then((signed) => api.signOut(signed.access_token)).catch(() => {});
  }
}
