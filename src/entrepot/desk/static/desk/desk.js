// Behaviour of the desk's pages. Everything hangs on data attributes, so that pages need no script of their own:
//
//   data-drawer-toggle              opens and closes the side navigation on a phone
//   data-theme-choice="dark"        system, light or dark; kept in the browser
//   data-dialog-open="ID"           opens <dialog id="ID">; data-dialog-close closes the one around it
//   data-confirm="question"         on a form or button: asks before it is sent (hx-confirm too)
//   data-copy="text"                copies the text, or data-copy-from="#id" the text of an element
//   data-submit-on-change           on a form or field: sends the form when a value changes
//   data-once                       on a form: cannot be sent twice; its button shows that it works
//   data-select-all                 a checkbox that ticks every data-select in its table or form; [data-bulk] shows
//                                   while any is ticked, its [data-bulk-count] says how many
//   data-drop                       a label around a file field: takes dropped files, shows their names in .chosen
//   data-upload-progress            a <progress> in a form sent by htmx: shows how much is sent
//   data-href="URL"                 on a table row: the row is a link (its own links still work)
//   role="tablist"                  of buttons with aria-controls: arrow keys, Home, End; the tab is kept in the address
//   data-search                     "/" jumps to this field
//
// A response header `HX-Trigger: {"toast": {"text": "…", "tone": "ok"}}` shows a toast (ok, info, warn, bad);
// {"dialog-close": true} closes the open dialogs. Charts are drawn by charts.js, loaded only where there are any.

const root = document.documentElement;
const words = document.body.dataset;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// --- toasts -----------------------------------------------------------------------------------
function toast({ text, tone = "info" }) {
  const place = document.getElementById("toasts");
  const shown = document.getElementById("toast-shape").content.firstElementChild.cloneNode(true);
  shown.classList.add(`toast--${tone}`);
  shown.querySelector(".text").textContent = text;
  place.append(shown);
  if (tone !== "bad" && tone !== "error") fade(shown);
}

function fade(shown) {
  let timer = setTimeout(() => shown.remove(), 7000);
  const hold = () => clearTimeout(timer);
  const go = () => (timer = setTimeout(() => shown.remove(), 3000));
  shown.addEventListener("mouseenter", hold);
  shown.addEventListener("focusin", hold);
  shown.addEventListener("mouseleave", go);
  shown.addEventListener("focusout", go);
}

// --- drawer, menus, dialogs -------------------------------------------------------------------
function drawer(open) {
  const frame = document.querySelector(".frame");
  frame.dataset.drawer = open ? "open" : "closed";
  all("[data-drawer-toggle]").forEach((button) => button.setAttribute("aria-expanded", String(open)));
  document.querySelector(".main").inert = open;
  if (open) frame.querySelector(".side a")?.focus();
  else document.querySelector(".menu-toggle")?.focus();
}

const drawerIsOpen = () => document.querySelector(".frame")?.dataset.drawer === "open";

function closeMenus(except) {
  all("details.menu[open]")
    .filter((menu) => menu !== except)
    .forEach((menu) => (menu.open = false));
}

// Our own question in place of the browser's: resolves true when the person says yes.
function ask(question) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector(".dialog-body").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}

async function copy(button) {
  const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
  const text = source ? (source.value ?? source.textContent).trim() : button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
    toast({ text: words.copied, tone: "ok" });
  } catch {
    toast({ text: words.copyFailed, tone: "warn" });
  }
}

function chooseTheme(choice) {
  try {
    localStorage.setItem("theme", choice);
  } catch {
    // A browser without storage keeps the system's theme.
  }
  dispatchEvent(new Event("desk:theme-choice"));
  markTheme();
}

function markTheme() {
  for (const button of all("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.chosenTheme));
  }
}

// What a click on an element with one of these attributes does.
const CLICKS = {
  "data-drawer-toggle": () => drawer(!drawerIsOpen()),
  "data-theme-choice": (button) => chooseTheme(button.dataset.themeChoice),
  "data-dialog-open": (button) => document.getElementById(button.dataset.dialogOpen).showModal(),
  "data-dialog-close": (button) => button.closest("dialog").close(),
  "data-copy": copy,
  "data-copy-from": copy,
  "data-toast-close": (button) => button.closest(".toast").remove(),
};

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details.menu"));
  if (event.target.matches("dialog[data-light-dismiss]")) event.target.close();
  for (const [attribute, act] of Object.entries(CLICKS)) {
    const button = event.target.closest(`[${attribute}]`);
    if (button) act(button);
  }
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, label, select, summary") && !String(getSelection())) {
    location.assign(row.dataset.href);
  }
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    closeMenus();
    menu?.querySelector("summary").focus();
    if (drawerIsOpen()) drawer(false);
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const field = document.querySelector("[data-search]");
    if (field) {
      event.preventDefault();
      field.focus();
      field.select?.();
    }
  }
});

// --- forms ------------------------------------------------------------------------------------
document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    const question = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (question && !form.dataset.confirmed) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!(await ask(question))) return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(event.submitter);
      delete form.dataset.confirmed;
      return;
    }
    if (form.hasAttribute("data-once")) {
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "yes";
      (event.submitter ?? form.querySelector("[type=submit]"))?.setAttribute("aria-busy", "true");
    }
  },
  true,
);

// A page that comes back from the browser's memory can be sent again.
addEventListener("pageshow", () => {
  for (const form of all("form[data-sent]")) {
    delete form.dataset.sent;
    all("[aria-busy]", form).forEach((button) => button.removeAttribute("aria-busy"));
  }
});

document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.closest("[data-submit-on-change]")) field.form?.requestSubmit();
  if (field.matches("[data-select-all], [data-select]")) select(field);
  if (field.matches("[data-drop] input[type=file]")) showChosen(field);
});

function select(field) {
  const group = field.closest("form") ?? field.closest("table");
  const boxes = all("[data-select]", group);
  if (field.matches("[data-select-all]")) boxes.forEach((box) => (box.checked = field.checked));
  const ticked = boxes.filter((box) => box.checked).length;
  for (const box of boxes) box.closest("tr")?.setAttribute("aria-selected", String(box.checked));
  for (const head of all("[data-select-all]", group)) {
    head.checked = ticked > 0 && ticked === boxes.length;
    head.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  for (const bulk of all("[data-bulk]", group)) {
    bulk.hidden = ticked === 0;
    all("[data-bulk-count]", bulk).forEach((count) => (count.textContent = ticked));
  }
}

function showChosen(field) {
  const shown = field.closest("[data-drop]").querySelector(".chosen");
  const size = (bytes) => {
    const step = bytes >= 1e9 ? [1e9, "GB"] : bytes >= 1e6 ? [1e6, "MB"] : [1e3, "kB"];
    return `${(bytes / step[0]).toLocaleString(root.lang, { maximumFractionDigits: 1 })} ${step[1]}`;
  };
  if (shown) shown.textContent = [...field.files].map((file) => `${file.name} (${size(file.size)})`).join(", ");
}

// The file field covers the drop zone and takes what is dropped; only the look is ours.
for (const [kind, over] of [
  ["dragenter", true],
  ["dragover", true],
  ["dragleave", false],
  ["drop", false],
]) {
  document.addEventListener(kind, (event) => event.target.closest?.("[data-drop]")?.classList.toggle("is-over", over));
}

// --- tabs -------------------------------------------------------------------------------------
function showTab(tab, focus) {
  for (const other of all("[role=tab]", tab.closest("[role=tablist]"))) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) {
    tab.focus();
    history.replaceState(history.state, "", `#${tab.getAttribute("aria-controls")}`);
  }
  dispatchEvent(new Event("resize"));
}

function tabs(list) {
  const found = all("[role=tab]", list);
  const named = found.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);
  showTab(named ?? found.find((tab) => tab.getAttribute("aria-selected") === "true") ?? found[0], false);
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) showTab(tab, true);
  });
  list.addEventListener("keydown", (event) => {
    const at = found.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: found.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    showTab(found[(next + found.length) % found.length], true);
  });
}

// --- htmx -------------------------------------------------------------------------------------
const token = document.querySelector("meta[name=csrf-token]")?.content;

document.addEventListener("htmx:configRequest", (event) => {
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
});
document.addEventListener("htmx:confirm", async (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  if (await ask(event.detail.question)) event.detail.issueRequest(true);
});
document.addEventListener("htmx:xhr:progress", (event) => {
  const bar = event.target.querySelector?.("[data-upload-progress]");
  if (!bar || !event.detail.lengthComputable) return;
  bar.hidden = false;
  bar.max = event.detail.total;
  bar.value = event.detail.loaded;
});
document.addEventListener("htmx:responseError", () => toast({ text: words.requestFailed, tone: "bad" }));
document.addEventListener("htmx:sendError", () => toast({ text: words.unreachable, tone: "bad" }));
document.addEventListener("toast", (event) => toast(event.detail));
document.addEventListener("dialog-close", () => all("dialog[open]").forEach((dialog) => dialog.close()));

// --- tables -----------------------------------------------------------------------------------
// On a phone each row is a card whose cells say the head of their column; tall tables and those with a
// head of several rows scroll instead.
function cards(table) {
  const head =
    table.tHead?.rows.length === 1 ? [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim()) : [];
  if (!head.length || table.closest(".table-wrap--tall")) return;
  table.classList.add("data--cards");
  table.closest(".table-wrap")?.classList.add("table-wrap--cards");
  for (const row of [...table.tBodies].flatMap((body) => [...body.rows])) {
    [...row.cells].forEach((cell, at) => {
      const told = cell.tagName === "TH" || cell.dataset.label || cell.matches(".check") || cell.colSpan > 1;
      if (!told && head[at]) cell.dataset.label = head[at];
    });
  }
}

// --- what is prepared once, in the page and in each part that htmx brings ---------------------
async function prepare(part) {
  [...all("table.data", part), ...[part.closest?.("table.data") ?? []].flat()].forEach(cards);
  all("[role=tablist]", part)
    .filter((list) => list.querySelector("[role=tab]"))
    .forEach(tabs);
  const figures = [...(part.matches?.("figure.chart") ? [part] : []), ...all("figure.chart", part)];
  if (figures.length) {
    const charts = await import(root.dataset.charts);
    figures.forEach(charts.draw);
  }
}

document.addEventListener("htmx:load", (event) => {
  if (event.target !== document.body) prepare(event.target);
});
all(".toast")
  .filter((shown) => !shown.matches(".toast--bad, .toast--error"))
  .forEach(fade);
markTheme();
prepare(document.body);
