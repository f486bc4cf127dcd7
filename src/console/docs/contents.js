/**
 * Highlights the current section in the table of contents.
 *
 * @module
 */

/** Keeps the link to the section at the top of the window marked. */
export function followReading() {
  const contents = /** @type {HTMLDetailsElement} */ (document.querySelector("#contents"));
  // The table of contents is above the text on a narrow screen, and beside it on a wide one.
  const narrow = matchMedia("(max-width: 62rem)");
  const fold = () => contents.open = !narrow.matches;
  narrow.addEventListener("change", fold);
  fold();
  contents.addEventListener("click", (event) => {
    if (narrow.matches && event.target instanceof Element && event.target.closest("a")) contents.open = false;
  });

  const links = new Map(
    Array.from(contents.querySelectorAll("a"), (link) => [decodeURIComponent(link.hash.slice(1)), link]),
  );
  const visible = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) visible.add(target.id);
      else visible.delete(target.id);
    }
    // Sections contain operations, so the last visible element is the innermost.
    const current = [...links.keys()].filter((id) => visible.has(id)).at(-1);
    for (const [id, link] of links) {
      if (id === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  for (const id of links.keys()) {
    const section = document.getElementById(id);
    if (section !== null) observer.observe(section);
  }
}
