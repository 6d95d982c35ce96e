// Keeps the page up to date: asks the server every two seconds which parts changed, and sorts and
// filters the leaderboard as its reader chose.
(() => {
  "use strict";
  const EVERY_MS = 2000;
  const SOON_MS = 200; // while results are still being read
  const SLOWEST_MS = 15000;
  const parts = [...document.querySelectorAll("[data-part]")];
  const gone = document.getElementById("gone");
  let order = null; // {column, descending}; null: as the server has it, newest first
  let since = null; // when the server was last heard, once it is silent
  let wait = EVERY_MS;

  const value = (row, column) => row.cells[column].dataset.value;

  // Cells of a column's own protocol come first, whichever way; those without a value last.
  const compare = (column, numbers, sign) => (one, other) => {
    const [a, b] = [value(one, column), value(other, column)];
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    const group = (row) => Number(row.cells[column].dataset.group ?? 0);
    const apart = group(one) - group(other);
    if (apart) return apart;
    return sign * (numbers ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  };

  const moved = (body, rows) => rows.some((row, place) => body.rows[place] !== row);

  const sort = (table) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => a.dataset.order - b.dataset.order);
    const buttons = [...table.querySelectorAll("button[data-column]")];
    const chosen = order && buttons.find((button) => button.textContent === order.name);
    for (const button of buttons) {
      const heading = button.closest("th");
      if (button !== chosen) heading.removeAttribute("aria-sort");
      else heading.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
    }
    if (chosen) {
      const numbers = "first" in chosen.dataset;
      rows.sort(compare(Number(chosen.dataset.column), numbers, order.descending ? -1 : 1));
    }
    if (moved(body, rows)) body.append(...rows);
  };

  const filter = (root, text) => {
    const rows = [...root.querySelectorAll("table[data-sortable] tbody tr")];
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const held = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => held.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    const matches = root.querySelector("#matches");
    if (matches) matches.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  };

  const arrange = (root) => {
    for (const table of root.querySelectorAll("table[data-sortable]")) sort(table);
    filter(root, document.getElementById("filter")?.value ?? "");
  };

  const press = (button) => {
    const first = "first" in button.dataset;
    const name = button.textContent;
    if (order?.name !== name) order = { name, descending: first };
    else if (order.descending === first) order = { name, descending: !first };
    else order = null; // a third press: newest first again
    arrange(document);
  };

  const show = (part, { print, html }) => {
    const template = document.createElement("template");
    template.innerHTML = html; // made and escaped by our server
    arrange(template.content);
    const wanted = document.createElement("div");
    wanted.append(template.content);
    const focus = document.activeElement;
    morph(part, wanted);
    part.dataset.part = print;
    if (focus?.isConnected && focus !== document.activeElement) focus.focus({ preventScroll: true });
  };

  const heard = (told) => {
    for (const part of parts) if (told.parts[part.id]) show(part, told.parts[part.id]);
    gone.hidden = true;
    since = null;
    wait = told.more ? SOON_MS : EVERY_MS;
  };

  const silent = () => {
    since ??= new Date();
    wait = Math.min(SLOWEST_MS, Math.max(EVERY_MS, wait) * 1.5);
    gone.textContent =
      `The server has not answered since ${since.toLocaleTimeString()}; the page shows its last reply. ` +
      "Start nca dashboard again to resume.";
    gone.hidden = false;
  };

  const ask = async () => {
    const have = parts.map((part) => `have=${part.dataset.part}`).join("&");
    const reply = await fetch(`live?${have}`, { cache: "no-store" });
    if (!reply.ok) throw new Error(reply.statusText);
    return reply.json();
  };

  const turn = async () => {
    try {
      if (!document.hidden) await ask().then(heard, silent);
    } finally {
      setTimeout(turn, wait);
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-column]");
    if (button) press(button);
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "filter") arrange(document);
  });
  setTimeout(turn, EVERY_MS);
})();
