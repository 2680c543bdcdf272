"use strict";
// What a run did, as numbers that predictions are held against. Means are over whole turns of the sharpness about 2/η in
// the last half of the run, where there are two at least, else over its last quarter; there are none of a run that still
// moves and has begun a single turn. About an edge that moves with the gradient there are no turns.

const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
const stepSizeOf = (run) => run.parameters[run.model.parameters.indexOf("eta")];

// The steps at which the sharpness at midpoints rises through 2/η.
function risesOf(run) {
  if (run.model.movingEdge) return [];
  const edge = 2 / stepSizeOf(run);
  const rises = [];
  for (let t = 2; t < run.middle.length - 1; t++) if (run.middle[t - 1] < edge && run.middle[t] >= edge) rises.push(t);
  return rises;
}

// The first step of the means, and the one after their last; null if there is none.
function windowOf(run) {
  const last = run.states.length - 1;
  const rises = risesOf(run);
  const late = rises.filter((t) => t >= last / 2);
  if (late.length > 1) return [late[0], late[late.length - 1]];
  if (rises.length === 1 && run.outcome.name === "moving") return null;
  return [Math.max(1, last - Math.ceil(last / 4)), Math.max(2, last)];
}

const over = (run, values) => (windowOf(run) ? mean(values.slice(...windowOf(run))) : NaN);
const pairs = (values, f) => values.slice(0, -1).map((one, t) => f(one, values[t + 1]));

const MEASURES = {
  end: (run) => (run.outcome.name === "converged" ? run.sharpness[run.sharpness.length - 1] : NaN),
  cycle: (run) => (run.outcome.period === 2 ? Math.max(...run.states.slice(-2).map(([x]) => Math.abs(x))) : NaN),
  mean_sharpness: (run) => over(run, run.middle),
  largest: (run) => Math.max(...run.middle.slice(1, -1)),
  least: (run) => Math.min(...run.middle.slice(1, -1)),
  extent: (run) => Math.max(...run.states.map(([first]) => Math.abs(first))),
  mean_loss: (run) => over(run, run.loss),
  turn: (run) => {
    const rises = risesOf(run);
    return rises.length > 1 ? (rises[rises.length - 1] - rises[0]) / (rises.length - 1) : NaN;
  },
  variance: (run) =>
    over(run, run.midpoints.map((state, t) => (state ? run.states[t].reduce((sum, one, i) => sum + (one - state[i]) ** 2, 0) : NaN))),
  root_losses: (run) => over(run, pairs(run.loss.map(Math.sqrt), (one, next) => one + next)),
  reciprocals: (run) => {
    const { model, parameters } = run;
    const inverse = run.states.map((state, t) => 1 / (model.code.effective_step(...state, ...parameters)[0] * run.sharpness[t]));
    return over(run, pairs(inverse, (one, next) => one + next));
  },
  growth: (run) => {
    const rises = risesOf(run);
    const heights = pairs(rises, (from, to) => Math.max(...run.middle.slice(from, to)) - Math.min(...run.middle.slice(from, to)));
    const turns = heights.length - 1;
    return turns > 0 ? (heights[turns] / heights[0]) ** (1 / (rises[turns] - rises[0])) : NaN;
  },
};

// A quantity of a flow, where the run was measured: its sharpness, its loss, or one of the others.
function ofFlow(run, flow, quantity) {
  const value = (one) => (typeof quantity === "number" ? one.more[quantity] : one[quantity]);
  const [from, to] = windowOf(run) ?? [0, Infinity];
  return flow && flow.path.length >= to ? mean(flow.path.slice(from, to).map(value)) : NaN;
}

// All that is predicted of a run beside what it did: {words, predicted, error, measured, reason}.
function comparisons(run, flow) {
  const { model, start, parameters } = run;
  const escaped = run.outcome.name === "escaped";
  const rows = model.predictions.map((one, index) => {
    const found = predicted(model, index, start, parameters);
    const measured = escaped ? NaN : MEASURES[one.measure](run);
    if (found) return { ...one, index, predicted: found[0], error: found[1] ?? NaN, measured };
    const holds = model.code[`prediction${index}_holds`];
    const failed = holds ? holds(...start, ...parameters).findIndex((value) => !(value > 0)) : -1;
    return { ...one, index, predicted: NaN, error: NaN, measured, reason: one.reasons[failed] ?? one.otherwise };
  });
  const beside = model.compared.map((one) => ({
    ...one,
    predicted: ofFlow(run, flow, one.quantity),
    error: NaN,
    measured: escaped ? NaN : MEASURES[one.measure](run),
    reason: flow ? "" : model.unanswered,
  }));
  return [...rows, ...beside];
}
