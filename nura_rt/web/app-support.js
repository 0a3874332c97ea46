/**
 * The support card: one sentence, real numbers for the person's country, and a way to put it aside.
 * Invariant: at high or critical it never leaves by itself or by a press; it only becomes smaller.
 */
import * as api from "./api.js";
import { byId, el, icon } from "./dom.js";
import { country, language, word } from "./words.js";

/** @typedef {import("./api.js").CrisisLevel} CrisisLevel */
/** @typedef {import("./api.js").Resource} Resource */
/** @typedef {{level: CrisisLevel, text: string, resources: Resource[], small: boolean, notices: string[]}} Card */

const EVERYWHERE = "*"; // words of the profile stand in no conversation

/** @type {CrisisLevel[]} */
const LEVELS = ["none", "low", "moderate", "high", "critical"];

/** @type {Partial<Record<CrisisLevel, import("./words.js").WordKey>>} */
const SENTENCES = { moderate: "supportModerate", high: "supportHigh", critical: "supportCritical" };
/** @type {import("./api.js").Support} */
const NOTHING = { country: "", sentence: "", resources: [] };

/** @param {CrisisLevel} level */
const weight = (level) => LEVELS.indexOf(level);
/** @param {CrisisLevel} level */
const stays = (level) => weight(level) >= weight("high");
/** @param {string} number */
const digits = (number) => number.replace(/[^\d+*#]/g, "");

/** @param {string} href @param {string} name of the icon @param {string} label @returns {HTMLElement} */
function action(href, name, label) {
  return el("a", { class: "button", href }, icon(name), el("span", {}, label));
}

/** @param {Resource} resource @returns {HTMLElement[]} call, text and website, as far as it has them */
function actionsOf(resource) {
  const found = [];
  if (resource.call) found.push(action(`tel:${digits(resource.call)}`, "call", word("call", { n: resource.call })));
  if (resource.text) {
    const [, opening, number] = /^(.+) to ([\d\s-]+)$/i.exec(resource.text) ?? [null, "", resource.text];
    const body = opening ? `?&body=${encodeURIComponent(opening)}` : ""; // "?&" is read by both Android and iOS
    const label = opening ? word("textWord", { word: opening, n: number }) : word("text", { n: number });
    found.push(action(`sms:${digits(number)}${body}`, "text", label));
  }
  if (resource.url?.startsWith("https://")) {
    const link = action(resource.url, "site", word("site"));
    link.className = "button quiet";
    link.setAttribute("target", "_blank");
    link.setAttribute("rel", "noopener noreferrer");
    found.push(link);
  }
  return found;
}

/** The server's sentence where it is in the page's language. @param {CrisisLevel} level @param {string} text */
const sentence = (level, text) => (language === "en" && text ? text : word(SENTENCES[level] ?? "supportModerate"));

export class SupportCard {
  #place = byId("support");
  /** @type {Map<string, Card>} by conversation_id */ #cards = new Map();
  /** @type {Resource[]|null} of the person's country, where it is known */ #near = null;
  /** @type {Resource[]} */ #anywhere = [];
  #shown = "";
  /** @type {Set<string>} notices that were put aside here */ #noted = new Set();
  #announce;
  #onNoted;

  /**
   * @param {(text: string) => void} announce for people who listen
   * @param {(noticeId: string) => void} onNoted the person put it aside
   */
  constructor(announce, onNoted) {
    this.#announce = announce;
    this.#onNoted = onNoted;
  }

  /** Reads the numbers before they are needed, so that the card never waits for a network. */
  async prepare() {
    if (this.#near) return;
    const here = country();
    const { country: found, resources } = await api.supportResources(here).catch(() => NOTHING);
    if (found === here) this.#near = resources;
    this.#anywhere = resources;
    this.#draw();
  }

  clear() {
    this.#cards.clear();
    this.#noted.clear();
    this.show("");
  }

  /** @param {string} conversationId whose card stands above the message box */
  show(conversationId) {
    this.#shown = conversationId;
    this.#draw();
  }

  /** @param {import("./frames.js").SupportNotice} notice from the server; a lower level never replaces a higher one */
  notice(notice) {
    const { level, text, resources, notice_id: noticeId } = notice;
    if (this.#noted.has(noticeId)) return this.#onNoted(noticeId); // said again: the server has not heard it
    const id = notice.conversation_id ?? EVERYWHERE;
    const before = this.#cards.get(id);
    if (before?.notices.includes(noticeId)) return;
    before?.notices.push(noticeId); // putting this card aside answers for all of them
    if (weight(level) < weight("moderate") || (before && weight(level) < weight(before.level))) return;
    const notices = before?.notices ?? [noticeId];
    this.#cards.set(id, { level, text: sentence(level, text), resources: resources ?? [], small: false, notices });
    if (id === this.#shown || id === EVERYWHERE) this.#announce(sentence(level, text));
    this.#draw();
  }

  /** After a reload: what stands at high or critical stays in view. @param {import("./api.js").Conversation} conversation */
  standing({ conversation_id: id, crisis_level: level }) {
    const before = this.#cards.get(id);
    if (!stays(level) || (before && weight(before.level) >= weight(level))) return;
    const { resources, notices } = before ?? { resources: [], notices: [] };
    this.#cards.set(id, { level, text: sentence(level, ""), resources, small: false, notices });
    this.#draw();
  }

  /** @param {Card} card @returns {Resource[]} nearest first: the person's country, what the server sent, any country's */
  #resources(card) {
    return this.#near ?? (card.resources.length ? card.resources : this.#anywhere);
  }

  /** Of this conversation and of everywhere the heavier one. @returns {Card|undefined} */
  #standing() {
    const [here, everywhere] = [this.#shown, EVERYWHERE].map((id) => this.#cards.get(id));
    const rank = (/** @type {Card} */ card) => weight(card.level) + (card.small ? 0 : 0.5);
    return here && everywhere && rank(everywhere) > rank(here) ? everywhere : (here ?? everywhere);
  }

  #draw() {
    const card = this.#standing();
    this.#place.hidden = !card;
    if (!card) return this.#place.replaceChildren();
    this.#place.dataset.level = card.level;
    this.#place.replaceChildren(...(card.small ? this.#small(card) : this.#whole(card)));
  }

  /** @param {Card} card @returns {HTMLElement[]} */
  #whole(card) {
    const list = el("ul", { class: "resources" }, ...this.#resources(card).map((resource) => {
      const about = el("p", {}, el("strong", {}, resource.name), resource.note ? ` · ${resource.note}` : "");
      return el("li", {}, about, el("div", { class: "actions" }, ...actionsOf(resource)));
    }));
    const safe = el("button", { class: "button quiet", type: "button" }, word("safe"));
    safe.onclick = () => this.#putAside(card);
    return [el("p", { class: "sentence" }, card.text), list, el("div", { class: "actions aside" }, safe)];
  }

  /** @param {Card} card @returns {HTMLElement[]} */
  #small(card) {
    const more = el("button", { class: "button quiet", type: "button" }, word("more"));
    more.onclick = () => {
      card.small = false;
      this.#draw();
    };
    return [el("div", { class: "actions small" }, ...actionsOf(this.#resources(card)[0] ?? { name: "" }).slice(0, 2), more)];
  }

  /** @param {Card} card */
  #putAside(card) {
    for (const noticeId of card.notices.splice(0)) {
      this.#noted.add(noticeId);
      this.#onNoted(noticeId);
    }
    if (stays(card.level)) card.small = true;
    else for (const [id, other] of this.#cards) if (other === card) this.#cards.delete(id);
    this.#draw();
    byId("box").focus({ preventScroll: true });
  }
}
