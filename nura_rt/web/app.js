/**
 * The page: who is here, what is open, and which part hears what.
 * Invariant: this is the only file that knows all parts; a part never reaches into another.
 */
import * as api from "./api.js";
import { Account } from "./app-account.js";
import { ConversationView } from "./app-conversation.js";
import { Door } from "./app-door.js";
import { takeLink } from "./app-links.js";
import { ConversationList, titleOf } from "./app-list.js";
import { showState } from "./app-state.js";
import { SupportCard } from "./app-support.js";
import { RealtimeClient } from "./client.js";
import * as credentials from "./credentials.js";
import { byId } from "./dom.js";
import { explain } from "./problems.js";
import { signOut, Tokens } from "./tokens.js";
import { fillWords, language, word } from "./words.js";

class App {
  /** @type {RealtimeClient|null} */ #client = null;
  #userId = "";
  /** @type {string|undefined} */ #signIn;
  #tokens = new Tokens("", () => {});
  /** @type {import("./tokens.js").Ask} */ #ask = (request) => this.#tokens.ask(request);
  #door = new Door((signedIn) => this.#enter(credentials.keep(signedIn)), () => this.#return());
  #account = new Account(this.#ask, (button) => this.#signOut(button));
  #support = new SupportCard(
    (text) => (byId("announcer").textContent = text),
    (noticeId) => this.#client?.ackNotice(noticeId),
  );
  #list = new ConversationList(this.#ask, (conversation) => {
    this.#support.standing(conversation);
    if (conversation.conversation_id === this.#view.id) byId("title").textContent = titleOf(conversation);
  });
  #view = new ConversationView({
    ask: this.#ask,
    onStarted: (id) => location.replace(`#/c/${encodeURIComponent(id)}`),
    onSeen: (id, seq) => this.#list.read(id, seq),
  });

  begin() {
    addEventListener("hashchange", () => this.#followLink() || (this.#client && this.#route()));
    credentials.watch(() => this.#otherTab());
    byId("sign-out").onclick = () => this.#signOut(byId("sign-out"));
    byId("skip").onclick = (event) => {
      event.preventDefault();
      this.#view.focus();
    };
    if (!this.#followLink()) this.#begin();
  }

  #begin() {
    if (!this.#return()) void this.#door.show();
  }

  /** @returns {boolean} false when nobody is signed in */
  #return() {
    const known = credentials.read();
    if (!known) return false;
    this.#door.hide();
    this.#enter(known);
    return true;
  }

  /** A letter's link was opened here. @returns {boolean} */
  #followLink() {
    const link = takeLink(this.#client || credentials.read() ? "#/account" : "");
    if (link?.kind === "verify") void this.#verify(link.token);
    if (link?.kind === "reset") {
      this.#close();
      void this.#door.reset(link.token);
    }
    return link !== null;
  }

  /** @param {string} token */
  async #verify(token) {
    if (this.#client) this.#route();
    else this.#begin();
    const problem = await api.verifyEmail(token).then(() => null, explain);
    const said = problem?.key ?? "confirmed";
    if (this.#client) this.#account.linkFollowed(said, !problem);
    else this.#door.say(said);
  }

  /** @param {credentials.Kept} known */
  #enter({ user_id: userId, sign_in: signIn }) {
    if (userId !== this.#userId) this.#view.forgetDraft();
    this.#userId = userId;
    this.#signIn = signIn;
    const tokens = new Tokens(signIn, (why) => this.#tokens === tokens && this.#leave(why));
    this.#tokens = tokens;
    const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/socket`;
    const client = new RealtimeClient({ url, userId, token: (stale) => tokens.forSocket(stale) });
    client.on("state", (state) => {
      showState(state, () => client.start());
      if (state === "signed-out") this.#leave("signedOut");
      if (state === "revoked" || state === "gone") this.#leave(state);
    });
    client.on("welcome", () => {
      void this.#list.load();
      void this.#support.prepare();
    });
    client.on("conversation.changed", (frame) => this.#list.changed(frame.conversation));
    client.on("conversation.removed", (frame) => {
      this.#list.removed(frame.conversation_id);
      this.#label();
    });
    client.on("read", (frame) => this.#list.read(frame.conversation_id, frame.seq));
    client.on("doubt", () => void this.#list.load());
    client.on("message", (message) => this.#list.heard(message));
    client.on("support", (frame) => this.#support.notice(frame));
    this.#client = client;
    this.#view.attach(client);
    byId("room").hidden = false;
    showState("connecting", () => {});
    // Opened before the socket is, so that words waiting for their conversation are seen to go out.
    if (!location.hash && client.unsent.some((item) => item.create_id)) history.replaceState(null, "", "#/new");
    const isPlace = () => /^#\/(new|account|c\/)/.test(location.hash);
    if (isPlace()) this.#route();
    client.start();
    void this.#account.learn();
    // Whoever went somewhere while the list came is left there.
    void this.#list.load().then(() => this.#client === client && (isPlace() ? this.#label() : this.#route()));
  }

  /** What was written and not sent stays. @param {import("./words.js").WordKey} [why] a sentence for the door */
  #leave(why) {
    if (!this.#client) return;
    credentials.forget(this.#signIn);
    this.#close();
    if (!this.#return()) void this.#door.show(why); // unless another tab has signed in meanwhile
  }

  #close() {
    this.#client?.stop();
    this.#client = null;
    this.#view.close();
    this.#list.clear();
    this.#support.clear();
    this.#account.clear();
    byId("announcer").textContent = "";
    byId("room").hidden = true;
  }

  /** @param {HTMLElement} button asks once more where words would be lost */
  #signOut(button) {
    const unsent = this.#client?.unsent.length ?? 0;
    const label = button.querySelector("span") ?? button;
    const sure = word("signOutUnsent", { n: unsent });
    if (unsent && label.textContent !== sure) {
      button.removeAttribute("aria-label");
      label.textContent = sure;
      return;
    }
    label.textContent = word("signOut");
    const kept = credentials.read();
    this.#client?.discardUnsent();
    this.#view.forgetDraft();
    this.#leave(); // before the server is told: other tabs leave by themselves and are not turned out
    if (kept) void signOut(kept);
    location.replace("#");
  }

  /** Another tab signed in or out: this one follows. */
  #otherTab() {
    const known = credentials.read();
    if (!known) return this.#leave("signedOut");
    if (this.#door.resetting || (this.#client && known.sign_in === this.#signIn)) return;
    this.#close();
    this.#return();
  }

  /** `#/` the list, `#/new`, `#/account`, `#/c/ID`; without any the newest conversation. */
  #route() {
    const newest = this.#list.newest()?.conversation_id;
    if (!location.hash && newest) {
      location.replace(`#/c/${encodeURIComponent(newest)}`);
      return;
    }
    const id = /^#\/c\/(.+)$/.exec(location.hash)?.[1];
    const listing = location.hash === "#/";
    const account = location.hash === "#/account";
    byId("room").dataset.view = account ? "account" : listing ? "list" : "conversation";
    byId("to-account").setAttribute("aria-current", account ? "page" : "false");
    if (account) {
      this.#list.select("");
      void this.#account.open();
      return;
    }
    if (id) this.#view.open(decodeURIComponent(id));
    else if (!listing) this.#view.openNew();
    else if (!this.#view.id && newest) this.#view.open(newest); // on a wide page it stands beside the list
    this.#support.show(this.#view.id);
    this.#label();
    if (!listing && matchMedia("(pointer: fine)").matches) this.#view.focus(); // on a phone it would open the keyboard
  }

  #label() {
    const id = this.#view.id;
    const conversation = this.#list.get(id);
    byId("title").textContent = conversation ? titleOf(conversation) : word(id ? "untitled" : "newConversation");
    this.#list.select(id);
  }
}

document.documentElement.lang = language;
fillWords(document);
new App().begin();
