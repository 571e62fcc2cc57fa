// Copies the front-end libraries into ../static/vendor. Run `npm ci` first; the package build does both.
// Everything is written beside and renamed at the end, so a killed build leaves the old files whole.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { feature } from "topojson-client";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const target = join(here, "..", "static", "vendor");
const fresh = `${target}.new`;

// What the served files hold code or data of; tslib and zrender are inside echarts.
const SERVED = ["@fontsource-variable/inter", "@fontsource-variable/noto-sans-sc", "echarts", "htmx.org", "tslib",
  "world-atlas", "zrender"];

function copy(from, to) {
  const place = join(fresh, to);
  mkdirSync(dirname(place), { recursive: true });
  cpSync(join(modules, from), place);
}

// A variable font: its style sheet and only those files the sheet names.
function font(name) {
  const sheet = readFileSync(join(modules, "@fontsource-variable", name, "wght.css"), "utf8");
  mkdirSync(join(fresh, "fonts", name), { recursive: true });
  writeFileSync(join(fresh, "fonts", name, "font.css"), sheet);
  for (const [, file] of sheet.matchAll(/url\(\.\/(files\/[^)]+\.woff2)\)/g)) {
    copy(join("@fontsource-variable", name, file), join("fonts", name, file));
  }
}

// Land outlines only: no country borders are drawn. Two decimals are enough at this scale.
function land() {
  const atlas = JSON.parse(readFileSync(join(modules, "world-atlas", "land-110m.json"), "utf8"));
  const round = (value) => (Array.isArray(value) ? value.map(round) : Math.round(value * 100) / 100);
  const rings = feature(atlas, atlas.objects.land).features.flatMap(({ geometry }) =>
    geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates);
  const geometry = { type: "MultiPolygon", coordinates: round(rings) };
  const collection = { type: "FeatureCollection", features: [{ type: "Feature", properties: { name: "land" }, geometry }] };
  writeFileSync(join(fresh, "land.json"), JSON.stringify(collection));
}

function versions() {
  mkdirSync(join(fresh, "licences"), { recursive: true });
  const rows = SERVED.map((name) => {
    const folder = join(modules, name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copyrightnotice)(\.\w+)?$/i.test(file)).sort();
    const text = texts.map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
    const file = `licences/${name.replace(/^@/, "").replace("/", "-")}.txt`;
    writeFileSync(join(fresh, file), text);
    return { name, version, licence: license, text: file };
  });
  writeFileSync(join(fresh, "VERSIONS.json"), `${JSON.stringify(rows, null, 2)}\n`);
}

rmSync(fresh, { recursive: true, force: true });
copy("htmx.org/dist/htmx.min.js", "htmx.min.js");
copy("echarts/dist/echarts.min.js", "echarts.min.js");
font("inter");
font("noto-sans-sc");
land();
versions();
if (existsSync(target)) rmSync(target, { recursive: true });
renameSync(fresh, target);
