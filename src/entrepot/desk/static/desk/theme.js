// Runs before the page is drawn, so that the theme does not flash: the reader's choice, else the system's.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const choice = () => {
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system";
    }
  };
  const apply = () => {
    const chosen = choice();
    root.dataset.theme = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
    root.dataset.chosenTheme = chosen;
    dispatchEvent(new Event("desk:theme"));
  };
  root.classList.add("js");
  dark.addEventListener("change", apply);
  addEventListener("desk:theme-choice", apply);
  apply();
})();
