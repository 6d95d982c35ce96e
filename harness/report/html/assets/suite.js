// The samples of a suite: which are shown, the list, and the keyboard. Texts lie in packed pieces
// and are unpacked when they are looked at, or searched.
(async () => {
  "use strict";
  const { make, visible, unpack, fragment, address, keep } = globalThis.nca;
  const $ = (id) => document.getElementById(id);
  const ROW = 58; // pixels, as in the style sheet
  const table = await unpack("table");
  const { ids, ranks, checkpoints, values, statuses, kinds, hints, binary } = table;
  const alone = checkpoints.length === 1; // then there is no B
  const order = ids.map((_, i) => i).sort((a, b) => ranks[a] - ranks[b]);

  // --- texts
  const pieces = new Map();
  const piece = (number) => {
    if (!pieces.has(number)) {
      if (pieces.size > 8) pieces.delete(pieces.keys().next().value);
      pieces.set(number, unpack(`piece-${number}`));
    }
    return pieces.get(number);
  };
  const entry = async (sample) => (await piece(Math.floor(sample / table.piece)))[sample % table.piece];
  const strings = function* (value) {
    if (typeof value === "string") yield value;
    else if (value && typeof value === "object") for (const one of Object.values(value)) yield* strings(one);
  };
  const haystacks = [];
  let reading = null;
  const readAll = () => {
    reading ??= (async () => {
      for (let first = 0; first < ids.length; first += table.piece) {
        const found = await unpack(`piece-${first / table.piece}`);
        found.forEach((one, i) => {
          haystacks[first + i] = [ids[first + i], ...strings(one)].join("\n").toLowerCase();
        });
      }
    })();
    return reading;
  };

  // --- state: all of it stands in the address
  const state = { a: "", b: "", cell: "", status: "", q: "", s: "", diff: "" };
  const at = (name) => checkpoints.indexOf(name);
  let shown = order;

  const sides = () => [values[at(state.a)], values[at(state.b)]];
  const cellOf = (one, other) => {
    if (one == null || other == null) return "missing";
    if (one > other) return "up";
    if (one < other) return "down";
    return binary ? (one ? "both" : "neither") : "same";
  };
  const cellNames = () => {
    const [a, b] = [visible(state.a), visible(state.b)];
    const lacking = { missing: "no value on one side" };
    if (state.a === state.b) return binary ? { both: "right", neither: "wrong" } : {};
    return binary
      ? {
          up: `${a} right, ${b} wrong`, down: `${a} wrong, ${b} right`,
          both: "both right", neither: "both wrong", ...lacking,
        }
      : { up: `${a} above ${b}`, down: `${a} below ${b}`, same: "equal", ...lacking };
  };

  const matches = () => {
    const [one, other] = sides();
    const [side, kind] = state.status ? [state.status[0], state.status.slice(2)] : [];
    const column = side && statuses[at(state[side])];
    const q = state.q.toLowerCase();
    return order.filter(
      (i) =>
        (!state.cell || cellOf(one[i], other[i]) === state.cell) &&
        (!column || (column[i] != null && kinds[column[i]].split(", ").includes(kind))) &&
        (!q || haystacks[i].includes(q)),
    );
  };

  // --- the controls
  const options = (select, pairs, value) => {
    select.replaceChildren(...pairs.map(([key, text]) => make("option", { value: key }, text)));
    select.value = value;
  };
  const names = checkpoints.map((name) => [name, visible(name)]);
  const drawStatus = () => {
    const groups = (alone ? ["a"] : ["a", "b"]).map((side) => {
      const counts = new Map();
      for (const code of statuses[at(state[side])]) {
        for (const kind of code == null ? [] : kinds[code].split(", ")) {
          counts.set(kind, (counts.get(kind) ?? 0) + 1);
        }
      }
      const rows = [...counts].sort().map(([kind, count]) =>
        make("option", { value: `${side}:${kind}` }, `${visible(kind)} (${count})`));
      const label = `${alone ? "" : `${side.toUpperCase()}: `}${visible(state[side])}`;
      return make("optgroup", { label }, ...rows);
    });
    $("status").replaceChildren(make("option", { value: "" }, "any"), ...groups);
    $("status").value = state.status;
    if ($("status").selectedIndex < 0) $("status").value = state.status = "";
  };
  const drawCells = () => {
    const [one, other] = sides();
    const counts = {};
    for (const i of order) {
      const cell = cellOf(one[i], other[i]);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
    const known = cellNames();
    $("cells").replaceChildren(
      ...Object.entries(known)
        .filter(([cell]) => cell !== "missing" || counts[cell])
        .map(([cell, text]) => {
          const button = make(
            "button", { type: "button", "data-cell": cell, "aria-pressed": String(state.cell === cell) },
            `${text} `, make("b", {}, String(counts[cell] ?? 0)),
          );
          button.addEventListener("click", () => change({ cell: state.cell === cell ? "" : cell }));
          return button;
        }),
    );
  };
  const controls = () => {
    options($("a"), names, state.a);
    options($("b"), names, state.b);
    $("search").value = state.q;
    drawStatus();
    drawCells();
  };

  // --- the list: only what is in sight is in the page
  const list = $("list");
  const rows = $("rows");
  const number = (value) => {
    if (value == null) return "–";
    if (binary) return value ? "right" : "wrong";
    return table.fraction ? (100 * value).toFixed(1) : String(+value.toPrecision(4));
  };
  const badge = (side, i) => {
    const column = at(state[side]);
    const [value, code] = [values[column][i], statuses[column][i]];
    const word = code == null ? "not asked" : kinds[code] === "ok" ? "" : ` ${visible(kinds[code])}`;
    const kind = binary && value != null ? (value ? "good" : "bad") : "";
    const shown = `${alone ? "" : `${side.toUpperCase()} `}${number(value)}`;
    return make("span", { class: `value ${kind}` }, shown,
      word && make("span", { class: "soft" }, word));
  };
  const selected = () => ids.indexOf(state.s);
  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
    const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 5);
    const chosen = selected();
    rows.style.height = `${shown.length * ROW}px`;
    rows.replaceChildren(
      ...shown.slice(first, last).map((i, k) => {
        const row = make(
          "div",
          {
            role: "option", id: `row-${i}`, class: "row", "data-sample": ids[i],
            "aria-selected": String(i === chosen), "aria-posinset": first + k + 1,
            "aria-setsize": shown.length, style: `top:${(first + k) * ROW}px`,
          },
          make("div", { class: "line" }, make("span", { class: "id" }, visible(ids[i])),
            badge("a", i), alone ? null : badge("b", i)),
          make("div", { class: "hint" }, visible(hints[i] ?? "")),
        );
        row.addEventListener("click", () => open(i));
        return row;
      }),
    );
    if (chosen >= 0) list.setAttribute("aria-activedescendant", `row-${chosen}`);
    else list.removeAttribute("aria-activedescendant");
  };
  const reveal = (place) => {
    const top = place * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
  };

  // --- what happens
  const remember = () => keep(state);
  const showSample = async () => {
    const i = selected();
    if (i < 0) {
      const none = shown.length ? "Choose a sample." : "No sample matches the filters.";
      $("sample").replaceChildren(make("p", { class: "soft" }, none));
      return;
    }
    const found = await entry(i);
    if (i === selected()) {
      globalThis.nca.showSample($("sample"), { id: ids[i], ...found }, table, state, change);
    }
  };
  const open = (i) => {
    state.s = ids[i];
    remember();
    reveal(shown.indexOf(i));
    draw();
    return showSample();
  };
  const apply = async () => {
    if (state.q && haystacks.length < ids.length) {
      $("count").textContent = "Reading texts …";
      await readAll();
    }
    const began = performance.now();
    shown = matches();
    if (!shown.includes(selected())) state.s = shown.length ? ids[shown[0]] : "";
    controls();
    $("count").textContent =
      `${shown.length} of ${ids.length} samples` +
      (state.cell ? `: ${cellNames()[state.cell]}` : "");
    draw();
    reveal(Math.max(0, shown.indexOf(selected())));
    draw();
    performance.measure("filter", { start: began, end: performance.now() });
    remember();
    await showSample();
    document.documentElement.dataset.ready = "true";
  };
  const change = (changes) => {
    Object.assign(state, changes);
    return apply();
  };
  const read = () => {
    const told = { a: "", b: "", cell: "", status: "", q: "", s: "", diff: "", ...fragment() };
    for (const key of Object.keys(state)) state[key] = told[key];
    if (at(state.b) < 0) state.b = checkpoints.find((name) => name === table.baseline && name !== state.a)
      ?? checkpoints.find((name) => name !== state.a) ?? checkpoints[0];
    if (at(state.a) < 0) state.a = checkpoints.find((name) => name !== state.b) ?? checkpoints[0];
    if (state.cell && !(state.cell in cellNames())) state.cell = "";
    return apply();
  };

  $("a").addEventListener("change", (event) => change({ a: event.target.value }));
  $("b").addEventListener("change", (event) => change({ b: event.target.value }));
  $("status").addEventListener("change", (event) => change({ status: event.target.value }));
  $("swap").addEventListener("click", () => change({ a: state.b, b: state.a }));
  $("clear").addEventListener("click", () => change({ cell: "", status: "", q: "" }));
  let waiting = 0;
  $("search").addEventListener("focus", readAll, { once: true });
  $("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => change({ q: $("search").value }), 120);
  });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  list.addEventListener("scroll", draw, { passive: true });
  window.addEventListener("resize", draw);
  list.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || !shown.length) return;
    event.preventDefault();
    const next = shown.indexOf(selected()) + steps[event.key];
    open(shown[Math.min(shown.length - 1, Math.max(0, next))]);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      $("search").focus();
      $("search").select();
    } else if (event.key === "Escape" && event.target === $("search")) {
      if (state.q || $("search").value) change({ q: "" });
      list.focus();
    }
  });
  window.addEventListener("hashchange", read);
  for (const one of document.querySelectorAll(".pair")) one.hidden = alone;
  $("browser").hidden = false;
  await read();
})();
