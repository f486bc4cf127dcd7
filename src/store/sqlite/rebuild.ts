/**
 * Rebuilds a file of an earlier version, or with other attributes, from its documents. May be stopped at any time; the
 * next start continues.
 *
 * @module
 */
import { visitorOfOther } from "./document.ts";
import type { Connection } from "./file.ts";
import type { SqliteVisitors } from "./visitors.ts";

/** The number of documents that one step stores. */
const STEP = 500;

/** The number of documents that a rebuild has still to store; 0 if there is nothing to rebuild. */
export function countUnbuilt(connection: Connection): number {
  return unbuiltTables(connection).reduce(
    (sum, [table]) => sum + connection.get<[number]>(`SELECT count(*) FROM ${table}`)![0],
    0,
  );
}

/** Whether a file must still be rebuilt. */
export function isUnbuilt(connection: Connection): boolean {
  return unbuiltTables(connection).length > 0;
}

/**
 * Stores some of the documents that were put aside, in this Foyer's form.
 *
 * @returns whether more are left
 */
export function rebuildStep(connection: Connection, visitors: SqliteVisitors): boolean {
  return connection.write(() => {
    // Another process may have finished the rebuild meanwhile.
    const [next] = unbuiltTables(connection);
    if (next === undefined) return false;
    const [table, names] = next;
    const column = names === null ? "visitor" : "attributes";
    const rows = connection.all<[id: number, document: string]>(
      `SELECT id, ${column} FROM ${table} ORDER BY id LIMIT ${STEP}`,
    );
    // Each keeps its id, since `connection`, `claim` and `page` refer to it.
    for (const [id, document] of rows) visitors.put(visitorOfOther(document, names), null, id);
    if (rows.length === STEP) {
      connection.run(`DELETE FROM ${table} WHERE id <= ?`, rows.at(-1)![0]);
    } else {
      connection.exec(`DROP TABLE ${table}`);
      connection.run("DELETE FROM unbuilt WHERE name = ?", table);
    }
    return true;
  });
}

function unbuiltTables(connection: Connection): [table: string, names: string | null][] {
  if (connection.get("SELECT 1 FROM sqlite_schema WHERE name = 'unbuilt'") === undefined) return [];
  return connection.all("SELECT name, names FROM unbuilt ORDER BY name");
}
