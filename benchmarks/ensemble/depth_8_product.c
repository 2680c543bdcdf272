/* Gradient descent on (1 - x1 x2 ... x8)^2 / 2. The product of all weights but one is built along a tree of pairs:
   up it go the products of 2 and 4 weights, down it eta (1 - product) times everything outside the pair. */

#define COORDINATES 8
#define PARAMETERS 1

static inline void step(double point[restrict COORDINATES][LANES], const double parameter[restrict PARAMETERS][LANES])
{
    for (int lane = 0; lane < LANES; lane++) {
        double a = point[0][lane], b = point[1][lane], c = point[2][lane], d = point[3][lane];
        double e = point[4][lane], f = point[5][lane], g = point[6][lane], h = point[7][lane];
        double ab = a * b, cd = c * d, ef = e * f, gh = g * h;
        double abcd = ab * cd, efgh = ef * gh;
        double move = parameter[0][lane] * (1 - abcd * efgh);
        double first = move * efgh, last = move * abcd;
        double of_ab = first * cd, of_cd = first * ab, of_ef = last * gh, of_gh = last * ef;
        point[0][lane] = a + of_ab * b;
        point[1][lane] = b + of_ab * a;
        point[2][lane] = c + of_cd * d;
        point[3][lane] = d + of_cd * c;
        point[4][lane] = e + of_ef * f;
        point[5][lane] = f + of_ef * e;
        point[6][lane] = g + of_gh * h;
        point[7][lane] = h + of_gh * g;
    }
}

#include "blocks.h"
