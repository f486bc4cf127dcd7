/**
 * The state that the probes `/live` and `/ready` report.
 *
 * @module
 */
import type { VisitorStore } from "../store/visitor_store.ts";

/** The health of this process. */
export class Health {
  #store: VisitorStore;

  /** Whether the process was asked to stop: it still answers, but should be sent no more requests. */
  isStopping = false;

  constructor(store: VisitorStore) {
    this.#store = store;
  }

  /** Whether requests can be answered. Makes no database operation, since probes must not cause load. */
  get isReady(): boolean {
    return !this.isStopping && this.#store.isReady();
  }
}
