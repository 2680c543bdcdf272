"use strict";
// The page: sliders to values, values to a run and what is predicted of it, and both to pictures, a table and the address.
{
  const byId = (id) => document.getElementById(id);
  const models = new Map(MODELS.map((model) => [model.name, model]));
  const swatches = byId("swatches");
  const chosen = new Map(MODELS.map((model) => [model.name, defaults(model)]));
  let current = MODELS[0];
  let shown = null; // what the pictures show
  let stepAt = null; // the step at a place of the pictures of loss and sharpness, which have one axis

  function defaults(model) {
    const values = Object.fromEntries(Object.entries(model.sliders).map(([name, { value }]) => [name, value]));
    return { ...values, steps: model.steps };
  }

  // Values that the sliders allow: what is no number stays as it was, what is beyond an end is the end.
  function allowed(model, values) {
    const kept = { ...chosen.get(model.name) };
    for (const [name, text] of Object.entries(values)) {
      const value = text === "" || text === null ? NaN : Number(text);
      if (!(name in kept) || !Number.isFinite(value)) continue;
      const { low, high } = name === "steps" ? { low: 10, high: 10000 } : model.sliders[name];
      kept[name] = Math.min(high, Math.max(low, name === "steps" ? Math.round(value) : value));
    }
    return kept;
  }

  function readAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (models.has(asked.get("model"))) current = models.get(asked.get("model"));
    chosen.set(current.name, allowed(current, Object.fromEntries(asked)));
  }

  function writeAddress() {
    const values = new URLSearchParams({ model: current.name, ...chosen.get(current.name) });
    history.replaceState(null, "", `#${values}`);
  }

  function fillControls() {
    const values = chosen.get(current.name);
    for (const part of document.querySelectorAll("[data-model]")) part.hidden = part.dataset.model !== current.name;
    document.querySelector(`input[name="model"][value="${current.name}"]`).checked = true;
    for (const input of byId(`${current.name}--controls`).querySelectorAll("input")) {
      const value = String(values[input.name]);
      if (input !== document.activeElement || input.type === "range" || Number(input.value) !== values[input.name]) input.value = value;
    }
    current.presets.forEach((preset, index) => {
      const same = Object.entries(preset).every(([name, value]) => values[name] === value);
      byId(`${current.name}--preset${index}`).setAttribute("aria-pressed", String(same));
    });
  }

  function update() {
    fillControls();
    const values = chosen.get(current.name);
    const start = current.state.map((name) => values[name]);
    const parameters = current.parameters.map((name) => values[name]);
    const run = simulate(current, start, parameters, values.steps);
    const flow = follow(current, start, parameters, values.steps);
    shown = { run, flow, rows: comparisons(run, flow) };
    tabulate();
    draw();
    say();
    clearTimeout(update.address);
    update.address = setTimeout(writeAddress, 150);
  }

  let asked = false;
  function soon() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      update();
    });
  }

  // The table: predicted beside measured.
  function tabulate() {
    shown.rows.forEach((row, index) => {
      const line = byId(`${current.name}--row${index}`);
      const [predictedCell, measuredCell, apart] = line.querySelectorAll("td:not(.said)");
      const known = Number.isFinite(row.predicted);
      line.classList.toggle("silent", !known);
      predictedCell.textContent = known
        ? shownNumber(row.predicted) + (Number.isFinite(row.error) ? ` ± ${shownNumber(+row.error.toPrecision(2))}` : "")
        : row.reason || "no answer";
      measuredCell.textContent = shownNumber(row.measured);
      const difference = row.predicted - row.measured;
      const share = Math.abs(difference / row.measured);
      apart.textContent =
        known && Number.isFinite(row.measured)
          ? share < 0.9995 && share >= 1e-12 ? `${shownNumber(+(100 * share).toPrecision(2))} %` : shownNumber(+difference.toPrecision(2))
          : "—";
    });
  }

  // One line of what happened, for eyes and for ears; said when the sliders have come to rest.
  function say() {
    const { run, rows } = shown;
    const { name, period, step, bound } = run.outcome;
    const [last, edge] = [run.middle, run.edges].map((values) => values[values.length - 2]);
    const sharpness = Number.isFinite(last) ? `, at sharpness ${shownNumber(last)} beside ${run.model.edge} = ${shownNumber(edge)}` : "";
    const ended = {
      converged: `Converged after ${step} steps${sharpness}.`,
      periodic: `A cycle of period ${period} after ${step} steps${sharpness}.`,
      moving: `Still moving after ${step} steps${sharpness}.`,
      escaped: `Escapes: after ${step} steps a weight is beyond ${shownNumber(bound)}.`,
      undefined: `Step ${step} is not defined: the gradient is 0.`,
    }[name];
    const spoken = rows.find((row) => Number.isFinite(row.predicted) && Number.isFinite(row.measured));
    const beside = spoken ? ` Predicted, ${spoken.words}: ${shownNumber(spoken.predicted)}; measured: ${shownNumber(spoken.measured)}.` : "";
    byId("ended").textContent = ended;
    byId("ended").dataset.outcome = name;
    clearTimeout(say.later);
    say.later = setTimeout(() => (byId("said").textContent = ended + beside), 600);
  }

  const colour = (role) => getComputedStyle(swatches.querySelector(`.${role}`)).color;

  function draw() {
    if (!shown) return;
    drawPlane();
    drawSharpness();
    drawLoss();
  }

  // What a picture shows, in words and the colours of its lines.
  function legend(id, entries) {
    byId(id).replaceChildren(
      ...entries.map(([role, words, look = "solid"]) => {
        const item = document.createElement("li");
        const swatch = document.createElement("span");
        swatch.className = `swatch ${role} ${look}`;
        item.append(swatch, words);
        return item;
      }),
    );
  }

  // Rows with a line or marks of their own, that speak.
  const speaking = (line) => shown.rows.filter((row) => row.line === line && Number.isFinite(row.predicted));

  // Lines of several predictions in one picture differ in how they are broken.
  const LOOKS = [["dotted", [2, 3]], ["long", [10, 4]], ["solid", []]];
  const look = (index) => LOOKS[index % LOOKS.length];

  function drawPlane() {
    const { run, flow } = shown;
    const { plane, state, curves, code, predictions } = run.model;
    const place = (one) => plane.map((index) => one[index]);
    const widest = (states) => states.reduce((most, state) => Math.max(most, ...state.map(Math.abs)), 1);
    const far = run.outcome.name === "escaped" ? 4 * widest([run.start]) : 1.5 * widest(run.states); // beyond nothing is shown
    const path = run.states.map(place).filter((one) => one.every((value) => Math.abs(value) < far));
    const marks = predictions.flatMap((_, index) => marksOf(run.model, index, run.start, run.parameters));
    const beside = flow ? flow.path.map((one) => one.place) : [];
    const all = [...path, ...marks, ...beside.filter((one) => one.every((value) => Math.abs(value) < far))];
    const [x, y] = [0, 1].map((axis) => around(all.map((one) => one[axis]), 0.15));
    const last = run.states[run.states.length - 1].every((value) => Math.abs(value) < far) ? run.states[run.states.length - 1] : run.start;
    const excess = (a, b) => {
      const there = [...last];
      [there[plane[0]], there[plane[1]]] = [a, b];
      return sharpnessAt(run.model, there, run.parameters) - edgeAt(run.model, there, run.parameters);
    };
    const items = curves.map((curve, index) => {
      const [low, high] = [x, y][curve.over];
      const points = Array.from({ length: 241 }, (_, k) => code[`curve${index}`](low + ((high - low) * k) / 240, ...run.parameters));
      return { kind: "line", role: "minima", points, width: 2 };
    });
    const border = contour(excess, x, y, 64, 48).flat();
    items.push({ kind: "segments", role: "edge", points: border, width: 1.5, dash: [5, 4] });
    items.push({ kind: "line", role: "run", points: path, width: 0.6, alpha: path.length > 800 ? 0.12 : 0.35 });
    items.push({ kind: "points", role: "run", points: path, radius: path.length > 400 ? 1.2 : 2, alpha: path.length > 800 ? 0.5 : 0.85 });
    if (flow) items.push({ kind: "line", role: "prediction", points: beside, width: 2 });
    items.push({ kind: "rings", role: "prediction", points: marks, radius: 6, width: 2 });
    items.push({ kind: "rings", role: "ink", points: path.slice(0, 1), radius: 4.5, width: 2 });
    if (run.outcome.name !== "escaped") items.push({ kind: "points", role: "ink", points: path.slice(-1), radius: 4 });
    plot(byId("plane"), { x, y, labels: plane.map((index) => state[index]), items }, colour);
    const entries = [["run", "the run, from the ring on", "dots"]];
    for (const words of new Set(curves.map((one) => one.words))) entries.push(["minima", words]);
    const edge = `sharpness ${run.model.edge}`;
    if (border.length) entries.push(["edge", state.length > 2 ? `${edge}, at the last of the other weights` : edge, "dashed"]);
    if (flow) entries.push(["prediction", run.model.flow]);
    if (marks.length) entries.push(["prediction", "predicted two-cycle", "ring"]);
    legend("plane--legend", entries);
  }

  function drawSharpness() {
    const { run, flow } = shown;
    const edges = run.edges.map((value, t) => [t, value]);
    const edge = run.edges.findLast(Number.isFinite) ?? edgeAt(run.model, run.start, run.parameters);
    const x = [0, Math.max(1, run.states.length - 1)];
    const tame = (value) => Math.abs(value) < 3 * edge || run.outcome.name !== "escaped";
    const middle = run.middle.map((value, t) => [t, tame(value) ? value : NaN]);
    const beside = flow ? flow.path.map((one, t) => [t, one.sharpness]).slice(0, run.states.length) : [];
    const lines = speaking("sharpness");
    const values = [...middle, ...beside].map(([, value]) => value).concat(lines.map((one) => one.predicted));
    const first = run.sharpness.filter(tame);
    const [low, high] = around([values, first, [edge, run.sharpness[0]]].find((seen) => seen.some(Number.isFinite)));
    const near = edge < high + 1.5 * (high - low) && edge > low - 1.5 * (high - low);
    const y = around([low, high, ...(near ? [edge] : [])], 0.02);
    const items = [];
    for (const { predicted: level, error } of lines) {
      if (Number.isFinite(error)) items.push({ kind: "band", role: "prediction", points: [[0, level - error], [0, level + error]], alpha: 0.15 });
    }
    items.push({ kind: "points", role: "run", points: run.sharpness.map((value, t) => [t, value]), radius: 1, alpha: 0.25 });
    items.push({ kind: "line", role: "run", points: middle });
    items.push({ kind: "line", role: "edge", points: run.model.movingEdge ? edges : [[x[0], edge], [x[1], edge]], dash: [5, 4] });
    lines.forEach(({ predicted: level }, index) => {
      items.push({ kind: "line", role: "prediction", points: [[x[0], level], [x[1], level]], width: 2, dash: look(index)[1] });
    });
    items.push({ kind: "line", role: "prediction", points: beside, width: 2 });
    stepAt = plot(byId("sharpness"), { x, y, labels: ["step", "sharpness"], items }, colour);
    legend("sharpness--legend", [
      ["run", "sharpness at two-step midpoints"],
      ["run", "at the steps", "dots"],
      ["edge", `${run.model.edge}${run.model.movingEdge ? ", at the end" : ""} = ${shownNumber(edge)}${near ? "" : ", outside of the picture"}`, "dashed"],
      ...lines.map((one, index) => ["prediction", `predicted: ${one.words}`, look(index)[0]]),
      ...(flow ? [["prediction", `predicted: ${run.model.flow}`]] : []),
    ]);
  }

  function drawLoss() {
    const { run, flow } = shown;
    const x = [0, Math.max(1, run.states.length - 1)];
    const points = run.loss.map((value, t) => [t, value > 1e-30 ? value : NaN]);
    const beside = flow ? flow.path.map((one, t) => [t, one.loss > 1e-30 ? one.loss : NaN]).slice(0, run.states.length) : [];
    const lines = speaking("loss");
    const values = [...points, ...beside].map(([, value]) => value).concat(lines.map((one) => one.predicted));
    const y = around(values.filter((value) => value > 0 && value < 1e30).map(Math.log10));
    const items = [
      { kind: "line", role: "run", points, width: 1, alpha: points.length > 800 ? 0.2 : 0.6 },
      { kind: "points", role: "run", points, radius: 0.9 },
      ...lines.map(({ predicted: level }, index) => (
        { kind: "line", role: "prediction", points: [[x[0], level], [x[1], level]], width: 2, dash: look(index)[1] })),
      { kind: "line", role: "prediction", points: beside, width: 2 },
    ];
    plot(byId("loss"), { x, y, logarithmic: true, labels: ["step", "loss"], items }, colour);
    const told = beside.some(([, value]) => Number.isFinite(value));
    legend("loss--legend", [
      ["run", run.model.lossWords],
      ...lines.map((one, index) => ["prediction", `predicted: ${one.words}`, look(index)[0]]),
      ...(told ? [["prediction", `predicted: ${run.model.flow}`]] : []),
    ]);
  }

  // What the run was at the step under the pointer.
  function read(event) {
    const { run } = shown;
    const step = Math.round(stepAt(event.offsetX));
    if (!(step in run.states)) return;
    const weights = run.model.state.map((name, index) => `${name} = ${shownNumber(run.states[step][index])}`);
    const found = [`loss ${shownNumber(run.loss[step])}`, `sharpness ${shownNumber(run.sharpness[step])}`, ...weights];
    byId("reading").textContent = `Step ${step}: ${found.join(", ")}`;
  }
  for (const id of ["sharpness", "loss"]) {
    byId(id).addEventListener("pointermove", read);
    byId(id).addEventListener("pointerleave", () => (byId("reading").textContent = ""));
  }

  byId("models").addEventListener("change", (event) => {
    current = models.get(event.target.value);
    soon();
  });
  for (const form of document.querySelectorAll("form.controls")) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      chosen.set(current.name, allowed(current, { [event.target.name]: event.target.value }));
      soon();
    });
    form.addEventListener("change", soon);
    form.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-preset]");
      if (!button) return;
      chosen.set(current.name, allowed(current, current.presets[button.dataset.preset]));
      soon();
    });
  }
  addEventListener("hashchange", () => {
    readAddress();
    soon();
  });
  new ResizeObserver(draw).observe(byId("pictures"));
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  readAddress();
  update();
}
