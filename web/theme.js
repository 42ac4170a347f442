// Light, dark, or as the system has it: the choice, and where it is remembered. Runs before the page is painted.

import { browser } from "./storage.js";

const KEY = "wardroom.theme";
const ORDER = ["system", "light", "dark"];
const NAMES = { system: "as the system", light: "light", dark: "dark" };

export function theme() {
  const kept = browser.getItem(KEY);
  return ORDER.includes(kept) ? kept : "system";
}

function apply() {
  const chosen = theme();
  if (chosen === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = chosen;
  }
  const isDark = chosen === "dark" || (chosen === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.querySelector('meta[name="theme-color"]')?.setAttribute("content", isDark ? "#181e26" : "#fffefb");
}

/** Lets a button step through the choices. `announce` says the new one to those who don't see it. */
export function wireTheme(button, announce) {
  const label = () => {
    button.dataset.theme = theme();
    button.setAttribute("aria-label", `Colours: ${NAMES[theme()]}`);
    button.title = `Colours: ${NAMES[theme()]}`;
  };
  button.addEventListener("click", () => {
    browser.setItem(KEY, ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length]);
    apply();
    label();
    announce(`Colours: ${NAMES[theme()]}`);
  });
  label();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
apply();
