/**
 * The list of conversations, newest activity first.
 * Invariant: one row per conversation, kept while it lives, so that a change never steals the focus.
 */
import * as api from "./api.js";
import { byId, el, say } from "./dom.js";
import { clock, day, word } from "./words.js";

/** @typedef {import("./api.js").Conversation} Conversation */
/** @typedef {{conversation: Conversation, row: HTMLElement, link: HTMLElement}} Row */

/** @param {Conversation} conversation */
const activity = (conversation) => conversation.last_message_at ?? conversation.created_at;

/** @param {Conversation} conversation @returns {string} its title, or the day it began */
export function titleOf(conversation) {
  return conversation.title || day(conversation.created_at);
}

export class ConversationList {
  #place = byId("conversations");
  #state = byId("list-state");
  /** @type {Map<string, Row>} */ #rows = new Map();
  #selected = "";
  #asOf = "";
  #ask;
  #onChange;

  /**
   * @param {import("./tokens.js").Ask} ask
   * @param {(conversation: Conversation) => void} onChange called for each conversation read or changed
   */
  constructor(ask, onChange) {
    this.#ask = ask;
    this.#onChange = onChange;
  }

  /** @returns {Promise<boolean>} false when the list could not be read */
  async load() {
    if (!this.#rows.size) say(this.#state, { text: word("listLoading") });
    try {
      const page = await this.#ask((token) => api.conversations(token, this.#asOf));
      for (const conversation of page.conversations) this.#put(conversation);
      for (const id of page.removed ?? []) this.#take(id);
      this.#asOf = page.as_of;
    } catch {
      const again = { action: word("tryAgain"), onAction: () => void this.load() };
      if (!this.#rows.size) say(this.#state, { text: word("listFailed"), ...again });
      return false;
    }
    this.#arrange();
    return true;
  }

  /** @param {Conversation} conversation */
  changed(conversation) {
    this.#put(conversation);
    this.#arrange();
  }

  /** Deleted, here or elsewhere. @param {string} id */
  removed(id) {
    this.#take(id);
    this.#arrange();
  }

  /** A device of this person has read so far. @param {string} id @param {number} seq */
  read(id, seq) {
    const known = this.get(id);
    if (known && seq > known.read_seq) this.changed({ ...known, read_seq: seq });
  }

  /** A live message moves its conversation up. @param {import("./api.js").Message} message */
  heard({ conversation_id: id, seq, created_at: at }) {
    const known = this.get(id);
    if (!known || seq <= known.head) return;
    this.changed({ ...known, head: seq, message_count: known.message_count + seq - known.head, last_message_at: at });
  }

  /** @param {string} id @returns {Conversation|undefined} */
  get(id) {
    return this.#rows.get(id)?.conversation;
  }

  /** @returns {Conversation|undefined} */
  newest() {
    return this.#sorted()[0]?.conversation;
  }

  /** @param {string} id "" for none */
  select(id) {
    this.#rows.get(this.#selected)?.link.removeAttribute("aria-current");
    this.#rows.get(id)?.link.setAttribute("aria-current", "page");
    this.#selected = id;
  }

  clear() {
    this.#rows.clear();
    this.#asOf = "";
    this.#place.replaceChildren();
  }

  #sorted() {
    const when = (/** @type {Row} */ row) => Date.parse(activity(row.conversation));
    return [...this.#rows.values()].sort((a, b) => when(b) - when(a));
  }

  /** @param {string} id */
  #take(id) {
    this.#rows.get(id)?.row.remove();
    this.#rows.delete(id);
  }

  /** @param {Conversation} conversation */
  #put(conversation) {
    const id = conversation.conversation_id;
    let row = this.#rows.get(id);
    if (!row) {
      const link = el("a", { href: `#/c/${encodeURIComponent(id)}` });
      row = { conversation, link, row: el("li", {}, link) };
      this.#rows.set(id, row);
      if (id === this.#selected) link.setAttribute("aria-current", "page");
    }
    const known = row.conversation; // an answer may be older than what was heard meanwhile
    conversation = { ...conversation, read_seq: Math.max(known.read_seq, conversation.read_seq) };
    row.conversation = conversation;
    const when = activity(conversation);
    const count = conversation.message_count;
    const name = titleOf(conversation);
    const last = name === day(when) ? clock(when) : day(when);
    const isNew = conversation.head > conversation.read_seq && conversation.read_seq > 0 && id !== this.#selected;
    row.link.classList.toggle("unread", isNew);
    row.link.replaceChildren(
      el("span", { class: "name" }, name),
      ...(isNew ? [el("span", { class: "small new" }, word("unread"))] : []),
      el("span", { class: "small soft" }, count ? `${last} · ${word("count", { n: count })}` : last),
    );
    this.#onChange(conversation);
  }

  #arrange() {
    this.#sorted().forEach(({ row }, index) => {
      const there = this.#place.children[index];
      if (there !== row) this.#place.insertBefore(row, there ?? null);
    });
    say(this.#state, this.#rows.size ? null : { text: word("noConversations") });
  }
}
