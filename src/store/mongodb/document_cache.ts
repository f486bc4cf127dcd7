/**
 * A cache of documents by their bytes: most documents of a list are the same as when it was last read.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { LRUCache } from "lru-cache";
import { type ReadDocument, readDocument } from "./document.ts";
import { decodeDocument } from "./driver.ts";

/** About 6 KB each, with what is made of them. */
const MAX_DOCUMENTS = 2000;

/** Reads documents from the bytes that the database sent. */
export class DocumentCache {
  #documents = new LRUCache<string, ReadDocument>({ max: MAX_DOCUMENTS });

  /** @returns the same object for the same bytes, which must not be changed */
  read(bytes: Uint8Array): ReadDocument {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    let document = this.#documents.get(key);
    if (document === undefined) this.#documents.set(key, document = readDocument(decodeDocument(bytes)));
    return document;
  }
}
