/**
 * A store with some methods replaced.
 *
 * @module
 */
import type { VisitorStore } from "./visitor_store.ts";

/**
 * A proxy of a store in which some methods are replaced. The other methods are bound once and cached, since
 * `version` is called with each read of a list.
 */
export function replaceMethods(
  store: VisitorStore,
  replacements: [name: string, method: unknown][],
): VisitorStore {
  const methods = new Map<string | symbol, unknown>(replacements);
  return new Proxy(store, {
    get(target, name) {
      if (methods.has(name)) return methods.get(name);
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      methods.set(name, value.bind(target));
      return methods.get(name);
    },
  });
}
