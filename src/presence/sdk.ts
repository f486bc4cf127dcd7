/**
 * The web SDK as it is sent to web pages.
 *
 * @module
 */
import type { Answer } from "../http/answer.ts";
import { withoutComments } from "../http/compact_script.ts";
import { Representation, send } from "../http/representation.ts";

/** How long browsers may use a cached copy without revalidation, in seconds. */
const MAX_AGE = 3600;

/** Any site may load the SDK: the URL to connect to is all that it discloses. */
const HEADERS = {
  "Access-Control-Allow-Origin": "*",
  "Cache-Control": `public, max-age=${MAX_AGE}`,
  "Cross-Origin-Resource-Policy": "cross-origin",
  "Vary": "Accept-Encoding",
};

/**
 * The handlers that answer with the SDK: for a script tag, as a module, and its types.
 *
 * @param baseEndpoint the installation's public URL, under which web pages connect
 */
export function sdkHandlers(baseEndpoint: string): Record<"sdkScript" | "sdkModule" | "sdkTypes", Answer> {
  const url = `${baseEndpoint.replace(/^http/, "ws")}/connect`;
  const script = withoutComments(readFile("sdk.js")).replace('"{{CONNECT_URL}}"', () => JSON.stringify(url));
  const javascript = "text/javascript; charset=utf-8";
  return {
    sdkScript: sending(script, javascript),
    sdkModule: sending(`${script}\nexport default globalThis.Foyer;\n`, javascript, {
      "X-TypeScript-Types": "./sdk.d.ts",
    }),
    sdkTypes: sending(readFile("sdk.d.ts"), "application/typescript; charset=utf-8"),
  };
}

function sending(body: string, type: string, headers: Record<string, string> = {}): Answer {
  const representation = new Representation(body);
  const kind = { type, headers: { ...HEADERS, ...headers }, gzipLevel: 9 };
  return (context) => send(context, representation, kind);
}

/** Reads a file of this folder, from the executable when compiled. */
function readFile(name: string): string {
  return Deno.readTextFileSync(new URL(name, import.meta.url));
}
