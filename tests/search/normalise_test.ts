import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalAddress, foldCase, foldText, grams, plainText } from "../../src/search/normalise.ts";

const anyText = fc.string({ unit: "binary", maxLength: 40 });

Deno.test("Text is compared with letter case, accents and width aside", () => {
  const verdicts: [value: string, folded: string][] = [
    ["", ""],
    ["Jane Doe", "jane doe"],
    ["Zoë Müller", "zoe muller"],
    ["Zoe\u0308", "zoe"],
    ["Łódź", "lodz"],
    ["Øre Đà ÆŒ Þ", "ore da aeoe th"],
    ["øđæœßþ", "odaeoessth"],
    ["Straße", "strasse"],
    ["STRAẞE", "strasse"],
    ["İstanbul", "istanbul"],
    ["ISTANBUL", "istanbul"],
    ["ΣΟΦΟΣ", "σοφοσ"],
    ["σοφός", "σοφοσ"],
    ["Йод Ёлка", "иод елка"],
    ["Київ", "киів"],
    ["Nguyễn", "nguyen"],
    ["ﬁne", "fine"],
    ["ＡＢＣ１２３", "abc123"],
    ["①²", "12"],
    ["Guðrún ÐÓRA", "gudrun dora"],
    ["YILDIZ", "yildiz"],
    ["Yıldız", "yildiz"],
    ["KILIÇ kılıç", "kilic kilic"],
    ["Παπαδόπουλος", "παπαδοπουλοσ"],
    ["ὈΔΌΣ ᾳ", "οδοσ α"],
    ["東京", "東京"],
    ["أحمد", "احمد"],
    ["مُحَمَّد", "محمد"],
    ["محـــمد", "محمد"],
    ["محمد\u200cرضا", "محمدرضا"],
    ["שָׁלוֹם", "שלום"],
    ["a\tb\nc\u00a0d\u3000e", "a b c d e"],
    ["a\0b", "a\0b"],
    ["👩\u200d💻", "👩💻"],
    ["❤\ufe0f 1\ufe0f\u20e3", "❤ 1"],
    ["👍🏽", "👍🏽"],
    ["🏴\u{e0067}\u{e0062}\u{e007f}", "🏴\u{e0067}\u{e0062}\u{e007f}"],
    ["[x]*.?$%", "[x]*.?$%"],
    ["℡ ½", "tel 1⁄2"],
    ["٤٧١١ ४७११ ๔๗๑๑ 𝟜𝟟", "4711 4711 4711 47"],
    ["O’Brien O‘Brien OʼBrien O´Brien", "o'brien o'brien o'brien o'brien"],
    ["“Ada” „Ada“ «Ada»", '"ada" "ada" "ada"'],
    ["a\u2011b\u2010c", "a-b-c"],
  ];
  for (const [value, folded] of verdicts) assert.equal(foldText(value), folded, JSON.stringify(value));
});

Deno.test("All spellings of a word fold to one form, and another word folds to another", () => {
  const same: [string, string][] = [
    ["パン", "ﾊﾟﾝ"],
    ["ガ", "ｶ\u3099"],
    ["한국", "ㅎㅏㄴㄱㅜㄱ"],
    ["한국", "한국".normalize("NFD")],
    ["값", "ㄱㅏㅂㅅ"],
    ["क\u093c", "\u0958"],
    ["Nguyễn", "NGUYÊ\u0303N"],
    ["Đặng", "dang"],
    // Letters of Persian and of Arabic keyboards, and letters that people use interchangeably.
    ["علی", "علي"],
    ["کریم", "كريم"],
    ["مصطفى", "مصطفي"],
    ["فاطمة", "فاطمه"],
    ["أحمد إبراهيم آدم ٱلله", "احمد ابراهيم ادم الله"],
    ["مؤمن رئيس", "مومن رييس"],
    ["خانهٔ", "خانۀ"],
    ["خانهٔ", "خانه"],
    ["ﻓﺎﻃﻤﺔ", "فاطمه"],
    ["مُحَمَّدٌ", "محمد"],
    ["رحمٰن", "رحمن"],
    ["عـــلي", "علي"],
    ["می‌خواهم", "میخواهم"],
    // Others.
    ["Ħal Għargħur", "hal ghargħur"],
    ["Ĳsselmeer", "IJsselmeer"],
    ["Ǆemal", "džemal"],
    ["Dvořák", "DVOŘÁK"],
    ["Ångström", "Ångstrom"],
    ["Ő Ű", "ou".split("").join(" ")],
    ["Ştefan Țepeş", "stefan tepes"],
    ["Ελλάς", "ΕΛΛΑΣ"],
    ["Ἀθῆναι", "ΑΘΗΝΑΙ"],
    ["Ёжиков", "ежиков"],
    ["שָׁלוֹם", "שלום"],
    ["בּראשית", "בראשית"],
    ["가각", "가각".normalize("NFD")],
    ["ｶﾞﾝﾀﾞﾑ", "ガンダム"],
    ["①②③", "123"],
    ["ﬃ", "ffi"],
    ["㎏", "kg"],
    ["❤️", "❤"],
    ["👩‍👩‍👧", "👩👩👧"],
  ];
  for (const [a, b] of same) assert.equal(foldText(a), foldText(b), a);
  const different: [string, string][] = [
    ["रीमा", "राम"],
    ["रीमा", "राम"],
    ["नमस्ते", "नमसत"],
    ["ปู", "ปี"],
    ["ปู", "ป"],
    ["パン", "バン"],
    ["ハン", "パン"],
    ["কি", "কী"],
    ["தி", "தீ"],
    ["ကို", "ကု"],
    ["កុ", "កូ"],
    ["한", "하"],
    ["강", "가"],
    ["علي", "عل"],
    ["کار", "گار"],
    ["پدر", "بدر"],
    ["राम", "रम"],
    ["കുമാര്", "കമാര"],
    ["மணி", "மண"],
    ["ກໍ", "ກ"],
    ["ぱ", "は"],
    ["が", "か"],
    ["👍🏽", "👍🏿"],
  ];
  for (const [a, b] of different) assert.notEqual(foldText(a), foldText(b), a);
  // An unfinished word is found, even if its last consonant will begin the next syllable.
  for (const typed of ["ㅎ", "하", "한", "한ㄱ", "한구", "한국"]) {
    assert.ok(foldText("한국어").startsWith(foldText(typed)), typed);
  }
  assert.ok(foldText("가나").startsWith(foldText("간")));
});

Deno.test("Pasted text becomes plain characters, as a keyboard produces them", () => {
  const verdicts: [pasted: string, plain: string][] = [
    ["", ""],
    ["4711", "4711"],
    ["4\u200b711", "4711"],
    ["\u202a4711\u202c", "4711"],
    ["\u20664711\u2069", "4711"],
    ["\u200e4711\u200f", "4711"],
    ["\ufeff4711", "4711"],
    ["47\u2060\u00ad11", "4711"],
    ["４７１１", "4711"],
    ["٤٧١١", "4711"],
    ["۴۷۱۱", "4711"],
    ["४७११", "4711"],
    ["𝟰𝟕𝟙𝟷", "4711"],
    ["²½Ⅳ①", "²½Ⅳ①"],
    ["＃ｖｉｐ", "#vip"],
    ["ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ada@example.com"],
    ["﹟vip", "#vip"],
    ["O’Brien ‘Ada’", "O'Brien 'Ada'"],
    ["“Ada” „Ada‟ «Ada» 〝Ada〟 ＂Ada＂", '"Ada" "Ada" "Ada" "Ada" "Ada"'],
    ["Ada–Bo — 5′ 6″", "Ada–Bo — 5′ 6″"],
    ["ÉCOLE ｶﾞ", "ÉCOLE ｶﾞ"],
    ["a\tb\0c\u00a0", "a\tb\0c\u00a0"],
    ["❤\ufe0f", "❤"],
  ];
  for (const [pasted, plain] of verdicts) {
    assert.equal(plainText(pasted), plain, JSON.stringify(pasted));
    assert.equal(plainText(plain), plain);
  }
});

Deno.test("Letters that differ by more than an accent stay apart", () => {
  for (const [a, b] of [["a", "b"], ["ı", "l"], ["o", "0"], ["а", "a"], ["-", "_"], ["'", "`"], ["ı", "j"]]) {
    assert.notEqual(foldText(a), foldText(b));
  }
});

Deno.test("Folded text folds to itself, and contains no line break", () => {
  fc.assert(
    fc.property(anyText, (value) => {
      const folded = foldText(value);
      assert.equal(foldText(folded), folded);
      assert.doesNotMatch(folded, /[\n\r]/);
      assert.ok(folded.isWellFormed());
    }),
    { numRuns: 2000 },
  );
});

Deno.test("Every single character folds to the same, whichever case or form it is written in", () => {
  // Beyond the CJK extensions there are only tag characters and private use.
  for (let point = 0; point < 0x33480; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    // A lone acute accent is typed for an apostrophe, but its compatibility forms are a space with an accent.
    if (point === 0xb4 || point === 0x1ffd) continue;
    const character = String.fromCodePoint(point);
    const folded = foldText(character);
    if (foldText(folded) !== folded) assert.fail(`U+${point.toString(16)} folds to what folds further`);
    for (const form of ["NFC", "NFD", "NFKC", "NFKD"]) {
      if (foldText(character.normalize(form)) !== folded) assert.fail(`U+${point.toString(16)} in ${form}`);
    }
    if (foldText(character.toLowerCase()) !== folded) assert.fail(`U+${point.toString(16)} in lower case`);
  }
});

Deno.test("Tags and addresses are compared with letter case alone aside", () => {
  const same: [string, string][] = [
    ["#VIP", "#vip"],
    ["#Café", "#CAFÉ"],
    ["#cafe\u0301", "#café"],
    ["#ΣΟΦΟΣ", "#σοφος"],
    ["JÜRGEN@MÜLLER.DE", "jürgen@müller.de"],
    ["#İZMİR", "#izmir"],
    ["#IZMIR", "#izmır"],
    ["＃ｖｉｐ", "#VIP"],
    ["#v\u200bi\u00adp", "#vip"],
    ["#٢٠٢٦", "#2026"],
    ["#❤\ufe0f", "#❤"],
    ["#o’brien", "#O'Brien"],
    ["O’Neill@acme.com", "o'neill@ACME.com"],
  ];
  for (const [a, b] of same) assert.equal(foldCase(a), foldCase(b), a);
  const different: [string, string][] = [["#café", "#cafe"], ["#vip", "# vip"], ["#パン", "#バン"], [
    "ß",
    "ss",
  ]];
  for (const [a, b] of different) assert.notEqual(foldCase(a), foldCase(b), a);
});

Deno.test("An IP address has one canonical spelling; other text stays as it is", () => {
  const verdicts: [given: string, canonical: string][] = [
    ["1.1.1.1", "1.1.1.1"],
    ["255.255.255.255", "255.255.255.255"],
    [" 1.1.1.1 ", "1.1.1.1"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["::FFFF:102:304", "1.2.3.4"],
    ["0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["::", "::"],
    ["::1", "::1"],
    ["[2001:DB8::1]", "2001:db8::1"],
    ["[::ffff:1.2.3.4]", "1.2.3.4"],
    ["[1.2.3.4]", "[1.2.3.4]"],
    ["[2001:db8::1]:443", "[2001:db8::1]:443"],
    // An address in hexadecimal, octal or fewer parts, which visitor lists do not contain.
    ["1.1.1", "1.1.1"],
    ["16843009", "16843009"],
    ["0x7f.0.0.1", "0x7f.0.0.1"],
    ["1.2.3.256", "1.2.3.256"],
    ["1.2.3.4.5", "1.2.3.4.5"],
    ["2001:db8::1::2", "2001:db8::1::2"],
    ["12345::1", "12345::1"],
    ["1.1.1.x", "1.1.1.x"],
    ["localhost", "localhost"],
    ["", ""],
    [" x ", " x "],
  ];
  for (const [given, canonical] of verdicts) assert.equal(canonicalAddress(given), canonical, given);
});

Deno.test("Every spelling of an IP address is the same address, and anything else is left alone", () => {
  fc.assert(fc.property(fc.ipV6(), (address) => {
    const canonical = canonicalAddress(address);
    assert.equal(canonicalAddress(canonical), canonical);
    assert.equal(canonicalAddress(address.toUpperCase()), canonical);
  }));
  fc.assert(fc.property(fc.ipV4(), (address) => {
    assert.equal(canonicalAddress(address), address);
    assert.equal(canonicalAddress(`::ffff:${address}`), address);
  }));
  fc.assert(fc.property(anyText, (value) => {
    const canonical = canonicalAddress(value);
    assert.equal(canonicalAddress(canonical), canonical);
  }));
});

Deno.test("Grams are the distinct n-grams of a text", () => {
  const verdicts: [folded: string, found: string[]][] = [
    ["", []],
    ["ab", []],
    ["abc", ["abc"]],
    ["abcd", ["abc", "bcd"]],
    ["banana", ["ban", "ana", "nan"]],
    ["aaaaa", ["aaa"]],
    ["😀😁😂😃", ["😀😁😂", "😁😂😃"]],
    ["😀a", []],
    ["a b", ["a b"]],
  ];
  for (const [folded, found] of verdicts) assert.deepEqual(grams(folded, 3), found, folded);
  assert.deepEqual(grams("banana", 4), ["bana", "anan", "nana"]);
  assert.deepEqual(grams("😀😁😂😃a", 4), ["😀😁😂😃", "😁😂😃a"]);
});
