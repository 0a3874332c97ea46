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
import { Channels, conversationOf } from "./channels.js";
import { Link } from "./link.js";
import { Outbox } from "./outbox.js";

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./link.js").LinkState} LinkState */
/** @typedef {import("./outbox.js").Unsent} Unsent */
/** @typedef {import("./frames.js").ClientEvents} ClientEvents */
/** @typedef {{kind: "send"|"create"|"join", id: string, at: number}} Pending */

const RESEND_MS = 1_000; // a temporary refusal without retry_after_ms
const OVERDUE_MS = 20_000; // no answer on a live socket
const NOTED_AT_MOST = 100; // notices that wait to be acknowledged; a forgotten one only comes again

export class RealtimeClient {
  #link;
  #outbox;
  #channels;
  /** @type {Map<string, Pending>} by ref */ #pending = new Map();
  /** @type {Set<string>} notice_ids the server was not told of yet */ #noted = new Set();
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
    this.#channels = new Channels({
      join: (id, channel, since) => this.#ask("join", id, { type: "subscribe", channel, ...(since === null ? {} : { since }) }),
      leave: (channel) => this.#link.send({ type: "unsubscribe", ref: this.#ref(), channel }),
      emit: (type, value) => this.#emit(type, value),
    });
    this.#link = new Link({
      url,
      token,
      resume: (room) => this.#resume(room),
      onState: (state) => this.#onState(state),
      onHeads: (heads) => this.#channels.compare(heads),
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
    this.#channels.stop();
    this.#link.stop();
  }

  /** Forgets what was not sent; for signing out. */
  discardUnsent() {
    this.#outbox.clear();
  }

  /** @param {string} id conversation_id; live frames follow after `joined` */
  subscribe(id) {
    this.#channels.follow(id);
  }

  /** @param {string} id */
  unsubscribe(id) {
    this.#channels.unfollow(id);
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

  /** The person has seen everything up to here. @param {string} id @param {number} seq @returns {boolean} false: not said */
  read(id, seq) {
    return this.#tell({ type: "read", conversation_id: id, seq });
  }

  /** The person took note; said now or when there is a connection. @param {string} noticeId */
  ackNotice(noticeId) {
    if (this.#noted.size < NOTED_AT_MOST) this.#noted.add(noticeId);
    this.#tellNoted();
  }

  /** @param {string} id of a conversation that is followed @param {boolean} on @returns {boolean} false: not said */
  typing(id, on) {
    return this.#tell({ type: "typing", conversation_id: id, on });
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

  /** Says what only a server of minor 1 understands. @param {Frame} frame @returns {boolean} */
  #tell(frame) {
    return this.#link.minor >= 1 && this.#link.send(frame);
  }

  #tellNoted() {
    for (const id of this.#noted) if (this.#tell({ type: "notice.ack", notice_id: id })) this.#noted.delete(id);
  }

  /** What `hello` says we have; the answers name the channel. @param {number} room */
  #resume(room) {
    this.#pending.clear();
    const resumed = this.#channels.resume(room);
    for (const { channel } of resumed) this.#pending.set(channel, { kind: "join", id: conversationOf(channel), at: Date.now() });
    return resumed;
  }

  /** @param {Unsent} item */
  #offer({ refused, conversation_id, create_id, client_id, text }) {
    if (refused) return;
    const id = conversation_id ? client_id : /** @type {string} */ (create_id);
    if ([...this.#pending.values()].some((other) => other.id === id)) return;
    if (conversation_id) this.#ask("send", id, { type: "message.send", conversation_id, client_id, text });
    else this.#ask("create", id, { type: "conversation.create", client_id: id });
  }

  /** @param {LinkState} state */
  #onState(state) {
    if (state !== "online") this.#pending.clear();
    this.#emit("state", state);
  }

  /** @param {Frame} frame */
  #onFrame(frame) {
    switch (frame.type) {
      case "welcome": return this.#onWelcome(frame);
      case "subscribed": return this.#onSubscribed(frame);
      case "conversation.created": return this.#onCreated(frame);
      case "accepted": return this.#onAccepted(frame);
      case "message":
      case "message.removed": return this.#channels.sequenced(frame);
      case "history.trimmed": return this.#channels.trimmed(frame);
      case "conversation.removed": return this.#onRemoved(frame);
      case "gap": return this.#channels.gap(frame);
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
    this.#channels.joinRest();
    for (const item of this.#outbox.all()) this.#offer(item);
    this.#tellNoted();
  }

  /** @param {Frame} frame */
  #onSubscribed(frame) {
    this.#pending.delete(frame.ref);
    this.#channels.joined(frame);
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
    const { conversation_id, seq, committed_at, duplicate } = frame;
    const sent = this.#pending.get(frame.ref);
    if (!sent) return;
    this.#pending.delete(frame.ref);
    this.#outbox.take(sent.id);
    this.#emit("accepted", { client_id: sent.id, conversation_id, seq, committed_at, duplicate });
  }

  /** @param {any} frame the server follows it for us no more */
  #onRemoved(frame) {
    this.#channels.forget(frame.conversation_id);
    this.#emit("conversation.removed", frame);
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
    if (asked.kind === "join") return this.#channels.join(asked.id);
    const item = this.#outbox.all().find((other) => [other.client_id, other.create_id].includes(asked.id));
    if (item) this.#offer(item);
  }

  /** @param {Pending} asked @param {string} code */
  #giveUp(asked, code) {
    if (asked.kind === "join") {
      this.#channels.forget(asked.id);
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
