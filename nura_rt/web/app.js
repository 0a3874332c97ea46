/**
 * The page: who is here, what is open, and which part hears what.
 * Invariant: this is the only file that knows all parts; a part never reaches into another.
 */
import { ConversationView } from "./app-conversation.js";
import { Door } from "./app-door.js";
import { ConversationList, titleOf } from "./app-list.js";
import { showState } from "./app-state.js";
import { SupportCard } from "./app-support.js";
import { RealtimeClient } from "./client.js";
import * as credentials from "./credentials.js";
import { byId, within } from "./dom.js";
import { fillWords, language, word } from "./words.js";

class App {
  /** @type {RealtimeClient|null} */ #client = null;
  #userId = "";
  #token = () => credentials.read()?.access_token ?? "";
  #door = new Door((signedIn) => {
    credentials.keep(signedIn);
    this.#enter(signedIn.user_id);
  });
  #support = new SupportCard(this.#token, (text) => (byId("announcer").textContent = text));
  #list = new ConversationList(this.#token, (conversation) => {
    this.#support.standing(conversation);
    if (conversation.conversation_id === this.#view.id) byId("title").textContent = titleOf(conversation);
  });
  #view = new ConversationView({
    token: this.#token,
    onSignedOut: () => this.#leave("signedOut"),
    onStarted: (id) => location.replace(`#/c/${encodeURIComponent(id)}`),
  });

  begin() {
    addEventListener("hashchange", () => this.#client && this.#route());
    credentials.watch(() => this.#otherTab());
    byId("sign-out").onclick = () => this.#signOut();
    byId("skip").onclick = (event) => {
      event.preventDefault();
      this.#view.focus();
    };
    const known = credentials.read();
    if (known) this.#enter(known.user_id);
    else void this.#door.show();
  }

  /** @param {string} userId */
  #enter(userId) {
    if (userId !== this.#userId) this.#view.forgetDraft();
    this.#userId = userId;
    const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/socket`;
    const client = new RealtimeClient({ url, userId, token: () => this.#token() || null });
    client.on("state", (state) => {
      showState(state, () => client.start());
      if (state === "signed-out") this.#leave("signedOut");
    });
    client.on("welcome", () => {
      void this.#loadList();
      void this.#support.prepare();
    });
    client.on("conversation.changed", (frame) => this.#list.changed(frame.conversation));
    client.on("message", (message) => this.#list.heard(message));
    client.on("support", (frame) => this.#support.notice(frame));
    this.#client = client;
    this.#view.attach(client);
    byId("room").hidden = false;
    showState("connecting", () => {});
    // Opened before the socket is, so that words waiting for their conversation are seen to go out.
    if (!location.hash && client.unsent.some((item) => item.create_id)) history.replaceState(null, "", "#/new");
    const asked = /^#\/(new|c\/)/.test(location.hash);
    if (asked) this.#route();
    client.start();
    void this.#loadList().then(() => this.#client === client && (asked ? this.#label() : this.#route()));
  }

  async #loadList() {
    try {
      await this.#list.load();
    } catch {
      this.#leave("signedOut");
    }
  }

  /** @param {import("./words.js").WordKey} [why] a sentence for the door */
  #leave(why) {
    if (!this.#client) return;
    credentials.forget();
    this.#close();
    void this.#door.show(why);
  }

  #close() {
    this.#client?.stop();
    this.#client = null;
    this.#view.close();
    this.#list.clear();
    this.#support.clear();
    byId("announcer").textContent = "";
    byId("room").hidden = true;
  }

  #signOut() {
    const unsent = this.#client?.unsent.length ?? 0;
    const label = within(byId("sign-out"), "span");
    const sure = word("signOutUnsent", { n: unsent });
    if (unsent && label.textContent !== sure) {
      label.textContent = sure;
      return;
    }
    label.textContent = word("signOut");
    this.#client?.discardUnsent();
    this.#view.forgetDraft();
    this.#leave();
    location.replace("#");
  }

  /** Another tab signed in or out: this one follows. */
  #otherTab() {
    const known = credentials.read();
    if (!known) return this.#leave("signedOut");
    if (this.#client && known.user_id === this.#userId) return;
    this.#close();
    this.#door.hide();
    this.#enter(known.user_id);
  }

  /** `#/` the list, `#/new`, `#/c/ID`; without any the newest conversation. */
  #route() {
    const newest = this.#list.newest()?.conversation_id;
    if (!location.hash && newest) {
      location.replace(`#/c/${encodeURIComponent(newest)}`);
      return;
    }
    const id = /^#\/c\/(.+)$/.exec(location.hash)?.[1];
    const listing = location.hash === "#/";
    byId("room").dataset.view = listing ? "list" : "conversation";
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
