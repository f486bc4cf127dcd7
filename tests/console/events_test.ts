import assert from "node:assert/strict";
import { EventReader } from "../../src/console/client/events.js";

const TEXT = ': hello\r\nretry: 1500\r\n\r\nid: e:1\nevent: visitor\ndata: {"a":\ndata: 1}\n\n' +
  "event: ping\ndata: {}\r\rdata:tight\nid\n\nevent: nothing\n\ndata: not complete";

Deno.test("Events are parsed wherever the text is split", () => {
  const events = [
    { type: "visitor", data: '{"a":\n1}', id: "e:1" },
    { type: "ping", data: "{}", id: "e:1" },
    { type: "message", data: "tight", id: "" },
  ];
  for (let size = 1; size <= TEXT.length; size++) {
    const reader = new EventReader();
    const read = [];
    for (let i = 0; i < TEXT.length; i += size) read.push(...reader.read(TEXT.slice(i, i + size)));
    assert.deepEqual(read, events, `pieces of ${size}`);
    assert.equal(reader.retry, 1500);
  }
});

Deno.test("JavaScript's line separators do not end a line, and unknown fields are ignored", () => {
  const reader = new EventReader();
  assert.deepEqual(reader.read("data: a\u2028b\nother: 1\nretry: soon\nretry: \n\n"), [
    { type: "message", data: "a\u2028b", id: null },
  ]);
  assert.equal(reader.retry, null);
});
