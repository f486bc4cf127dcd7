import assert from "node:assert/strict";
import { openPlaces, type Place, type Places } from "../../src/presence/place.ts";
import { testInFolder } from "../support/folders.ts";
import { until } from "../support/waiting.ts";

// See make_fixtures.py.
const fixture = (name: string) => `${import.meta.dirname}/${name}.mmdb`;

const BERLIN = ["Berlin", "DE", "Germany"];
const LYON = ["Lyon", "FR", "France"];
const GERMANY = [null, "DE", "Germany"];
const STATES = [null, "US", "United States"];
const NOWHERE = [null, null, null];

const PLACES: [file: string, address: string, place: (string | null)[]][] = [
  ["city", "203.0.113.9", BERLIN],
  ["city", "198.51.100.7", LYON],
  ["city", "2001:db8:1::1", BERLIN],
  ["city", "2001:DB8:0002:0:0:0:0:7", LYON],
  ["city", "::ffff:203.0.113.9", BERLIN],
  ["city", "::FFFF:c633:6407", LYON],
  ["city", "192.0.2.1", STATES],
  // The country in which a network is registered is not used as its place.
  ["city", "192.0.2.200", NOWHERE],
  // A record without an English name, and with fields of wrong types.
  ["city", "203.0.113.200", NOWHERE],
  ["country", "203.0.113.9", GERMANY],
  ["country", "2001:db8:1::1", GERMANY],
  ["country", "192.0.2.1", STATES],
  ["dbip-city-lite", "203.0.113.9", BERLIN],
  ["dbip-city-lite", "2001:db8:2::1", LYON],
  // Flat records of other makers.
  ["flat", "203.0.113.9", ["Berlin", "DE", null]],
  ["flat", "198.51.100.7", LYON],
  ["flat", "192.0.2.1", GERMANY],
  ["flat", "192.0.2.200", BERLIN],
  ["flat", "203.0.113.200", NOWHERE],
  ["unknown", "203.0.113.9", NOWHERE],
  ["ipv4-only", "203.0.113.9", BERLIN],
  ["ipv4-only", "::ffff:203.0.113.9", BERLIN],
  ["ipv4-only", "32.1.13.184", LYON],
  // The first 32 bits of this address are those of 32.1.13.184.
  ["ipv4-only", "2001:db8:1::1", NOWHERE],
  ...[
    "10.0.0.1",
    "127.0.0.1",
    "192.168.1.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "0.0.0.0",
    "255.255.255.255",
    "9.9.9.9",
    "2001:db8:ffff::1",
    "2001:db8:1::1%eth0",
    "",
    "unknown",
    "203.0.113",
    "203.0.113.256",
    "203.0.113.9:443",
    "[2001:db8:1::1]",
    " 203.0.113.9",
    "0xcb.0.0x71.9",
    "3405803785",
    "203.0.113.9, 198.51.100.7",
    "2001:db8::1::1",
    "constructor",
    "1".repeat(65_536),
    ":".repeat(65_536),
  ].map((address): typeof PLACES[number] => ["city", address, NOWHERE]),
];

testInFolder("An address has its place; unknown, private and invalid addresses have none", async () => {
  for (const [file, address, place] of PLACES) {
    await withPlaces(fixture(file), (places) => {
      assert.deepEqual(read(places.placeOf(address)), place, `${file}: ${address.slice(0, 60)}`);
    });
  }
});

testInFolder("A file that is no geolocation database is refused with the reason", async (folder) => {
  const city = await Deno.readFile(fixture("city"));
  const notWhole = "the file is not a MaxMind database, or not a whole one";
  const files: [content: Uint8Array, reason: string][] = [
    [new Uint8Array(), notWhole],
    [new TextEncoder().encode("This is no database\n".repeat(1000)), notWhole],
    [city.slice(0, city.length / 2), notWhole],
    [city.slice(city.length / 2), notWhole],
    [city.slice(100), notWhole],
    [city.map((byte, index) => index < 600 ? 255 : byte), notWhole],
    [await Deno.readFile(fixture("asn")), "the file is a GeoLite2-ASN database, which has no places"],
  ];
  for (const [content, reason] of files) {
    await Deno.writeFile(`${folder}/places.mmdb`, content);
    assert.throws(() => openPlaces(`${folder}/places.mmdb`, assert.fail), { message: reason });
  }
  const missing = { message: "the file does not exist" };
  assert.throws(() => openPlaces(`${folder}/missing.mmdb`, assert.fail), missing);
  assert.throws(() => openPlaces(folder, assert.fail), { message: "it is not a file" });
});

testInFolder("A file damaged anywhere is refused, or still answers without an error", async (folder) => {
  const path = `${folder}/places.mmdb`;
  const city = await Deno.readFile(fixture("city"));
  for (let index = 0; index < city.length; index += 3) {
    for (const byte of [0, 255, city[index] ^ 1]) {
      await Deno.writeFile(path, city.with(index, byte));
      let places: Places;
      try {
        places = openPlaces(path, assert.fail);
      } catch (error) {
        assert.match((error as Error).message, /^the file is /);
        continue;
      }
      for (const address of ["203.0.113.9", "198.51.100.7", "2001:db8:1::1", "192.0.2.200", "ffff::"]) {
        for (const part of read(places.placeOf(address))) {
          assert.ok(part === null || typeof part === "string");
        }
      }
      await places.close();
    }
  }
});

testInFolder("A file whose records have another shape is reported once", async () => {
  const verdicts: [file: string, addresses: string[], reports: number][] = [
    ["unknown", ["198.51.100.7", "10.0.0.1"], 0],
    ["unknown", ["203.0.113.9", "203.0.113.10"], 1],
    ["flat", ["203.0.113.9", "198.51.100.7"], 0],
    // A record that has only the country of registration.
    ["city", ["192.0.2.200"], 0],
  ];
  for (const [file, addresses, expected] of verdicts) {
    let reports = 0;
    const places = openPlaces(fixture(file), assert.fail, { onUnknown: () => reports++ });
    for (const address of addresses) places.placeOf(address);
    assert.equal(reports, expected, `${file} ${addresses}`);
    await places.close();
  }
});

testInFolder("A replaced file is read again", async (folder) => {
  const path = `${folder}/places.mmdb`;
  await Deno.copyFile(fixture("city"), path);
  await withPlaces(path, async (places) => {
    assert.deepEqual(read(places.placeOf("203.0.113.9")), BERLIN);

    // Replaced by a rename, like geoipupdate does.
    await Deno.copyFile(fixture("city-moved"), `${path}.new`);
    await Deno.rename(`${path}.new`, path);
    await until(() => places.placeOf("203.0.113.9").location_city === "Lyon");

    await Deno.writeFile(path, await Deno.readFile(fixture("country")));
    await until(() => places.placeOf("203.0.113.9").location_city === null);
    assert.deepEqual(read(places.placeOf("203.0.113.9")), GERMANY);
  });
});

testInFolder(
  "A replacement that cannot be used is reported once, and the old file stays in use",
  async (folder) => {
    const path = `${folder}/places.mmdb`;
    await Deno.copyFile(fixture("city"), path);
    const problems: string[] = [];
    await withPlaces(path, async (places) => {
      const looks = () => new Promise((done) => setTimeout(done, 50));
      const city = await Deno.readFile(fixture("city"));
      const moved = await Deno.readFile(fixture("city-moved"));

      await Deno.writeFile(path, moved.slice(0, 1000));
      await until(() => problems.length === 1);
      await Deno.writeFile(path, moved.slice(0, 1200));
      await looks();
      await Deno.remove(path);
      await looks();
      assert.deepEqual(problems, ["the file is not a MaxMind database, or not a whole one"]);
      assert.deepEqual(read(places.placeOf("203.0.113.9")), BERLIN);

      await Deno.writeFile(path, moved);
      await until(() => places.placeOf("203.0.113.9").location_city === "Lyon");

      await Deno.remove(path);
      await until(() => problems.length === 2);
      assert.equal(problems[1], "the file does not exist");
      assert.deepEqual(read(places.placeOf("203.0.113.9")), LYON);

      await Deno.writeFile(path, city);
      await until(() => places.placeOf("203.0.113.9").location_city === "Berlin");
      assert.equal(problems.length, 2);
    }, (problem) => problems.push(problem));
  },
);

testInFolder("Checks for a replaced file do not keep a process running", async () => {
  const module = new URL("../../src/presence/place.ts", import.meta.url).href;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { openPlaces } from ${JSON.stringify(module)};
      openPlaces(${JSON.stringify(fixture("city"))}, console.error);`,
    ],
    signal: AbortSignal.timeout(30_000),
  }).output();
  assert.ok(success);
});

async function withPlaces(
  path: string,
  work: (places: Places) => void | Promise<void>,
  onProblem: (problem: string) => void = assert.fail,
) {
  const places = openPlaces(path, onProblem, { lookEveryMs: 5 });
  try {
    await work(places);
  } finally {
    await places.close();
  }
}

function read(place: Place): (string | null)[] {
  return [place.location_city, place.location_country, place.location_country_name];
}
