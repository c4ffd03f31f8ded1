// Elements out of plain data. Text goes in as text: nothing here, or anywhere on the page, is parsed as HTML.

/** An element. attributes: `class`, `data-...` and so on; null and false leave one out. children: elements or text. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Replace what an element holds, unless it would look the same: focus, selection and open parts stay. */
export function fill(parent, children) {
  const wanted = el("div", {}, ...children);
  if (parent.innerHTML !== wanted.innerHTML) parent.replaceChildren(...wanted.childNodes);
}

/** Set a text only when it differs, so that screen readers and selections are left alone. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A table. heads: texts, those of numbers with a leading "#". rows: lists of texts or elements. */
export function table(caption, heads, rows) {
  const numeric = heads.map((head) => head.startsWith("#"));
  const cells = (row, tag, scope) =>
    row.map((cell, place) => el(place === 0 && tag === "td" ? "th" : tag, { class: numeric[place] && "number", scope: place === 0 || tag === "th" ? scope : null }, cell));
  return el(
    "table", {},
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, cells(heads.map((head) => head.replace(/^#/, "")), "th", "col"))),
    el("tbody", {}, rows.map((row) => el("tr", {}, cells(row, "td", "row")))),
  );
}

/** Offer these names in a select, and keep what was chosen as long as it is among them. */
export function offer(select, names, all = null) {
  const options = [...(all === null ? [] : [["", all]]), ...names.map((name) => [name, name])];
  const wanted = JSON.stringify(options);
  if (select.dataset.offers === wanted) return;
  select.dataset.offers = wanted;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}
