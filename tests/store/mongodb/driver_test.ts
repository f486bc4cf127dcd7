import assert from "node:assert/strict";
import { hasAllRights } from "../../support/rights.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { MongoInvalidArgumentError, MongoNetworkError, MongoServerError } = await import("mongodb");
  const { asStoreError, isUnavailable } = await import("../../../src/store/mongodb/driver.ts");

  const answer = (code: number) => new MongoServerError({ message: "jane@acme.com", code });
  /** Errors, and whether they mean that the database does not answer now. */
  const ERRORS: [what: string, error: Error, verdict: boolean][] = [
    ["InternalError", answer(1), true],
    ["CursorNotFound", answer(43), true],
    ["WriteConcernTimeout", answer(64), true],
    ["MaxTimeMSExpired", answer(50), true],
    ["NotWritablePrimary", answer(10107), true],
    ["OutOfDiskSpace", answer(14031), true],
    ["ExceededMemoryLimit", answer(146), true],
    ["a code that nobody knows", answer(987_654), true],
    ["a connection that broke", new MongoNetworkError("ECONNRESET"), true],
    ["a socket's own error", Object.assign(new Error("write"), { code: "EPIPE" }), true],
    ["BadValue", answer(2), false],
    ["DocumentValidationFailure", answer(121), false],
    ["what the driver does not send", new MongoInvalidArgumentError("empty"), false],
    ["a fault of Foyer's own", new TypeError("undefined is not a function"), false],
  ];
  for (const [what, error, verdict] of ERRORS) {
    Deno.test(`MongoDB: ${what} ${verdict ? "is" : "is not"} a database that does not answer`, () => {
      assert.equal(isUnavailable(error), verdict);
      const thrown = asStoreError(error) as Error;
      assert.equal(thrown.name, verdict ? "StoreUnavailable" : error.name);
      if (verdict) assert.doesNotMatch(thrown.message, /jane/);
    });
  }
}
