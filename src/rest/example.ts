/**
 * What the API's description shows. The addresses come from the ranges that RFC 2606 and RFC 5737 reserve for
 * examples, so that they reach nobody.
 *
 * @module
 */
import type { Visitor } from "../visitor/visitor.ts";

/** A visitor who does not exist. */
export const EXAMPLE_VISITOR: Visitor = {
  short_id: "aB3dE5fG7h",
  added_at: "2026-01-02T03:04:05.678Z",
  api_key: "public-example-key",
  browser_name: "Mobile Safari",
  call_name: "Zoë Müller (DE)",
  device_name: "iPhone",
  device_type: "mobile",
  email: "zoe.mueller@example.com",
  identities: ["Zoë Müller", "zoe.mueller@example.com", "Bäckerei Sonne"],
  integration: "acmechat",
  integration_ids: ["acmechat:1234"],
  ip_address: "192.0.2.17",
  is_in_session: false,
  is_online: true,
  is_supported: true,
  is_waiting_for_call: false,
  js_configuration: false,
  last_seen_at: "2026-03-04T05:06:07.089Z",
  last_url: "https://shop.example.com/pricing",
  location_city: "Köln",
  location_country: "DE",
  location_country_name: "Germany",
  lookup_code: "4711",
  metadata: { plan: "team", orders: 3, newsletter: true },
  name: "Zoë Müller",
  nickname: "Zoë",
  sdk: "web 1.0.0",
  tags: ["#customer"],
  unique_id: "user-1042",
  watch_link: "https://agents.example.com/watch/aB3dE5fG7h",
};

/** A validator of an answer. */
export const EXAMPLE_TAG = '"Yq3vK0p8mQe1Xn5uT7bZ2w"';
