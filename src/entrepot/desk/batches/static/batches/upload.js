// Sends a file in pieces: begin, then piece after piece where the file ends on the server, then finish.
// A lost connection only waits: the server says how much is there and sending goes on from it.
// Without this script the same form sends small files whole.

const TRIES = 8;
const form = document.querySelector("form[data-pieces]");
const words = form.dataset;
const field = form.querySelector("input[type=file]");
const [sending, problem] = ["[data-sending]", "[data-sending-error]"].map((name) => form.querySelector(name));
const bar = sending.querySelector("progress");
const token = document.querySelector("meta[name=csrf-token]").content;
let stop = new AbortController();

class Refused extends Error {
  constructor({ status = 0, code = "", detail = "" }) {
    super(detail);
    Object.assign(this, { status, code });
  }
}

async function call(method, path, body, type = "application/json") {
  const headers = { "X-CSRFToken": token, Accept: "application/json", ...(body ? { "Content-Type": type } : {}) };
  const response = await fetch(words.pieces + path, { method, headers, body, signal: stop.signal, credentials: "same-origin" });
  if (response.ok) return response.status === 204 ? null : response.json();
  throw new Refused(await response.json().catch(() => ({ status: response.status, detail: words.sayFailed })));
}

// Tries again what failed for want of a connection or because the server was busy; nothing that was refused.
async function patiently(ask) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await ask();
    } catch (error) {
      const passing = error instanceof TypeError || [429, 502, 503, 504].includes(error.status);
      if (!passing || tried === TRIES) throw error;
      show(words.sayAgain);
      await new Promise((done) => setTimeout(done, Math.min(30000, 500 * 2 ** tried)));
    }
  }
}

function show(text, share) {
  sending.querySelector("[data-sending-text]").textContent = text;
  if (share === undefined) return;
  bar.value = Math.round(share * 100);
  sending.querySelector("[data-sending-share]").textContent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" }).format(share);
}

async function sendPieces(file, upload) {
  let at = upload.bytes_received;
  while (at < file.size) {
    const piece = file.slice(at, at + Number(words.piece));
    const from = at;
    try {
      at = (await patiently(() => call("PUT", `/${upload.id}/pieces/${from}`, piece, "application/octet-stream"))).bytes_received;
    } catch (error) {
      if (error.code !== "wrong-offset") throw error;
      at = (await patiently(() => call("GET", `/${upload.id}`))).bytes_received;
    }
    show(words.saySending, at / file.size);
  }
}

// An upload that was begun and not finished is kept under what tells the file from others; null when there is none.
const mark = (file) => `upload:${file.name}:${file.size}:${file.lastModified}`;

async function begun(file) {
  const id = localStorage.getItem(mark(file));
  if (!id) return null;
  const upload = await call("GET", `/${id}`).catch(() => null);
  return upload && !upload.finished && !upload.removed && upload.bytes_total === file.size ? upload : null;
}

async function send(file) {
  if (file.size > Number(words.most)) throw new Refused({ detail: words.sayTooLarge });
  if (!file.size) throw new Refused({ detail: words.sayEmpty });
  show(words.saySending, 0);
  const upload = await begun(file) ?? await patiently(() => call("POST", "", JSON.stringify({ name: file.name, bytes_total: file.size })));
  localStorage.setItem(mark(file), upload.id);
  try {
    await sendPieces(file, upload);
    show(words.sayChecking, 1);
    await patiently(() => call("POST", `/${upload.id}/finish`, "{}"));
  } catch (error) {
    if (error.name === "AbortError" || (error.status >= 400 && error.status < 429)) forget(file, upload);
    throw error;
  }
  localStorage.removeItem(mark(file));
  location.assign(`${words.page}${upload.id}/`);
}

function forget(file, upload) {
  stop = new AbortController();
  localStorage.removeItem(mark(file));
  call("DELETE", `/${upload.id}`).catch(() => {});
}

async function begin() {
  if (!field.files.length || form.dataset.busy) return;
  form.dataset.busy = "yes";
  sending.hidden = false;
  problem.hidden = true;
  stop = new AbortController();
  try {
    await send(field.files[0]);
  } catch (error) {
    sending.hidden = true;
    field.value = "";
    if (error.name === "AbortError") return;
    problem.querySelector("[data-sending-problem]").textContent = error.message || words.sayFailed;
    problem.hidden = false;
  } finally {
    delete form.dataset.busy;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
field.addEventListener("change", begin);
form.querySelector("[data-sending-stop]").addEventListener("click", () => stop.abort());
addEventListener("beforeunload", (event) => {
  if (form.dataset.busy && bar.value < 100) event.preventDefault();
});
