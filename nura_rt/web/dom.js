/**
 * The few ways in which the page makes and finds elements.
 * Invariant: text enters the document as text nodes only, never as markup.
 */

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no #${id}`);
  return node;
}

/** @param {string} id @returns {HTMLInputElement} */
export const inputById = (id) => /** @type {HTMLInputElement} */ (byId(id));

/** @param {ParentNode} root @param {string} selector @returns {HTMLElement} */
export function within(root, selector) {
  const node = root.querySelector(selector);
  if (!(node instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return node;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** @param {string} name one of the symbols in index.html @returns {SVGElement} */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Shows a sentence with at most one action, or hides the place of it.
 * @param {HTMLElement} place holds a p and a button, perhaps an h2
 * @param {{title?: string, text: string, action?: string, onAction?: () => void}|null} what
 */
export function say(place, what) {
  place.hidden = !what;
  const button = /** @type {HTMLButtonElement} */ (within(place, "button"));
  const title = place.querySelector("h2");
  within(place, "p").textContent = what?.text ?? "";
  if (title instanceof HTMLElement) {
    title.hidden = !what?.title;
    title.textContent = what?.title ?? "";
  }
  button.hidden = !what?.action;
  button.textContent = what?.action ?? "";
  button.onclick = what?.onAction ?? null;
}
