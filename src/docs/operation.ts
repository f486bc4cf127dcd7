/**
 * An operation of the API as a section of the web page: its meaning, its parameters, its answers, and a form to try it.
 *
 * @module
 */
import { type ErrorCode, ERRORS } from "../http/errors.ts";
import { COMMON_ERRORS, type Operation } from "../rest/operations.ts";
import { code, type Html, inline, json, named, part, raw, sentence, table } from "./markup.ts";
import { limitsOf, nameOf, type Schema, typeOf } from "./schema.ts";

/** An operation in the OpenAPI description. */
export interface DescribedOperation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, Answer>;
}

interface Answer {
  description?: string;
  headers?: Record<string, { description?: string }>;
  content?: Record<string, Content>;
}

interface Parameter {
  in: "path" | "query" | "header";
  name: string;
  required?: boolean;
  description?: string;
  example?: unknown;
  schema: Schema;
}

interface Content {
  schema: Schema;
  example?: unknown;
}

/** The content of a section. */
export interface OperationParts {
  operation: Operation;
  described: DescribedOperation;
  /** The base URL of the API. */
  root: string;
  /** The named schemas to which `$ref` refers. */
  schemas: Record<string, Schema>;
}

/** The section of an operation. */
export function operationSection(parts: OperationParts): Html {
  const { operation: { method, path }, described } = parts;
  const { operationId, summary, description, parameters = [] } = described;
  return part`<section class="operation" id="${operationId}" aria-labelledby="${operationId}-title">
<h3 id="${operationId}-title"><a href="#${operationId}">${methodMark(method)} <code>${
    breakable(path)
  }</code></a></h3>
<p class="meaning">${inline(summary)}.</p>
${description === undefined ? "" : part`<p>${inline(description)}</p>`}
${code(curlLine(parts), `Example of ${method} ${path}`, "curl")}
${
    parameters.length === 0 ? "" : part`<h4>Parameters</h4>
${parametersTable(parameters, `Parameters of ${method} ${path}`)}`
  }
${body(parts)}
${answers(parts)}
${errorsList([...COMMON_ERRORS, ...parts.operation.errors], `Errors of ${method} ${path}`)}
${tryForm(parts)}
</section>`;
}

/** A method's name, in the colour of its kind. */
export function methodMark(method: string): Html {
  return part`<span class="method ${method.toLowerCase()}">${method}</span>`;
}

/** A path in which lines may break before each slash. */
function breakable(path: string): Html {
  return raw(path.replaceAll("/", "<wbr>/"));
}

function parametersTable(parameters: Parameter[], label: string): Html {
  return table(
    label,
    ["Parameter", "Meaning"],
    parameters.map((parameter) => [
      part`${named(parameter.name)}${requiredMark(parameter.required)}<br>
<span class="kind">${PLACES[parameter.in]}</span>`,
      part`${sentence(parameter.description ?? "")}${SEE[parameter.name] ?? ""}<br>
<span class="kind">${valueOf(parameter.schema)}</span>`,
    ]),
  );
}

/** Links to further documentation of a parameter. */
const SEE: Record<string, Html> = {
  q: part`. See <a href="#search">the search format</a>`,
  after: part`. See <a href="#stream">how a client works</a>`,
};

function valueOf(schema: Schema): string {
  return [typeOf(schema), ...limitsOf(schema)].join(", ");
}

const PLACES = { path: "in the path", query: "in the query", header: "a header" };

function body({ operation, described, schemas }: OperationParts): Html | string {
  const content = described.requestBody?.content["application/json"];
  if (content === undefined) return "";
  const schema = resolved(content.schema, schemas);
  const what = `${operation.method} ${operation.path}`;
  return part`<h4>Body</h4>
${propertiesTable(schema, `Body of ${what}`, true)}
${json(operation.bodyExample, `Example of the body of ${what}`)}`;
}

function resolved(schema: Schema, schemas: Record<string, Schema>): Schema {
  return schema.$ref === undefined ? schema : schemas[nameOf(schema.$ref)];
}

/**
 * A table of an object's properties and their meanings.
 *
 * @param marksRequired whether required properties are marked
 */
export function propertiesTable(
  { properties = {}, required = [] }: Schema,
  label: string,
  marksRequired = false,
): Html {
  return table(
    label,
    ["Attribute", "Meaning"],
    Object.entries(properties).map(([name, schema]) => [
      part`${named(name)}${requiredMark(marksRequired && required.includes(name))}<br>
<span class="kind">${valueOf(schema)}</span>`,
      sentence(schema.description ?? ""),
    ]),
  );
}

function answers({ operation, described }: OperationParts): Html {
  const good = Object.entries(described.responses).filter(([status]) => Number(status) < 400);
  const examples = good.flatMap(([status, { content = {} }]) =>
    Object.entries(content).map(([type, { example }]) => ({ status, type, example }))
  );
  // X-Request-Id is left out, since every answer has it.
  const headers = Object.entries(described.responses["200"]?.headers ?? {}).filter(([name]) =>
    name !== "X-Request-Id"
  );
  return part`<h4>Answer</h4>
<ul class="answers">${
    good.map(([status, { description = "" }]) =>
      part`<li><code>${status}</code> ${inline(description)}</li>\n`
    )
  }${
    headers.map(([name, { description = "" }]) =>
      part`<li><code>${name}</code> <span class="kind">header</span> ${sentence(description)}</li>\n`
    )
  }</ul>
${
    examples.map(({ status, type, example }) => {
      const label = `Example of the answer of ${operation.method} ${operation.path}`;
      return part`<details><summary>Example of <code>${status}</code>, ${type}</summary>
${typeof example === "string" ? code(example, label) : json(example, label)}
</details>`;
    })
  }`;
}

function errorsList(codes: ErrorCode[], label: string): Html {
  return part`<details><summary>${codes.length} errors, and what to do</summary>
${errorsTable(codes, label)}
</details>`;
}

/** A table of errors, each with its remedy. */
export function errorsTable(codes: readonly ErrorCode[], label: string): Html {
  const rows = codes.map((code) => {
    const { status, when, cure } = ERRORS[code];
    return [
      part`${named(code)}<br>
<span class="kind">HTTP ${status}</span>`,
      part`${inline(when)}<br>
<span class="cure">${sentence(cure)}</span>`,
    ];
  });
  return table(label, ["Error", "When, and what to do"], rows);
}

/** A curl command that sends the request, with the description's examples as values. */
function curlLine({ operation, described, root }: OperationParts): string {
  const { method, path, bodyExample, isStream } = operation;
  const query = new URLSearchParams();
  for (const { in: place, name, example, required } of described.parameters ?? []) {
    // `search` is another name of `q`; a cursor or a state id is valid only for the client that received it.
    if (place !== "query" || ["search", "cursor", "after"].includes(name)) continue;
    if (example !== undefined) query.set(name, String(example));
    else if (required) query.set(name, "VALUE");
  }
  const url = `${root}${path.replace(/\{(\w+)\}/g, (_, name) => name.toUpperCase())}${
    query.size > 0 ? `?${query}` : ""
  }`;
  return [
    "curl",
    ...(method === "GET" ? [] : ["-X", method]),
    ...(isStream ? ["-N"] : []),
    "-H",
    `'Authorization: YOUR_KEY'`,
    ...(bodyExample === undefined ? [] : ["-d", `'${JSON.stringify(bodyExample)}'`]),
    `'${url}'`,
  ].join(" ");
}

/** The form to try the operation, which a script enables. If the request changes visitors, all fields start empty. */
function tryForm({ operation, described }: OperationParts): Html {
  const { method, path, isChange, isStream, bodyExample } = operation;
  const id = described.operationId;
  const fields = (described.parameters ?? []).map((parameter) => {
    const { in: place, name, example, required, schema } = parameter;
    const fieldId = `${id}-${place}-${name}`;
    const attributes = [
      required ? "required" : "",
      schema.type === "integer" ? 'inputmode="numeric"' : "",
      isChange || example === undefined ? "" : part`placeholder="Such as ${example}"`,
    ].filter(Boolean).map((attribute) => part` ${raw(`${attribute}`)}`);
    return part`<div class="field"><label for="${fieldId}"><code>${name}</code>${
      requiredMark(required)
    }</label>
<input id="${fieldId}" data-in="${place}" data-name="${name}" autocomplete="off" spellcheck="false"${attributes}></div>\n`;
  });
  const body = bodyExample === undefined
    ? ""
    : part`<div class="field whole"><label for="${id}-body">Body</label>
<textarea id="${id}-body" data-in="body" rows="4" spellcheck="false" required placeholder="${
      isChange ? "" : `Such as ${JSON.stringify(bodyExample)}`
    }"></textarea></div>`;
  const kind = `${isChange ? " data-changes" : ""}${isStream ? " data-streams" : ""}`;
  const verb = isChange ? `${method}…` : isStream ? "Listen" : "Send";
  return part`<form class="try" hidden data-method="${method}" data-path="${path}"${
    raw(kind)
  } aria-label="Try ${method} ${path}">
<h4>Try it</h4>
<div class="fields">${fields}${body}</div>
<p class="actions"><button>${verb}</button> <button type="button" data-stop hidden>Stop</button></p>
<output aria-live="polite"></output>
</form>`;
}

function requiredMark(required?: boolean): Html | string {
  return required ? part` <span class="required">required</span>` : "";
}
