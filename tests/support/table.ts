/**
 * Tables on a terminal.
 *
 * @module
 */

/**
 * The rows as lines with their cells one below the other.
 *
 * @param numbersFrom the column from which cells are put to the right
 */
export function tableOf(rows: string[][], numbersFrom = Infinity): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) =>
    row.map((cell, i) => i < numbersFrom ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ")
      .trimEnd()
  ).join("\n");
}
