/**
 * The files that the pages of the console and of the documentation are made of, as browsers receive them. Their URLs
 * have the hash of them all, so that a browser may keep each for ever; each is compressed once.
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

/** The folders beside this file whose scripts and styles are sent. The executable must include each (`compile` in deno.json). */
const FOLDERS = ["client", "docs", "vendor", "style"];

/** Scripts that join all modules of a page, with the module at which each page starts. */
const JOINED = { "client/console.js": "client/main.js" };

/** How a file is sent, by the ending of its name; others are not sent. Comments are left out. */
const KINDS: [ending: RegExp, type: string, prepare: (text: string) => string][] = [
  [/\.js$/, "text/javascript; charset=utf-8", withoutComments],
  [/\.css$/, "text/css; charset=utf-8", (text) => text.replace(/\/\*[^]*?\*\/|^\s+/gm, "")],
  [/\.svg$/, "image/svg+xml", (text) => text],
];

/** Browsers keep it for a year, the longest that there is, and never ask. */
const HEADERS = { "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding" };

type Bytes = Uint8Array<ArrayBuffer>;

/** A file as it is sent. */
class Asset {
  #compressed: Partial<Record<"br" | "gzip", Promise<Bytes>>> = {};

  constructor(readonly text: string, readonly type: string) {}

  /** The file in an encoding, made when first asked for. */
  compressed(coding: "br" | "gzip"): Promise<Bytes> {
    const compress = () =>
      coding === "gzip" ? promisify(gzip)(this.text, { level: 9 }) : promisify(brotliCompress)(this.text, {
        params: {
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_SIZE_HINT]: this.text.length,
          // The runtime compresses on the event loop: its default, 11, holds it for 300 ms, to save a tenth of the bytes.
          [constants.BROTLI_PARAM_QUALITY]: 6,
        },
      });
    return this.#compressed[coding] ??= compress().then((buffer) => new Uint8Array(buffer));
  }
}

/** All files that these pages are made of. They are read when first asked for. */
export class Assets {
  readonly #root: string;
  #files: Map<string, Asset> | null = null;
  #hash = "";

  /** @param baseEndpoint the installation's public URL */
  constructor(baseEndpoint: string) {
    // Without the origin, since this host may have other names; not relative, since a proxy may strip the prefix.
    this.#root = new URL(baseEndpoint).pathname.replace(/\/$/, "");
  }

  /** The path of a page's URL, given `/` and what follows. */
  pathTo(page: string): string {
    return `${this.#root}${page}`;
  }

  /** The path of a file's URL, given `client/main.js`. */
  urlOf(name: string): string {
    this.#read();
    return `${this.#root}/console/${this.#hash}/${name}`;
  }

  /**
   * The paths of the URLs of a folder's scripts, for `modulepreload`: without it a browser finds them one after the
   * other.
   */
  scriptsOf(...folders: string[]): string[] {
    return [...this.#read().keys()]
      .filter((name) => name.endsWith(".js") && folders.includes(name.split("/")[0]))
      .map((name) => this.urlOf(name));
  }

  /** Begins to compress every file, before a browser asks for them. */
  prepare() {
    for (const asset of this.#read().values()) {
      // If this fails, so does the request that needs the file.
      asset.compressed("br").catch(() => {});
    }
  }

  /** Answers with the file whose hash, folder and name are in the path. */
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
