/**
 * The message box: Enter sends, Shift and Enter starts a line, Esc goes up to the messages and back.
 * Invariant: what is typed leaves the box only by being sent.
 */
import { byId, inputById } from "./dom.js";
import { word } from "./words.js";

const WARN_AT = 200; // characters left
const DEFAULT_LIMIT = 4000;

export class Composer {
  #form = byId("composer");
  #box = inputById("box");
  #count = byId("count");
  #limit = DEFAULT_LIMIT;
  #onSend;

  /** @param {(text: string) => void} onSend */
  constructor(onSend) {
    this.#onSend = onSend;
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#send();
    };
    this.#box.oninput = () => this.#fit();
    this.#box.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    };
    addEventListener("keydown", (event) => this.#onEscape(event));
  }

  /** @param {KeyboardEvent} event */
  #onEscape(event) {
    if (event.key !== "Escape" || event.isComposing || byId("room").hidden) return;
    if (document.activeElement === this.#box) byId("scroll").focus();
    else this.focus();
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  /** @param {number} codePoints as `welcome.limits.text_chars` says */
  limitTo(codePoints) {
    this.#limit = codePoints;
    this.#fit();
  }

  /** For the next person at this screen. */
  clear() {
    this.#box.value = "";
    this.#fit();
  }

  /** @param {string} text put back for editing, after what is already there */
  restore(text) {
    this.#box.value = this.#box.value ? `${this.#box.value}\n${text}` : text;
    this.#fit();
    this.focus();
  }

  #left() {
    return this.#limit - [...this.#box.value.trim()].length;
  }

  #fit() {
    const left = this.#left();
    if (left < 0) this.#count.textContent = word("over", { n: -left });
    else this.#count.textContent = left <= WARN_AT ? word("left", { n: left }) : "";
    this.#box.setAttribute("aria-invalid", String(left < 0));
    if (CSS.supports("field-sizing", "content")) return;
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }

  #send() {
    const text = this.#box.value.trim();
    if (!text || this.#left() < 0) return this.focus();
    this.#box.value = "";
    this.#fit();
    this.#onSend(text);
    this.focus();
  }
}
