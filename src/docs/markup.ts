/**
 * The parts of the page: text, tables, code, documents. Text from other files may have Markdown in it.
 *
 * @module
 */
import { html as part, raw } from "hono/html";
import { Marked, marked, type RendererThis, type Tokens } from "marked";
import { escapeHtml } from "../console/page.ts";

// By another name, since the formatter would write white space into what is called `html`.
export { part, raw };

/** A part of a page. */
export type Html = ReturnType<typeof part>;

/** Markdown within a sentence. */
export function inline(markdown: string): Html {
  return raw(marked.parseInline(markdown, { async: false }));
}

/** A sentence of a table's cell, which begins with a capital letter and ends without a full stop. */
export function sentence(markdown: string): Html {
  return inline(markdown.replace(/^[a-z]/, (letter) => letter.toUpperCase()));
}

/** A name of the API, which may be broken after an underscore. */
export function named(name: string): Html {
  return part`<code>${raw(escapeHtml(name).replaceAll("_", "_<wbr>"))}</code>`;
}

/** A table that a keyboard can scroll where it is wider than the page. */
export function table(label: string, head: string[], rows: Html[][]): Html {
  return part`<div class="wide" role="group" aria-label="${label}" tabindex="0"><table>
<thead><tr>${head.map((cell) => part`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => part`<tr>${row.map((cell) => part`<td>${cell}</td>`)}</tr>\n`)}</tbody>
</table></div>`;
}

/** A block of code. */
export function code(text: string, label: string, language = ""): Html {
  const kind = language === "" ? "" : part` data-language="${language}"`;
  return part`<div class="code"><pre tabindex="0" role="group" aria-label="${label}"><code${kind}>${text}</code></pre></div>`;
}

/** JSON as people read it. */
export function json(value: unknown, label: string): Html {
  return code(JSON.stringify(value, null, 2), label, "json");
}

/**
 * A document without its title, as a section of the page.
 *
 * @param section the section's anchor, with which those of the document's headings begin
 */
export function documentSection(markdown: string, section: string): Html {
  return raw(documents(section).parse(markdown, { async: false }));
}

function documents(section: string): Marked {
  let heading = section;
  return new Marked({
    renderer: {
      heading(this: RendererThis, { tokens, text, depth }: Tokens.Heading): string {
        if (depth === 1) return "";
        heading = text;
        const anchor = `${section}-${text.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
        return `<h${depth + 1} id="${anchor}">${this.parser.parseInline(tokens)}</h${depth + 1}>\n`;
      },
      code: ({ text, lang }: Tokens.Code) => `${code(text, heading, lang)}`,
      table(this: RendererThis, { header, rows }: Tokens.Table): string {
        const cell = ({ tokens }: Tokens.TableCell) => raw(this.parser.parseInline(tokens));
        return `${table(heading, header.map(({ text }) => text), rows.map((row) => row.map(cell)))}`;
      },
      // Comments for the formatter; `table` and `code` above are not marked's own.
      html: ({ text }: Tokens.HTML | Tokens.Tag) => text.startsWith("<!--") ? "" : escapeHtml(text),
    } as object,
  });
}
