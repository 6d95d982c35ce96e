// Light or dark: as the system says, until the button is pressed. What was chosen is kept where
// the browser lets a page keep something, and holds for this page alone where it does not.
(() => {
  "use strict";
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const kept = (change) => {
    try {
      return change(window.localStorage);
    } catch {
      return null;
    }
  };
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(root.dataset.theme === "dark"));
    button.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`);
  };
  const chosen = kept((store) => store.getItem("nca-theme"));
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    kept((store) => store.setItem("nca-theme", root.dataset.theme));
    show();
  });
  system.addEventListener("change", show);
  show();
})();
