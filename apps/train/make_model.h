// The networks that options describe.
#pragma once

#include <tare/apps/cli/options.h>
#include <tare/layers/sequential.h>

namespace TARE_NAMESPACE {

/// What --batchnorm names.
BatchNormOp batch_norm_op(BatchNormKind kind);

/// At its initial weights. Its sizes of input and output must be set.
Sequential make_model(const TrainOptions& options);

}  // namespace TARE_NAMESPACE
