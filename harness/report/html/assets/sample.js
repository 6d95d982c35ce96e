// One sample: what was asked, and what every checkpoint answered. All texts become text nodes.
globalThis.nca.showSample = (() => {
  "use strict";
  const { make, visible, difference, address } = globalThis.nca;
  const text = (value, kind = "") => make("pre", { class: kind, dir: "auto" }, visible(value));
  const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

  const request = (parts) =>
    parts.map(({ role, text: said }) =>
      make("div", { class: "part" }, make("div", { class: "role" }, visible(role)), text(said)));
  const turns = (asked) => asked.flatMap((requests) => requests.flatMap(request));

  const aboutAnswer = (one) => {
    const facts = [one.finish_reason && `ended: ${visible(one.finish_reason)}`];
    if (one.tokens != null) facts.push(count(one.tokens, "token"));
    if (one.likelihood) {
      const { logprob, greedy } = one.likelihood;
      facts.push(`log-probability ${logprob.toFixed(3)} nats${greedy ? ", the most likely" : ""}`);
    }
    return make("div", { class: "soft small" }, facts.filter(Boolean).join(" · "));
  };
  const answer = (one) =>
    one.text || !one.likelihood
      ? [one.text ? text(one.text, "answer") : make("p", { class: "soft" }, "(empty)"), aboutAnswer(one)]
      : [aboutAnswer(one)];

  const conversation = (repeat) =>
    repeat.said.flatMap((answers, turn) => {
      const questions = repeat.asked[turn] ?? [];
      const many = Math.max(answers.length, questions.length) > 1;
      const paired = answers.flatMap((one, i) => [
        ...(many && questions[i] ? request(questions[i]) : []), ...answer(one),
      ]);
      return [...(many ? [] : questions.flatMap(request)), ...paired];
    });

  const number = (value, table) => {
    if (value == null) return "no value";
    if (table.binary) return value ? "right" : "wrong";
    return table.fraction ? `${(100 * value).toFixed(1)} %` : String(+value.toPrecision(5));
  };
  const facts = (repeat, table) => {
    const rows = [["value", number(repeat.value, table)], ["status", visible(repeat.status)]];
    if (repeat.reason) rows.push(["reason", visible(repeat.reason)]);
    const others = Object.entries(repeat.metrics ?? {}).filter(([name]) => name !== table.headline);
    if (others.length) {
      rows.push(["beside", others.map(([name, v]) => `${visible(name)} ${+v.toPrecision(4)}`).join(", ")]);
    }
    const list = make("dl", { class: "facts small" });
    if (repeat.extracted !== undefined) {
      const read = repeat.extracted;
      const shown = read == null ? "nothing" : typeof read === "string" ? read : JSON.stringify(read);
      rows.splice(1, 0, ["extracted", make("code", { class: "extracted" }, visible(shown))]);
    }
    for (const [key, value] of rows) list.append(make("dt", {}, key), make("dd", {}, value));
    return list;
  };

  const oneRepeat = (repeat, table) => [
    facts(repeat, table),
    ...(repeat.said ? conversation(repeat) : [make("p", { class: "soft" }, "The texts are not in this report.")]),
    ...(repeat.verdicts?.length ? [make("h4", {}, "The judge's reply"), ...repeat.verdicts.flatMap(answer)] : []),
  ];
  const repeats = (found, table) => {
    if (!found.length) return [make("p", { class: "soft" }, "This checkpoint was not evaluated on this sample.")];
    if (found.length === 1) return oneRepeat(found[0], table);
    return found.map((repeat, i) =>
      make("details", { open: i === 0 },
        make("summary", {}, `repeat ${repeat.repeat}: ${number(repeat.value, table)}`),
        ...oneRepeat(repeat, table)));
  };
  const kindOf = (found, table) => {
    const known = found.map((one) => one.value).filter((value) => value != null);
    if (!table.binary || known.length !== 1) return "";
    return known[0] ? "good" : "bad";
  };
  const card = (name, found, table, side) => {
    const page = table.pages[table.checkpoints.indexOf(name)];
    const values = found.length === 1 ? number(found[0].value, table) : "";
    return make(
      "section", { class: `card ${side ? "chosen" : ""}`, "data-checkpoint": name },
      make("h3", {}, side && make("span", { class: "badge" }, side), side && " ",
        make("a", { href: page }, visible(name)), " ",
        make("span", { class: `value ${kindOf(found, table)}` }, values)),
      ...repeats(found, table),
    );
  };

  const said = (found) => (found?.said ?? []).map((answers) => answers.map((one) => one.text ?? "").join("\n"));
  const pieces = (one, other) => {
    const tags = { same: "span", gone: "del", added: "ins" };
    return difference(visible(one), visible(other)).map(([kind, words]) => make(tags[kind], {}, words));
  };
  const compared = (one, other, names) => {
    const [a, b] = [said(one[0]), said(other[0])];
    if (!a.length || !b.length) return make("p", { class: "soft" }, "A comparison needs two texts.");
    const box = make("section", { class: "card", id: "difference" },
      make("h3", {}, "From ", make("del", {}, visible(names[0])), " to ", make("ins", {}, visible(names[1])),
        one.length + other.length > 2 ? ", first repeat" : ""));
    for (let turn = 0; turn < Math.max(a.length, b.length); turn += 1) {
      box.append(make("pre", { dir: "auto" }, ...pieces(a[turn] ?? "", b[turn] ?? "")));
    }
    return box;
  };

  return (place, sample, table, state, change) => {
    const own = (name) => sample.answers[table.checkpoints.indexOf(name)] ?? [];
    const link = `#${address({ ...state, diff: "" })}`;
    const chosen = [["A", state.a], ["B", state.b]].filter(([, name], i, all) => !i || name !== all[0][1]);
    const alone = table.checkpoints.length === 1;
    const rest = table.checkpoints.filter((name) => name !== state.a && name !== state.b);
    const toggle = make("button", { type: "button", id: "diff", "aria-pressed": String(Boolean(state.diff)) },
      "Text difference of A and B");
    toggle.addEventListener("click", () => change({ diff: state.diff ? "" : "1" }));
    place.replaceChildren(
      make("h2", {}, "Sample ", make("code", {}, visible(sample.id)), " ",
        make("a", { href: `#${address({ a: state.a, b: state.b, s: sample.id })}`, class: "small", id: "link",
          title: link }, "link to this sample")),
      ...(sample.prompt.length ? [make("div", { class: "prompt" }, ...turns(sample.prompt))] : []),
      ...(alone ? [] : [make("p", { class: "screen" }, toggle)]),
      ...(state.diff ? [compared(own(state.a), own(state.b), [state.a, state.b])] : []),
      make("div", { class: "cards" },
        ...chosen.map(([side, name]) => card(name, own(name), table, alone ? "" : side)),
        ...rest.map((name) => card(name, own(name), table, ""))),
    );
  };
})();
