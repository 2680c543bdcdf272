"use strict";
// Runs, curvature and predictions of a model, from the functions that were printed of its formulas: `model.code`.
// A state is an array of the model's coordinates, `parameters` one of the numbers that the formulas contain besides.

const ESCAPED = 1e6; // times the largest weight of the start, or 1
const STILL = 1e-9; // a move, or a miss of a cycle, relative to the state
const LONGEST_CYCLE = 8;
const MOST_CHANGES = 20; // of stages in half a step

// The largest eigenvalue of a symmetric matrix and its unit eigenvector, by Jacobi's rotations.
// `entries` has the upper triangle, row by row. A sweep leaves about the square of what it found beside the diagonal.
function topEigenpair(entries, size) {
  const [matrix, vectors] = workspaceOf(size);
  let whole = 0;
  for (let i = 0, next = 0; i < size; i++) {
    vectors[i * size + i] = 1;
    for (let j = i; j < size; j++) {
      const entry = entries[next++];
      matrix[i * size + j] = matrix[j * size + i] = entry;
      whole += entry * entry;
      if (j > i) vectors[i * size + j] = vectors[j * size + i] = 0;
    }
  }
  if (!Number.isFinite(whole)) return { value: NaN, vector: new Float64Array(size).fill(NaN) };
  for (let sweep = 0, off = whole; off > 1e-18 * whole && sweep < 50; sweep++) {
    off = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) off += turned(matrix, vectors, p, q, size);
    }
  }
  let top = 0;
  for (let i = 1; i < size; i++) if (matrix[i * size + i] > matrix[top * size + top]) top = i;
  return { value: matrix[top * size + top], vector: vectors.slice(top * size, (top + 1) * size) };
}

// The matrix and the eigenvectors, in rows, that are worked on: one pair for every size, as pages ask 10⁴ times in a moment.
const workspaces = [];
const workspaceOf = (size) => (workspaces[size] ??= [new Float64Array(size * size), new Float64Array(size * size)]);

// Turns two coordinates so that the entry between them is 0; the square of what it was.
function turned(matrix, vectors, p, q, size) {
  const beside = matrix[p * size + q];
  if (beside === 0) return 0;
  const ratio = (matrix[q * size + q] - matrix[p * size + p]) / (2 * beside);
  const t = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(ratio * ratio + 1));
  const cosine = 1 / Math.sqrt(t * t + 1);
  const sine = t * cosine;
  matrix[p * size + p] -= t * beside;
  matrix[q * size + q] += t * beside;
  matrix[p * size + q] = matrix[q * size + p] = 0;
  for (let k = 0; k < size; k++) {
    const a = vectors[p * size + k];
    const b = vectors[q * size + k];
    vectors[p * size + k] = cosine * a - sine * b;
    vectors[q * size + k] = sine * a + cosine * b;
    if (k === p || k === q) continue;
    const c = matrix[k * size + p];
    const d = matrix[k * size + q];
    matrix[k * size + p] = matrix[p * size + k] = cosine * c - sine * d;
    matrix[k * size + q] = matrix[q * size + k] = sine * c + cosine * d;
  }
  return beside * beside;
}

const topAt = (model, state, parameters) => topEigenpair(model.code.hessian(...state, ...parameters), model.order);
const sharpnessAt = (model, state, parameters) => topAt(model, state, parameters).value;

// Where a step is at the edge: 2/η if η multiplies the gradient, 2‖∇L‖/η if η/‖∇L‖ does.
const edgeAt = (model, state, parameters) => 2 / model.code.effective_step(...state, ...parameters)[0];

// Every state of a run with its loss and sharpness, the sharpness at two-step midpoints (θ₋ + 2θ + θ₊)/4, the mean there
// of the edge, of which two steps beside a minimum alternate about the sharpness, and how the run ended.
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
  const edge = states.map((state) => edgeAt(model, state, parameters));
  const edges = midpoints.map((state, t) => (state ? (edge[t - 1] + 2 * edge[t] + edge[t + 1]) / 4 : NaN));
  if (outcome.name === "moving") outcome = ending(states) ?? outcome;
  return { model, start, parameters, states, loss, sharpness, midpoints, middle, edges, outcome };
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
    let [last, pair] = [null, null]; // what is asked of one state after the other begins with its eigenpair
    const seen = (state) => {
      if (state !== last) [last, pair] = [state, topEigenpair(hessian(...state, ...parameters), order)];
      return pair;
    };
    const given = [];
    const called = (f, state, vector, value) => { // f of these and the parameters, by one array: a flow asks 10⁴ times
      let next = 0;
      for (let i = 0; i < state.length; i++) given[next++] = state[i];
      for (let i = 0; i < parameters.length; i++) given[next++] = parameters[i];
      if (directed) for (let i = 0; i < vector.length; i++) given[next++] = vector[i];
      given[next++] = value;
      return f.apply(null, given);
    };
    return {
      next,
      enter: (state) => enter(...state, ...parameters),
      rates: (state) => called(rates, state, directed ? seen(state).vector : null),
      left: (state) => {
        if (!watched) return -1;
        const { value, vector } = seen(state);
        return called(watch, state, vector, value)[0];
      },
      point: (state) => {
        const { value, vector } = seen(state);
        const [across, up, loss, ...more] = called(shown, state, vector);
        return { stage: index, state, sharpness: value, place: [across, up], loss, more };
      },
    };
  });
}

// A state some time later, by the Runge–Kutta method of fourth order.
function rungeKutta(rates, state, time) {
  const moved = (rate, by) => {
    const to = new Array(state.length);
    for (let i = 0; i < to.length; i++) to[i] = state[i] + by * rate[i];
    return to;
  };
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
