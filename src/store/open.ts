/**
 * Opens the store that the configuration names. The other store's code and driver are not loaded.
 *
 * @module
 */
import { type Config, ConfigurationError } from "../config.ts";
import { StoreRefused, type VisitorStore } from "./visitor_store.ts";

/** Options of {@link openStore}. */
export interface OpenOptions {
  /** Whether the embedded store's file is created if it does not exist; default `true`. */
  mayCreate?: boolean;
}

/**
 * Opens the configured store.
 *
 * @param use `request`: each operation has a request's time budget; `command`: operations have none
 * @param log receives sentences about the store's background work
 * @throws {ConfigurationError} the store cannot be opened as configured
 */
export async function openStore(
  config: Config["store"],
  use: "request" | "command",
  log: (sentence: string, level?: "warning") => void,
  { mayCreate = true }: OpenOptions = {},
): Promise<VisitorStore> {
  try {
    if (config.kind === "mongodb") {
      const { openMongoStore } = await import("./mongodb/store.ts");
      return openMongoStore({ uri: config.uri, collection: config.collection, use, log });
    }
    const { openSqliteStore } = await import("./sqlite/store.ts");
    return openSqliteStore(config.path, { use, mayCreate, log });
  } catch (error) {
    if (!(error instanceof StoreRefused)) throw error;
    throw new ConfigurationError([
      config.kind === "mongodb"
        ? ConfigurationError.line(
          "MONGO_URI",
          `a value that is not shown (${error.message})`,
        )
        : ConfigurationError.line(
          "SQLITE_PATH",
          `${JSON.stringify(config.path)} (${error.message})`,
          mayCreate ? "a Foyer database, or a path where one can be made" : "a Foyer database",
        ),
    ]);
  }
}
