/**
 * Opens the store that the configuration names. Only its driver is loaded.
 *
 * @module
 */
import { type Config, ConfigurationError } from "../config.ts";
import { StoreRefused, type VisitorStore } from "./visitor_store.ts";

/** How a store is opened beside what the configuration says. */
export interface OpenOptions {
  /** Whether an embedded store is made where there is none; `true` unless said. */
  mayCreate?: boolean;
}

/**
 * @param use whether requests wait for its answers, or a command that takes its time
 * @throws {ConfigurationError} it cannot be opened as configured
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
