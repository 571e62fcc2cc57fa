// Charts of the desk, drawn with ECharts from small JSON that the server writes with Django's json_script.
//
//   <figure class="chart" data-chart="KIND" data-source="ID"><figcaption>…</figcaption>
//     <div class="canvas"></div><details>the same numbers as a table</details></figure>
//   <script type="application/json" id="ID">{…}</script>
//
// What htmx brings loses its scripts: there the same JSON stands in data-numbers of the figure.
//
// Numbers are JSON numbers or decimal strings ("12.50"); null is unknown: it is left out and said, never drawn as zero.
// Every kind may have `unit` ("CNY", "%"; a % is written beside the number as given: 0.934 is "93.4" with percent: true),
// `decimals` (of the numbers shown; else as given, at most 2), `percent` (values are shares of one).
// `tone` picks a colour: release yellow red refuse invalid accent muted or 1 to 6; else colours go round.
// `href` makes a bar, point, arc or node a link.
//
// bar       {labels: [..], series: [{name, values: [..], tone?, hrefs?: [..]}], horizontal?: true, target?: {value, name}}
// stacked   the same, series stacked on each other
// line      the same, labels along the x axis; scale: true lets the axis begin above zero
// step      {points: [{from: "2019-01-01", until?: "…", value, note?, status?, href?, tone?}], today?: "2026-11-25"}
//           a value of law over time: holds from `from` until the day before the next; status other than in_force is dashed
// waterfall {steps: [{name, value, tone?, href?, total?: true}]}    total: drawn from zero; value null: "unknown"
// ratio     {value, name, target?: {value, name}, parts?: [{name, value, tone?}]}    one bar from 0 to 1 beside its target
// share     {parts: [{name, value, tone?, href?}]}                  one ring
// flows     {flows: [{from: {name, lat, lon}, to: {name, lat, lon}, value, href?}]}   arcs over land outlines without borders
// sankey    {nodes: [{name, tone?, href?}], links: [{from, to, value}]}

const root = document.documentElement;
const words = document.body.dataset;
const drawn = new Map();
let echarts;
let land;

// --- numbers and colours ----------------------------------------------------------------------
const number = (value) => (value === null || value === undefined || value === "" ? null : Number(value));

function shown(value, { unit = "", decimals, percent } = {}) {
  if (number(value) === null) return words.unknown;
  const digits = decimals ?? (percent ? 1 : undefined);
  const format = new Intl.NumberFormat(root.lang, {
    style: percent ? "percent" : "decimal",
    minimumFractionDigits: digits ?? 0,
    maximumFractionDigits: digits ?? 2,
  });
  // Browsers format a decimal string exactly; a number is what the string says.
  const text = format.format(typeof value === "string" && !percent ? value : Number(value));
  return percent || !unit ? text : `${text} ${unit}`;
}

const brief = (value, { percent } = {}) =>
  new Intl.NumberFormat(root.lang, {
    notation: "compact",
    maximumFractionDigits: 1,
    style: percent ? "percent" : "decimal",
  }).format(value);

const CSS_NAMES = {
  accent: "--accent",
  muted: "--line-strong",
  release: "--chart-release",
  green: "--chart-release",
  yellow: "--chart-yellow",
  hold: "--chart-yellow",
  red: "--chart-red",
  refuse: "--chart-refuse",
  invalid: "--chart-invalid",
};
const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
const colour = (tone, place = 0) => css(CSS_NAMES[tone] ?? `--chart-${Number(tone) || (place % 6) + 1}`);

// --- parts shared by the kinds ----------------------------------------------------------------
function tip(title, rows) {
  const box = document.createElement("div");
  box.className = "chart-tip";
  const head = document.createElement("b");
  head.textContent = title;
  box.append(head);
  for (const cells of rows) {
    const row = document.createElement("div");
    row.append(...cells.map((cell) => Object.assign(document.createElement("span"), { textContent: cell })));
    box.append(row);
  }
  return box;
}

const tooltip = (formatter, trigger = "item") => ({
  trigger,
  formatter,
  confine: true,
  backgroundColor: css("--raised"),
  borderColor: css("--line"),
  padding: [8, 12],
  axisPointer: { type: "shadow", shadowStyle: { color: css("--ink-3"), opacity: 0.08 } },
  extraCssText: "border-radius:8px",
});

const axis = (more) => ({
  axisLine: { lineStyle: { color: css("--line-strong") } },
  axisTick: { show: false },
  axisLabel: { color: css("--ink-3"), fontSize: 12, hideOverlap: true },
  splitLine: { lineStyle: { color: css("--line") } },
  ...more,
});
const valueAxis = (data, more) =>
  axis({
    type: "value",
    axisLine: { show: false },
    axisLabel: { color: css("--ink-3"), fontSize: 12, hideOverlap: true, formatter: (value) => brief(value, data) },
    ...more,
  });
const grid = (more) => ({ left: 4, right: 16, top: 16, bottom: 4, containLabel: true, ...more });
const legend = (names) =>
  names.length > 1
    ? {
        bottom: 0,
        icon: "roundRect",
        itemWidth: 11,
        itemHeight: 11,
        itemGap: 16,
        textStyle: { color: css("--ink-2"), fontSize: 12 },
      }
    : undefined;

function targetLine(target, data, horizontal) {
  if (!target || number(target.value) === null) return undefined;
  const place = horizontal ? "xAxis" : "yAxis";
  return {
    silent: true,
    symbol: "none",
    data: [{ [place]: number(target.value) }],
    lineStyle: { color: css("--ink-2"), type: [5, 4], width: 1.5 },
    label: {
      formatter: /\d/.test(target.name) ? target.name : `${target.name} ${shown(target.value, data)}`,
      position: horizontal ? "end" : "insideEndTop",
      color: css("--ink-2"),
      fontSize: 11,
    },
  };
}

// --- kinds ------------------------------------------------------------------------------------
function columns(data, type, stacked) {
  const { labels, series, horizontal, target } = data;
  const names = axis({
    type: "category",
    data: labels,
    inverse: Boolean(horizontal),
    boundaryGap: type === "bar",
    splitLine: { show: false },
  });
  const values = valueAxis(data, type === "line" ? { scale: data.scale ?? !target } : {});
  const one = ({ name, values: numbers, tone, hrefs = [] }, place) => ({
    name,
    type,
    stack: stacked ? "all" : undefined,
    color: colour(tone, place),
    barMaxWidth: 34,
    barGap: "15%",
    symbolSize: 6,
    showSymbol: labels.length < 40,
    lineStyle: { width: 2.2 },
    connectNulls: false,
    cursor: hrefs.length ? "pointer" : "default",
    itemStyle: { borderRadius: stacked || type === "line" ? 0 : horizontal ? [0, 4, 4, 0] : [4, 4, 0, 0] },
    areaStyle: type === "line" && series.length === 1 ? { opacity: 0.08 } : undefined,
    markLine: place === 0 ? targetLine(target, data, horizontal) : undefined,
    data: numbers.map((value, at) => ({ value: number(value), href: hrefs[at] })),
  });
  return {
    grid: grid({ bottom: series.length > 1 ? 32 : 4, right: type === "line" ? 36 : 16 }),
    legend: legend(series),
    xAxis: horizontal ? values : names,
    yAxis: horizontal ? names : values,
    series: series.map(one),
    tooltip: tooltip(
      (points) =>
        tip(
          points[0].axisValueLabel,
          points.map((point) => [point.seriesName, shown(series[point.seriesIndex].values[point.dataIndex], data)]),
        ),
      "axis",
    ),
  };
}

// Each stretch of a value is its own line, so that one without force can be dashed; verticals join them.
function step(data) {
  const points = [...data.points].sort((a, b) => (a.from < b.from ? -1 : 1));
  const last = data.today ?? points.at(-1).from;
  const end = (at) => points[at].until ?? points[at + 1]?.from ?? (last > points[at].from ? last : points[at].from);
  const stretch = (point, at) => ({
    type: "line",
    color: colour(point.tone ?? "accent"),
    symbol: "circle",
    symbolSize: 8,
    cursor: point.href ? "pointer" : "default",
    lineStyle: { width: 2.5, type: (point.status ?? "in_force") === "in_force" ? "solid" : "dashed" },
    data: [
      { value: [point.from, number(point.value)], href: point.href, at },
      { value: [end(at), number(point.value)], symbol: "none", href: point.href, at },
    ],
    markLine:
      at === 0 && data.today
        ? {
            silent: true,
            symbol: "none",
            data: [{ xAxis: data.today }],
            lineStyle: { color: css("--ink-3"), type: [3, 4] },
            label: { formatter: words.today, color: css("--ink-3"), fontSize: 11 },
          }
        : undefined,
  });
  const joins = points
    .slice(1)
    .filter((point, at) => end(at) === point.from)
    .map((point) => {
      const before = points[points.indexOf(point) - 1];
      return {
        type: "line",
        silent: true,
        symbol: "none",
        lineStyle: { color: css("--line-strong"), width: 1.2 },
        data: [
          [point.from, number(before.value)],
          [point.from, number(point.value)],
        ],
      };
    });
  return {
    grid: grid({ top: 24 }),
    xAxis: axis({ type: "time", splitLine: { show: false } }),
    yAxis: valueAxis(data, { scale: true }),
    series: [...points.map(stretch), ...joins],
    tooltip: tooltip(({ data: { at } }) => {
      const point = points[at];
      return tip(`${point.from} – ${point.until ?? points[at + 1]?.from ?? ""}`, [
        ["", shown(point.value, data)],
        ...(point.note ? [[point.note]] : []),
      ]);
    }),
  };
}

// A cost built up from its parts: an invisible bar carries each part to where the sum stands.
function waterfall(data) {
  let sum = 0;
  const bars = data.steps.map((part, place) => {
    const value = number(part.value) ?? 0;
    const from = part.total ? 0 : Math.min(sum, sum + value);
    sum = part.total ? value : sum + value;
    return {
      from,
      size: Math.abs(value),
      colour: colour(part.tone ?? (part.total ? "accent" : place + 2), place),
      ...part,
    };
  });
  return {
    grid: { left: 138, right: 92, top: 4, bottom: 24 },
    xAxis: valueAxis(data),
    tooltip: tooltip(({ dataIndex }) => tip(bars[dataIndex].name, [["", shown(bars[dataIndex].value, data)]])),
    yAxis: axis({
      type: "category",
      inverse: true,
      data: bars.map((bar) => bar.name),
      splitLine: { show: false },
      axisLabel: { color: css("--ink-2"), fontSize: 12, width: 126, overflow: "break" },
    }),
    series: [
      {
        type: "bar",
        stack: "sum",
        silent: true,
        itemStyle: { color: "transparent" },
        data: bars.map((bar) => bar.from),
      },
      {
        type: "bar",
        stack: "sum",
        barMaxWidth: 24,
        label: {
          show: true,
          position: "right",
          color: css("--ink"),
          fontSize: 12,
          formatter: ({ dataIndex }) => shown(bars[dataIndex].value, data),
        },
        data: bars.map((bar) => ({
          value: bar.size,
          href: bar.href,
          itemStyle: { color: bar.colour, borderRadius: 3 },
          cursor: bar.href ? "pointer" : "default",
        })),
      },
    ],
  };
}

function ratio(data) {
  const whole = { percent: true, ...data };
  const parts = data.parts ?? [
    {
      name: data.name,
      value: data.value,
      tone: number(data.value) >= number(data.target?.value ?? 0) ? "release" : "yellow",
    },
  ];
  return {
    grid: grid({ left: 14, top: 26, bottom: parts.length > 1 ? 32 : 4 }),
    legend: legend(parts),
    xAxis: valueAxis(whole, { max: 1, min: 0 }),
    yAxis: axis({ type: "category", data: [data.name ?? ""], axisLabel: { show: false }, axisLine: { show: false } }),
    series: parts.map((part, place) => ({
      name: part.name,
      type: "bar",
      stack: "all",
      barWidth: 26,
      color: colour(part.tone, place),
      data: [{ value: number(part.value), href: part.href }],
      showBackground: place === 0,
      backgroundStyle: { color: css("--sunken") },
      markLine: place === 0 ? targetLine(data.target, whole, true) : undefined,
    })),
    tooltip: tooltip(({ seriesIndex }) => tip(parts[seriesIndex].name, [["", shown(parts[seriesIndex].value, whole)]])),
  };
}

function share(data) {
  return {
    legend: legend(data.parts),
    tooltip: tooltip(({ dataIndex, percent }) =>
      tip(data.parts[dataIndex].name, [[shown(data.parts[dataIndex].value, data), `${percent} %`]]),
    ),
    series: [
      {
        type: "pie",
        radius: ["52%", "78%"],
        center: ["50%", "44%"],
        label: { show: false },
        itemStyle: { borderColor: css("--surface"), borderWidth: 2 },
        data: data.parts.map((part, place) => ({
          name: part.name,
          value: number(part.value) ?? 0,
          href: part.href,
          itemStyle: { color: colour(part.tone, place) },
        })),
      },
    ],
  };
}

// land.json runs from 30° W eastward around the world to 30° W.
const onMap = (lon) => (lon < -30 ? lon + 360 : lon);

function flows(data) {
  const most = Math.max(1, ...data.flows.map((flow) => number(flow.value) ?? 0));
  const weight = (value) => Math.sqrt((number(value) ?? 0) / most);
  const places = new Map();
  for (const flow of data.flows) {
    for (const end of [flow.from, flow.to]) {
      places.set(end.name, { ...end, sum: (places.get(end.name)?.sum ?? 0) + (number(flow.value) ?? 0) });
    }
  }
  const largest = Math.max(1, ...[...places.values()].map((place) => place.sum));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    geo: {
      map: "land",
      silent: true,
      roam: false,
      top: 4,
      bottom: 4,
      left: 4,
      right: 4,
      boundingCoords: [
        [-26, 76],
        [326, -52],
      ],
      aspectScale: 0.85,
      itemStyle: { areaColor: css("--land"), borderColor: css("--land-line"), borderWidth: 0.6 },
    },
    tooltip: tooltip(({ data: { flow, place } }) =>
      flow
        ? tip(`${flow.from.name} → ${flow.to.name}`, [["", shown(flow.value, data)]])
        : tip(place.name, [["", shown(place.sum, data)]]),
    ),
    series: [
      {
        type: "lines",
        coordinateSystem: "geo",
        zlevel: 1,
        cursor: "pointer",
        lineStyle: { color: css("--accent") },
        effect: {
          show: !still && data.flows.length <= 40,
          period: 7,
          symbolSize: 3.5,
          trailLength: 0,
          color: css("--accent-strong"),
        },
        data: data.flows.map((flow) => ({
          flow,
          href: flow.href,
          coords: [flow.from, flow.to].map(({ lon, lat }) => [onMap(lon), lat]),
          lineStyle: {
            width: 1 + 5 * weight(flow.value),
            opacity: 0.35 + 0.45 * weight(flow.value),
            curveness: onMap(flow.from.lon) < onMap(flow.to.lon) ? 0.22 : -0.22, // always to the north
          },
        })),
      },
      {
        type: "scatter",
        coordinateSystem: "geo",
        zlevel: 2,
        color: css("--accent"),
        itemStyle: { borderColor: css("--surface"), borderWidth: 1.5 },
        label: {
          show: true,
          position: "right",
          formatter: ({ data: { place } }) => place.name,
          color: css("--ink"),
          fontSize: 11,
          textBorderColor: css("--surface"),
          textBorderWidth: 3,
        },
        labelLayout: { hideOverlap: true },
        data: [...places.values()]
          .sort((a, b) => b.sum - a.sum)
          .map((place) => ({
            place,
            value: [onMap(place.lon), place.lat],
            symbolSize: 7 + 9 * Math.sqrt(place.sum / largest),
            label: { position: onMap(place.lon) > 240 ? "left" : "right" },
          })),
      },
    ],
  };
}

function sankey(data) {
  return {
    tooltip: tooltip(({ dataType, data: item, value }) =>
      tip(dataType === "edge" ? `${item.source} → ${item.target}` : item.name, [["", shown(value, data)]]),
    ),
    series: [
      {
        type: "sankey",
        left: 4,
        right: 110,
        top: 8,
        bottom: 8,
        nodeGap: 12,
        draggable: false,
        label: { color: css("--ink"), fontSize: 12 },
        lineStyle: { color: "source", opacity: 0.25 },
        data: data.nodes.map((node, place) => ({
          ...node,
          itemStyle: { color: colour(node.tone, place), borderWidth: 0 },
        })),
        links: data.links.map(({ from, to, value, href }) => ({
          source: from,
          target: to,
          value: number(value),
          href,
        })),
      },
    ],
  };
}

const KINDS = {
  bar: (data) => columns(data, "bar", false),
  stacked: (data) => columns(data, "bar", true),
  line: (data) => columns(data, "line", false),
  step,
  waterfall,
  ratio,
  share,
  flows,
  sankey,
};

// --- drawing ----------------------------------------------------------------------------------
function script(address) {
  return new Promise((done, failed) => {
    const element = Object.assign(document.createElement("script"), { src: address, onload: done, onerror: failed });
    document.head.append(element);
  });
}

async function library(kind) {
  echarts ??= script(root.dataset.echarts);
  await echarts;
  if (kind !== "flows") return;
  land ??= fetch(root.dataset.land)
    .then((answer) => answer.json())
    .then((outlines) => window.echarts.registerMap("land", outlines));
  await land;
}

const numbers = (figure) => JSON.parse(figure.dataset.numbers ?? document.getElementById(figure.dataset.source).textContent);

function option(figure) {
  const data = numbers(figure);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    animation: !still,
    animationDuration: 450,
    textStyle: { fontFamily: css("--font") },
    aria: { enabled: false },
    ...KINDS[figure.dataset.chart](data),
  };
}

// Bars that lie need a height by their number; the other kinds have the height of the style sheet.
function fit(canvas, kind, data) {
  const rows = kind === "waterfall" ? data.steps.length : data.horizontal ? data.labels.length : 0;
  if (rows) canvas.style.height = `${rows * 36 + 56}px`;
  if (kind === "ratio") canvas.style.height = data.parts?.length > 1 ? "132px" : "96px";
}

/** Draw one figure; draws it again when it was drawn before. */
export async function draw(figure) {
  const canvas = figure.querySelector(".canvas");
  if (!canvas || !KINDS[figure.dataset.chart]) return;
  fit(canvas, figure.dataset.chart, numbers(figure));
  await library(figure.dataset.chart);
  window.echarts.getInstanceByDom(canvas)?.dispose();
  const chart = window.echarts.init(canvas, null, { renderer: "svg" });
  chart.setOption(option(figure));
  chart.on("click", ({ data }) => data?.href && location.assign(data.href));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", figure.querySelector("figcaption")?.textContent.trim().replace(/\s+/g, " ") ?? "");
  drawn.set(figure, chart);
  sizes.observe(canvas);
}

const sizes = new ResizeObserver((changed) => {
  for (const { target } of changed) if (target.clientWidth) window.echarts.getInstanceByDom(target)?.resize();
});

addEventListener("desk:theme", () => {
  for (const [figure, chart] of drawn) {
    if (figure.isConnected) chart.setOption(option(figure), true);
    else drawn.delete(figure);
  }
});
