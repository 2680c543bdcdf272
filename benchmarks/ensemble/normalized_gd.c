/* Normalized gradient descent on (p u^2 + q v^2) / 2:  u' = u - s p u,  v' = v - s q v,  s = eta / |(p u, q v)| */

#include <math.h>

#define COORDINATES 2
#define PARAMETERS 3

static inline void step(double point[restrict COORDINATES][LANES], const double parameter[restrict PARAMETERS][LANES])
{
    for (int lane = 0; lane < LANES; lane++) {
        double u = point[0][lane], v = point[1][lane];
        double slope_u = parameter[0][lane] * u, slope_v = parameter[1][lane] * v;
        double length = sqrt(slope_u * slope_u + slope_v * slope_v);
        double move = parameter[2][lane] / length;
        point[0][lane] = u - move * slope_u;
        point[1][lane] = v - move * slope_v;
    }
}

#include "blocks.h"
