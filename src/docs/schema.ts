/**
 * Describes the schemas of the OpenAPI description in words.
 *
 * @module
 */

/** The subset of JSON Schema that the description uses. */
export interface Schema {
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  description?: string;
  $ref?: string;
}

/** The types of a schema in words, such as "string or null". */
export function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(" or ");
  if (schema.format === "date-time") return "time";
  const types = [schema.type ?? "any"].flat();
  return types.map((type) => type === "array" ? `list of ${typeOf(schema.items ?? {})}s` : type).join(" or ");
}

/** The limits of a value beside its type, such as "1 or more"; mostly empty. */
export function limitsOf({ minimum, maximum, maxLength, default: given }: Schema): string[] {
  return [
    ...(minimum === undefined ? [] : [`${minimum} or more`]),
    ...(maximum === undefined ? [] : [`${maximum} or less`]),
    ...(maxLength === undefined ? [] : [`up to ${maxLength} characters`]),
    ...(given === undefined ? [] : [`${given} unless given`]),
  ];
}

/** The schema's name in a `$ref`: its last segment. */
export function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}
