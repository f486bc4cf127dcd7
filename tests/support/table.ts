/**
 * Tables on a terminal.
 *
 * @module
 */

/**
 * Formats rows as lines with aligned columns.
 *
 * @param numbersFrom the first column that is aligned to the right
 */
export function tableOf(rows: string[][], numbersFrom = Infinity): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) =>
    row.map((cell, i) => i < numbersFrom ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ")
      .trimEnd()
  ).join("\n");
}
