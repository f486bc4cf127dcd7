/**
 * A cache of documents by their bytes: most documents of a list are the same as when it was last read.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { LRUCache } from "lru-cache";
import { type ReadDocument, readDocument } from "./document.ts";
import { decodeDocument } from "./driver.ts";

/** A cached document takes about 6 KB, with the visitor and the JSON made of it. */
const MAX_DOCUMENTS = 2000;

/** Reads documents from the bytes that the database sent. */
export class DocumentCache {
  #documents = new LRUCache<string, ReadDocument>({ max: MAX_DOCUMENTS });

  /** Reads a document from its BSON. Returns the same object for the same bytes; it must not be changed. */
  read(bytes: Uint8Array): ReadDocument {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    let document = this.#documents.get(key);
    if (document === undefined) this.#documents.set(key, document = readDocument(decodeDocument(bytes)));
    return document;
  }
}
