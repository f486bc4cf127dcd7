/**
 * Documents that were read lately.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { LRUCache } from "lru-cache";
import type { StoredDocument } from "./document.ts";
import { decodeDocument } from "./driver.ts";

/** Documents that are kept, about 6 KB each with what is made of them. */
const MAX_DOCUMENTS = 2000;

/** Knows documents again by their bytes: most of a list are the same as when it was read before. */
export class KnownDocuments {
  #documents = new LRUCache<string, StoredDocument>({ max: MAX_DOCUMENTS });

  /**
   * What the bytes of documents mean.
   *
   * @returns the same object for the same bytes, not to be changed
   */
  decode(documents: Uint8Array[]): StoredDocument[] {
    return documents.map((bytes) => {
      const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
      let known = this.#documents.get(key);
      if (known === undefined) this.#documents.set(key, known = decodeDocument(bytes));
      return known;
    });
  }
}
