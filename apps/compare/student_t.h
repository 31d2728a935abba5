// Student's t distribution, as far as an interval needs it.
#pragma once

namespace tare {

/// The t with P(|T| <= t) = 0.95, with so many degrees of freedom, from 1.
double t_quantile_95(int degrees);

}  // namespace tare
