/**
 * One open conversation: its history, its live frames, and what the person sends.
 * Invariant: join first, then read the history; both may bring the same message, the timeline shows it once.
 */
import * as api from "./api.js";
import { Composer } from "./app-composer.js";
import { Follow } from "./app-follow.js";
import { waitingWord } from "./app-state.js";
import { Timeline } from "./app-timeline.js";
import { byId, say } from "./dom.js";
import { word } from "./words.js";

/** @typedef {import("./client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("./api.js").Message} Message */

const JOIN_PATIENCE_MS = 3_000; // then the history is read even without a socket
const READ_AFTER_MS = 1_000; // of messages that come together only the last is told
const QUIET_MS = 30_000; // a reply that ended while we were away says no more

export class ConversationView {
  #nothing = byId("nothing");
  #earlier = /** @type {HTMLButtonElement} */ (byId("earlier"));
  #timeline = new Timeline(byId("messages"), (clientId) => this.#edit(clientId));
  #follow = new Follow(byId("scroll"), byId("newer"), () => this.#seen());
  #composer = new Composer((text) => this.#send(text));
  /** @type {RealtimeClient|null} */ #client = null;
  #id = "";
  #createId = "";
  #loaded = false;
  #joinTimer = 0;
  #readTimer = 0;
  #reached = 0; // the newest seq that stands here
  #seenTo = 0; // the newest that somebody had before their eyes
  #readTo = 0; // what the server was told of it
  #ask;
  #onStarted;
  #onSeen;

  /**
   * @param {object} options
   * @param {import("./tokens.js").Ask} options.ask
   * @param {(id: string) => void} options.onStarted the first words made this conversation
   * @param {(id: string, seq: number) => void} options.onSeen the person has it before their eyes up to here
   */
  constructor({ ask, onStarted, onSeen }) {
    this.#ask = ask;
    this.#onStarted = onStarted;
    this.#onSeen = onSeen;
    this.#earlier.onclick = () => this.#loadEarlier();
    document.addEventListener("visibilitychange", () => this.#seen());
  }

  get id() {
    return this.#id;
  }

  /** @param {RealtimeClient} client a new one for each sign-in */
  attach(client) {
    this.#client = client;
    /** @param {{conversation_id: string}} frame */
    const here = (frame) => frame.conversation_id === this.#id;
    client.on("state", (state) => this.#timeline.waitingIs(waitingWord(state)));
    client.on("welcome", (frame) => frame.limits?.text_chars && this.#composer.limitTo(frame.limits.text_chars));
    client.on("joined", (frame) => here(frame) && this.#joined(frame));
    client.on("message", (frame) => here(frame) && this.#arrived(frame));
    client.on("message.removed", (frame) => here(frame) && this.#forgot(frame.seq, () => this.#timeline.forget(frame.removed_seq)));
    client.on("history.trimmed", (frame) => here(frame) && this.#forgot(frame.seq, () => this.#timeline.forgetBelow(frame.before_seq)));
    client.on("conversation.removed", (frame) => here(frame) && this.#missing());
    client.on("reply.started", (frame) => here(frame) && this.#changed(() => this.#timeline.start(frame)));
    client.on("reply.delta", (frame) => here(frame) && this.#timeline.grow(frame));
    client.on("reply.ended", (frame) => here(frame) && this.#timeline.end(frame));
    client.on("accepted", (frame) => here(frame) && this.#accepted(frame));
    client.on("refused", (frame) => this.#timeline.refuse(frame.client_id, frame.code));
    client.on("created", (frame) => this.#created(frame));
    client.on("unavailable", (frame) => here(frame) && this.#missing());
  }

  /** Shows the empty conversation; it comes to be with the first words. */
  openNew() {
    if (this.#createId) return;
    this.close();
    const waiting = this.#client?.unsent.find((item) => item.create_id)?.create_id;
    this.#createId = waiting ?? crypto.randomUUID();
    this.#showWaiting();
    this.#showEmpty();
  }

  /** @param {string} id */
  open(id) {
    if (id === this.#id) return this.#seen();
    this.close();
    this.#id = id;
    this.#showWaiting();
    if (this.#timeline.empty) say(this.#nothing, { text: word("opening") });
    this.#joinTimer = setTimeout(() => this.#load(), JOIN_PATIENCE_MS);
    this.#client?.subscribe(id);
  }

  close() {
    clearTimeout(this.#joinTimer);
    if (this.#readTimer) this.#tellRead();
    this.#reached = this.#seenTo = this.#readTo = 0;
    if (this.#id) this.#client?.unsubscribe(this.#id);
    this.#id = this.#createId = "";
    this.#loaded = false;
    this.#earlier.hidden = true;
    this.#timeline.clear();
    say(this.#nothing, null);
    this.#follow.toEnd();
  }

  /** What was typed and not sent; for signing out. */
  forgetDraft() {
    this.#composer.clear();
  }

  focus() {
    this.#composer.focus();
  }

  #showWaiting() {
    const client = this.#client;
    for (const item of client?.unsent ?? []) {
      const here = item.conversation_id ? item.conversation_id === this.#id : item.create_id === this.#createId;
      if (client && here) this.#timeline.wait(item, waitingWord(client.state));
    }
  }

  #showEmpty() {
    const empty = this.#timeline.empty;
    say(this.#nothing, empty ? { title: word("emptyTitle"), text: word("emptyLead") } : null);
  }

  /** @param {() => void} change adds something at the end */
  #changed(change) {
    change();
    this.#showEmpty();
    this.#follow.arrived();
  }

  /** @param {string} text */
  #send(text) {
    const client = this.#client;
    if (!client) return;
    if (!this.#id) this.#createId ||= crypto.randomUUID(); // words may be quicker than the list
    const item = client.send({ text, conversationId: this.#id || undefined, createId: this.#createId });
    this.#changed(() => this.#timeline.wait(item, waitingWord(client.state)));
    this.#follow.toEnd();
  }

  /** @param {string} clientId */
  #edit(clientId) {
    const item = this.#client?.takeBack(clientId);
    if (!item) return;
    this.#timeline.giveBack(clientId);
    this.#composer.restore(item.text);
  }

  /** @param {{create_id: string, conversation_id: string}} created */
  #created(created) {
    if (created.create_id !== this.#createId) return;
    this.#id = created.conversation_id;
    this.#createId = "";
    this.#client?.subscribe(this.#id);
    this.#onStarted(this.#id);
  }

  /** @param {{fresh: boolean, read_seq: number}} frame the server may have missed what we said on the socket before */
  #joined({ fresh, read_seq: readTo }) {
    this.#readTo = readTo;
    this.#seen();
    setTimeout(() => this.#timeline.dropQuiet(QUIET_MS), QUIET_MS);
    if (fresh || !this.#loaded) void this.#load();
  }

  /** @param {Message} message */
  #arrived(message) {
    this.#changed(() => this.#timeline.put(message));
    this.#reach(message.seq);
    if (message.role === "assistant") byId("announcer").textContent = `${word("companion")}: ${message.text}`;
  }

  /** @param {{client_id: string, seq: number, committed_at: string, duplicate: boolean}} frame */
  #accepted(frame) {
    this.#timeline.accept(frame.client_id, frame.seq, frame.committed_at);
    if (frame.duplicate && this.#loaded) void this.#load(); // it may have been removed since
  }

  /** @param {number} seq of the removal @param {() => void} change */
  #forgot(seq, change) {
    change();
    if (this.#loaded) this.#showEmpty();
    this.#reach(seq);
  }

  /** @param {number} seq the newest that stands here, or its removal does */
  #reach(seq) {
    this.#reached = Math.max(this.#reached, seq);
    this.#seen();
  }

  /** What stands here while somebody looks was read; every device of the person hears so. */
  #seen() {
    if (this.#reached <= this.#readTo || !this.#id || document.hidden || !this.#follow.atEnd) return;
    this.#seenTo = this.#reached;
    this.#onSeen(this.#id, this.#seenTo);
    this.#readTimer ||= setTimeout(() => this.#tellRead(), READ_AFTER_MS);
  }

  #tellRead() {
    clearTimeout(this.#readTimer);
    this.#readTimer = 0;
    if (!document.hidden && this.#client?.read(this.#id, this.#seenTo)) this.#readTo = this.#seenTo;
  }

  async #load() {
    clearTimeout(this.#joinTimer);
    const id = this.#id;
    try {
      const { messages, more, head } = await this.#ask((token) => api.messages(token, id));
      if (id !== this.#id) return;
      this.#timeline.renew(messages, head, more);
      this.#earlier.hidden = !more;
      this.#loaded = true;
      this.#showEmpty();
      this.#reach(head);
    } catch (error) {
      if (id === this.#id) this.#loadFailed(error);
    }
  }

  async #loadEarlier() {
    const id = this.#id;
    this.#earlier.disabled = true;
    try {
      const { messages, more } = await this.#ask((token) => api.messages(token, id, this.#timeline.oldest));
      if (id !== this.#id) return;
      this.#follow.holding(() => {
        for (const message of messages) this.#timeline.put(message);
        this.#earlier.hidden = !more;
      });
    } catch {
      // the button is there to be pressed again
    } finally {
      this.#earlier.disabled = false;
    }
  }

  /** @param {unknown} error */
  #loadFailed(error) {
    const status = error instanceof api.Problem ? error.status : 0;
    if (status === 404) return this.#missing();
    if (this.#loaded) return;
    say(this.#nothing, { text: word("openFailed"), action: word("tryAgain"), onAction: () => void this.#load() });
  }

  #missing() {
    this.#timeline.clear();
    this.#earlier.hidden = true;
    say(this.#nothing, { text: word("missing"), action: word("toList"), onAction: () => location.assign("#/") });
  }
}
