// Texts of others: unpacked, and made visible where they act or hide (as harness/report/page/text.py does).
globalThis.nca = (() => {
  "use strict";
  const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
  const shown = (character) => {
    if (character === "\n" || character === "\t") return character;
    const code = character.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "␡";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  };
  const visible = (text) => String(text).replaceAll("\r\n", "\n").replace(HIDDEN, shown);

  // What harness/report/page/text.py `packed` wrote into the element of this id.
  const unpack = async (id) => {
    const text = atob(document.getElementById(id).textContent.trim());
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };

  // An element with attributes and children; texts become text nodes, never markup.
  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) made.setAttribute(name, "");
      else if (value !== false && value != null) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child != null && child !== ""));
    return made;
  };

  // The state that stands behind the # of the address, and back; empty values are left out.
  const fragment = () =>
    location.hash.includes("=") ? Object.fromEntries(new URLSearchParams(location.hash.slice(1))) : {};
  const address = (state) =>
    new URLSearchParams(Object.entries(state).filter(([, value]) => value)).toString();
  const keep = (state) =>
    history.replaceState(null, "", `#${address(state)}`);

  return { visible, unpack, make, fragment, address, keep };
})();
