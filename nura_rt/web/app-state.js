/**
 * The connection in words: one word in the header, one sentence when something is the matter.
 * Invariant: every state of the link has its words here.
 */
import { byId, say } from "./dom.js";
import { word } from "./words.js";

/** @typedef {import("./link.js").LinkState} LinkState */
/** @typedef {import("./words.js").WordKey} WordKey */

/** @type {Record<LinkState, {state: WordKey, waiting: WordKey}>} */
const WORDS = {
  idle: { state: "stateConnecting", waiting: "sending" },
  connecting: { state: "stateConnecting", waiting: "sending" },
  online: { state: "stateOnline", waiting: "sending" },
  reconnecting: { state: "stateReconnecting", waiting: "unsentWaiting" },
  offline: { state: "stateOffline", waiting: "unsentOffline" },
  "signed-out": { state: "stateStopped", waiting: "unsentSignedOut" },
  revoked: { state: "stateStopped", waiting: "unsentSignedOut" },
  gone: { state: "stateStopped", waiting: "unsentSignedOut" },
  displaced: { state: "stateStopped", waiting: "unsentWaiting" },
  refused: { state: "stateStopped", waiting: "unsentWaiting" },
};

/** @param {LinkState} state @returns {string} what a message says that is not sent yet */
export const waitingWord = (state) => word(WORDS[state].waiting);

/** @param {LinkState} state @param {() => void} restart */
export function showState(state, restart) {
  const place = byId("state");
  const line = byId("line");
  place.textContent = word(WORDS[state].state);
  place.dataset.state = state;
  if (state === "offline") say(line, { text: word("lineOffline") });
  else if (state === "reconnecting") say(line, { text: word("lineReconnecting") });
  else if (state === "displaced") say(line, { text: word("lineDisplaced"), action: word("useHere"), onAction: restart });
  else if (state === "refused") say(line, { text: word("lineRefused"), action: word("reload"), onAction: () => location.reload() });
  else say(line, null);
}
