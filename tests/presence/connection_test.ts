import assert from "node:assert/strict";
import type { PageSocket } from "../../src/http/page_socket.ts";
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

/** Makes a connection over a fake socket, and records what it sends, reports and closes. */
function connect(onMessage: ConnectionListener["onMessage"] = () => {}) {
  const clock = new ManualClock();
  const sent: string[] = [];
  const events: string[] = [];
  const heard: Record<string, (...values: unknown[]) => void> = {};
  const socket = {
    readyState: WebSocket.OPEN as number,
    bufferedAmount: 0,
    send: (text: string) => {
      const { type, error } = JSON.parse(text);
      sent.push(error ?? type);
    },
    ping: () => sent.push("ping"),
    close(code: number) {
      this.readyState = WebSocket.CLOSING;
      events.push(`close ${code}`);
    },
    pause: () => events.push("paused"),
    terminate: () => events.push("cut"),
    on: (event: string, listener: (...values: unknown[]) => void) => heard[event] = listener,
  };
  const connection = new Connection(
    socket as PageSocket,
    {
      onHello: (_, { site_key }) => {
        events.push("hello");
        if (site_key !== "site key") throw new MessageError("invalid_site_key", "The site key is wrong.");
      },
      onMessage: (connection, message) => {
        events.push(message.type);
        onMessage(connection, message);
      },
      onNewVisitor: () => {
        throw new MessageError("too_many_visitors", "Too many.");
      },
      onHandled: (type, outcome) => outcome === "ok" ? undefined : events.push(`${type} ${outcome}`),
      onFailure: (error) => events.push(`failure ${(error as Error).message}`),
      onClosed: () => events.push("closed"),
    },
    clock,
  );
  const receive = (message: unknown) => heard.message(JSON.stringify(message), false);
  return { connection, clock, socket, heard, receive, sent, events };
}

Deno.test("Without a hello within 10 seconds the connection is closed, and with one it is not", () => {
  const silent = connect();
  silent.clock.advance(9999);
  assert.deepEqual(silent.events, []);
  silent.clock.advance(1);
  assert.deepEqual([silent.sent, silent.events], [["hello_expected"], ["close 1008"]]);
  silent.clock.advance(5000);
  assert.deepEqual(silent.events, ["close 1008", "cut", "closed"], "it does not answer the close");
  const greeted = connect();
  greeted.receive(HELLO);
  greeted.clock.advance(59_999);
  assert.deepEqual([greeted.sent, greeted.events], [[], ["hello"]]);
});

Deno.test("After a refused hello, another hello is still expected", () => {
  const { receive, sent, events } = connect();
  receive({ ...HELLO, site_key: "another" });
  assert.deepEqual(sent, ["invalid_site_key"]);
  assert.deepEqual(events, ["hello", "hello invalid_site_key", "close 1008"]);
});

Deno.test("20 messages are handled in 10 seconds, further ones are refused, and then 20 are handled again", () => {
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

Deno.test("After a close no message is handled, and the end is reported once", () => {
  const { connection, heard, receive, clock, events } = connect();
  connection.close(1012, "restart");
  receive(HELLO);
  heard.close();
  heard.error({});
  clock.advance(20_000);
  assert.deepEqual(events, ["close 1012", "closed", "none invalid_message", "paused"]);
  assert.equal(clock.waiting, 0);
});

Deno.test("Pings and pongs count as messages, and a frame that the library refuses ends the connection", () => {
  for (const kind of ["ping", "pong"]) {
    const { heard, receive, sent, events } = connect();
    receive(HELLO);
    for (let i = 1; i < 20; i++) heard[kind]();
    assert.deepEqual(sent, [], kind);
    for (let i = 0; i < 5; i++) heard[kind]();
    assert.deepEqual(sent, Array(5).fill("too_many_messages"), kind);
    assert.equal(events.at(-1), "close 1008", kind);
  }
  for (
    const [code, error] of [
      ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "message_too_long"],
      ["WS_ERR_TOO_MANY_BUFFERED_PARTS", "invalid_message"],
      ["WS_ERR_INVALID_UTF8", "invalid_message"],
      ["ECONNRESET", "invalid_message"],
    ]
  ) {
    const { heard, clock, events } = connect();
    heard.error({ code });
    clock.advance(5000);
    assert.deepEqual(events, [`none ${error}`, "paused", "cut", "closed"]);
  }
});

Deno.test("A silent web page is sent a ping, and its connection is cut if no pong comes", () => {
  const { heard, receive, clock, sent, events } = connect();
  receive(HELLO);
  clock.advance(120_000);
  assert.deepEqual(sent, ["ping"]);
  heard.pong();
  clock.advance(120_000);
  assert.deepEqual(sent, ["ping", "ping"]);
  clock.advance(60_000);
  assert.deepEqual(events, ["hello", "cut"]);
});

Deno.test("A web page for which no other visitor may be created is sent the error and closed", () => {
  const { connection, sent, events } = connect();
  assert.equal(connection.admitNewVisitor(), false);
  assert.deepEqual([sent, events], [["too_many_visitors"], ["close 1013"]]);
});

Deno.test("The connection of a web page that reads nothing is cut, so that messages do not fill the memory", () => {
  const { connection, socket, receive, events } = connect();
  receive(HELLO);
  socket.bufferedAmount = 10_000_000;
  connection.send({ type: "reconnect", after: 1 });
  assert.deepEqual(events, ["hello", "cut"]);
});

Deno.test("A server error closes the connection, and is not described to the web page", () => {
  const { receive, sent, events } = connect(() => {
    throw new TypeError("S3cr3t");
  });
  receive(HELLO);
  receive(PAGE);
  assert.deepEqual([sent, events], [[], ["hello", "page", "failure S3cr3t", "close 1011"]]);
});
