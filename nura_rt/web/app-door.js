/**
 * Signing in, creating an account, and the demo person of a development server.
 * Invariant: the password leaves this form only as the body of one POST.
 */
import * as api from "./api.js";
import { byId, inputById } from "./dom.js";
import { word } from "./words.js";

/** @typedef {import("./api.js").Credentials} Credentials */
/** @typedef {import("./words.js").WordKey} WordKey */

/** @type {Record<string, WordKey>} */
const FIELD_WORDS = { email: "badEmail", password: "badPassword", display_name: "badName" };
/** @type {Record<string, string>} */
const FIELD_IDS = { email: "email", password: "password", display_name: "name" };

/** @param {unknown} error @returns {{key: WordKey, field?: string}} */
function explain(error) {
  if (!(error instanceof api.Problem)) return { key: "failed" };
  if (error.status === 0) return { key: "noAnswer" };
  if (error.status === 401) return { key: "wrongPassword", field: "password" };
  if (error.status === 409) return { key: "taken", field: "email" };
  if (error.status === 429) return { key: "tooManyTries" };
  if (error.field && error.field in FIELD_WORDS) return { key: FIELD_WORDS[error.field], field: FIELD_IDS[error.field] };
  return { key: "failed" };
}

export class Door {
  #place = byId("door");
  #form = /** @type {HTMLFormElement} */ (byId("door-form"));
  #problem = byId("door-problem");
  #creating = false;
  #busy = false;
  /** @type {{email: string, password: string}|null} */ #demo = null;
  #onSignedIn;

  /** @param {(credentials: Credentials) => void} onSignedIn */
  constructor(onSignedIn) {
    this.#onSignedIn = onSignedIn;
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    byId("door-other").onclick = () => this.#choose(!this.#creating);
    byId("demo").onclick = () => {
      const demo = this.#demo;
      if (demo) this.#try(() => api.signIn(demo.email, demo.password));
    };
  }

  /** @param {WordKey} [why] a sentence to start with */
  async show(why) {
    this.#place.hidden = false;
    this.#choose(false);
    if (why) this.#tell({ key: why, calm: true });
    if (matchMedia("(pointer: fine)").matches) inputById("email").focus(); // on a phone it would open the keyboard
    try {
      const modes = await api.modes();
      this.#demo = modes.demo;
      byId("door-demo").hidden = !modes.demo;
      byId("door-fields").hidden = modes.mode !== "local";
      if (modes.mode !== "local") this.#tell({ key: "elsewhere", calm: true });
    } catch (error) {
      this.#tell(explain(error));
    }
  }

  hide() {
    this.#place.hidden = true;
    this.#form.reset();
    this.#tell(null);
  }

  /** @param {boolean} creating */
  #choose(creating) {
    this.#creating = creating;
    byId("door-title").textContent = word(creating ? "signUpTitle" : "signInTitle");
    byId("door-go").textContent = word(creating ? "signUp" : "signIn");
    byId("door-other").textContent = word(creating ? "toSignIn" : "toSignUp");
    byId("name-field").hidden = !creating;
    inputById("password").autocomplete = creating ? "new-password" : "current-password";
    this.#tell(null);
  }

  #submit() {
    const email = inputById("email").value.trim();
    const password = inputById("password").value;
    const name = inputById("name").value.trim();
    if (!email) return this.#tell({ key: "emailMissing", field: "email" });
    if (!password) return this.#tell({ key: "passwordMissing", field: "password" });
    return this.#try(() => (this.#creating ? api.signUp(email, password, name) : api.signIn(email, password)));
  }

  /** @param {() => Promise<Credentials>} ask */
  async #try(ask) {
    if (this.#busy) return;
    this.#busy = true;
    this.#form.setAttribute("aria-busy", "true");
    try {
      const credentials = await ask();
      this.hide();
      this.#onSignedIn(credentials);
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
    for (const id of ["name", "email", "password"]) {
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
