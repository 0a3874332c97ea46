/**
 * The conversations that are followed, and how far each was heard.
 * Invariant: what has a seq is handed on once and in order; a hole is asked for before what stands behind it.
 */

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./frames.js").ClientEvents} ClientEvents */
/** @typedef {{last: number|null, ref: string|null, replayTo: number}} Channel last: newest seq handed on; ref: of what was asked */
/**
 * @typedef {object} ChannelsOptions
 * @property {(id: string, channel: string, since: number|null) => string|null} join asks for it; the ref, null when offline
 * @property {(channel: string) => void} leave
 * @property {<K extends keyof ClientEvents>(type: K, value: ClientEvents[K]) => void} emit
 */

const PREFIX = "conversation:";
const RESUMED_AT_MOST = 100; // more are a bad hello
const DOUBT_SPREAD_MS = 3_000; // everybody on an instance hears of it at once, and shall not ask at once

/** @param {string} channel @returns {string} conversation_id, "" when it is another kind of channel */
export const conversationOf = (channel) => (channel.startsWith(PREFIX) ? channel.slice(PREFIX.length) : "");

export class Channels {
  /** @type {Map<string, Channel>} by conversation_id */ #followed = new Map();
  #options;
  #doubtTimer = 0;

  /** @param {ChannelsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Nothing more is told. */
  stop() {
    clearTimeout(this.#doubtTimer);
    this.#doubtTimer = 0;
  }

  /** @param {string} id conversation_id */
  follow(id) {
    if (this.#followed.has(id)) return;
    this.#followed.set(id, { last: null, ref: null, replayTo: 0 });
    this.join(id);
  }

  /** @param {string} id */
  unfollow(id) {
    if (this.#followed.delete(id)) this.#options.leave(PREFIX + id);
  }

  /** The server follows it for us no more. @param {string} id */
  forget(id) {
    this.#followed.delete(id);
  }

  /** Asks for it, or for what is missing of it. @param {string} id */
  join(id) {
    const channel = this.#followed.get(id);
    if (channel) channel.ref = this.#options.join(id, PREFIX + id, channel.last);
  }

  /** For all that `hello` did not resume. */
  joinRest() {
    for (const [id, channel] of this.#followed) if (channel.ref === null) this.join(id);
  }

  /**
   * A new socket opens: what was asked on the one before is void. Those it resumes are asked by their channel's name.
   * @param {number} room characters of `hello`; 0 when it may not resume
   * @returns {{channel: string, seq: number}[]} as many as fit
   */
  resume(room) {
    const resumed = [];
    for (const [id, followed] of this.#followed) {
      followed.ref = null;
      if (followed.last === null || resumed.length === RESUMED_AT_MOST) continue;
      const known = { channel: PREFIX + id, seq: followed.last };
      room -= JSON.stringify(known).length + 1;
      if (room < 0) continue;
      followed.ref = known.channel;
      resumed.push(known);
    }
    return resumed;
  }

  /** @param {Frame} frame `subscribed` */
  joined({ channel, ref, head, recovered, read_seq = 0 }) {
    const id = conversationOf(channel);
    const followed = this.#followed.get(id);
    if (!followed) return this.#options.leave(channel); // given up while it was asked
    if (followed.ref !== ref) return;
    const fresh = followed.last === null || !recovered;
    followed.ref = null;
    followed.replayTo = head;
    if (fresh) followed.last = head;
    this.#options.emit("joined", { conversation_id: id, head, fresh, read_seq });
  }

  /** @param {Record<string, number>} heads newest seq by channel, as the server has sent them */
  compare(heads) {
    for (const [id, { last, ref }] of this.#followed) {
      if (last !== null && ref === null && heads[PREFIX + id] > last) this.join(id);
    }
  }

  /** @param {any} frame `message` or `message.removed` */
  sequenced(frame) {
    if (this.#isNext(frame.conversation_id, frame.seq)) this.#options.emit(/** @type {"message"} */ (frame.type), frame);
  }

  /** Once in the order of its conversation, once without any for those who do not follow it. @param {any} frame */
  trimmed(frame) {
    const { conversation_id: id, seq } = frame;
    if (!this.#followed.has(id) || this.#isNext(id, seq)) this.#options.emit("history.trimmed", frame);
  }

  /** Some seqs will never come. Lost ones may be in the history. @param {any} frame */
  gap(frame) {
    const id = conversationOf(frame.channel);
    if (!id) return this.#doubt(frame);
    if (!this.#isNext(id, frame.to, frame.from) || frame.reason !== "lost") return;
    this.#options.emit("joined", { conversation_id: id, head: frame.to, fresh: true, read_seq: 0 });
  }

  /** Told soon, and once for all that came until then. @param {Frame} frame */
  #doubt(frame) {
    this.#doubtTimer ||= setTimeout(() => {
      this.#doubtTimer = 0;
      this.#options.emit("doubt", frame);
    }, Math.random() * DOUBT_SPREAD_MS);
  }

  /**
   * Drops what is already known; a hole is asked for once, and what the replay cannot fill is passed over.
   * @param {string} id @param {number} seq @param {number} [first] where a frame that covers several begins
   */
  #isNext(id, seq, first = seq) {
    const followed = this.#followed.get(id);
    if (!followed || followed.last === null || seq <= followed.last) return false;
    if (first > followed.last + 1 && (followed.ref || first > followed.replayTo)) {
      if (!followed.ref) this.join(id);
      return false;
    }
    followed.last = seq;
    return true;
  }
}
