/**
 * Which words the page speaks, and how it writes dates.
 * Invariant: words follow the person's language where we have it; dates and numbers follow their locale always.
 */
import en from "./words.en.js";
import es from "./words.es.js";

/** @typedef {keyof typeof en} WordKey */

const TABLES = { en, es };
const wanted = navigator.languages?.length ? navigator.languages : [navigator.language || "en"];
const chosen = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in TABLES) ?? "en";
const table = TABLES[/** @type {"en"|"es"} */ (chosen)];
const plurals = new Intl.PluralRules(chosen);
const numbers = new Intl.NumberFormat(navigator.language);
const clockFormat = new Intl.DateTimeFormat(navigator.language, { hour: "numeric", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(navigator.language, { weekday: "long", day: "numeric", month: "long" });
const yearFormat = new Intl.DateTimeFormat(navigator.language, { day: "numeric", month: "long", year: "numeric" });

/** The language of the words, for `<html lang>`. */
export const language = chosen;

/**
 * One sentence of the page.
 * @param {WordKey} key
 * @param {Record<string, string|number>} [values] `n` chooses the plural
 * @returns {string}
 */
export function word(key, values = {}) {
  const entry = table[key];
  const plural = /** @type {"one"|"other"} */ (plurals.select(Number(values.n)) === "one" ? "one" : "other");
  const pattern = typeof entry === "string" ? entry : entry[plural];
  return pattern.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? numbers.format(value) : String(value ?? "");
  });
}

/** @param {string|number|Date} when @returns {string} for example "14:03" */
export function clock(when) {
  return clockFormat.format(new Date(when));
}

/** @param {string|number|Date} when @returns {string} for example "Tuesday 3 March", with the year when it is another one */
export function day(when) {
  const date = new Date(when);
  return (date.getFullYear() === new Date().getFullYear() ? dayFormat : yearFormat).format(date);
}

/** The country in the person's own locale settings, or "ZZ" (unknown): a bare "en" says nothing about where they are. */
export function country() {
  for (const tag of wanted) {
    const region = new Intl.Locale(tag).region;
    if (region) return region;
  }
  return "ZZ";
}

/**
 * Writes the words into the static part of the page.
 * @param {ParentNode} root elements with data-word (text), data-label (aria-label) or data-placeholder
 */
export function fillWords(root) {
  for (const node of root.querySelectorAll("[data-word]")) {
    node.textContent = word(/** @type {WordKey} */ (node.getAttribute("data-word")));
  }
  for (const node of root.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", word(/** @type {WordKey} */ (node.getAttribute("data-label"))));
  }
  for (const node of root.querySelectorAll("[data-placeholder]")) {
    node.setAttribute("placeholder", word(/** @type {WordKey} */ (node.getAttribute("data-placeholder"))));
  }
}
