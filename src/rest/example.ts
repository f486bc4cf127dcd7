/**
 * The examples in the API's description.
 *
 * @module
 */
import { ATTRIBUTE_NAMES, ATTRIBUTES, type Visitor } from "../visitor/visitor.ts";

/** A made-up visitor. */
export const EXAMPLE_VISITOR = Object.fromEntries(
  ATTRIBUTE_NAMES.map((name) => [name, ATTRIBUTES[name].example]),
) as Visitor;

/** The `ETag` of an answer. */
export const EXAMPLE_TAG = '"Yq3vK0p8mQe1Xn5uT7bZ2w"';
