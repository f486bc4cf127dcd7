/**
 * The documentation's web page, generated from the declarations of operations, the search format and errors.
 *
 * @module
 */
import type { Config } from "../config.ts";
import type { Assets } from "../console/assets.ts";
import { type ErrorCode, ERRORS } from "../http/errors.ts";
import { documentOf } from "../rest/description.ts";
import { COMMON_ERRORS, type Operation, type OperationName, OPERATIONS, TAGS } from "../rest/operations.ts";
import { SEARCH_FORMAT } from "../search/format.ts";
import { code, documentSection, type Html, inline, json, part, sentence, table } from "./markup.ts";
import {
  type DescribedOperation,
  errorsTable,
  methodMark,
  operationSection,
  propertiesTable,
} from "./operation.ts";
import type { Schema } from "./schema.ts";

/** The parts of the OpenAPI description that the web page shows. */
interface Description {
  paths: Record<string, Record<string, DescribedOperation>>;
  components: { schemas: Record<string, Schema> };
}

/** Makes the HTML of the whole web page. */
export async function makePage(config: Config, assets: Assets): Promise<string> {
  const { paths, components: { schemas } } = documentOf(config) as unknown as Description;
  const root = `${config.baseEndpoint}/api`;
  const described = Object.values(paths).flatMap((path) => Object.values(path));
  const operationOf = ({ operationId }: DescribedOperation): Operation =>
    OPERATIONS[operationId as OperationName];
  const groups = Object.entries(TAGS)
    .map(([tag, meaning]) => ({
      tag,
      meaning,
      members: described.filter(({ operationId }) => OPERATIONS[operationId as OperationName].tag === tag),
    }))
    .filter(({ members }) => members.length > 0);

  const content = part`${start(root)}
${
    groups.map(({ tag, meaning, members }) =>
      part`<section id="${anchorOf(tag)}"><h2>${tag}</h2>
<p>${inline(meaning)}</p>
${members.map((one) => operationSection({ operation: operationOf(one), described: one, root, schemas }))}
</section>\n`
    )
  }
${visitor(schemas.Visitor)}
${search()}
${errors()}
${document("../stream/PROTOCOL.md", "stream", "The stream of a list")}
${document("../presence/PROTOCOL.md", "messages", "Messages of web pages")}`;

  const links = part`<ul><li><a href="#start">Start</a></li>${
    groups.map(({ tag, members }) =>
      part`<li><a href="#${anchorOf(tag)}">${tag}</a><ul>${
        members.map((one) => {
          const { method, path } = operationOf(one);
          return part`<li><a href="#${one.operationId}">${methodMark(method)} <code>${
            shortened(path)
          }</code></a></li>`;
        })
      }</ul></li>`
    )
  }<li><a href="#visitor">The visitor</a></li><li><a href="#search">Search</a></li><li><a href="#errors">Errors</a></li><li><a href="#stream">The stream of a list</a></li><li><a href="#messages">Messages of web pages</a></li></ul>`;
  const consoleLink = config.console === null ? "" : part`<a href="${assets.pathTo("/")}">Console</a>`;
  return `${await wholePage(assets, { links, content, consoleLink })}`;
}

/** A path, shortened for the table of contents. */
function shortened(path: string): string {
  return path.replace(/^\/visitors\/(?=.)/, "…/");
}

function anchorOf(tag: string): string {
  return tag.toLowerCase();
}

function wholePage(
  assets: Assets,
  { links, content, consoleLink }: { links: Html; content: Html; consoleLink: Html | string },
): Html {
  return part`
    <!doctype html>
    <html lang="en">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Foyer API</title>
    <link rel="icon" type="image/svg+xml" href="${assets.urlOf("icons/0.svg")}">
    <link rel="stylesheet" href="${assets.urlOf("style/docs.css")}">
    ${assets.scriptsOf("docs").map((url) => part`<link rel="modulepreload" href="${url}">\n`)}
    <script type="module" src="${assets.urlOf("docs/main.js")}"></script>
    <body>
    <a class="skip" href="#content">To the content</a>
    <header class="top">
    <p class="brand"><img src="${
    assets.urlOf(
      "icons/0.svg",
    )
  }" alt="" width="28" height="28"> Foyer <span>API</span> ${consoleLink}</p>
    <form class="key" id="key" hidden>
    <label for="key-field">Your key</label>
    <input id="key-field" type="password" autocomplete="off" spellcheck="false" required>
    <button>Use it</button>
    <button type="button" id="key-forget" hidden>Forget it</button>
    <output id="key-state" aria-live="polite"></output>
    </form>
    </header>
    <div class="columns">
    <nav aria-label="Contents"><details id="contents" open><summary>Contents</summary>
    ${links}
    </details></nav>
    <main id="content" tabindex="-1">
    ${content}
    </main>
    </div>
    <dialog id="confirm" aria-labelledby="confirm-title">
    <form method="dialog">
    <h2 id="confirm-title">Send this?</h2>
    <p>It changes this installation's visitors, and nothing takes it back.</p>
    <pre id="confirm-request" tabindex="0" role="group" aria-label="The request"></pre>
    <p class="actions"><button value="cancel" autofocus>Cancel</button> <button value="send" class="danger">Send</button></p>
    </form>
    </dialog>
  `;
}

function start(root: string): Html {
  const bad = {
    status: "error",
    error: "visitor_not_found",
    message: "There is no visitor with this short id.",
  };
  return part`<section id="start"><h1>Who is on our site now?</h1>
<p class="lead">And which of them is the person that I am talking to? Foyer's REST API answers both. It is here:</p>
${code(root, "Where the API is", "root")}
<noscript><p class="note">You can read all of this. With JavaScript you can also try it here.</p></noscript>
<h2 id="keys">Keys</h2>
<p>Every request sends a key: the server's <code>REST_KEY</code>, which reads, or its <code>REST_WRITE_KEY</code>, which
also changes visitors. Send it in one of three ways:</p>
${
    code(
      "Authorization: YOUR_KEY\nAuthorization: Bearer YOUR_KEY\nX-Api-Key: YOUR_KEY",
      "Headers that hold the key",
    )
  }
<h2 id="answers">Answers</h2>
<p>An answer is JSON with a <code>status</code>, <code>ok</code> or <code>error</code>. An error has a
<a href="#errors">code</a> for programs and a message for people:</p>
${json(bad, "Example of an error")}
<p>A <a href="#visitor">visitor</a> always has all of its attributes: what is missing is <code>null</code>,
<code>[]</code> or <code>false</code>. Every answer has an <code>X-Request-Id</code>, by which the server's log names the
same request; a client may choose it.</p>
<h2 id="paging">Long lists</h2>
<p>A list has 100 visitors unless <code>max_results</code> says otherwise, and 1000 at the most. Where there are more,
the <code>Link</code> header has the URL of the next result page. Its cursor stays valid while visitors come and go.</p>
<h2 id="polling">Asking again and again</h2>
<p>Send the <code>ETag</code> of an answer back as <code>If-None-Match</code>: while nothing has changed, the answer is
304 without a body. Let your client accept gzip. On 429 and 503 wait for as many seconds as <code>Retry-After</code>
says.</p>
</section>`;
}

function visitor(schema: Schema): Html {
  return part`<section id="visitor"><h2>The visitor</h2>
<p>Every visitor in every answer has these attributes, in this order. Times are ISO 8601 in UTC with milliseconds.</p>
${propertiesTable(schema, "The visitor's attributes")}
</section>`;
}

function search(): Html {
  const rows = SEARCH_FORMAT.map(({ part: written, finds, examples }) => [
    part`${inline(written)}${
      // Most examples are in the text already.
      examples.filter((example) => !written.includes(`\`${example}\``))
        .map((example) => part`, <code>${example}</code>`)}`,
    sentence(finds),
  ]);
  return part`<section id="search"><h2>Search</h2>
<p><code>q</code>, of up to 256 characters, is split at white space, and a visitor must match every part.
<code>"Double quotes"</code> make text of what is between them; <code>id:"a b"</code> is an operator whose value has a
space. Nothing in <code>q</code> but its length is an error.</p>
${table("The search format", ["Part", "Finds visitors"], rows)}
<p>If nobody matches, each text part of four letters or more also matches words one typo away: <code>linqdvist</code>
finds Lindqvist. Phone numbers are found however they are spaced. Without <code>q</code> the answer is the visitors
online now.</p>
</section>`;
}

/** The section on errors: those of operations, and those of other requests under `/api`. */
function errors(): Html {
  const used = new Set<ErrorCode>([
    ...COMMON_ERRORS,
    ...Object.values(OPERATIONS).flatMap(({ errors }) => errors),
    "not_found",
    "method_not_allowed",
  ]);
  const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => used.has(code))
    .sort((a, b) => ERRORS[a].status - ERRORS[b].status);
  return part`<section id="errors"><h2>Errors</h2>
${errorsTable(codes, "Errors")}
</section>`;
}

/** A Markdown document from Foyer's source, as a section. The executable contains these documents. */
function document(path: string, anchor: string, title: string): Html {
  const text = Deno.readTextFileSync(new URL(path, import.meta.url));
  return part`<section id="${anchor}"><h2>${title}</h2>
${documentSection(text, anchor)}
</section>`;
}
