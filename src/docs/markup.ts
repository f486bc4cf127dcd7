/**
 * The building blocks of the documentation: text, tables, code and documents. Text from other files may be Markdown.
 *
 * @module
 */
import { html as part, raw } from "hono/html";
import { Marked, marked, type RendererThis, type Tokens } from "marked";
import { escapeHtml } from "../console/page.ts";

// Renamed, since the formatter reformats templates that are tagged `html`.
export { part, raw };

/** A piece of HTML. */
export type Html = ReturnType<typeof part>;

/** Renders inline Markdown. */
export function inline(markdown: string): Html {
  return raw(marked.parseInline(markdown, { async: false }));
}

/** Renders inline Markdown for a table's cell, with a capital first letter. */
export function sentence(markdown: string): Html {
  return inline(markdown.replace(/^[a-z]/, (letter) => letter.toUpperCase()));
}

/** A name of the API as code, in which lines may break after an underscore. */
export function named(name: string): Html {
  return part`<code>${raw(escapeHtml(name).replaceAll("_", "_<wbr>"))}</code>`;
}

/** A table that can be scrolled with the keyboard if it is wider than the web page. */
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

/** A block of indented JSON. */
export function json(value: unknown, label: string): Html {
  return code(JSON.stringify(value, null, 2), label, "json");
}

/**
 * Renders a Markdown document, without its title, as a section of the web page.
 *
 * @param section the section's anchor, which is the prefix of the anchors of the document's headings
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
      // Removes the comments for the formatter.
      html: ({ text }: Tokens.HTML | Tokens.Tag) => text.startsWith("<!--") ? "" : escapeHtml(text),
    } as object,
  });
}
