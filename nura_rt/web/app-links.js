/**
 * The links of our letters: `/#verify=TOKEN` and `/#reset=TOKEN`.
 * Invariant: the token leaves the address bar and this tab's history before anything is done with it.
 */

/** @typedef {{kind: "verify"|"reset", token: string}} LetterLink */

const LINK = /^#(verify|reset)=([\w.~-]+)$/;

/** @param {string} instead the place that the address names from now on @returns {LetterLink|null} */
export function takeLink(instead = "") {
  const [, kind, token] = LINK.exec(location.hash) ?? [];
  if (!token) return null;
  history.replaceState(null, "", location.pathname + instead);
  return { kind: kind === "verify" ? "verify" : "reset", token };
}
