/**
 * Geolocation of IP addresses, from a file in MaxMind's format (https://maxmind.github.io/MaxMind-DB/).
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
  /** The place of an IP address; all `null` if the text is no address or the file does not have it. */
  placeOf(address: string): Place;
  /** Stops checking for a replaced file; waits for a running check. */
  close(): Promise<void>;
}

/** A value that differs between a file and its replacement. */
type Version = string;

/** A part of a record in MaxMind's shape. */
interface Named {
  iso_code?: unknown;
  names?: { en?: unknown };
}

/** A record of a file in MaxMind's shape, or in the flat shape of other makers. Its fields may have any type. */
interface PlaceRecord {
  city?: string | Named;
  /** In a flat record, the country's code or name. */
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

/** The file cannot be used as a geolocation database; the message says why, for the person who configured it. */
class PlacesRefused extends Error {}

/**
 * Opens a file of cities or countries: GeoLite2, DB-IP lite, or another with the same fields. The file is held in
 * memory. A replaced or rewritten file is loaded by the second check that finds it; if the new file cannot be used, the
 * old one stays in use.
 *
 * @param onProblem called with the reason why a replacement cannot be used; not again until one could be used
 * @param options.lookEveryMs the pause between two checks for a replaced file, 60 s by default. The checks do not
 * prevent the process from ending.
 * @param options.onUnknown called once when a record has an unknown shape
 * @throws {Error} the file cannot be read or has no places; the message is the bare reason, without the path
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
      // A file that still changes is being written: it is read once two checks in a row find the same version.
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

/** The record of an address; `null` if the file has none. */
function recordOf(reader: Reader<Response>, text: string): PlaceRecord | null {
  const address = addressOf(text);
  // A database of IPv4 addresses would look up the first 32 bits of an IPv6 address.
  if (!address || address.kind() === "ipv6" && reader.metadata.ipVersion === 4) return null;
  try {
    const record: unknown = reader.get(address.toNormalizedString());
    return typeof record === "object" && record !== null ? record as PlaceRecord : null;
  } catch {
    // Only this record of the file is damaged.
    return null;
  }
}

/** The place in a record; {@link NOWHERE} if none of its fields are known. */
function placeIn({ city, country, city_name, country_code, country_name }: PlaceRecord): Place {
  // In flat records, `country` holds either the code or the name.
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
  // The library cannot look up addresses with a zone; these are link-local, so they have no place.
  return address instanceof ipaddr.IPv6 && address.zoneId ? null : address;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Opens the database in a file's bytes, and checks that the file is complete. */
function readerOf(bytes: Uint8Array): Reader<Response> {
  let reader: Reader<Response>;
  try {
    reader = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const { searchTreeSize } = reader.metadata;
    // Sixteen zero bytes separate the index from the data.
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
  // Deno appends the path after ": ".
  return `the file cannot be read: ${error instanceof Error ? error.message.split(": ")[0] : error}`;
}
