/**
 * The sign-in that this browser remembers, under one name.
 * Invariant: nothing else in the page touches localStorage.
 */

/** @typedef {import("./api.js").Credentials} Credentials */

const NAME = "nura.session";

/** @returns {Credentials|null} null when there is none, or it has expired */
export function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME) ?? "null");
    return kept && Date.parse(kept.expires_at) > Date.now() ? kept : null;
  } catch {
    return null;
  }
}

/** @param {Credentials} credentials */
export function keep(credentials) {
  const { access_token, expires_at, user_id } = credentials;
  localStorage.setItem(NAME, JSON.stringify({ access_token, expires_at, user_id }));
}

export function forget() {
  localStorage.removeItem(NAME);
}

/** @param {() => void} changed called when another tab signs in or out */
export function watch(changed) {
  addEventListener("storage", (event) => {
    if (event.key === NAME || event.key === null) changed();
  });
}
