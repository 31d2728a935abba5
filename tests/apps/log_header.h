// The header of what `tare train --log` writes.
#pragma once

namespace tare::testing {

inline constexpr const char* kLogHeader =
    "step,epoch,lr,train_loss,test_loss,test_accuracy,train_accuracy,epoch_loss,epoch_accuracy,validation_loss,"
    "validation_accuracy";

}  // namespace tare::testing
