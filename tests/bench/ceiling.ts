/**
 * The ceiling of a benchmark: a server on the same runtime that only sends one fixed body.
 *
 * @module
 */
if (import.meta.main) {
  const [file, port] = Deno.args;
  const body = await Deno.readFile(file);
  const headers = { "Content-Type": "application/json" };
  Deno.serve({ hostname: "127.0.0.1", port: Number(port) }, () => new Response(body, { headers }));
}
