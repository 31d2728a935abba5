// Initial weights: normal, with a deviation that keeps the size of the signal the same from layer to layer.
#pragma once

#include <tare/core/machine/random.h>
#include <tare/core/tape.h>

namespace TARE_NAMESPACE {

/// N(0, sigma^2), drawn row by row. Error unless sigma >= 0.
void init_normal(Parameter& weight, double sigma, Random& random);
/// sigma = sqrt(2 / in), for weight [out x in] before a ReLU (He et al. 2015, arXiv 1502.01852, eq. 10).
void init_he(Parameter& weight, Random& random);
/// sigma = sqrt(2 / (in + out)) (Glorot, Bengio 2010, eq. 12).
void init_xavier(Parameter& weight, Random& random);

}  // namespace TARE_NAMESPACE
