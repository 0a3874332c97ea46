/**
 * One quiet form: signing in, creating an account, a forgotten password, a new one; and the demo person.
 * Invariant: the password leaves this form only as the body of one POST.
 */
import * as api from "./api.js";
import { byId, inputById, within } from "./dom.js";
import { explain } from "./problems.js";
import { word } from "./words.js";

/** @typedef {import("./api.js").Credentials} Credentials */
/** @typedef {import("./words.js").WordKey} WordKey */
/** @typedef {"signIn"|"signUp"|"forgot"|"reset"} Kind */
/** @typedef {{title: WordKey, lead: WordKey, go: WordKey, other: WordKey, password: WordKey, fields: string[]}} Form */

const FIELDS = ["name", "email", "password"];
/** @type {Record<Kind, Form>} */
const FORMS = {
  signIn: {
    title: "signInTitle", lead: "signInLead", go: "signIn", other: "toSignUp",
    password: "password", fields: ["email", "password"],
  },
  signUp: {
    title: "signUpTitle", lead: "signInLead", go: "signUp", other: "toSignIn",
    password: "password", fields: FIELDS,
  },
  forgot: {
    title: "forgotTitle", lead: "forgotLead", go: "forgotGo", other: "backToSignIn",
    password: "password", fields: ["email"],
  },
  reset: {
    title: "resetTitle", lead: "resetLead", go: "resetGo", other: "backToSignIn",
    password: "newPassword", fields: ["password"],
  },
};
/** @type {Record<string, WordKey>} */
const MISSING = { email: "emailMissing", password: "passwordMissing" };

export class Door {
  #place = byId("door");
  #form = /** @type {HTMLFormElement} */ (byId("door-form"));
  #problem = byId("door-problem");
  /** @type {Kind} */ #kind = "signIn";
  #link = ""; // the token of a letter's link
  #busy = false;
  /** @type {import("./api.js").Modes|null} */ #modes = null;
  #onSignedIn;
  #onBack;

  /** @param {(credentials: Credentials) => void} onSignedIn @param {() => boolean} onBack true when there is a room to go back to */
  constructor(onSignedIn, onBack) {
    this.#onSignedIn = onSignedIn;
    this.#onBack = onBack;
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    byId("door-other").onclick = () => this.#other();
    byId("door-forgot").onclick = () => this.#choose("forgot");
    byId("demo").onclick = () => {
      const demo = this.#modes?.demo;
      if (demo) this.#try(async () => this.#signedIn(await api.signIn(demo.email, demo.password)));
    };
  }

  /** A letter's link is being followed: another tab's news can wait. */
  get resetting() {
    return !this.#place.hidden && this.#kind === "reset";
  }

  /** @param {WordKey} [why] a sentence to start with */
  async show(why) {
    await this.#open("signIn", why);
  }

  /** @param {string} token of the letter's link: a new password may be chosen */
  async reset(token) {
    this.#link = token;
    await this.#open("reset");
  }

  /** @param {WordKey} key a sentence above the form, for something that went as it should */
  say(key) {
    this.#tell({ key, calm: true });
  }

  hide() {
    this.#place.hidden = true;
    this.#form.reset();
    this.#tell(null);
  }

  /** @param {Kind} kind @param {WordKey} [why] */
  async #open(kind, why) {
    this.#place.hidden = false;
    this.#choose(kind);
    if (why) this.say(why);
    try {
      this.#modes = await api.modes();
      this.#arrange();
      if (this.#modes.mode !== "local") this.say("elsewhere");
    } catch (error) {
      this.#tell(explain(error));
    }
  }

  /** @param {Kind} kind */
  #choose(kind) {
    const form = FORMS[kind];
    this.#kind = kind;
    byId("door-title").textContent = word(form.title);
    byId("door-lead").textContent = word(form.lead);
    byId("door-go").textContent = word(form.go);
    byId("door-other").textContent = word(form.other);
    within(byId("password-field"), "label").textContent = word(form.password);
    for (const field of FIELDS) byId(`${field}-field`).hidden = !form.fields.includes(field);
    const password = inputById("password");
    password.autocomplete = kind === "signIn" ? "current-password" : "new-password";
    password.value = "";
    this.#arrange();
    this.#tell(null);
    if (matchMedia("(pointer: fine)").matches) inputById(kind === "reset" ? "password" : "email").focus(); // on a phone it would open the keyboard
  }

  /** What this server has no use for is not shown. */
  #arrange() {
    byId("door-demo").hidden = !this.#modes?.demo || this.#kind === "forgot" || this.#kind === "reset";
    byId("door-fields").hidden = this.#modes !== null && this.#modes.mode !== "local";
    byId("door-forgot").hidden = this.#kind !== "signIn";
  }

  #other() {
    if (this.#kind === "reset" && this.#onBack()) return;
    this.#choose(this.#kind === "signIn" ? "signUp" : "signIn");
  }

  #submit() {
    const email = inputById("email").value.trim();
    const password = inputById("password").value;
    const name = inputById("name").value.trim();
    const written = /** @type {Record<string, string>} */ ({ email, password });
    const missing = FORMS[this.#kind].fields.find((field) => field in MISSING && !written[field]);
    if (missing) return this.#tell({ key: MISSING[missing], field: missing });
    switch (this.#kind) {
      case "signIn": return this.#try(async () => this.#signedIn(await api.signIn(email, password)));
      case "signUp": return this.#try(async () => this.#signedIn(await api.signUp(email, password, name)));
      case "forgot": return this.#try(() => api.forgotPassword(email).then(() => this.#back("forgotSent")));
      case "reset": return this.#try(() => this.#reset(password));
    }
  }

  /** @param {string} password */
  async #reset(password) {
    try {
      await api.resetPassword(this.#link, password);
    } catch (error) {
      if (!(error instanceof api.Problem) || error.kind !== "bad-link") throw error;
      this.#choose("forgot");
      return this.#tell({ key: "linkOld" });
    }
    this.#back("resetDone");
  }

  /** @param {WordKey} said */
  #back(said) {
    this.#choose("signIn");
    this.say(said);
  }

  /** @param {Credentials} credentials */
  #signedIn(credentials) {
    this.hide();
    this.#onSignedIn(credentials);
  }

  /** @param {() => Promise<void>} ask */
  async #try(ask) {
    if (this.#busy) return;
    this.#busy = true;
    this.#form.setAttribute("aria-busy", "true");
    try {
      await ask();
    } catch (error) {
      this.#tell(explain(error));
    } finally {
      this.#busy = false;
      this.#form.removeAttribute("aria-busy");
    }
  }

  /** @param {{key: WordKey, field?: string, calm?: boolean}|null} problem the field is marked and gets the focus */
  #tell(problem) {
    this.#problem.hidden = !problem;
    this.#problem.classList.toggle("calm", problem?.calm ?? false);
    this.#problem.textContent = problem ? word(problem.key) : "";
    for (const id of FIELDS) {
      inputById(id).removeAttribute("aria-invalid");
      inputById(id).removeAttribute("aria-describedby");
    }
    if (!problem?.field) return;
    const input = inputById(problem.field);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", this.#problem.id);
    input.focus();
  }
}
