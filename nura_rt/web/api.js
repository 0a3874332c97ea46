/**
 * REST calls of the page, typed.
 * Invariant: the token travels in the Authorization header only; every failure is a `Problem`.
 */

/** @typedef {{access_token: string, refresh_token?: string, expires_at: string, user_id: string}} Credentials */
/** @typedef {{mode: "local"|"supabase", environment: string, demo: {email: string, password: string}|null}} Modes */
/** @typedef {"none"|"low"|"moderate"|"high"|"critical"} CrisisLevel */
/**
 * @typedef {object} Conversation
 * @property {string} conversation_id
 * @property {string|null} title
 * @property {string} status
 * @property {CrisisLevel} crisis_level
 * @property {number} head seq of the newest that happened in it
 * @property {number} read_seq how far the person has read
 * @property {number} message_count
 * @property {string|null} last_message_at RFC 3339
 * @property {string} created_at RFC 3339
 * @property {string} updated_at RFC 3339
 */
/**
 * @typedef {object} Message
 * @property {string} conversation_id
 * @property {number} seq
 * @property {string} message_id
 * @property {"user"|"assistant"} role
 * @property {string} [client_id]
 * @property {string} [reply_to]
 * @property {string} text
 * @property {string} created_at RFC 3339
 */
/** @typedef {{name: string, call?: string, text?: string, url?: string, note?: string}} Resource */
/** @typedef {{country: string, sentence: string, resources: Resource[]}} Support */
/** @typedef {{email: string|null, email_confirmed: boolean}} Me */
/**
 * @typedef {object} Session
 * @property {string} session_id
 * @property {boolean} current the one that asks
 * @property {string|null} device
 * @property {string} last_seen_at RFC 3339
 */

const PATIENCE_MS = 15_000;
const REFRESH_PATIENCE_MS = 4_000;

/** A refused or failed request; `status` 0 means that no answer came. */
export class Problem extends Error {
  /** @param {number} status @param {{type?: string, detail?: string, title?: string, field?: string, rule?: string}} [body] */
  constructor(status, body = {}) {
    super(body.detail ?? body.title ?? "no answer");
    this.status = status;
    this.kind = body.type?.replace(/^\/problems\//, "") ?? "";
    this.field = body.field;
    this.rule = body.rule;
  }
}

/**
 * @param {string} path
 * @param {{token?: string, method?: string, body?: object, key?: string, patience?: number, keepalive?: boolean}} [options]
 * a body makes it a POST; `key`: its Idempotency-Key; `keepalive` outlives the page
 * @returns {Promise<any>} the answer, an empty object where there is none
 */
async function request(path, { token, method, body, key, patience = PATIENCE_MS, keepalive } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(path, {
      method: method ?? (body ? "POST" : "GET"),
      headers,
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(patience),
      credentials: "omit",
      cache: "no-store",
      keepalive,
    });
  } catch {
    throw new Problem(0);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, answer);
  return answer;
}

/** @returns {Promise<Modes>} */
export const modes = () => request("/v1/auth/modes");

/** @param {string} email @param {string} password @returns {Promise<Credentials>} */
export const signIn = (email, password) => request("/v1/auth/sign-in", { body: { email, password } });

/** @param {string} email @param {string} password @param {string} name @returns {Promise<Credentials>} */
export const signUp = (email, password, name) =>
  request("/v1/auth/sign-up", { body: { email, password, ...(name ? { display_name: name } : {}) } });

/**
 * Works once with each token; asked again under the same name, the server says the same again.
 * @param {string} refreshToken @param {string} [attempt] @returns {Promise<Credentials>}
 */
export async function refresh(refreshToken, attempt) {
  const ask = () =>
    request("/v1/auth/refresh", { body: { refresh_token: refreshToken }, key: attempt, patience: REFRESH_PATIENCE_MS });
  return ask().catch((problem) => (problem.status === 0 ? ask() : Promise.reject(problem)));
}

/** @param {string} token */
export const signOut = (token) => request("/v1/auth/sign-out", { token, method: "POST", keepalive: true });

/** @param {string} email answered alike whether it has an account or not */
export const forgotPassword = (email) => request("/v1/auth/forgot-password", { body: { email } });

/** @param {string} token of the letter's link @param {string} password */
export const resetPassword = (token, password) => request("/v1/auth/reset-password", { body: { token, password } });

/** @param {string} token of the letter's link */
export const verifyEmail = (token) => request("/v1/auth/verify-email", { body: { token } });

/** @param {string} token @returns {Promise<{sent: boolean}>} false: there was nothing to confirm */
export const resendVerification = (token) => request("/v1/auth/resend-verification", { token, method: "POST" });

/** @param {string} token @returns {Promise<Me>} */
export const me = (token) => request("/v1/me", { token });

/** @param {string} token @returns {Promise<Session[]>} last seen first */
export const sessions = async (token) => (await request("/v1/me/sessions", { token })).sessions;

/** @param {string} token @param {string} id */
export const endSession = (token, id) =>
  request(`/v1/me/sessions/${encodeURIComponent(id)}`, { token, method: "DELETE" });

/** @param {string} token @returns {Promise<{ended: number}>} */
export const endOtherSessions = (token) => request("/v1/me/sessions", { token, method: "DELETE" });

/**
 * @param {string} token
 * @param {{since?: string, cursor?: string}} [from] since: `as_of` of an earlier first page, then only what changed, and
 * what was deleted; cursor: `next` of the page before
 * @returns {Promise<{conversations: Conversation[], as_of: string, next?: string, removed?: string[]}>} latest change first
 */
export function conversations(token, { since, cursor } = {}) {
  const query = new URLSearchParams({ ...(since ? { changed_since: since } : {}), ...(cursor ? { cursor } : {}) });
  return request(`/v1/conversations?${query}`, { token });
}

/**
 * @param {string} token
 * @param {string} id
 * @param {number} [before] only messages with a smaller seq
 * @returns {Promise<{messages: Message[], more: boolean, head: number}>} seq ascending, at most 50; head: the newest seq
 */
export function messages(token, id, before) {
  const query = new URLSearchParams({ limit: "50", ...(before ? { before: String(before) } : {}) });
  return request(`/v1/conversations/${encodeURIComponent(id)}/messages?${query}`, { token });
}

/** Open to anyone: nobody has to be signed in to find help. @param {string} country two letters @returns {Promise<Support>} */
export const supportResources = (country) => request(`/v1/support/resources?${new URLSearchParams({ country })}`);
