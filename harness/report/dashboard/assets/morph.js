// Makes a part of the page what the server says it is now, touching only what differs, so that
// focus, scroll and what is typed stay. Children of an element with data-list are told apart by
// their data-key, others by their place.
const morph = (() => {
  "use strict";

  // What a reader did to an element, which the server does not know.
  const theirs = new Set(["open"]);

  const attributes = (old, now) => {
    for (const { name } of [...old.attributes]) {
      if (!now.hasAttribute(name) && !theirs.has(name)) old.removeAttribute(name);
    }
    for (const { name, value } of now.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  };

  const alike = (old, now) => old && old.nodeType === now.nodeType && old.nodeName === now.nodeName;

  const become = (old, now) => {
    if (old.isEqualNode(now)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.nodeValue = now.nodeValue;
      return;
    }
    attributes(old, now);
    children(old, now);
  };

  const children = (old, now) => {
    const keyed = now.hasAttribute("data-list");
    const known = new Map();
    if (keyed) for (const child of old.children) known.set(child.dataset.key, child);
    let at = old.firstChild;
    for (const wanted of [...now.childNodes]) {
      const isKeyed = keyed && wanted.nodeType === Node.ELEMENT_NODE;
      const found = isKeyed ? known.get(wanted.dataset.key) : at;
      const free = !keyed || isKeyed || !at || at.nodeType !== Node.ELEMENT_NODE;
      if (free && alike(found, wanted)) {
        if (isKeyed) known.delete(wanted.dataset.key);
        become(found, wanted);
        if (found === at) at = at.nextSibling;
        else old.insertBefore(found, at);
      } else {
        old.insertBefore(wanted, at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  return children;
})();
