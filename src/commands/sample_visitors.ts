/**
 * Fictitious visitors, for trying Foyer without a database. Their addresses are in the ranges that RFC 2606 (domains),
 * RFC 5737 (IPv4) and RFC 3849 (IPv6) reserve for examples, so that they belong to nobody.
 *
 * @module
 */
import { foldText } from "../search/normalise.ts";
import { readVisitor, type Visitor } from "../visitor/visitor.ts";
import { makeConsistent } from "../visitor/visitor_state.ts";

const COUNT = 200;
const ONLINE = 40;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/**
 * A country with its cities and names; `name/latin` if e-mail addresses need another spelling. `gap` is set if the
 * family name comes first, and separates it from the given name. Ten visitors live in each country, so it needs at least
 * ten full names.
 */
type Place = [code: string, country: string, cities: string, given: string, family: string, gap?: string];

// deno-fmt-ignore
const PLACES: Place[] = [
  ["DE", "Germany", "Berlin,Köln,München", "Zoë,Jürgen/juergen,Käthe/kaethe,Lukas", "Müller/mueller,Weiß,Schröder/schroeder,Becker"],
  ["FR", "France", "Paris,Lyon,Orléans", "Chloé,François,Hélène,Noël", "Lefèvre,Bérenger,Dubois,Garçon"],
  ["PL", "Poland", "Kraków,Łódź,Wrocław", "Łukasz,Małgorzata,Stanisław,Zofia", "Nowak,Wójcik,Mazur,Dąbek"],
  ["DK", "Denmark", "København,Aarhus", "Søren,Bjørn,Astrid,Jørgen", "Sørensen,Kjær,Østergaard,Holm"],
  ["SE", "Sweden", "Malmö,Göteborg", "Åsa,Göran,Märta,Linnéa", "Sjöberg,Åkesson,Öberg,Lindqvist"],
  ["ES", "Spain", "Málaga,Madrid", "Íñigo,Begoña,José,Lucía", "Núñez,García,Peña,Ibáñez"],
  ["PT", "Portugal", "Lisboa,Évora", "João,Inês,Conceição,Tomás", "Gonçalves,Simões,Araújo,Mourão"],
  ["TR", "Türkiye", "İstanbul,İzmir", "Çağla,Gökhan,Şule,Işıl/isil", "Yıldız/yildiz,Öztürk,Çelik,Şahin"],
  ["GB", "United Kingdom", "London,Leeds", "Siân,Oliver,Priya,Brontë", "Hughes,Patel,Okafor,Fraser"],
  ["US", "United States", "Portland,Austin,Chicago", "Renée,Marcus,Maya,Tyler", "Johnson,Peña,Nguyen,O’Neill/oneill"],
  ["VN", "Vietnam", "Hà Nội,Đà Nẵng", "Minh Anh,Thị Hương,Quốc Bảo,Đức", "Đặng,Nguyễn,Trần,Phạm", " "],
  ["GR", "Greece", "Αθήνα,Θεσσαλονίκη", "Γιώργος/giorgos,Νίκος/nikos,Σπύρος/spyros,Ηλίας/ilias", "Παπαδόπουλος/papadopoulos,Καραγιάννης/karagiannis,Ζαΐμης/zaimis"],
  ["UA", "Ukraine", "Київ,Львів", "Олена/olena,Андрій/andrii,Марія/mariia,Богдан/bohdan", "Шевченко/shevchenko,Коваленко/kovalenko,Ґонта/gonta"],
  ["BG", "Bulgaria", "София,Пловдив", "Георги/georgi,Йордан/yordan,Стоян/stoyan,Иван/ivan", "Димитров/dimitrov,Петров/petrov,Христов/hristov"],
  ["EG", "Egypt", "Cairo,Alexandria", "فاطمة/fatima,أحمد/ahmed,ليلى/layla,يوسف/youssef", "منصور/mansour,حسين/hussein,الشاذلي/elshazly"],
  ["IL", "Israel", "Tel Aviv,Haifa", "נועה/noa,יעל/yael,דוד/david,איתי/itai", "כהן/cohen,לוי/levi,מזרחי/mizrahi"],
  ["CN", "China", "上海,北京", "伟/wei,秀英/xiuying,子涵/zihan,明/ming", "王/wang,李/li,张/zhang,刘/liu", ""],
  ["JP", "Japan", "東京,大阪", "さくら/sakura,健太/kenta,陽子/yoko,翔/sho", "佐藤/sato,鈴木/suzuki,高橋/takahashi", " "],
  ["KR", "South Korea", "서울,부산", "민준/minjun,서연/seoyeon,지우/jiwoo,하은/haeun", "김/kim,이/lee,박/park,최/choi", ""],
  ["IN", "India", "दिल्ली,Mumbai", "आरव/aarav,प्रिया/priya,संजय/sanjay,अनन्या/ananya", "शर्मा/sharma,वर्मा/verma,गुप्ता/gupta"],
];

/** Devices: the percentage of visitors who use it, its name, its type and its browsers. */
const DEVICES: [weight: number, name: string, type: string, browsers: string[]][] = [
  [30, "Windows PC", "desktop", ["Chrome", "Edge", "Firefox"]],
  [16, "Mac", "desktop", ["Safari", "Chrome", "Firefox"]],
  [4, "Linux PC", "desktop", ["Firefox", "Chromium"]],
  [20, "iPhone", "mobile", ["Mobile Safari", "Chrome iOS"]],
  [9, "Galaxy S24", "mobile", ["Samsung Internet", "Chrome Mobile"]],
  [7, "Pixel 9", "mobile", ["Chrome Mobile", "Firefox Mobile"]],
  [6, "iPad", "tablet", ["Mobile Safari"]],
  [4, "Galaxy Tab S9", "tablet", ["Samsung Internet", "Chrome Mobile"]],
  [2, "LG webOS TV", "smarttv", ["LG Browser"]],
  [2, "PlayStation 4", "console", ["PlayStation Browser"]],
];

/** How long each of the waiting visitors has waited for a call, in milliseconds. */
const WAITS = [20 * SECOND, 95 * SECOND, 160 * SECOND, 6 * MINUTE];

const COMPANIES =
  "Acme Logistics,Bäckerei Sonne,Café Éclair,Fjord & Søn,Nordlicht,Zażółć Studio,さくら商事,Ελαιώνας";
/** The web pages that sample visitors are on. */
export const SAMPLE_URLS: readonly string[] =
  ",pricing,cart,checkout/payment,account/orders,products/caf%C3%A9-cr%C3%A8me,search?q=green+tea,help/returns"
    .split(",").map((path) => `https://shop.example.com/${path}`);

// No characters that look alike, such as 0 and O: people read short ids out.
const ID_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";

/**
 * Makes 200 visitors of many countries, the first 40 of them online; the first is Zoë Müller, a customer.
 *
 * @param now all visitors were last seen before this time, those online at most two minutes before
 * @returns the same visitors on every call, except for their times
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const [zoe] = sampleVisitors(new Date());
 * assert.equal(zoe.name, "Zoë Müller");
 * assert.ok(zoe.is_online && zoe.tags.includes("#customer"));
 * ```
 */
export function sampleVisitors(now: Date): Visitor[] {
  const random = mulberry32(20260102);
  const below = (limit: number) => Math.floor(random() * limit);
  const chance = (percent: number) => random() * 100 < percent;
  const pick = <T>(items: readonly T[]) => items[below(items.length)];
  const devices = DEVICES.flatMap((device) => Array<typeof device>(device[0]).fill(device));

  let waiting = 0;
  const taken = new Set<string>();
  const unique = (make: () => string) => {
    let value = make();
    while (taken.has(value)) value = make();
    taken.add(value);
    return value;
  };

  const samplePerson = ([code, , , givenNames, familyNames, gap]: Place, index: number) => {
    const choose = (names: string) => index === 0 ? names.split(",")[0] : pick(names.split(","));
    let name = "";
    let given = "";
    const account = unique(() => {
      const [first, firstLatin] = spellings(choose(givenNames));
      const [last, lastLatin] = spellings(choose(familyNames));
      given = first;
      name = gap === undefined ? `${first} ${last}` : last + gap + first;
      return `${firstLatin}.${lastLatin}`;
    });
    const email = chance(90) ? `${account}@example.${pick(["com", "org", "net"])}` : null;
    const company = chance(45) ? pick(COMPANIES.split(",")) : null;
    return {
      name,
      email,
      nickname: chance(15) ? given : null,
      call_name: chance(15) ? `${name} (${code})` : null,
      unique_id: pick([`user-${1000 + index}`, `${48000 + index}`, email]),
      identities: [name, email, company],
      metadata: { plan: pick(["free", "team", "business"]), orders: below(30), newsletter: chance(40) },
    };
  };

  return Array.from({ length: COUNT }, (_, index) => {
    const is_online = index < ONLINE;
    const place = PLACES[index % PLACES.length];
    const [code, country, cities] = place;
    const person = index === 0 || chance(66) ? samplePerson(place, index) : null;
    const seenBefore = is_online ? SECOND + below(110 * SECOND) : 5 * MINUTE + below(30 * DAY - 10 * MINUTE);
    const known = chance(55) ? DAY + below(300 * DAY) : below(40 * MINUTE);
    const [, device_name, device_type, browsers] = pick(devices);
    const is_supported = device_type !== "smarttv" && device_type !== "console";
    const tags = [
      (index === 0 || (person && chance(45))) && "#customer",
      person && chance(12) && "#vip",
      person && chance(15) && "#trial",
      person?.metadata.newsletter && "#newsletter",
      known >= DAY && "#returning",
    ];
    const cart = chance(35) ? { cart_items: 1 + below(6), cart_total: (500 + below(20000)) / 100 } : {};
    const integration = chance(60) ? "acmechat" : null;
    const visitor = makeConsistent(
      readVisitor({
        ...person,
        short_id: unique(() => Array.from({ length: 10 }, () => pick(Array.from(ID_ALPHABET))).join("")),
        added_at: new Date(now.getTime() - seenBefore - known),
        api_key: "public-sample-key",
        browser_name: pick(browsers),
        device_name,
        device_type,
        integration,
        integration_ids: [
          integration && `${integration}:${1000 + index}`,
          person && chance(40) ? `acmecrm:${77 + index}` : null,
        ],
        ip_address: chance(30)
          ? `2001:db8:${(1 + below(0xffff)).toString(16)}:${(1 + below(0xff)).toString(16)}::${1 + below(9)}`
          : `${pick(["192.0.2", "198.51.100", "203.0.113"])}.${1 + below(254)}`,
        is_in_session: is_online && is_supported && chance(15),
        is_online,
        is_supported,
        is_waiting_for_call: is_online && chance(15),
        js_configuration: chance(30),
        last_seen_at: new Date(now.getTime() - seenBefore),
        last_url: pick(SAMPLE_URLS),
        location_city: pick(cities.split(",")),
        location_country: code,
        location_country_name: country,
        lookup_code: is_online ? unique(() => String(below(10_000)).padStart(4, "0")) : null,
        metadata: { ...person?.metadata, ...cart },
        sdk: "web 1.0.0",
        tags: tags.filter((tag) => typeof tag === "string"),
      })!,
    );
    if (!visitor.is_waiting_for_call) return visitor;
    const waited = WAITS[waiting++ % WAITS.length];
    return { ...visitor, waiting_since: new Date(now.getTime() - waited).toISOString() };
  });
}

/** A name, and its spelling in e-mail addresses. */
function spellings(entry: string): [name: string, latin: string] {
  const [name, latin = foldText(name)] = entry.split("/");
  return [name, latin.replaceAll(" ", "")];
}

/** A generator of pseudo-random numbers in [0, 1) with a seed, which `Math.random` cannot take. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
