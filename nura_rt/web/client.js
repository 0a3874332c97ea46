/**
 * Realtime client for Nura RT, usable without the page:
 *
 *   const client = new RealtimeClient({ url, token: () => token, userId });
 *   client.on("message", (frame) => ...);
 *   client.subscribe(conversationId);
 *   client.send({ conversationId, text: "hello" });
 *   client.start();
 *
 * Invariant: messages of a conversation are handed on once and in seq order; a text that was sent is
 * offered to the server, always with the same client_id, until it is acknowledged or refused for good.
 */
import { Link } from "./link.js";
import { Outbox } from "./outbox.js";

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./link.js").LinkState} LinkState */
/** @typedef {import("./outbox.js").Unsent} Unsent */
/** @typedef {import("./frames.js").ClientEvents} ClientEvents */
/** @typedef {{last: number|null, ref: string|null, replayTo: number}} Channel last: newest seq handed on */
/** @typedef {{kind: "send"|"create"|"join", id: string, at: number}} Pending */

const PREFIX = "conversation:";
const RESEND_MS = 1_000; // a temporary refusal without retry_after_ms
const OVERDUE_MS = 20_000; // no answer on a live socket
const RESUMED_AT_MOST = 20; // in `hello`, which may have 4 KiB; the others follow by `subscribe`

export class RealtimeClient {
  #link;
  #outbox;
  /** @type {Map<string, Channel>} by conversation_id */ #channels = new Map();
  /** @type {Map<string, Pending>} by ref */ #pending = new Map();
  /** @type {Map<string, Set<(value: any) => void>>} */ #listeners = new Map();
  #refs = 0;
  #overdueTimer = 0;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {import("./link.js").LinkOptions["token"]} options.token
   * @param {string} options.userId whose unsent texts may be sent
   * @param {Storage} [options.storage] where they wait; sessionStorage when left out
   */
  constructor({ url, token, userId, storage }) {
    this.#outbox = new Outbox(userId, storage);
    this.#link = new Link({
      url,
      token,
      resume: () => this.#resume(),
      onState: (state) => this.#onState(state),
      onHeads: (heads) => this.#onHeads(heads),
      onFrame: (frame) => this.#onFrame(frame),
    });
  }

  /**
   * @template {keyof ClientEvents} K
   * @param {K} type @param {(value: ClientEvents[K]) => void} listener
   */
  on(type, listener) {
    const known = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, known.add(listener));
  }

  /** @template {keyof ClientEvents} K @param {K} type @param {ClientEvents[K]} value */
  #emit(type, value) {
    for (const listener of this.#listeners.get(type) ?? []) listener(value);
  }

  get state() {
    return this.#link.state;
  }

  /** @returns {readonly Unsent[]} */
  get unsent() {
    return this.#outbox.all();
  }

  start() {
    clearInterval(this.#overdueTimer);
    this.#overdueTimer = setInterval(() => this.#resendOverdue(), OVERDUE_MS);
    this.#link.start();
  }

  stop() {
    clearInterval(this.#overdueTimer);
    this.#link.stop();
  }

  /** Forgets what was not sent; for signing out. */
  discardUnsent() {
    this.#outbox.clear();
  }

  /** @param {string} id conversation_id; live frames follow after `joined` */
  subscribe(id) {
    if (this.#channels.has(id)) return;
    this.#channels.set(id, { last: null, ref: null, replayTo: 0 });
    this.#join(id);
  }

  /** @param {string} id */
  unsubscribe(id) {
    if (!this.#channels.delete(id)) return;
    this.#link.send({ type: "unsubscribe", ref: this.#ref(), channel: PREFIX + id });
  }

  /**
   * Keeps the text, and sends it now or as soon as there is a connection.
   * @param {{text: string, conversationId?: string, createId?: string}} what a createId starts a conversation first
   * @returns {Unsent}
   */
  send({ text, conversationId, createId }) {
    const item = {
      client_id: crypto.randomUUID(),
      conversation_id: conversationId ?? null,
      create_id: conversationId ? null : (createId ?? crypto.randomUUID()),
      text,
      at: Date.now(),
    };
    this.#outbox.add(item);
    this.#offer(item);
    return item;
  }

  /** The person has seen everything up to here; other devices hear of it. @param {string} id @param {number} seq */
  read(id, seq) {
    this.#link.send({ type: "read", conversation_id: id, seq });
  }

  /** The person took note; it does not come again. @param {string} noticeId */
  ackNotice(noticeId) {
    this.#link.send({ type: "notice.ack", notice_id: noticeId });
  }

  /** @param {string} id of a conversation that is followed @param {boolean} on */
  typing(id, on) {
    this.#link.send({ type: "typing", conversation_id: id, on });
  }

  /** @param {string} clientId @returns {Unsent|undefined} a refused text, given back for editing */
  takeBack(clientId) {
    return this.#outbox.get(clientId)?.refused ? this.#outbox.take(clientId) : undefined;
  }

  #ref() {
    this.#refs += 1;
    return String(this.#refs);
  }

  /** @param {Pending["kind"]} kind @param {string} id @param {Omit<Frame, "ref">} frame @returns {string|null} its ref */
  #ask(kind, id, frame) {
    const ref = this.#ref();
    if (!this.#link.send({ ...frame, type: frame.type, ref })) return null;
    this.#pending.set(ref, { kind, id, at: Date.now() });
    return ref;
  }

  /** What `hello` says we have; the answers name the channel. @returns {{channel: string, seq: number}[]} */
  #resume() {
    const known = [...this.#channels].flatMap(([id, { last }]) => (last === null ? [] : [{ id, seq: last }]));
    return known.slice(0, RESUMED_AT_MOST).map(({ id, seq }) => {
      const channel = PREFIX + id;
      /** @type {Channel} */ (this.#channels.get(id)).ref = channel;
      this.#pending.set(channel, { kind: "join", id, at: Date.now() });
      return { channel, seq };
    });
  }

  /** @param {string} id */
  #join(id) {
    const channel = this.#channels.get(id);
    if (!channel) return;
    const since = channel.last === null ? {} : { since: channel.last };
    channel.ref = this.#ask("join", id, { type: "subscribe", channel: PREFIX + id, ...since });
  }

  /** @param {Unsent} item */
  #offer(item) {
    if (item.refused) return;
    const id = item.conversation_id ? item.client_id : /** @type {string} */ (item.create_id);
    if ([...this.#pending.values()].some((other) => other.id === id)) return;
    if (!item.conversation_id) {
      this.#ask("create", id, { type: "conversation.create", client_id: id });
    } else {
      const { conversation_id, client_id, text } = item;
      this.#ask("send", id, { type: "message.send", conversation_id, client_id, text });
    }
  }

  /** @param {LinkState} state */
  #onState(state) {
    if (state !== "online") {
      this.#pending.clear();
      for (const channel of this.#channels.values()) channel.ref = null;
    }
    this.#emit("state", state);
  }

  /** @param {Record<string, number>} heads */
  #onHeads(heads) {
    for (const [id, channel] of this.#channels) {
      const head = heads[PREFIX + id];
      if (channel.last !== null && channel.ref === null && head > channel.last) this.#join(id);
    }
  }

  /** @param {Frame} frame */
  #onFrame(frame) {
    // Ahead of the server where the protocol's next minors are known: a page may outlive a deploy.
    switch (frame.type) {
      case "welcome": return this.#onWelcome(frame);
      case "subscribed": return this.#onSubscribed(frame);
      case "conversation.created": return this.#onCreated(frame);
      case "accepted": return this.#onAccepted(frame);
      case "message":
      case "message.removed": return this.#onSequenced(frame);
      case "history.trimmed": return this.#onTrimmed(frame);
      case "conversation.removed": return this.#onRemoved(frame);
      case "gap": return this.#onGap(frame);
      case "error": return this.#onError(frame);
      case "reply.started":
      case "reply.delta":
      case "reply.ended":
      case "support":
      case "read":
      case "typing":
      case "presence":
      case "conversation.changed": return this.#emit(/** @type {"support"} */ (frame.type), /** @type {any} */ (frame));
      default: // newer servers may say more than this client knows
    }
  }

  /** @param {Frame} frame */
  #onWelcome(frame) {
    this.#emit("welcome", frame);
    for (const [id, channel] of this.#channels) if (channel.ref === null) this.#join(id);
    for (const item of this.#outbox.all()) this.#offer(item);
  }

  /** @param {Frame} frame */
  #onSubscribed(frame) {
    const id = frame.channel.slice(PREFIX.length);
    const channel = this.#channels.get(id);
    this.#pending.delete(frame.ref);
    if (!channel || channel.ref !== frame.ref) return;
    const fresh = channel.last === null || !frame.recovered;
    channel.ref = null;
    channel.replayTo = frame.head;
    if (fresh) channel.last = frame.head;
    this.#emit("joined", { conversation_id: id, head: frame.head, fresh });
  }

  /** @param {Frame} frame */
  #onCreated(frame) {
    const create = this.#pending.get(frame.ref);
    if (!create) return;
    this.#pending.delete(frame.ref);
    this.#outbox.settle(create.id, frame.conversation_id);
    this.#emit("created", { create_id: create.id, conversation_id: frame.conversation_id });
    for (const item of this.#outbox.all()) if (item.conversation_id === frame.conversation_id) this.#offer(item);
  }

  /** @param {Frame} frame */
  #onAccepted(frame) {
    const { conversation_id, seq, committed_at } = frame;
    const sent = this.#pending.get(frame.ref);
    if (!sent) return;
    this.#pending.delete(frame.ref);
    this.#outbox.take(sent.id);
    this.#emit("accepted", { client_id: sent.id, conversation_id, seq, committed_at });
  }

  /** Drops what is already known; a hole is asked for once, and what the replay cannot fill is passed over. @param {any} frame */
  #onSequenced(frame) {
    if (this.#isNext(frame.conversation_id, frame.seq)) this.#emit(/** @type {"message"} */ (frame.type), frame);
  }

  /** @param {string} id @param {number} seq @param {number} [first] where a frame that covers several begins */
  #isNext(id, seq, first = seq) {
    const channel = this.#channels.get(id);
    if (!channel || channel.last === null || seq <= channel.last) return false;
    if (first > channel.last + 1 && (channel.ref || first > channel.replayTo)) {
      if (!channel.ref) this.#join(id);
      return false;
    }
    channel.last = seq;
    return true;
  }

  /** Once in the order of its conversation, once without any for those who do not follow it. @param {any} frame */
  #onTrimmed(frame) {
    this.#isNext(frame.conversation_id, frame.seq);
    this.#emit("history.trimmed", frame);
  }

  /** @param {any} frame the server follows it for us no more */
  #onRemoved(frame) {
    this.#channels.delete(frame.conversation_id);
    this.#emit("conversation.removed", frame);
  }

  /** Some seqs will never come. Lost ones may be in the history. @param {any} frame */
  #onGap(frame) {
    if (!frame.channel.startsWith(PREFIX)) return this.#emit("doubt", frame);
    const id = frame.channel.slice(PREFIX.length);
    if (!this.#isNext(id, frame.to, frame.from) || frame.reason !== "lost") return;
    this.#emit("joined", { conversation_id: id, head: frame.to, fresh: true });
  }

  /** @param {Frame} frame */
  #onError(frame) {
    const asked = this.#pending.get(frame.ref);
    if (!asked) return;
    this.#pending.delete(frame.ref);
    if (frame.temporary) setTimeout(() => this.#again(asked), frame.retry_after_ms ?? RESEND_MS);
    else this.#giveUp(asked, frame.code);
  }

  /** @param {Pending} asked */
  #again(asked) {
    if (asked.kind === "join") return this.#join(asked.id);
    const item = this.#outbox.all().find((other) => [other.client_id, other.create_id].includes(asked.id));
    if (item) this.#offer(item);
  }

  /** @param {Pending} asked @param {string} code */
  #giveUp(asked, code) {
    if (asked.kind === "join") {
      this.#channels.delete(asked.id);
      return this.#emit("unavailable", { conversation_id: asked.id, code });
    }
    const items = this.#outbox.all().filter((item) => [item.client_id, item.create_id].includes(asked.id));
    for (const { client_id } of items) {
      this.#outbox.refuse(client_id, code);
      this.#emit("refused", { client_id, code });
    }
  }

  #resendOverdue() {
    const limit = Date.now() - OVERDUE_MS;
    for (const [ref, asked] of this.#pending) {
      if (asked.at > limit) continue;
      this.#pending.delete(ref);
      this.#again(asked);
    }
  }
}
