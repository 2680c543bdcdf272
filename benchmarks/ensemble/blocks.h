/* What the maps share: blocks of LANES runs through all their steps, one block after the other.

   A map defines COORDINATES, PARAMETERS and `step`, which moves the lanes of one block once, and includes this file.
   A block's states and parameter values stay in the first cache. Arrays are (coordinates, runs) and (parameters, runs).
   With LANES = 1 the same source is scalar code, one trajectory after the other. */

#if defined(WIDE) && !defined(__AVX512F__)
#error the processor has no 512-bit vectors
#endif

#include <math.h>
#include <stdint.h>
#include <string.h>

#define STEPS_AT_ONCE 16 /* between two looks at whether a run has left the bound, or settled */

typedef double block[LANES];

static int64_t load(const double *array, int64_t runs, int64_t first, int rows, block *rows_of_block)
{
    int64_t lanes = runs - first < LANES ? runs - first : LANES;
    for (int row = 0; row < rows; row++)
        for (int64_t lane = 0; lane < LANES; lane++) /* the last run fills up a block that is not full */
            rows_of_block[row][lane] = array[row * runs + first + (lane < lanes ? lane : lanes - 1)];
    return lanes;
}

static void store(const block *rows_of_block, int64_t lanes, double *array, int64_t runs, int64_t first)
{
    for (int row = 0; row < COORDINATES; row++)
        memcpy(array + row * runs + first, rows_of_block[row], lanes * sizeof(double));
}

/* Every run through all steps. */
void advance(double *state, const double *values, int64_t runs, int64_t steps)
{
    for (int64_t first = 0; first < runs; first += LANES) {
        _Alignas(64) block point[COORDINATES], parameter[PARAMETERS];
        load(values, runs, first, PARAMETERS, parameter);
        int64_t lanes = load(state, runs, first, COORDINATES, point);
        for (int64_t done = 0; done < steps; done++)
            step(point, (const block *)parameter);
        store(point, lanes, state, runs, first);
    }
}

/* Which lanes are out of bounds or no numbers, apart from those that left before; and whether any is. */
static inline int64_t leaving(const block *point, double bound, const int64_t *left, int64_t *leaves)
{
    int64_t any = 0;
    for (int lane = 0; lane < LANES; lane++) {
        int64_t inside = 1;
        for (int row = 0; row < COORDINATES; row++)
            inside &= fabs(point[row][lane]) <= bound;
        leaves[lane] = !inside & !left[lane];
        any |= leaves[lane];
    }
    return any;
}

/* Every run until it leaves the bound: the iteration at which it does (`steps` if it never does) and the state before.
   A block is left when all its lanes have. What a run does inside the bound is not looked at. */
void escape(double *state, const double *values, double bound, int64_t *escaped, int64_t runs, int64_t steps)
{
    for (int64_t first = 0; first < runs; first += LANES) {
        _Alignas(64) block point[COORDINATES], parameter[PARAMETERS], before[COORDINATES], last[COORDINATES];
        _Alignas(64) int64_t left[LANES] = {0}, leaves[LANES], at[LANES];
        load(values, runs, first, PARAMETERS, parameter);
        int64_t lanes = load(state, runs, first, COORDINATES, point), staying = LANES;
        if (leaving(point, bound, left, leaves))
            for (int lane = 0; lane < LANES; lane++)
                if (leaves[lane]) {
                    left[lane] = 1, at[lane] = 0, staying--;
                    for (int row = 0; row < COORDINATES; row++)
                        last[row][lane] = point[row][lane];
                }
        for (int64_t done = 0; done < steps && staying;) {
            int64_t count = steps - done < STEPS_AT_ONCE ? steps - done : STEPS_AT_ONCE;
            memcpy(before, point, sizeof point);
            for (int64_t index = 0; index < count; index++)
                step(point, (const block *)parameter);
            if (leaving(point, bound, left, leaves)) { /* go through these steps again, one at a time */
                memcpy(point, before, sizeof point);
                for (int64_t index = 1; index <= count; index++) {
                    memcpy(before, point, sizeof point);
                    step(point, (const block *)parameter);
                    if (leaving(point, bound, left, leaves))
                        for (int lane = 0; lane < LANES; lane++)
                            if (leaves[lane]) {
                                left[lane] = 1, at[lane] = done + index, staying--;
                                for (int row = 0; row < COORDINATES; row++)
                                    last[row][lane] = before[row][lane];
                            }
                }
            }
            done += count;
        }
        for (int lane = 0; lane < LANES; lane++)
            if (!left[lane]) {
                at[lane] = steps;
                for (int row = 0; row < COORDINATES; row++)
                    last[row][lane] = point[row][lane];
            }
        store((const block *)last, lanes, state, runs, first);
        memcpy(escaped + first, at, lanes * sizeof(int64_t));
    }
}

/* Every run until a look, every 16 steps, at which the last step has moved no coordinate of its block by more than
   tolerance * (1 + |coordinate|); the state then. */
void settle(double *state, const double *values, double tolerance, int64_t runs, int64_t steps)
{
    for (int64_t first = 0; first < runs; first += LANES) {
        _Alignas(64) block point[COORDINATES], parameter[PARAMETERS], before[COORDINATES];
        load(values, runs, first, PARAMETERS, parameter);
        int64_t lanes = load(state, runs, first, COORDINATES, point), moving = 1;
        for (int64_t done = 0; done < steps && moving;) {
            int64_t count = steps - done < STEPS_AT_ONCE ? steps - done : STEPS_AT_ONCE;
            for (int64_t index = 1; index < count; index++)
                step(point, (const block *)parameter);
            memcpy(before, point, sizeof point);
            step(point, (const block *)parameter);
            done += count, moving = 0;
            for (int row = 0; row < COORDINATES; row++)
                for (int lane = 0; lane < LANES; lane++) {
                    double move = fabs(point[row][lane] - before[row][lane]);
                    moving |= !(move <= tolerance * (1 + fabs(point[row][lane])));
                }
        }
        store((const block *)point, lanes, state, runs, first);
    }
}
