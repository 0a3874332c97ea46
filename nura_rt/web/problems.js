/**
 * What went wrong, as a sentence of the page and the field to mend.
 * Invariant: every failure has words; what the server wrote for programs is never shown to a person.
 */
import { Problem } from "./api.js";

/** @typedef {import("./words.js").WordKey} WordKey */
/** @typedef {{key: WordKey, field?: string}} Said `field` is the id of an input */

/** @type {Record<string, Said>} by the field that the server names */
const FIELDS = {
  email: { key: "badEmail", field: "email" },
  password: { key: "badPassword", field: "password" },
  display_name: { key: "badName", field: "name" },
};
/** @type {Record<string, Said>} by the stable type of the problem */
const KINDS = {
  "wrong-sign-in": { key: "wrongPassword", field: "password" },
  taken: { key: "taken", field: "email" },
  "bad-link": { key: "linkOld" },
  "no-delivery": { key: "cannotSend" },
};

/** @param {unknown} error @returns {Said} */
export function explain(error) {
  if (!(error instanceof Problem)) return { key: "failed" };
  if (error.status === 0) return { key: "noAnswer" };
  if (error.status === 429) return { key: "tooManyTries" };
  return KINDS[error.kind] ?? FIELDS[error.field ?? ""] ?? { key: "failed" };
}
