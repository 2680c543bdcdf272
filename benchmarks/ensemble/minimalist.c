/* Gradient descent on (1 - xyzw)^2 / 2:  x' = x + g yzw and so on,  g = eta (1 - xyzw) */

#define COORDINATES 4
#define PARAMETERS 1

static inline void step(double point[restrict COORDINATES][LANES], const double parameter[restrict PARAMETERS][LANES])
{
    for (int lane = 0; lane < LANES; lane++) {
        double x = point[0][lane], y = point[1][lane], z = point[2][lane], w = point[3][lane];
        double xy = x * y, zw = z * w;
        double move = parameter[0][lane] * (1 - xy * zw);
        double of_xy = move * zw, of_zw = move * xy;
        point[0][lane] = x + of_xy * y;
        point[1][lane] = y + of_xy * x;
        point[2][lane] = z + of_zw * w;
        point[3][lane] = w + of_zw * z;
    }
}

#include "blocks.h"
