/**
 * Announces this process's own writes, so that caches and streams are refreshed at once and not with the next poll.
 *
 * @module
 */
import { replaceMethods } from "./replaced_methods.ts";
import type { VisitorStore } from "./visitor_store.ts";

/**
 * Called after a write.
 *
 * @param shortIds of the visitors that may have changed; `null`: any may have
 */
export type WriteListener = (shortIds: string[] | null) => void;

type Method = (...args: never[]) => Promise<unknown>;

/** For each method that writes: the short ids of the visitors it may change, from its arguments; `null`: unknown. */
const WRITTEN = {
  putVisitors: (visitors) => visitors.map(({ short_id }) => short_id),
  updateVisitor: (shortId) => [shortId],
  removeVisitor: (shortId) => [shortId],
  removeOffline: () => null,
  claimVisitor: (shortId) => [shortId],
  endClaims: () => null,
  writePresence: (_process, writes) => writes.map(({ shortId }) => shortId),
  endConnections: () => null,
} satisfies {
  [Name in keyof VisitorStore]?: VisitorStore[Name] extends Method
    ? (...args: Parameters<VisitorStore[Name]>) => string[] | null
    : never;
};

/** Wraps a store and announces its writes, failed ones too, since a failed write may have been done in part. */
export class WriteEvents {
  readonly store: VisitorStore;
  #listeners: WriteListener[] = [];

  constructor(store: VisitorStore) {
    this.store = replaceMethods(
      store,
      Object.entries(WRITTEN).map(([name, written]) => {
        const method = store[name as keyof typeof WRITTEN] as Method;
        return [name, this.#announce(method.bind(store), written as (...args: never[]) => string[] | null)];
      }),
    );
  }

  /** Registers a function that is called after each write. */
  listen(listener: WriteListener) {
    this.#listeners.push(listener);
  }

  #announce(method: Method, written: (...args: never[]) => string[] | null): Method {
    return async (...args) => {
      try {
        return await method(...args);
      } finally {
        const shortIds = written(...args);
        for (const listener of this.#listeners) listener(shortIds);
      }
    };
  }
}
