/**
 * The sign-in that this browser remembers, under one name.
 * Invariant: nothing else in the page touches localStorage.
 */

/** @typedef {import("./api.js").Credentials} Credentials */

const NAME = "nura.session";

/** Whether it is still good is for the server to say: this clock may be wrong. @returns {Credentials|null} */
export function read() {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "null");
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
