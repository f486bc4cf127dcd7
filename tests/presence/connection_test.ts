import assert from "node:assert/strict";
import { Connection, type ConnectionListener } from "../../src/presence/connection.ts";
import { MessageError } from "../../src/presence/messages.ts";
import { ManualClock } from "../support/clock.ts";

const HELLO = {
  type: "hello",
  site_key: "site key",
  sdk: "web 1.0.0",
  url: "https://shop.example/",
  is_supported: true,
  js_configuration: true,
};

const PAGE = { type: "page", url: "https://shop.example/pricing" };

/** A connection over a socket that a test plays, and what was sent, reported and closed. */
function connect(onMessage: ConnectionListener["onMessage"] = () => {}) {
  const clock = new ManualClock();
  const sent: string[] = [];
  const events: string[] = [];
  const socket = {
    readyState: WebSocket.OPEN as number,
    send: (text: string) => {
      const { type, error } = JSON.parse(text);
      sent.push(error ?? type);
    },
    close(code: number) {
      if (this.readyState === WebSocket.CONNECTING) throw new DOMException("Not open");
      this.readyState = WebSocket.CLOSING;
      events.push(`close ${code}`);
    },
    onmessage: (_event: { data: unknown }) => {},
    onclose: () => {},
    onerror: () => {},
  };
  const connection = new Connection(
    socket as unknown as WebSocket,
    {
      onHello: (_, { site_key }) => {
        events.push("hello");
        if (site_key !== "site key") throw new MessageError("invalid_site_key", "The site key is wrong.");
      },
      onMessage: (connection, message) => {
        events.push(message.type);
        onMessage(connection, message);
      },
      onHandled: (type, outcome) => outcome === "ok" ? undefined : events.push(`${type} ${outcome}`),
      onFailure: (error) => events.push(`failure ${(error as Error).message}`),
      onClosed: () => events.push("closed"),
    },
    clock,
  );
  const receive = (message: unknown) => socket.onmessage({ data: JSON.stringify(message) });
  return { connection, clock, socket, receive, sent, events };
}

Deno.test("Without a hello within 10 seconds the connection is closed, and with one it is not", () => {
  const silent = connect();
  silent.clock.advance(9999);
  assert.deepEqual(silent.events, []);
  silent.clock.advance(1);
  assert.deepEqual([silent.sent, silent.events], [["hello_expected"], ["close 1008"]]);
  const greeted = connect();
  greeted.receive(HELLO);
  greeted.clock.advance(3_600_000);
  assert.deepEqual([greeted.sent, greeted.events], [[], ["hello"]]);
});

Deno.test("A refused hello is no hello", () => {
  const { receive, sent, events } = connect();
  receive({ ...HELLO, site_key: "another" });
  assert.deepEqual(sent, ["invalid_site_key"]);
  assert.deepEqual(events, ["hello", "hello invalid_site_key", "close 1008"]);
});

Deno.test("20 messages are handled in 10 seconds, the next ones are not, and then 20 are again", () => {
  const { receive, clock, sent, events } = connect();
  receive(HELLO);
  for (let i = 1; i < 20; i++) receive(PAGE);
  assert.deepEqual(sent, []);
  receive(PAGE);
  assert.deepEqual(sent, ["too_many_messages"]);
  assert.equal(events.filter((event) => event === "page").length, 19);
  clock.advance(10_000);
  for (let i = 0; i < 20; i++) receive(PAGE);
  assert.equal(events.filter((event) => event === "page").length, 39);
});

Deno.test("After a close nothing that still arrives is handled, and the end is reported once", () => {
  const { connection, socket, receive, clock, events } = connect();
  connection.close(1012, "restart");
  receive(HELLO);
  socket.onerror();
  socket.onclose();
  clock.advance(20_000);
  assert.deepEqual(events, ["close 1012", "closed"]);
  const opening = connect();
  opening.socket.readyState = WebSocket.CONNECTING;
  opening.connection.close(1012, "restart");
  assert.deepEqual(opening.events, ["closed"]);
  assert.equal(opening.clock.waiting, 0);
});

Deno.test("A failure of the server's own closes the connection, and says nothing of it", () => {
  const { receive, sent, events } = connect(() => {
    throw new TypeError("S3cr3t");
  });
  receive(HELLO);
  receive(PAGE);
  assert.deepEqual([sent, events], [[], ["hello", "page", "failure S3cr3t", "close 1011"]]);
});
