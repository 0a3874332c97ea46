/**
 * Keeps the newest message in view while the person is at the end, and leaves them alone when they are not.
 * Invariant: the page scrolls by itself only when the end was already in view.
 */

const NEAR_PX = 48;

export class Follow {
  #scroll;
  #newer;
  #following = true;
  #onEnd;

  /** @param {HTMLElement} scroll @param {HTMLElement} newer button that leads to the end @param {() => void} onEnd it is in view */
  constructor(scroll, newer, onEnd) {
    this.#scroll = scroll;
    this.#newer = newer;
    this.#onEnd = onEnd;
    scroll.addEventListener("scroll", () => this.#look(), { passive: true });
    newer.onclick = () => this.toEnd();
    const watcher = new ResizeObserver(() => this.#following && this.toEnd());
    watcher.observe(scroll);
    for (const child of scroll.children) watcher.observe(child);
  }

  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    this.#following = scrollHeight - clientHeight - scrollTop < NEAR_PX;
    if (!this.#following) return;
    this.#newer.hidden = true;
    this.#onEnd();
  }

  /** Whether somebody who looks sees the newest message. */
  get atEnd() {
    return this.#following && this.#scroll.clientHeight > 0; // 0: another view stands in its place
  }

  toEnd() {
    this.#following = true;
    this.#newer.hidden = true;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  /** Something new stands at the end; says so to somebody who is reading further up. */
  arrived() {
    if (!this.#following) this.#newer.hidden = false;
  }

  /** @param {() => void} prepend adds above without moving what is being read */
  holding(prepend) {
    const before = this.#scroll.scrollHeight - this.#scroll.scrollTop;
    prepend();
    this.#scroll.scrollTop = this.#scroll.scrollHeight - before;
  }
}
