/**
 * Messages that the server has not acknowledged, kept over a reload of the tab.
 * Invariant: an item leaves only when it is acknowledged, taken back by the person, or they sign out.
 */

/**
 * @typedef {object} Unsent
 * @property {string} client_id chosen once: a retry with it is the same message
 * @property {string|null} conversation_id null until its conversation exists
 * @property {string|null} create_id client_id of the conversation.create that has to go first
 * @property {string} text
 * @property {number} at when it was written, ms
 * @property {string} [refused] error code: stays visible, is not sent again
 */

const NAME = "nura.unsent";

export class Outbox {
  /** @type {Unsent[]} */
  #items = [];
  #storage;
  #owner;

  /** @param {string} owner user_id: another person's leftovers are dropped, never sent @param {Storage} storage */
  constructor(owner, storage = sessionStorage) {
    this.#owner = owner;
    this.#storage = storage;
    try {
      const kept = JSON.parse(storage.getItem(NAME) ?? "null");
      if (kept?.owner === owner && Array.isArray(kept.items)) this.#items = kept.items;
    } catch {
      this.#items = [];
    }
    this.#save();
  }

  #save() {
    if (this.#items.length) {
      this.#storage.setItem(NAME, JSON.stringify({ owner: this.#owner, items: this.#items }));
    } else {
      this.#storage.removeItem(NAME);
    }
  }

  /** In the order they were written. @returns {readonly Unsent[]} */
  all() {
    return this.#items;
  }

  /** @param {string} clientId @returns {Unsent|undefined} */
  get(clientId) {
    return this.#items.find((item) => item.client_id === clientId);
  }

  /** @param {Unsent} item */
  add(item) {
    this.#items.push(item);
    this.#save();
  }

  /** @param {string} clientId @returns {Unsent|undefined} the item that left */
  take(clientId) {
    const item = this.get(clientId);
    this.#items = this.#items.filter((other) => other !== item);
    this.#save();
    return item;
  }

  /** @param {string} createId @param {string} conversationId its conversation now exists */
  settle(createId, conversationId) {
    for (const item of this.#items) {
      if (item.create_id === createId) Object.assign(item, { conversation_id: conversationId, create_id: null });
    }
    this.#save();
  }

  /** @param {string} clientId @param {string} code */
  refuse(clientId, code) {
    const item = this.get(clientId);
    if (item) item.refused = code;
    this.#save();
  }

  clear() {
    this.#items = [];
    this.#save();
  }
}
