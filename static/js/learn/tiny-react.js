// @ts-check
/**
 * Owns a model of what React does with a component's hooks, as small as can be: one component, states, refs and effects. Under
 * StrictMode it mounts, unmounts and mounts again, as React does in development. A test compares it with React itself.
 */

/**
 * @typedef {object} Hooks
 * @property {<T>(first: T) => [T, (next: T | ((before: T) => T)) => void]} useState
 * @property {<T>(first: T) => {current: T}} useRef
 * @property {(effect: () => void | (() => void), deps?: unknown[]) => void} useEffect
 */
/** @typedef {{effect: () => void | (() => void), deps?: unknown[], cleanup?: void | (() => void), isDue: boolean}} Effect */

export class TinyReact {
  /** States, refs and effects, in the order in which the component calls the hooks. @type {any[]} */
  #cells = [];
  #next = 0;
  #isAsked = false;
  #isMounted = false;
  renderings = 0;

  /** @type {Hooks} */
  hooks = {
    useState: (first) => {
      const cell = this.#cell(() => ({value: first}));
      const set = (/** @type {any} */ next) => {
        cell.value = typeof next === "function" ? next(cell.value) : next;
        this.#renderSoon();
      };
      return [cell.value, set];
    },
    useRef: (first) => this.#cell(() => ({current: first})),
    useEffect: (effect, deps) => {
      /** @type {Effect} */
      const cell = this.#cell(() => ({effect, isDue: true}));
      const isSame = deps !== undefined && cell.deps?.every((dep, index) => Object.is(dep, deps[index]));
      cell.isDue = !isSame;
      Object.assign(cell, {effect, deps});
    },
  };

  /** @param {() => unknown} component */
  constructor(component) {
    this.component = component;
  }

  /** @param {boolean} isStrict */
  mount(isStrict) {
    this.#isMounted = true;
    this.#render();
    if (!isStrict) return;
    this.#cleanUp();
    for (const effect of this.#effects()) effect.isDue = true;
    this.#runEffects();
  }

  unmount() {
    this.#isMounted = false;
    this.#cleanUp();
  }

  /** @template T @param {() => T} make @returns {T} */
  #cell(make) {
    return (this.#cells[this.#next++] ??= make());
  }

  #render() {
    if (!this.#isMounted) return;
    this.#next = 0;
    this.renderings++;
    this.component();
    this.#runEffects();
  }

  /** States that are set in one go are drawn once. */
  #renderSoon() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    queueMicrotask(() => {
      this.#isAsked = false;
      this.#render();
    });
  }

  /** @returns {Effect[]} */
  #effects() {
    return this.#cells.filter((cell) => "effect" in cell);
  }

  /** All old ones are cleaned up before a new one runs. */
  #runEffects() {
    const due = this.#effects().filter(({isDue}) => isDue);
    for (const effect of due) effect.cleanup?.();
    for (const effect of due) {
      effect.isDue = false;
      effect.cleanup = effect.effect();
    }
  }

  #cleanUp() {
    for (const effect of this.#effects()) {
      effect.cleanup?.();
      effect.cleanup = undefined;
    }
  }
}
