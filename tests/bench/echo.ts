/**
 * The minimum cost of a WebSocket connection: an echo server on the same runtime.
 *
 * @module
 */
if (import.meta.main) {
  Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]) }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
}
