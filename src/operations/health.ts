/**
 * What probes ask: whether the process serves, whether it can answer now.
 *
 * @module
 */
import type { VisitorStore } from "../store/visitor_store.ts";

/** How the process is. */
export class Health {
  #store: VisitorStore;

  /** Whether it was asked to end: it still answers, and nobody should send it more. */
  isStopping = false;

  constructor(store: VisitorStore) {
    this.#store = store;
  }

  /** Whether requests can be answered; of the database as last heard, since a probe must not cause it any work. */
  get isReady(): boolean {
    return !this.isStopping && this.#store.isReady();
  }
}
