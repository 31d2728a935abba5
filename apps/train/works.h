// The works: networks that are always trained in the same way, so that their times can be compared.
#pragma once

#include <tare/apps/cli/options.h>

namespace tare {

/// How `tare train` would train it on images of `in` pixels and `out` classes. The other options have their defaults;
/// how long is for the caller to say.
inline TrainOptions options_of(Work work, Index in, Index out) {
  TrainOptions o;
  o.network = {.in = in, .hidden = {256, 128}, .out = out};
  o.batch = 128;
  o.lr = 0.05;
  o.momentum = 0.9;
  switch (work) {
    case Work::w1:
      break;
    case Work::w2:
      o.network.norm = Norm::none;
      break;
    case Work::w3:
      o.network.hidden = {32};
      o.batch = 16;
      break;
    case Work::w4:
      o.network.hidden = {1024, 1024, 1024};
      o.batch = 256;
      break;
  }
  return o;
}

}  // namespace tare
