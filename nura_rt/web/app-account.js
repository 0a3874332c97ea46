/**
 * The account corner: whose it is, whether the address is confirmed, and where they are signed in.
 * Invariant: nothing here is shown from memory; the list is read again each time it is opened or changed.
 */
import * as api from "./api.js";
import { byId, el, say } from "./dom.js";
import { explain } from "./problems.js";
import { clock, day, word } from "./words.js";

/** @typedef {import("./api.js").Session} Session */
/** @typedef {import("./words.js").WordKey} WordKey */

/** "Firefox on Linux", in the page's language. @param {string|null} device */
function nameOf(device) {
  const [, browser, system] = /^(.+) on (.+)$/.exec(device ?? "") ?? [];
  return browser ? word("deviceOn", { browser, system }) : (device ?? word("someDevice"));
}

/** @param {Session} session */
function seenAt({ current, last_seen_at: at }) {
  if (current) return word("thisDevice");
  const when = day(at) === day(new Date()) ? clock(at) : `${day(at)}, ${clock(at)}`;
  return word("lastSeen", { when });
}

export class Account {
  #said = byId("account-said");
  #sessions = byId("sessions");
  #others = byId("others");
  #email = "";
  #confirmedHere = false; // by a link just now: the profile may be half a minute behind
  #ask;
  #onSignOut;

  /** @param {import("./tokens.js").Ask} ask @param {(button: HTMLElement) => void} onSignOut of this device */
  constructor(ask, onSignOut) {
    this.#ask = ask;
    this.#onSignOut = onSignOut;
    this.#others.onclick = () => this.#endOthers();
  }

  /** For the list: is there a corner at all, and does it want a look. Silent where nothing answers. */
  async learn() {
    const modes = await api.modes().catch(() => null);
    byId("to-account").hidden = modes?.mode !== "local";
    if (modes?.mode === "local") await this.#readMe().catch(() => {});
  }

  /** @param {WordKey} [said] a sentence to begin with */
  async open(said) {
    this.#say(said ? word(said) : "");
    byId("account-title").focus({ preventScroll: true });
    await Promise.all([this.#readMe().catch(() => {}), this.#read()]);
  }

  /** @param {WordKey} said what became of a letter's link @param {boolean} confirmed */
  linkFollowed(said, confirmed) {
    this.#confirmedHere ||= confirmed;
    this.#say(word(said));
    if (confirmed) this.#showUnconfirmed(false);
  }

  clear() {
    this.#email = "";
    this.#confirmedHere = false;
    this.#say("");
    this.#showUnconfirmed(false);
    byId("account-email").textContent = "";
    byId("to-account").hidden = true;
    this.#sessions.replaceChildren();
    this.#others.hidden = true;
  }

  /** @param {string} text */
  #say(text) {
    this.#said.textContent = text;
  }

  async #readMe() {
    const me = await this.#ask(api.me);
    this.#email = me.email ?? "";
    byId("account-email").textContent = me.email ? word("signedInAs", { email: me.email }) : "";
    this.#showUnconfirmed(me.email !== null && !me.email_confirmed && !this.#confirmedHere);
  }

  /** @param {boolean} wanted */
  #showUnconfirmed(wanted) {
    byId("to-account-note").hidden = !wanted;
    const again = { action: word("sendAgain"), onAction: () => void this.#sendAgain() };
    say(byId("unconfirmed"), wanted ? { text: word("unconfirmed"), ...again } : null);
  }

  async #sendAgain() {
    await this.#try(async () => {
      const { sent } = await this.#ask(api.resendVerification);
      if (!sent) this.#showUnconfirmed(false);
      this.#say(sent ? word("sentAgain", { email: this.#email }) : word("confirmed"));
    });
  }

  async #read() {
    const state = byId("sessions-state");
    try {
      const sessions = await this.#ask(api.sessions);
      sessions.sort((a, b) => Number(b.current) - Number(a.current));
      this.#sessions.replaceChildren(...sessions.map((session, index) => this.#row(session, index)));
      this.#others.hidden = sessions.length < 2;
      say(state, null);
    } catch (error) {
      this.#sessions.replaceChildren();
      this.#others.hidden = true;
      say(state, { text: word(explain(error).key), action: word("tryAgain"), onAction: () => void this.#read() });
    }
  }

  /** @param {Session} session @param {number} index @returns {HTMLElement} */
  #row(session, index) {
    const device = nameOf(session.device);
    const seen = el("p", { class: "small soft", id: `seen-${index}` }, seenAt(session));
    const end = el("button", {
      class: "button quiet", type: "button",
      "aria-label": word("signOutOf", { device }), "aria-describedby": seen.id,
    }, word("signOut"));
    end.onclick = () => (session.current ? this.#onSignOut(end) : this.#end(session));
    const about = el("div", {}, el("p", { class: "name" }, device), seen);
    return el("li", session.current ? { "aria-current": "true" } : {}, about, end);
  }

  /** @param {Session} session */
  async #end(session) {
    await this.#try(async () => {
      await this.#ask((token) => api.endSession(token, session.session_id)).catch((error) => {
        if (error.status !== 404) throw error; // it had ended already
      });
      await this.#ended(word("endedOne", { device: nameOf(session.device) }));
    });
  }

  async #endOthers() {
    await this.#try(async () => {
      const { ended } = await this.#ask(api.endOtherSessions);
      await this.#ended(word("endedOthers", { n: ended }));
    });
  }

  /** The button that was pressed is gone: the focus goes up to its list. @param {string} text */
  async #ended(text) {
    await this.#read();
    this.#say(text);
    byId("sessions-title").focus({ preventScroll: true });
  }

  /** @param {() => Promise<void>} work */
  async #try(work) {
    this.#say("");
    try {
      await work();
    } catch (error) {
      this.#say(word(explain(error).key));
    }
  }
}
