/**
 * The static files of the console's and the documentation's web pages. Their URLs contain a hash of all files, so that
 * browsers may cache them for ever; each file is compressed once.
 *
 * The hash is a part of the path before the file's name, so that modules import each other as they do in the source.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { type Answer, answer } from "../http/answer.ts";
import { withoutComments } from "../http/compact_script.ts";
import { ApiError } from "../http/errors.ts";
import { acceptsCoding } from "../http/representation.ts";
import { ICONS } from "./icons.ts";
import { joinModules } from "./joined_script.ts";

/** The folders, beside this file, whose scripts and styles are served. `compile` in deno.json must include each. */
const FOLDERS = ["client", "docs", "vendor", "style"];

/** The joined scripts, each with the entry module of its web page. */
const JOINED = { "client/console.js": "client/main.js" };

/** How a file is served, by the ending of its name; other files are not. Comments are removed. */
const KINDS: [ending: RegExp, type: string, prepare: (text: string) => string][] = [
  [/\.js$/, "text/javascript; charset=utf-8", withoutComments],
  [/\.css$/, "text/css; charset=utf-8", (text) => text.replace(/\/\*[^]*?\*\/|^\s+/gm, "")],
  [/\.svg$/, "image/svg+xml", (text) => text],
];

/** Browsers cache a file for a year, the usual maximum, without revalidation. */
const HEADERS = { "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding" };

type Bytes = Uint8Array<ArrayBuffer>;

/** A file as it is served. */
class Asset {
  #compressed: Partial<Record<"br" | "gzip", Promise<Bytes>>> = {};

  constructor(readonly text: string, readonly type: string) {}

  /** The compressed file; compressed when first requested. */
  compressed(coding: "br" | "gzip"): Promise<Bytes> {
    const compress = () =>
      coding === "gzip" ? promisify(gzip)(this.text, { level: 9 }) : promisify(brotliCompress)(this.text, {
        params: {
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_SIZE_HINT]: this.text.length,
          // Compression blocks the event loop: the default, 11, for 300 ms, to save a tenth of the bytes.
          [constants.BROTLI_PARAM_QUALITY]: 6,
        },
      });
    return this.#compressed[coding] ??= compress().then((buffer) => new Uint8Array(buffer));
  }
}

/** All static files. They are read when first requested. */
export class Assets {
  readonly #root: string;
  #files: Map<string, Asset> | null = null;
  #hash = "";

  /** @param baseEndpoint the installation's public URL */
  constructor(baseEndpoint: string) {
    // A path without the origin, since the host may have other names; not a relative path, since a proxy may strip the
    // prefix.
    this.#root = new URL(baseEndpoint).pathname.replace(/\/$/, "");
  }

  /** The path of a web page, given its path under the prefix, such as `/code`. */
  pathTo(page: string): string {
    return `${this.#root}${page}`;
  }

  /** The path of a file, given its name, such as `client/main.js`. */
  urlOf(name: string): string {
    this.#read();
    return `${this.#root}/console/${this.#hash}/${name}`;
  }

  /**
   * The paths of all scripts in some folders, for `modulepreload`: without that, a browser would discover the modules
   * one after the other.
   */
  scriptsOf(...folders: string[]): string[] {
    return [...this.#read().keys()]
      .filter((name) => name.endsWith(".js") && folders.includes(name.split("/")[0]))
      .map((name) => this.urlOf(name));
  }

  /** Starts to compress every file, before browsers request them. */
  prepare() {
    for (const asset of this.#read().values()) {
      // A failure is reported by the request that needs the file.
      asset.compressed("br").catch(() => {});
    }
  }

  /** Serves the file whose hash, folder and name are in the path. */
  readonly answer: Answer = async (context) => {
    const { hash, folder, file } = context.req.param();
    const asset = this.#read().get(`${folder}/${file}`);
    if (asset === undefined || hash !== this.#hash) throw new ApiError("not_found", "There is no such file.");
    const headers = { ...HEADERS, "Content-Type": asset.type };
    const accepted = context.req.header("Accept-Encoding");
    const coding = (["br", "gzip"] as const).find((coding) => acceptsCoding(coding, accepted));
    if (coding === undefined) return answer(context, 200, asset.text, headers);
    return answer(context, 200, await asset.compressed(coding), { ...headers, "Content-Encoding": coding });
  };

  #read(): Map<string, Asset> {
    return this.#files ??= this.#readAll();
  }

  #readAll(): Map<string, Asset> {
    const texts = new Map(Object.entries(ICONS).map(([name, text]) => [`icons/${name}`, text]));
    for (const folder of FOLDERS) {
      const url = new URL(`${folder}/`, import.meta.url);
      for (const { name } of Deno.readDirSync(url)) {
        texts.set(`${folder}/${name}`, Deno.readTextFileSync(new URL(name, url)));
      }
    }
    const files = new Map<string, Asset>();
    const hash = createHash("sha256");
    for (const [name, text] of [...texts].sort(([a], [b]) => a < b ? -1 : 1)) {
      const kind = KINDS.find(([ending]) => ending.test(name));
      if (kind === undefined) continue;
      const [, type, prepare] = kind;
      const asset = new Asset(prepare(text), type);
      files.set(name, asset);
      hash.update(`${name}\n${asset.text}\n`);
    }
    for (const [name, entry] of Object.entries(JOINED)) {
      const { type } = files.get(entry)!;
      files.set(name, new Asset(joinModules(entry, (name) => files.get(name)!.text), type));
    }
    this.#hash = hash.digest("base64url").slice(0, 12);
    return files;
  }
}
