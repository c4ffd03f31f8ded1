// Light, dark, or as the system says. Runs before the page is drawn, so that it never flashes in the wrong colours.
"use strict";

(() => {
  const KEY = "paceline-theme";
  const WORDS = { auto: ["Auto", "as the system"], light: ["Light", "light"], dark: ["Dark", "dark"] };
  const system = matchMedia("(prefers-color-scheme: dark)");
  let choice = "auto";
  try {
    choice = localStorage.getItem(KEY) ?? "auto";
  } catch {
    // storage is off: a choice holds for this visit
  }
  if (!(choice in WORDS)) choice = "auto";

  const apply = () => {
    document.documentElement.dataset.theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    const button = document.getElementById("theme");
    if (button) {
      button.textContent = WORDS[choice][0];
      button.setAttribute("aria-label", `Colours: ${WORDS[choice][1]}`);
    }
    document.dispatchEvent(new Event("theme"));
  };

  const next = () => {
    const order = Object.keys(WORDS);
    choice = order[(order.indexOf(choice) + 1) % order.length];
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // as above
    }
    apply();
  };

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme").addEventListener("click", next);
  });
})();
