/**
 * A store whose operations are counted and timed.
 *
 * @module
 */
import { replaceMethods } from "../store/replaced_methods.ts";
import { StoreUnavailable, VisitorChanged, type VisitorStore } from "../store/visitor_store.ts";
import type { Metrics } from "./metrics.ts";

/** The methods that are measured, with their names in the metrics: those that requests and background work call. */
const OPERATIONS = {
  findVisitors: "find_visitors",
  getVisitors: "get_visitors",
  putVisitors: "put_visitors",
  readForWrite: "read_for_write",
  updateVisitor: "update_visitor",
  removeVisitor: "remove_visitor",
  removeOffline: "remove_offline",
  countOnline: "count_online",
  pagesOf: "pages_of",
  claimVisitor: "claim_visitor",
  endClaims: "end_claims",
  countWaiting: "count_waiting",
  countVisitors: "count_visitors",
  countUnindexed: "count_unindexed",
  takeLease: "take_lease",
  releaseLease: "release_lease",
  writePresence: "write_presence",
  connectedTo: "connected_to",
  connectedProcesses: "connected_processes",
  onlineWithoutConnection: "online_without_connection",
  endConnections: "end_connections",
  heartbeat: "heartbeat",
  forgetProcess: "forget_process",
  lookupCodesInUse: "lookup_codes_in_use",
} as const satisfies { [Name in keyof VisitorStore]?: string };

type Method = (...args: unknown[]) => Promise<unknown>;

/** Wraps a store so that its operations are counted and timed. */
export function measureStore(store: VisitorStore, metrics: Metrics): VisitorStore {
  return replaceMethods(
    store,
    Object.entries(OPERATIONS).flatMap(([name, operation]): [string, unknown][] => {
      const method = store[name as keyof typeof OPERATIONS] as Method | undefined;
      return method === undefined ? [] : [[name, measure(method.bind(store), operation)]];
    }),
  );

  function measure(method: Method, operation: string): Method {
    return async (...args: unknown[]) => {
      const start = performance.now();
      try {
        const result = await method(...args);
        metrics.countOperation(operation, "ok", performance.now() - start);
        return result;
      } catch (error) {
        metrics.countOperation(operation, outcomeOf(error), performance.now() - start);
        throw error;
      }
    };
  }
}

function outcomeOf(error: unknown): "ok" | "unavailable" | "error" {
  if (error instanceof VisitorChanged) return "ok";
  return error instanceof StoreUnavailable ? "unavailable" : "error";
}
