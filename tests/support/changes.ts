/**
 * Fixtures for tests of changes through the REST API.
 *
 * @module
 */
import { appWith, type Environment } from "./app.ts";

/** When Jane was last seen. */
export const SEEN = "2026-01-02T03:04:05.678Z";

/** The visitor that tests change and remove. */
export const JANE = {
  short_id: "aB3",
  added_at: SEEN,
  call_name: "line 7",
  email: "jane@acme.com",
  identities: ["Jane Doe", "jane@acme.com"],
  integration: "acmechat",
  integration_ids: ["acmechat:1234"],
  is_online: true,
  last_seen_at: SEEN,
  last_url: "https://acme.com/pricing",
  lookup_code: "0042",
  metadata: { plan: "gold", seats: 7, trial: false },
  name: "Jane Doe",
  nickname: "JD",
  tags: ["#customer"],
  unique_id: "user123",
  watch_link: "https://acme.com/watch/aB3",
};

/** The path of Jane's route. */
export const PATH = `/api/visitors/${JANE.short_id}`;

/** Makes an application whose visitors may be changed, with functions that send requests. */
export const openApp = async (
  environment: Environment = {},
  documents: Record<string, unknown>[] = [JANE],
) => {
  const opened = await appWith(documents, {
    REST_WRITE_KEY: "write",
    REST_KEY_PREVIOUS: "old",
    BASE_ENDPOINT: "https://acme.com/support",
    ...environment,
  });
  const read = async (path: string) => {
    const response = await opened.ask(path);
    return { status: response.status, tag: response.headers.get("ETag"), ...await response.json() };
  };
  return {
    ...opened,
    /** All stored visitors. */
    stored: () => Array.fromAsync(opened.store.allVisitors()),
    getVisitor: async () => (await read(PATH)).visitor,
    read,
    /** The short ids that a search finds. */
    find: async (q: string): Promise<string[]> => {
      const { visitors } = await read(`/api/visitors/list/search?q=${encodeURIComponent(q)}`);
      return visitors.map(({ short_id }: { short_id: string }) => short_id);
    },
    write: async (method: "PATCH" | "DELETE", path: string, body?: BodyInit | null, headers = {}) => {
      const response = await opened.app.request(path, {
        method,
        body,
        headers: { Authorization: "write", ...headers },
      });
      return { status: response.status, allow: response.headers.get("Allow"), ...await response.json() };
    },
  };
};
