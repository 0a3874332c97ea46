/**
 * The list of conversations, newest activity first.
 * Invariant: one row per conversation, kept while it lives, so that a change never steals the focus.
 */
import * as api from "./api.js";
import { byId, el, say } from "./dom.js";
import { clock, day, word } from "./words.js";

/** @typedef {import("./api.js").Conversation} Conversation */
/** @typedef {{conversation: Conversation, row: HTMLElement, link: HTMLElement}} Row */

const RETRY_MS = 5_000;

/** @param {Conversation} conversation */
const activity = (conversation) => conversation.last_message_at ?? conversation.created_at;

/** @param {Conversation} conversation @returns {string} its title, or the day it began */
export function titleOf(conversation) {
  return conversation.title || day(conversation.created_at);
}

/**
 * Answers and frames overtake each other: heads, changes and read marks only go forward.
 * @param {Conversation} known @param {Conversation} said @returns {Conversation}
 */
function later(known, said) {
  const older = said.head < known.head || Date.parse(said.updated_at) < Date.parse(known.updated_at);
  return { ...(older ? known : said), read_seq: Math.max(known.read_seq ?? 0, said.read_seq ?? 0) };
}

export class ConversationList {
  #place = byId("conversations");
  #state = byId("list-state");
  /** @type {Map<string, Row>} */ #rows = new Map();
  /** @type {Set<string>} ids that were removed: an answer on its way may still name them */ #gone = new Set();
  #selected = "";
  #asOf = "";
  #turn = 0; // an answer for the person before is dropped
  /** @type {Promise<boolean>|null} */ #flight = null;
  #again = false;
  #retryTimer = 0;
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

  /**
   * Reads the list, later only what changed. Asked for meanwhile, it is read once more.
   * @returns {Promise<boolean>} false when the list could not be read
   */
  load() {
    this.#again = this.#flight !== null;
    this.#flight ??= this.#read(this.#turn);
    return this.#flight;
  }

  /** @param {number} turn */
  async #read(turn) {
    clearTimeout(this.#retryTimer);
    if (!this.#rows.size) say(this.#state, { text: word("listLoading") });
    const problem = await this.#readPages(turn).catch((error) => error);
    if (turn !== this.#turn) return false;
    this.#flight = null;
    if (this.#again) void this.load();
    else if (problem) this.#failed(problem);
    return !problem;
  }

  /** @param {number} turn */
  async #readPages(turn) {
    let asOf = "";
    /** @type {string|undefined} */ let cursor;
    do {
      const from = { since: this.#asOf, cursor };
      const page = await this.#ask((token) => api.conversations(token, from));
      if (turn !== this.#turn) return;
      for (const conversation of page.conversations) this.#put(conversation);
      for (const id of page.removed ?? []) this.#take(id);
      this.#arrange();
      asOf ||= page.as_of;
      cursor = page.next;
    } while (cursor);
    this.#asOf = asOf;
  }

  /** @param {unknown} problem without an answer, the next welcome brings the list; a server in trouble is asked again */
  #failed(problem) {
    const again = { action: word("tryAgain"), onAction: () => void this.load() };
    if (!this.#rows.size) return say(this.#state, { text: word("listFailed"), ...again });
    const status = problem instanceof api.Problem ? problem.status : 0;
    if (status === 429 || status >= 500) this.#retryTimer = setTimeout(() => void this.load(), RETRY_MS);
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
    if (!known || seq <= known.read_seq) return;
    this.changed({ ...known, read_seq: seq });
    if (seq > known.head) void this.load(); // more happened there than was heard here
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
    clearTimeout(this.#retryTimer);
    this.#turn += 1;
    this.#flight = null;
    this.#again = false;
    this.#rows.clear();
    this.#gone.clear();
    this.#asOf = "";
    this.#place.replaceChildren();
  }

  #sorted() {
    const when = (/** @type {Row} */ row) => Date.parse(activity(row.conversation));
    return [...this.#rows.values()].sort((a, b) => when(b) - when(a));
  }

  /** @param {string} id */
  #take(id) {
    this.#gone.add(id);
    this.#rows.get(id)?.row.remove();
    this.#rows.delete(id);
  }

  /** @param {Conversation} said */
  #put(said) {
    const id = said.conversation_id;
    if (this.#gone.has(id)) return;
    let row = this.#rows.get(id);
    if (!row) {
      const link = el("a", { href: `#/c/${encodeURIComponent(id)}` });
      row = { conversation: said, link, row: el("li", {}, link) };
      this.#rows.set(id, row);
      if (id === this.#selected) link.setAttribute("aria-current", "page");
    }
    const conversation = later(row.conversation, said);
    row.conversation = conversation;
    const when = activity(conversation);
    const count = conversation.message_count;
    const name = titleOf(conversation);
    const last = name === day(when) ? clock(when) : day(when);
    const isNew = conversation.head > conversation.read_seq && conversation.read_seq > 0;
    row.link.classList.toggle("unread", isNew);
    row.link.replaceChildren(
      el("span", { class: "name" }, name),
      isNew
        ? el("span", { class: "small soft" }, el("span", { class: "new" }, word("unread")), ` · ${last}`)
        : el("span", { class: "small soft" }, count ? `${last} · ${word("count", { n: count })}` : last),
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
