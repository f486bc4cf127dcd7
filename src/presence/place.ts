/**
 * Where addresses are, from a file in MaxMind's format (https://maxmind.github.io/MaxMind-DB/).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import ipaddr from "ipaddr.js";
import { Reader, type Response } from "mmdb-lib";

/** The place of an address, by the names of the Visitor's attributes; `null` where it is unknown. */
export interface Place {
  /** In English. */
  location_city: string | null;
  /** ISO 3166-1 code, such as `DE`. */
  location_country: string | null;
  /** In English. */
  location_country_name: string | null;
}

/** An open file of places. */
export interface Places {
  /** The place of an address, all `null` for what is none or is not in the file. */
  placeOf(address: string): Place;
  /** Stops checking whether the file was replaced; waits for a check that is running. */
  close(): Promise<void>;
}

/** Differs between a file and its replacement. */
type Version = string;

/** A part of a record in MaxMind's shape. */
interface Named {
  iso_code?: unknown;
  names?: { en?: unknown };
}

/** A record of a file in MaxMind's shape, or in the flat one of other makers. Its fields may have any type. */
interface PlaceRecord {
  city?: string | Named;
  /** Flat: its code or its name. */
  country?: string | Named;
  city_name?: unknown;
  country_code?: unknown;
  country_name?: unknown;
}

/** Fields of MaxMind's shape in records that have neither a city nor a country. */
const OTHER_FIELDS = ["continent", "registered_country", "represented_country", "traits", "location"];

const NOWHERE: Place = Object.freeze({
  location_city: null,
  location_country: null,
  location_country_name: null,
});

/** Why a file of places cannot be used, for the person who named it. */
class PlacesRefused extends Error {}

/**
 * Opens a file of cities or countries: GeoLite2, DB-IP lite, or another with the same fields. It is held in memory.
 * After it was replaced or rewritten, the second check reads the new one; where that cannot be used the old one stays.
 *
 * @param onProblem receives why a replacement cannot be used, once until one can be
 * @param options.lookEveryMs the pause between two checks whether the file was replaced: 60 s unless given. The checks
 * do not prevent the process from ending.
 * @param options.onUnknown called once where a record has another shape, of which nothing is known
 * @throws {Error} the file cannot be read or has no places; the message says why and nothing else
 */
export function openPlaces(
  path: string,
  onProblem: (message: string) => void,
  { lookEveryMs = 60_000, onUnknown = () => {} }: { lookEveryMs?: number; onUnknown?: () => void } = {},
): Places {
  let used: Version;
  let reader: Reader<Response>;
  try {
    used = versionOf(Deno.statSync(path));
    reader = readerOf(Deno.readFileSync(path));
  } catch (error) {
    throw new PlacesRefused(reasonOf(error), { cause: error });
  }

  let seen = used;
  let refused: Version | undefined;
  let isReported = false;
  let hasReportedUnknown = false;
  const look = async () => {
    try {
      const found = versionOf(await Deno.stat(path));
      // A file that still changes is being written: it is read when two checks find it the same.
      const isSettled = found === seen;
      seen = found;
      if (!isSettled || found === refused) return;
      if (found !== used) {
        const bytes = await Deno.readFile(path);
        if (versionOf(await Deno.stat(path)) !== found) return;
        refused = found;
        reader = readerOf(bytes);
        used = found;
        refused = undefined;
      }
      isReported = false;
    } catch (error) {
      if (!isReported) onProblem(reasonOf(error));
      isReported = true;
    }
  };
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look().finally(() => looking = undefined);
  }, lookEveryMs);
  Deno.unrefTimer(timer);

  return {
    placeOf: (address) => {
      const record = recordOf(reader, address);
      if (record === null) return NOWHERE;
      const place = placeIn(record);
      if (place === NOWHERE && !hasReportedUnknown && !OTHER_FIELDS.some((name) => name in record)) {
        hasReportedUnknown = true;
        onUnknown();
      }
      return place;
    },
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}

/** The record of an address; `null` where there is none. */
function recordOf(reader: Reader<Response>, text: string): PlaceRecord | null {
  const address = addressOf(text);
  // A tree of IPv4 addresses would take the first 32 bits for one.
  if (!address || address.kind() === "ipv6" && reader.metadata.ipVersion === 4) return null;
  try {
    const record: unknown = reader.get(address.toNormalizedString());
    return typeof record === "object" && record !== null ? record as PlaceRecord : null;
  } catch {
    // The file is broken at this place alone.
    return null;
  }
}

/** The place in a record; {@link NOWHERE} where nothing in it is known. */
function placeIn({ city, country, city_name, country_code, country_name }: PlaceRecord): Place {
  // Flat records have the country's code or its name there.
  const isCode = typeof country === "string" && /^[A-Z]{2}$/.test(country);
  const place = {
    location_city: typeof city === "string" ? textOf(city) : textOf(city?.names?.en) ?? textOf(city_name),
    location_country: isCode
      ? country
      : textOf((country as Named | undefined)?.iso_code) ?? textOf(country_code),
    location_country_name: textOf(country_name) ??
      (typeof country === "string" ? isCode ? null : textOf(country) : textOf(country?.names?.en)),
  };
  return Object.values(place).some((value) => value !== null) ? place : NOWHERE;
}

function addressOf(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return null;
  const address = ipaddr.process(text);
  // The library that reads the file does not know zones, and an address with one is nobody's elsewhere.
  return address instanceof ipaddr.IPv6 && address.zoneId ? null : address;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Reads a file's index, and enough of the file to see that it is whole. */
function readerOf(bytes: Uint8Array): Reader<Response> {
  let reader: Reader<Response>;
  try {
    reader = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const { searchTreeSize } = reader.metadata;
    // Sixteen zero bytes part the index from the data.
    const separator = bytes.subarray(searchTreeSize, searchTreeSize + 16);
    if (searchTreeSize === 0 || separator.length < 16 || separator.some((byte) => byte !== 0)) {
      throw new RangeError("the index does not end where the metadata says");
    }
    for (let network = 0; network < 256; network++) reader.get(`${network}.1.1.1`);
  } catch (error) {
    throw new PlacesRefused("the file is not a MaxMind database, or not a whole one", { cause: error });
  }
  const type = reader.metadata.databaseType;
  if (/ASN|ISP|Domain|Anonymous|Connection/.test(type) && !/City|Country|Enterprise|Location/.test(type)) {
    throw new PlacesRefused(`the file is a ${type} database, which has no places`);
  }
  return reader;
}

function versionOf({ isFile, ino, size, mtime }: Deno.FileInfo): Version {
  if (!isFile) throw new PlacesRefused("it is not a file");
  return `${ino} ${size} ${mtime?.getTime()}`;
}

function reasonOf(error: unknown): string {
  if (error instanceof PlacesRefused) return error.message;
  if (error instanceof Deno.errors.NotFound) return "the file does not exist";
  if (error instanceof Deno.errors.PermissionDenied) return "the file may not be read";
  // Without the path, which Deno puts behind.
  return `the file cannot be read: ${error instanceof Error ? error.message.split(": ")[0] : error}`;
}
