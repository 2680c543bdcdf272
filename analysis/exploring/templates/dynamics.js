"use strict";
// Runs, curvature and predictions of a model, from the functions that were printed of its formulas: `model.code`.
// A state is an array of the model's coordinates, `parameters` one of the numbers that the formulas contain besides.

const ESCAPED = 1e6; // times the largest weight of the start, or 1
const STILL = 1e-9; // a move, or a miss of a cycle, relative to the state
const LONGEST_CYCLE = 8;
const MOST_CHANGES = 20; // of stages in half a step

// The largest eigenvalue of a symmetric matrix and its unit eigenvector, by Jacobi's rotations.
// `entries` has the upper triangle, row by row.
function topEigenpair(entries, size) {
  const matrix = new Float64Array(size * size);
  const vectors = new Float64Array(size * size); // in rows
  let whole = 0;
  for (let i = 0, next = 0; i < size; i++) {
    vectors[i * size + i] = 1;
    for (let j = i; j < size; j++) {
      matrix[i * size + j] = matrix[j * size + i] = entries[next++];
      whole += matrix[i * size + j] ** 2;
    }
  }
  if (!Number.isFinite(whole)) return { value: NaN, vector: new Float64Array(size).fill(NaN) };
  for (let sweep = 0, off = whole; off > 1e-33 * whole && sweep < 50; sweep++) {
    off = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const beside = matrix[p * size + q];
        if (beside === 0) continue;
        off += beside ** 2;
        const ratio = (matrix[q * size + q] - matrix[p * size + p]) / (2 * beside);
        const t = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(ratio * ratio + 1));
        const cosine = 1 / Math.sqrt(t * t + 1);
        const sine = t * cosine;
        rotate(matrix, p, q, size, size, cosine, sine); // columns
        rotate(matrix, p * size, q * size, 1, size, cosine, sine); // rows
        rotate(vectors, p * size, q * size, 1, size, cosine, sine);
      }
    }
  }
  let top = 0;
  for (let i = 1; i < size; i++) if (matrix[i * size + i] > matrix[top * size + top]) top = i;
  return { value: matrix[top * size + top], vector: vectors.subarray(top * size, (top + 1) * size) };
}

// Two columns, or two rows, of a matrix turned into each other.
function rotate(matrix, first, second, stride, size, cosine, sine) {
  for (let k = 0; k < size; k++) {
    const [at, beside] = [first + k * stride, second + k * stride];
    const [a, b] = [matrix[at], matrix[beside]];
    matrix[at] = cosine * a - sine * b;
    matrix[beside] = sine * a + cosine * b;
  }
}

const topAt = (model, state, parameters) => topEigenpair(model.code.hessian(...state, ...parameters), model.order);
const sharpnessAt = (model, state, parameters) => topAt(model, state, parameters).value;

// Every state of a run with its loss and sharpness, the sharpness at two-step midpoints (θ₋ + 2θ + θ₊)/4, and how it ended.
function simulate(model, start, parameters, steps) {
  const states = [start];
  const bound = ESCAPED * Math.max(1, ...start.map(Math.abs));
  let outcome = { name: "moving", step: steps };
  for (let step = 1; step <= steps; step++) {
    const state = model.code.step(...states[step - 1], ...parameters);
    if (!state.every((one) => Math.abs(one) <= bound)) {
      outcome = { name: state.some(Number.isNaN) ? "undefined" : "escaped", step, bound };
      break;
    }
    states.push(state);
  }
  const loss = states.map((state) => model.code.loss(...state, ...parameters)[0]);
  const sharpness = states.map((state) => sharpnessAt(model, state, parameters));
  const midpoints = states.map((state, t) =>
    t === 0 || t === states.length - 1 ? null : state.map((one, i) => (states[t - 1][i] + 2 * one + states[t + 1][i]) / 4),
  );
  const middle = midpoints.map((state) => (state ? sharpnessAt(model, state, parameters) : NaN));
  if (outcome.name === "moving") outcome = ending(states) ?? outcome;
  return { model, start, parameters, states, loss, sharpness, midpoints, middle, outcome };
}

// Whether the last states stand still or go round: {name, period, step}, the step from which on they do.
function ending(states) {
  const last = states.length - 1;
  const near = (t, period) =>
    states[t].every((one, i) => Math.abs(one - states[t - period][i]) <= STILL * Math.max(1, Math.abs(one)));
  for (let period = 1; period <= LONGEST_CYCLE; period++) {
    let t = last;
    while (t >= period && near(t, period)) t--;
    if (last - t >= 2 * LONGEST_CYCLE) return { name: period === 1 ? "converged" : "periodic", period, step: Math.max(t, 0) };
  }
  return null;
}

// The zero of a function that changes its sign between two points.
function bisect(f, low, high) {
  let below = f(low);
  if (!(below * f(high) <= 0)) return NaN;
  for (let turn = 0; turn < 200; turn++) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    const value = f(middle);
    if (value * below > 0) [low, below] = [middle, value];
    else high = middle;
  }
  return (low + high) / 2;
}

// What a prediction's formulas are called with: start, parameters, and the unknown if there is one; null where it is silent.
function givenTo(model, index, start, parameters) {
  const { unknown } = model.predictions[index];
  const [holds, equation] = ["holds", "equation"].map((name) => model.code[`prediction${index}_${name}`]);
  const given = [...start, ...parameters];
  if (holds && !holds(...given).every((one) => one > 0)) return null;
  return unknown ? [...given, bisect((one) => equation(...given, one)[0], ...unknown)] : given;
}

// What a formula predicts of a start, a number and perhaps its error; null where it does not speak.
function predicted(model, index, start, parameters) {
  const given = givenTo(model, index, start, parameters);
  const found = given && model.code[`prediction${index}_value`](...given);
  return found && found.every(Number.isFinite) ? found : null;
}

// The places in the plane that it marks, where it speaks.
function marksOf(model, index, start, parameters) {
  if (!model.predictions[index].marked || !predicted(model, index, start, parameters)) return [];
  const flat = model.code[`prediction${index}_marks`](...givenTo(model, index, start, parameters));
  return flat.flatMap((one, k) => (k % 2 ? [] : [[one, flat[k + 1]]]));
}

// The stages of a flow at these parameters: rates, the watch that is positive where it is left, what is shown of a state.
function stagesOf(model, parameters) {
  return model.stages.map(({ order, directed, watched, next }, index) => {
    const [enter, rates, hessian, shown, watch] = ["enter", "rates", "hessian", "shown", "watch"].map(
      (name) => model.code[`stage${index}_${name}`],
    );
    const seen = (state) => topEigenpair(hessian(...state, ...parameters), order);
    const given = (state, vector) => [...state, ...parameters, ...(directed ? vector : [])];
    return {
      next,
      enter: (state) => enter(...state, ...parameters),
      rates: (state) => rates(...given(state, directed ? seen(state).vector : [])),
      left: (state) => {
        if (!watched) return -1;
        const { value, vector } = seen(state);
        return watch(...given(state, vector), value)[0];
      },
      point: (state) => {
        const { value, vector } = seen(state);
        const [across, up, loss, ...more] = shown(...given(state, vector));
        return { stage: index, state, sharpness: value, place: [across, up], loss, more };
      },
    };
  });
}

// A state some time later, by the Runge–Kutta method of fourth order.
function rungeKutta(rates, state, time) {
  const moved = (rate, by) => state.map((one, i) => one + by * rate[i]);
  const first = rates(state);
  const second = rates(moved(first, time / 2));
  const third = rates(moved(second, time / 2));
  const fourth = rates(moved(third, time));
  return state.map((one, i) => one + (time / 6) * (first[i] + 2 * second[i] + 2 * third[i] + fourth[i]));
}

// A flow beside the run, at its steps, by half a step at a time; null where its first stage would be left at once.
function follow(model, start, parameters, steps) {
  if (!model.stages.length) return null;
  const stages = stagesOf(model, parameters);
  const paces = stages.map((_, index) => model.code[`stage${index}_pace`](...start, ...parameters)[0]);
  let stage = 0;
  let state = stages[0].enter(start);
  if (stages[0].left(state) > 0) return null;
  const path = [];
  for (let half = 0; half <= 2 * steps; half++) {
    if (half % 2 === 0) {
      const point = stages[stage].point(state);
      if (!Number.isFinite(point.sharpness)) break;
      path.push(point);
    }
    let time = 0.5;
    for (let turn = 0; turn < MOST_CHANGES && time > 0; turn++) {
      const { rates, left, next } = stages[stage];
      const after = (by) => rungeKutta(rates, state, paces[stage] * by);
      const ahead = after(time);
      if (!(left(ahead) > 0)) {
        state = ahead;
        break;
      }
      const until = bisect((by) => left(after(by)), 0, time);
      const taken = Number.isNaN(until) ? time : until;
      state = stages[next].enter(after(taken));
      stage = next;
      time -= taken;
    }
  }
  return { path };
}

// Where a function of two coordinates is 0: pairs of points, a segment each, by marching squares on a grid.
function contour(f, [left, right], [below, above], columns, rows) {
  const x = (i) => left + ((right - left) * i) / columns;
  const y = (j) => below + ((above - below) * j) / rows;
  const values = Array.from({ length: columns + 1 }, (_, i) => Array.from({ length: rows + 1 }, (_, j) => f(x(i), y(j))));
  const segments = [];
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < rows; j++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const crossed = [];
      corners.forEach(([a, b], k) => {
        const [c, d] = corners[(k + 1) % 4];
        const [from, to] = [values[a][b], values[c][d]];
        if (from < 0 === to < 0 || !Number.isFinite(from) || !Number.isFinite(to)) return;
        const share = from / (from - to);
        crossed.push([x(a) + share * (x(c) - x(a)), y(b) + share * (y(d) - y(b))]);
      });
      for (let k = 0; k + 1 < crossed.length; k += 2) segments.push([crossed[k], crossed[k + 1]]);
    }
  }
  return segments;
}
