/* Gradient descent on (1 - xyzw)^2 / 2 where z = x and w = y:  x' = x + g y,  y' = y + g x,  g = eta (1 - (xy)^2) xy */

#define COORDINATES 2
#define PARAMETERS 1

static inline void step(double point[restrict COORDINATES][LANES], const double parameter[restrict PARAMETERS][LANES])
{
    for (int lane = 0; lane < LANES; lane++) {
        double x = point[0][lane], y = point[1][lane];
        double product = x * y;
        double move = parameter[0][lane] * product * (1 - product * product);
        point[0][lane] = x + move * y;
        point[1][lane] = y + move * x;
    }
}

#include "blocks.h"
