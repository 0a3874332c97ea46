/**
 * One live socket that comes back by itself: connect, hello, watchdog, backoff. Knows no conversation.
 * Invariant: at most one socket is open; after each loss exactly one timer decides when the next one opens.
 */

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {"idle"|"connecting"|"online"|"reconnecting"|"offline"|"signed-out"|"revoked"|"gone"|"displaced"|"refused"} LinkState */
/**
 * @typedef {object} LinkOptions
 * @property {string} url ws: or wss: address of /v1/socket; never with a token in it
 * @property {(stale: string|null) => string|null|Promise<string|null>} token asked at each connect, and with a `stale`
 * one when the server wants a newer; null means signed out, a rejection that it cannot be had now
 * @property {(room: number) => {channel: string, seq: number}[]} resume asked on each new socket: what is followed, as
 * far as it fits into so many characters of `hello`; 0 for a server that does not know of it
 * @property {(frame: Frame) => void} onFrame every frame but `pong`, `welcome` included
 * @property {(state: LinkState) => void} onState
 * @property {(heads: Record<string, number>) => void} onHeads newest seq by channel, from `pong` and `heartbeat`
 */

const SUBPROTOCOL = "nura.v1";
const WITH_RESUME = "nura.v1.1"; // chosen by a server that knows hello.resume; an older one would refuse the field
const HELLO_CHARS = 4096; // a longer one ends the socket for good
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 20_000;
const CALM_MS = 10_000; // online this long, the backoff starts over
const CONNECT_MS = 10_000; // from opening the socket to `welcome`
const PROBE_MS = 2_000; // after the tab comes back
const GRACE_MS = 10_000; // after a quiet heartbeat
const TOO_FAST_ATTEMPT = 4; // 4429: start the backoff here
const TOO_FAST = 4429;
const EXPIRED = 4401;
const BAD_TOKEN = 4501; // our secret may have changed since: one newer token is tried
/** @type {Record<number, LinkState>} */
const ENDINGS = { 4505: "signed-out", 4507: "displaced", 4509: "revoked", 4510: "gone" };
const AUTH = "auth"; // the ref of auth.refresh

/** Full jitter. @param {number} attempt from 0 @returns {number} ms */
const backoff = (attempt) => Math.random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);

export class Link {
  #options;
  /** @type {WebSocket|null} */ #socket = null;
  /** @type {LinkState} */ #state = "idle";
  #attempt = 0;
  #minor = 0;
  #returnAt = 0; // when a server that stops wants us back, ms
  #heard = 0;
  #retryTimer = 0;
  #connectTimer = 0;
  #calmTimer = 0;
  #beatTimer = 0;
  #probeTimer = 0;
  #renewTimer = 0;
  /** @type {string|null} the token that counts on this socket */ #shown = null;
  /** @type {string|null} the one that the server would not take */ #stale = null;
  #turn = 0; // what was awaited for an earlier socket is dropped
  #unlisten = new AbortController();

  /** @param {LinkOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get state() {
    return this.#state;
  }

  /** What the server of this socket knows of the protocol; a page may outlive a deploy. */
  get minor() {
    return this.#minor;
  }

  /** Connects, and stays connected until `stop` or a close code that says not to. */
  start() {
    this.#unlisten.abort();
    this.#unlisten = new AbortController();
    const { signal } = this.#unlisten;
    addEventListener("online", () => this.wake(), { signal });
    addEventListener("offline", () => this.#wentOffline(), { signal });
    addEventListener("pageshow", () => this.wake(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.wake(), { signal });
    this.#attempt = 0;
    this.#open();
  }

  stop() {
    this.#unlisten.abort();
    this.#drop();
    this.#setState("idle");
  }

  /** @param {Frame} frame @returns {boolean} false when not online; nothing is queued here */
  send(frame) {
    if (this.#state !== "online" || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Something suggests that the network is back: ask the socket, or connect now instead of later. */
  wake() {
    if (this.#state === "online") this.#probe(PROBE_MS);
    else if (this.#state === "reconnecting" || this.#state === "offline") this.#open();
  }

  #wentOffline() {
    if (this.#state === "online") this.#probe(PROBE_MS);
    else if (this.#state === "reconnecting") this.#setState("offline");
  }

  /** @param {LinkState} state */
  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state);
  }

  /** @returns {LinkState} */
  #away() {
    return navigator.onLine ? "reconnecting" : "offline";
  }

  async #open() {
    this.#drop();
    const turn = this.#turn;
    const again = this.#state === "reconnecting" || this.#state === "offline";
    this.#setState(again ? this.#away() : "connecting");
    let token;
    try {
      token = await this.#options.token(this.#stale);
    } catch {
      if (turn === this.#turn) this.#lost(1006); // no network, no server: a reason to wait, not to sign out
      return;
    }
    if (turn !== this.#turn) return;
    if (!token || token === this.#stale) return this.#finish("signed-out");
    this.#shown = token;
    const socket = new WebSocket(this.#options.url, [WITH_RESUME, SUBPROTOCOL]);
    this.#socket = socket;
    socket.onopen = () => socket.send(this.#hello(token, socket.protocol === WITH_RESUME));
    socket.onmessage = (event) => this.#onFrame(JSON.parse(event.data));
    socket.onclose = (event) => this.#lost(event.code);
    this.#connectTimer = setTimeout(() => this.#lost(1006), CONNECT_MS);
  }

  /** @param {string} token @param {boolean} mayResume */
  #hello(token, mayResume) {
    const hello = { type: "hello", token };
    const room = mayResume ? HELLO_CHARS - JSON.stringify({ ...hello, resume: [] }).length : 0;
    const resume = this.#options.resume(room);
    return JSON.stringify(resume.length ? { ...hello, resume } : hello);
  }

  /** Lets go of the socket at once: a half-open one may take minutes to say `close`. */
  #drop() {
    this.#turn += 1;
    for (const timer of [this.#retryTimer, this.#connectTimer, this.#calmTimer, this.#probeTimer, this.#renewTimer]) {
      clearTimeout(timer);
    }
    clearInterval(this.#beatTimer);
    this.#probeTimer = 0;
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    // closed while it connects, a socket complains in the console: let it open first
    const connecting = socket.readyState === WebSocket.CONNECTING;
    socket.onopen = connecting ? () => socket.close() : null;
    if (!connecting) socket.close();
  }

  /** @param {Frame} frame */
  #onFrame(frame) {
    this.#heard = Date.now();
    clearTimeout(this.#probeTimer);
    this.#probeTimer = 0;
    if (frame.type === "welcome") this.#welcomed(frame);
    if (frame.type === "auth.expiring") void this.#renew();
    if (frame.type === "error" && frame.ref === AUTH) this.#renewRefused(frame);
    if (frame.type === "draining") this.#returnAt = Date.now() + (frame.reconnect_after_ms ?? 0);
    if (frame.heads) this.#options.onHeads(frame.heads);
    if (frame.type !== "pong" && frame.type !== "heartbeat") this.#options.onFrame(frame);
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    clearTimeout(this.#connectTimer);
    this.#calmTimer = setTimeout(() => (this.#attempt = 0), CALM_MS);
    this.#beatTimer = setInterval(() => this.#probe(GRACE_MS), frame.heartbeat_s * 1000);
    this.#minor = frame.protocol?.minor ?? 0;
    this.#returnAt = 0;
    this.#stale = null;
    this.#setState("online");
  }

  /** Shows a newer token on the open socket; `auth.refreshed` then needs nothing more from us. */
  async #renew(attempt = 0) {
    const turn = this.#turn;
    clearTimeout(this.#renewTimer);
    let token;
    try {
      token = await this.#options.token(this.#shown);
    } catch {
      if (turn === this.#turn) this.#renewTimer = setTimeout(() => this.#renew(attempt + 1), backoff(attempt));
      return;
    }
    if (turn !== this.#turn) return;
    if (!token) return this.#finish("signed-out");
    if (token === this.#shown) return; // nothing newer to show: 4401 will say so
    this.#shown = token;
    this.#showToken();
  }

  #showToken() {
    this.send({ type: "auth.refresh", ref: AUTH, token: this.#shown });
  }

  /** Too soon is asked again; a token that is not good is found out by the 4401 to come. @param {Frame} frame */
  #renewRefused(frame) {
    clearTimeout(this.#renewTimer);
    if (frame.temporary) this.#renewTimer = setTimeout(() => this.#showToken(), frame.retry_after_ms ?? FIRST_DELAY_MS);
  }

  /** Asks for a sign of life; none within `patience` ms means that the socket is dead. @param {number} patience */
  #probe(patience) {
    if (this.#probeTimer) return;
    this.send({ type: "ping", t: Date.now() });
    const asked = Date.now();
    this.#probeTimer = setTimeout(() => {
      this.#probeTimer = 0;
      if (this.#heard < asked) this.#lost(1006);
    }, patience);
  }

  /** @param {number} code a close code of docs/protocol.md */
  #lost(code) {
    this.#drop();
    if (code in ENDINGS) return this.#finish(ENDINGS[code]);
    if (code === BAD_TOKEN && this.#stale) return this.#finish("signed-out");
    if (code === EXPIRED || code === BAD_TOKEN) this.#stale = this.#shown;
    else if (code >= 4500 && code <= 4999) return this.#finish("refused");
    if (code === TOO_FAST) this.#attempt = Math.max(this.#attempt, TOO_FAST_ATTEMPT);
    this.#setState(this.#away());
    const delay = Math.max(backoff(this.#attempt), this.#returnAt - Date.now());
    this.#attempt += 1;
    this.#returnAt = 0;
    this.#retryTimer = setTimeout(() => this.#open(), delay);
  }

  /** @param {LinkState} state ends here until `start` is called again */
  #finish(state) {
    this.#unlisten.abort();
    this.#drop();
    this.#setState(state);
  }
}
