"use strict";
{
  const root = document.documentElement;

  // Light or dark: as the system has it, until somebody chooses.
  function store(theme) {
    try {
      if (theme) localStorage.setItem("theme", theme);
      return localStorage.getItem("theme");
    } catch {
      return theme; // a page in a file may have no storage
    }
  }
  root.dataset.theme = store() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    store(root.dataset.theme);
  });
}
