/**
 * The messages of one conversation as elements: kept ones, unsent ones, and the reply being written.
 * Invariant: kept messages stand in seq order, then what waits to be sent, then replies being written;
 * an element is filled in where it stands, so nothing jumps when its message arrives.
 */
import { el } from "./dom.js";
import { clock, day, word } from "./words.js";

/** @typedef {import("./api.js").Message} Message */
/** @typedef {import("./outbox.js").Unsent} Unsent */
/**
 * @typedef {object} Entry
 * @property {HTMLElement} node
 * @property {HTMLElement} day
 * @property {Text} text
 * @property {HTMLElement} meta
 * @property {number} weight where it stands
 * @property {number} at ms
 */
/** @typedef {{entry: Entry, replyTo: string, length: number, next: number, whole: boolean, heard: number}} Run length in code points */

const UNSENT = 1e12;
const WRITING = 2e12;

export class Timeline {
  #place;
  /** @type {Entry[]} in the order of the page */ #entries = [];
  /** @type {Map<number, Entry>} */ #bySeq = new Map();
  /** @type {Map<string, Entry>} by client_id */ #unsent = new Map();
  /** @type {Map<string, Run>} by run_id */ #runs = new Map();
  /** @type {Set<string>} run_ids whose late words are not wanted any more */ #done = new Set();
  /** @type {Set<number>} seqs that were removed: a history read before may still bring them */ #gone = new Set();
  #trimmedTo = 0;
  #count = 0;
  #onEdit;

  /** @param {HTMLElement} place @param {(clientId: string) => void} onEdit a refused text shall be edited */
  constructor(place, onEdit) {
    this.#place = place;
    this.#onEdit = onEdit;
  }

  get empty() {
    return this.#entries.length === 0;
  }

  /** The smallest seq shown; 0 when none is. */
  get oldest() {
    return this.#bySeq.size ? Math.min(...this.#bySeq.keys()) : 0;
  }

  /** The largest seq shown; 0 when none is. */
  get newest() {
    return Math.max(0, ...this.#bySeq.keys());
  }

  clear() {
    this.#place.replaceChildren();
    this.#entries = [];
    for (const known of [this.#bySeq, this.#unsent, this.#runs, this.#done, this.#gone]) known.clear();
    this.#trimmedTo = 0;
  }

  /**
   * Puts in the newest page of the history. What else was kept is forgotten where that page says that it is gone, or
   * where nobody knows what lies between.
   * @param {readonly Message[]} messages @param {number} head the newest seq when it was read @param {boolean} more others are before it
   */
  renew(messages, head, more) {
    const first = messages[0]?.seq ?? 0;
    const from = more && first <= this.newest + 1 ? first : 0;
    const seqs = new Set(messages.map((message) => message.seq));
    this.#drop((seq) => seq >= from && seq <= head && !seqs.has(seq));
    for (const message of messages) this.put(message);
  }

  /** @param {(seq: number) => boolean} which of the kept messages */
  #drop(which) {
    for (const [seq, entry] of this.#bySeq) {
      if (!which(seq)) continue;
      this.#bySeq.delete(seq);
      this.#remove(entry);
    }
  }

  /** @param {number} seq */
  #isGone(seq) {
    return seq < this.#trimmedTo || this.#gone.has(seq);
  }

  /** @param {Message} message that is not shown yet */
  put(message) {
    const known = this.#bySeq.get(message.seq);
    if (known?.node.dataset.messageId || this.#isGone(message.seq)) return;
    const entry = known ?? this.#claim(message) ?? this.#make(message.role);
    entry.node.dataset.messageId = message.message_id;
    entry.node.classList.remove("writing");
    entry.text.data = message.text;
    entry.at = Date.parse(message.created_at);
    this.#settle(entry, message.seq, message.role === "user");
  }

  /** The element that already stands for this message. @param {Message} message @returns {Entry|undefined} */
  #claim(message) {
    const entry = message.client_id ? this.#unsent.get(message.client_id) : undefined;
    if (entry) this.#unsent.delete(/** @type {string} */ (message.client_id));
    if (entry || message.role === "user") return entry;
    for (const [runId, run] of this.#runs) {
      if (run.replyTo && run.replyTo !== message.reply_to) continue;
      this.#finish(runId);
      return run.entry;
    }
    return undefined;
  }

  /** @param {Entry} entry @param {number} seq @param {boolean} own */
  #settle(entry, seq, own) {
    entry.node.dataset.seq = String(seq);
    entry.node.dataset.state = "kept";
    const when = el("time", { datetime: new Date(entry.at).toISOString() }, clock(entry.at));
    entry.meta.replaceChildren(...(own ? [word("kept", { n: seq }), " · ", when] : [when]));
    this.#bySeq.set(seq, entry);
    this.#stand(entry, seq);
  }

  /** @param {Unsent} item @param {string} state in words */
  wait(item, state) {
    if (this.#unsent.has(item.client_id)) return;
    const entry = this.#make("user");
    entry.text.data = item.text;
    entry.at = item.at;
    this.#unsent.set(item.client_id, entry);
    this.#stand(entry, UNSENT + this.#count++);
    if (item.refused) this.refuse(item.client_id, item.refused);
    else this.#waitIn(entry, state);
  }

  /** @param {Entry} entry @param {string} state */
  #waitIn(entry, state) {
    entry.node.dataset.state = "unsent";
    entry.meta.textContent = state;
  }

  /** @param {string} state in words, for everything that waits */
  waitingIs(state) {
    for (const entry of this.#unsent.values()) if (entry.node.dataset.state === "unsent") this.#waitIn(entry, state);
  }

  /** @param {string} clientId @param {number} seq @param {string} committedAt */
  accept(clientId, seq, committedAt) {
    const entry = this.#unsent.get(clientId);
    if (!entry) return;
    this.#unsent.delete(clientId);
    if (this.#bySeq.has(seq) || this.#isGone(seq)) return this.#remove(entry); // a repeat
    entry.at = Date.parse(committedAt);
    this.#settle(entry, seq, true);
  }

  /** @param {string} clientId @param {string} code */
  refuse(clientId, code) {
    const entry = this.#unsent.get(clientId);
    if (!entry) return;
    entry.node.dataset.state = "refused";
    const edit = el("button", { class: "button quiet", type: "button" }, word("edit"));
    edit.onclick = () => this.#onEdit(clientId);
    entry.meta.replaceChildren(word(code === "too_long" ? "refusedLong" : "refused"), " ", edit);
  }

  /** @param {string} clientId it went back to the message box */
  giveBack(clientId) {
    const entry = this.#unsent.get(clientId);
    this.#unsent.delete(clientId);
    if (entry) this.#remove(entry);
  }

  /** @param {number} removedSeq */
  forget(removedSeq) {
    this.#gone.add(removedSeq);
    const entry = this.#bySeq.get(removedSeq);
    if (!entry) return;
    entry.text.data = word("removed");
    entry.node.classList.add("removed");
    entry.meta.replaceChildren();
  }

  /** @param {number} beforeSeq everything below is gone */
  forgetBelow(beforeSeq) {
    this.#trimmedTo = Math.max(this.#trimmedTo, beforeSeq);
    this.#drop((seq) => seq < beforeSeq);
  }

  /** @param {import("./frames.js").ReplyStarted} start of a run already known: it begins anew */
  start(start) {
    this.#begin(start.run_id, start.reply_to, true);
    const run = this.#runs.get(start.run_id);
    if (!run) return;
    run.entry.text.data = "";
    Object.assign(run, { replyTo: start.reply_to, length: 0, next: -1, whole: true });
  }

  /** @param {string} runId @param {string} replyTo "" when its start was missed @param {boolean} whole */
  #begin(runId, replyTo, whole) {
    if (this.#runs.has(runId) || this.#done.has(runId)) return;
    const entry = this.#make("assistant");
    entry.at = Date.now();
    entry.node.classList.add("writing");
    entry.node.dataset.state = "writing";
    entry.meta.textContent = word("writing");
    this.#runs.set(runId, { entry, replyTo, length: 0, next: -1, whole, heard: Date.now() });
    this.#stand(entry, WRITING + this.#count++);
  }

  /** Adds to the reply, or, when a part was missed, only says that it is being written. @param {import("./frames.js").ReplyDelta} delta */
  grow(delta) {
    this.#begin(delta.run_id, "", delta.at === 0);
    const run = this.#runs.get(delta.run_id);
    if (!run || delta.n <= run.next) return;
    run.next = delta.n;
    run.heard = Date.now();
    run.whole &&= delta.at === run.length;
    if (!run.whole) {
      run.entry.text.data = "";
      return;
    }
    run.entry.text.appendData(delta.text);
    run.length += [...delta.text].length;
  }

  /** @param {import("./frames.js").ReplyEnded} end a completed one waits for its message */
  end(end) {
    const run = this.#runs.get(end.run_id);
    if (!run || (end.reason === "completed" && !this.#bySeq.has(end.seq ?? 0))) return;
    this.#finish(end.run_id);
    if (end.reason === "completed") return this.#remove(run.entry);
    run.entry.node.classList.remove("writing");
    run.entry.node.dataset.state = "ended";
    run.entry.meta.textContent = word(end.reason === "failed" ? "replyFailed" : "replyStopped");
  }

  /** @param {string} runId */
  #finish(runId) {
    this.#runs.delete(runId);
    this.#done.add(runId);
  }

  /** A reply whose end was missed does not stay "being written" for ever. @param {number} ms without a word */
  dropQuiet(ms) {
    for (const [runId, run] of this.#runs) {
      if (Date.now() - run.heard < ms) continue;
      this.#finish(runId);
      this.#remove(run.entry);
    }
  }

  /** @param {"user"|"assistant"} role @returns {Entry} */
  #make(role) {
    const own = role === "user";
    const text = document.createTextNode("");
    const meta = el("p", { class: "meta" });
    const heading = el("p", { class: "day" });
    const who = el("span", { class: "unseen" }, `${word(own ? "you" : "companion")}: `);
    const bubble = el("p", { class: "bubble", dir: "auto" }, who, text);
    const node = el("li", { class: own ? "own" : "companion" }, heading, bubble, meta);
    return { node, day: heading, text, meta, weight: -1, at: 0 };
  }

  /** @param {Entry} entry */
  #remove(entry) {
    entry.node.remove();
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.#showDays();
  }

  /** @param {Entry} entry @param {number} weight */
  #stand(entry, weight) {
    const others = this.#entries.filter((other) => other !== entry);
    let index = others.length;
    while (index > 0 && others[index - 1].weight > weight) index -= 1;
    const next = others[index]?.node ?? null;
    entry.weight = weight;
    if (!entry.node.isConnected || entry.node.nextSibling !== next) this.#place.insertBefore(entry.node, next);
    others.splice(index, 0, entry);
    this.#entries = others;
    this.#showDays();
  }

  #showDays() {
    let before = "";
    for (const entry of this.#entries) {
      const today = day(entry.at);
      entry.day.hidden = today === before;
      if (today !== before) entry.day.textContent = today;
      before = today;
    }
  }
}
