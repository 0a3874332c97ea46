/**
 * REST calls of the page, typed.
 * Invariant: the token travels in the Authorization header only; every failure is a `Problem`.
 */

/** @typedef {{access_token: string, expires_at: string, user_id: string}} Credentials */
/** @typedef {{mode: "local"|"supabase", environment: string, demo: {email: string, password: string}|null}} Modes */
/** @typedef {"none"|"low"|"moderate"|"high"|"critical"} CrisisLevel */
/**
 * @typedef {object} Conversation
 * @property {string} conversation_id
 * @property {string|null} title
 * @property {string} status
 * @property {CrisisLevel} crisis_level
 * @property {number} head seq of its newest message
 * @property {number} message_count
 * @property {string|null} last_message_at RFC 3339
 * @property {string} created_at RFC 3339
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

const PATIENCE_MS = 15_000;

/** A refused or failed request; `status` 0 means that no answer came. */
export class Problem extends Error {
  /** @param {number} status @param {{detail?: string, title?: string, field?: string, rule?: string}} [body] */
  constructor(status, body = {}) {
    super(body.detail ?? body.title ?? "no answer");
    this.status = status;
    this.field = body.field;
    this.rule = body.rule;
  }
}

/**
 * @param {string} path
 * @param {{token?: string, body?: object}} [options] a body makes it a POST
 * @returns {Promise<any>}
 */
async function request(path, { token, body } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method: body ? "POST" : "GET",
      headers,
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(PATIENCE_MS),
      credentials: "omit",
      cache: "no-store",
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

/** @param {string} token @returns {Promise<Conversation[]>} newest activity first */
export const conversations = async (token) => (await request("/v1/conversations", { token })).conversations;

/**
 * @param {string} token
 * @param {string} id
 * @param {number} [before] only messages with a smaller seq
 * @returns {Promise<{messages: Message[], more: boolean}>} seq ascending, at most 50
 */
export function messages(token, id, before) {
  const query = new URLSearchParams({ limit: "50", ...(before ? { before: String(before) } : {}) });
  return request(`/v1/conversations/${encodeURIComponent(id)}/messages?${query}`, { token });
}

/** @param {string} country two letters @param {string} token @returns {Promise<Support>} */
export const supportResources = (country, token) =>
  request(`/v1/support/resources?${new URLSearchParams({ country })}`, { token });
