/**
 * The state that probes ask for.
 *
 * @module
 */
import type { VisitorStore } from "../store/visitor_store.ts";

/** The state of this process. */
export class Health {
  #store: VisitorStore;

  /** Whether it was asked to end: it still answers, but should get no more requests. */
  isStopping = false;

  constructor(store: VisitorStore) {
    this.#store = store;
  }

  /** Whether requests can be answered. Costs no database operation, since probes must not cause any. */
  get isReady(): boolean {
    return !this.isStopping && this.#store.isReady();
  }
}
