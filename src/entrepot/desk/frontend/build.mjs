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
const SERVED = [
  "@fontsource-variable/inter",
  "@fontsource-variable/noto-sans-sc",
  "echarts",
  "htmx.org",
  "tslib",
  "world-atlas",
  "zrender",
];

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

// The part of a ring on one side of a meridian (Sutherland and Hodgman); `side` is 1 for east, -1 for west of it.
function clip(ring, meridian, side) {
  const inside = ([x]) => (x - meridian) * side >= 0;
  return ring.flatMap((point, at) => {
    const next = ring[(at + 1) % ring.length];
    const kept = inside(point) ? [point] : [];
    if (inside(point) === inside(next)) return kept;
    const share = (meridian - point[0]) / (next[0] - point[0]);
    return [...kept, [meridian, point[1] + share * (next[1] - point[1])]];
  });
}

// Longitudes that go on past 180 instead of jumping to the other end of the map.
function unwrapped(ring) {
  let turn = 0;
  return ring.slice(0, -1).map(([x, y], at, points) => {
    const step = at ? x - points[at - 1][0] : 0;
    turn += step > 180 ? -360 : step < -180 ? 360 : 0;
    return [x + turn, y];
  });
}

// Land outlines only: no country borders are drawn. The map runs from 30° W eastward around to 30° W, so that the
// Pacific is whole and China stands in the middle. Two decimals are enough; Antarctica trades nothing.
const WEST = -30;
function land() {
  const atlas = JSON.parse(readFileSync(join(modules, "world-atlas", "land-110m.json"), "utf8"));
  const rings = feature(atlas, atlas.objects.land).features.flatMap(({ geometry }) =>
    geometry.type === "Polygon" ? [geometry.coordinates[0]] : geometry.coordinates.map(([outer]) => outer),
  );
  const shown = rings
    .filter((ring) => ring.some(([, y]) => y > -60))
    .map(unwrapped)
    .flatMap((ring) =>
      [-360, 0, 360, 720].map((turn) =>
        clip(
          clip(
            ring.map(([x, y]) => [x + turn, y]),
            WEST,
            1,
          ),
          WEST + 360,
          -1,
        ),
      ),
    );
  const closed = shown
    .filter((ring) => ring.length > 2)
    .map((ring) => [[...ring, ring[0]].map((point) => point.map((value) => Math.round(value * 100) / 100))]);
  const geometry = { type: "MultiPolygon", coordinates: closed };
  const collection = {
    type: "FeatureCollection",
    features: [{ type: "Feature", properties: { name: "land" }, geometry }],
  };
  writeFileSync(join(fresh, "land.json"), JSON.stringify(collection));
}

// Where to draw a country or region: the middle of its largest land, by its ISO 3166 number. Places only, no outlines.
function places() {
  const atlas = JSON.parse(readFileSync(join(modules, "world-atlas", "countries-50m.json"), "utf8"));
  const found = {};
  for (const { id, geometry } of feature(atlas, atlas.objects.countries).features) {
    if (!id || !geometry) continue;
    const rings =
      geometry.type === "Polygon" ? [geometry.coordinates[0]] : geometry.coordinates.map(([outer]) => outer);
    const [area, lon, lat] = rings.map(middle).sort((a, b) => b[0] - a[0])[0];
    if (area > 0 && !(id in found)) found[id] = { lat: Math.round(lat * 10) / 10, lon: Math.round(lon * 10) / 10 };
  }
  writeFileSync(join(fresh, "places.json"), `${JSON.stringify(found)}\n`);
}

// Area and centroid of a ring (shoelace).
function middle(ring) {
  const points = unwrapped(ring);
  let area = 0,
    x = 0,
    y = 0;
  points.forEach(([x1, y1], at) => {
    const [x2, y2] = points[(at + 1) % points.length];
    const cross = x1 * y2 - x2 * y1;
    area += cross / 2;
    x += (x1 + x2) * cross;
    y += (y1 + y2) * cross;
  });
  return area ? [Math.abs(area), x / (6 * area), y / (6 * area)] : [0, 0, 0];
}

function versions() {
  mkdirSync(join(fresh, "licences"), { recursive: true });
  const rows = SERVED.map((name) => {
    const folder = join(modules, name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const texts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|notice|copyrightnotice)(\.\w+)?$/i.test(file))
      .sort();
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
places();
versions();
if (existsSync(target)) rmSync(target, { recursive: true });
renameSync(fresh, target);
