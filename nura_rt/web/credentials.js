/**
 * The sign-in that this browser remembers, under one name. Both tokens stand side by side: no other origin can
 * read either, the policy of the page runs no foreign script, and every tab has to see the newer pair at once.
 * Invariant: nothing else in the page touches localStorage.
 */

/** @typedef {import("./api.js").Credentials} Credentials */
/**
 * @typedef {Credentials & {sign_in?: string, attempt?: string}} Kept `sign_in` is ours: one name per sign-in, through
 * all its tokens; `attempt` names the one refresh that this token is for, so that a lost answer can be asked for again
 */

const NAME = "nura.session";

/** Whether it is still good is for the server to say: this clock may be wrong. @returns {Kept|null} */
export function read() {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "null");
  } catch {
    return null;
  }
}

/** @param {Credentials} credentials @param {string} [signIn] left out, this is a new sign-in @returns {Kept} */
export function keep(credentials, signIn = crypto.randomUUID()) {
  const { access_token, refresh_token, expires_at, user_id } = credentials;
  const attempt = crypto.randomUUID();
  const kept = { sign_in: signIn, access_token, refresh_token, attempt, expires_at, user_id };
  localStorage.setItem(NAME, JSON.stringify(kept));
  return kept;
}

/** Another tab may have signed in anew meanwhile: theirs stays. @param {string} [signIn] the one that has ended */
export function forget(signIn) {
  if (read()?.sign_in === signIn) localStorage.removeItem(NAME);
}

/** @param {() => void} changed called when another tab signs in or out, or has newer tokens */
export function watch(changed) {
  addEventListener("storage", (event) => {
    if (event.key === NAME || event.key === null) changed();
  });
}
