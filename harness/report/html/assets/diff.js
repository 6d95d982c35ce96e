// The difference of two texts, word by word: a list of ["same" | "gone" | "added", text].
globalThis.nca.difference = (() => {
  "use strict";
  const MOST = 1200; // edits; beyond that two texts are too different to be laid side by side
  const words = (text) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];

  // Myers' greedy algorithm: the furthest reach of every diagonal, kept for each number of edits.
  const trace = (a, b) => {
    const reach = new Map([[1, 0]]);
    const kept = [];
    for (let d = 0; d <= Math.min(MOST, a.length + b.length); d += 1) {
      kept.push(new Map(reach));
      for (let k = -d; k <= d; k += 2) {
        const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
        let x = down ? reach.get(k + 1) : reach.get(k - 1) + 1;
        let y = x - k;
        while (x < a.length && y < b.length && a[x] === b[y]) [x, y] = [x + 1, y + 1];
        reach.set(k, x);
        if (x >= a.length && y >= b.length) return kept;
      }
    }
    return null;
  };

  const walk = (a, b, kept) => {
    const steps = [];
    let [x, y] = [a.length, b.length];
    for (let d = kept.length - 1; d >= 0; d -= 1) {
      const [reach, k] = [kept[d], x - y];
      const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      const before = down ? reach.get(k + 1) : reach.get(k - 1);
      const [fromX, fromY] = [before, before - (down ? k + 1 : k - 1)];
      while (x > fromX && y > fromY) {
        steps.push(["same", a[x - 1]]);
        [x, y] = [x - 1, y - 1];
      }
      if (d > 0) steps.push(down ? ["added", b[y - 1]] : ["gone", a[x - 1]]);
      [x, y] = [fromX, fromY];
    }
    return steps.reverse();
  };

  const joined = (steps) => {
    const found = [];
    for (const [kind, text] of steps) {
      if (found.length && found.at(-1)[0] === kind) found.at(-1)[1].push(text);
      else found.push([kind, [text]]);
    }
    return found.map(([kind, texts]) => [kind, texts.join("")]);
  };

  return (one, other) => {
    const [a, b] = [words(one), words(other)];
    let front = 0;
    while (front < Math.min(a.length, b.length) && a[front] === b[front]) front += 1;
    let back = 0;
    while (back < Math.min(a.length, b.length) - front && a.at(-1 - back) === b.at(-1 - back)) back += 1;
    const [left, right] = [a.slice(front, a.length - back), b.slice(front, b.length - back)];
    const kept = trace(left, right);
    const middle = kept ? walk(left, right, kept) : [["gone", left.join("")], ["added", right.join("")]];
    const same = (texts) => texts.map((text) => ["same", text]);
    return joined([
      ...same(a.slice(0, front)), ...middle.filter(([, text]) => text),
      ...same(back ? a.slice(-back) : []),
    ]);
  };
})();
