// The leaderboard: sorted by any column, with differences to any baseline. All numbers were
// computed before; nothing here does statistics.
(async () => {
  "use strict";
  const { make, visible, fragment, address, keep } = globalThis.nca;
  const table = document.getElementById("leaderboard-table");
  if (!table) {
    document.documentElement.dataset.ready = "true";
    return;
  }
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const choice = document.getElementById("baseline");
  const data = await globalThis.nca.unpack("against");
  const given = choice.value;
  const state = { baseline: given, sort: "" };

  const link = (page, cell, row, text, title) => {
    const to = address({ a: row, b: state.baseline, cell });
    return make("a", { href: `${page}#${to}`, title }, text);
  };
  const counts = (page, row, [above, below], binary) => {
    const better = binary ? "right" : "above";
    const worse = binary ? "wrong" : "below";
    const base = visible(state.baseline);
    const up = `${above} samples ${better} where ${base} is ${binary ? "wrong" : "below"}`;
    const down = `${below} samples ${worse} where ${base} is ${binary ? "right" : "above"}`;
    return make(
      "div", { class: "counts" },
      link(page, "up", row, `▲ ${above}`, up), " ", link(page, "down", row, `▼ ${below}`, down),
    );
  };
  const fill = (cell, row, found) => {
    cell.querySelectorAll(".delta, .counts").forEach((old) => old.remove());
    const score = cell.querySelector("a.score");
    const { page } = cell.dataset;
    if (page) score.href = `${page}#${address({ a: row, b: state.baseline })}`;
    if (!found) return;
    const ranked = cell.dataset.ranked ? (found.text.startsWith("-") ? "down" : "up") : "";
    const way = found.told ? `told ${ranked}` : "";
    cell.append(make("div", { class: `delta ${way}` }, found.text));
    if (page && found.counts) cell.append(counts(page, row, found.counts, cell.dataset.binary));
  };
  const list = (id, tag, kind, texts) =>
    document.getElementById(id).replaceChildren(
      ...texts.map((text) => make(tag, { class: kind }, visible(text))),
    );
  const plots = (cells) => {
    for (const entry of document.querySelectorAll(".forest .entry")) {
      const { suite } = entry.closest("figure").dataset;
      const number = [...table.tHead.rows[0].cells].findIndex((th) => th.dataset.suite === suite);
      const name = entry.dataset.checkpoint;
      const own = name === state.baseline;
      const told = cells[name][number - 1]?.told;
      entry.setAttribute("class", `entry ${own ? "base" : told ? "told" : "untold"}`);
      const line = entry.closest("svg").querySelector(".base-line");
      if (own) line.setAttribute("transform", `translate(${entry.dataset.x} 0)`);
    }
    for (const line of document.querySelectorAll(".forest .base-line")) {
      const own = line.closest("svg").querySelector(".entry.base");
      line.setAttribute("visibility", own ? "visible" : "hidden");
    }
  };

  const rebase = () => {
    const found = data[state.baseline];
    for (const row of rows) {
      const { name } = row.dataset;
      row.classList.toggle("baseline", name === state.baseline);
      row.querySelector(".badge").hidden = name !== state.baseline;
      [...row.cells].slice(1).forEach((cell, i) => fill(cell, name, found.cells[name][i]));
    }
    document.getElementById("verdict-text").textContent = visible(found.verdict);
    list("warnings", "p", "warning", found.warnings);
    list("notes", "li", "", found.notes);
    document.querySelectorAll(".baseline-name").forEach((place) => {
      place.textContent = visible(state.baseline);
    });
    plots(found.cells);
  };

  const heads = [...table.tHead.rows[0].cells];
  const valueOf = (row, column) => {
    if (!column) return row.dataset.name;
    const text = row.cells[column].dataset.value;
    return text === "" ? null : Number(text);
  };
  const compare = (column, up) => (one, other) => {
    const [a, b] = [valueOf(one, column), valueOf(other, column)];
    if (a === null || b === null) return (a === null) - (b === null); // what lacks a value is last
    const order = column ? a - b : a.localeCompare(b, undefined, { numeric: true });
    return up ? order : -order;
  };
  const sort = () => {
    const [, suite, way] = state.sort.match(/^(.*):(up|down)$/s) ?? [];
    const column = heads.findIndex((head) => way && head.dataset.suite === suite);
    heads.forEach((head, i) => {
      if (i !== column) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", way === "up" ? "ascending" : "descending");
    });
    const order = [...rows];
    if (column >= 0) order.sort(compare(column, way === "up"));
    body.append(...order);
  };
  heads.forEach((head, i) => {
    head.querySelector("button").addEventListener("click", () => {
      const first = head.dataset.first;
      const second = first === "up" ? "down" : "up";
      const now = head.getAttribute("aria-sort")?.replace("ascending", "up").replace("descending", "down");
      const next = now === first ? second : now === second ? "" : first;
      state.sort = next ? `${heads[i].dataset.suite}:${next}` : "";
      sort();
      remember();
    });
  });

  const remember = () =>
    keep({ baseline: state.baseline === given ? "" : state.baseline, sort: state.sort });
  choice.addEventListener("change", () => {
    state.baseline = choice.value;
    rebase();
    remember();
  });
  const read = () => {
    const told = fragment();
    state.baseline = told.baseline in data ? told.baseline : given;
    state.sort = told.sort ?? "";
    choice.value = state.baseline;
    rebase();
    sort();
  };
  window.addEventListener("hashchange", () => location.hash.includes("=") && read());
  read();
  document.documentElement.dataset.ready = "true";
})();
