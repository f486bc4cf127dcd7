/**
 * Pseudo-random visitors for benchmarks: the same ones each time, with names, companies and URLs of uneven frequency.
 *
 * @module
 */

const FIRST = [
  "Anna Ben Carla David Elena Farid Grace Hiro Ines Jan Katarzyna Liam Mia Noor Olga Pedro Quentin Rosa Sören",
  "Tomás Ursula Viktor Wanda Xavier Yusuf Zoë Łukasz Björn Chloé Émile Søren Nataša Aino Bogdan Cem Dilara",
].join(" ").split(" ");
const SYLLABLES = "ba ber bo da den el fer gar han jo ka lin ma mer no or pe ros sa ström ta tor va wal zer"
  .split(" ");
const CITIES = [
  ["Berlin", "DE", "Germany"],
  ["München", "DE", "Germany"],
  ["Kraków", "PL", "Poland"],
  ["São Paulo", "BR", "Brazil"],
  ["Paris", "FR", "France"],
  ["Austin", "US", "United States"],
  ["大阪", "JP", "Japan"],
  ["København", "DK", "Denmark"],
];
const BROWSERS = ["Chrome", "Firefox", "Mobile Safari", "Edge"];
const DEVICES = [["iPhone", "mobile"], ["Windows PC", "desktop"], ["Mac", "desktop"], ["Pixel 9", "mobile"]];
const PAGES = [
  "",
  "pricing",
  "products/tea",
  "products/coffee",
  "cart",
  "checkout",
  "help/contact",
  "blog/news",
];
const TAGS = ["#customer", "#newsletter", "#trial", "#vip", "#returning"];

/** A seeded generator (mulberry32) of numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The `short_id` of the visitor with this number. */
export function shortIdOf(number: number): string {
  return `v${number.toString(36).padStart(7, "0")}`;
}

/**
 * Generates visitors as documents, with times in ISO 8601.
 *
 * @param total the number of visitors; the first `online` of them are online
 * @param now the time to which `last_seen_at` is relative
 */
export function* benchVisitors(total: number, online: number, now: Date): Generator<Record<string, unknown>> {
  const random = seededRandom(20261124);
  const below = (n: number) => Math.floor(random() * n);
  /** Chooses an item, the first ones more often than the last ones. */
  const uneven = <T>(items: T[]) => items[Math.floor(random() ** 2 * items.length)];
  for (let number = 0; number < total; number++) {
    const isOnline = number < online;
    const seen = now.getTime() - (isOnline ? below(60_000) : 60_000 + below(30 * 86_400_000));
    const first = uneven(FIRST);
    const word = SYLLABLES[below(25)] + SYLLABLES[below(25)] + SYLLABLES[below(25)];
    const last = word[0].toUpperCase() + word.slice(1);
    const isKnown = random() < 0.7;
    const email = `${first}.${last}${below(1000)}@mail.example.com`.toLowerCase();
    const company = `${SYLLABLES[below(25)]}${SYLLABLES[below(25)]} GmbH`;
    const [city, country, countryName] = uneven(CITIES);
    const [device, type] = uneven(DEVICES);
    yield {
      short_id: shortIdOf(number),
      added_at: new Date(seen - below(10 ** 9)).toISOString(),
      api_key: "public-bench-key",
      browser_name: uneven(BROWSERS),
      device_name: device,
      device_type: type,
      email: isKnown ? email : null,
      identities: isKnown ? [`${first} ${last}`, email, company] : [],
      integration: random() < 0.3 ? "acmechat" : null,
      integration_ids: random() < 0.3 ? [`acmechat:${number}`] : [],
      ip_address: random() < 0.2
        ? `2001:db8::${below(65536).toString(16)}:${below(65536).toString(16)}`
        : `198.51.${below(256)}.${below(256)}`,
      is_in_session: isOnline && random() < 0.02,
      is_online: isOnline,
      last_seen_at: new Date(seen).toISOString(),
      last_url: `https://shop.example.com/${PAGES[below(PAGES.length)]}`,
      location_city: city,
      location_country: country,
      location_country_name: countryName,
      lookup_code: isOnline ? String(number % 10_000).padStart(4, "0") : null,
      metadata: { plan: random() < 0.5 ? "free" : "business", orders: below(40) },
      name: isKnown ? `${first} ${last}` : null,
      sdk: "web 1.0.0",
      tags: TAGS.filter((_, i) => random() < 0.3 / (i + 1)),
      unique_id: isKnown ? `user-${number}` : null,
    };
  }
}
