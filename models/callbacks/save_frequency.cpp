#include "xlayers/models/callbacks/save_frequency.hpp"

#include "xlayers/framework/base/errors.hpp"

namespace xl {

SaveFrequency::SaveFrequency(const Text& text) {
  if (text != "epoch") throw ValueError("save_freq is \"" + text + "\", expected \"epoch\" or a number of batches");
}

SaveFrequency::SaveFrequency(std::int64_t batches, int) : batches_(batches) {
  if (batches < 1)
    throw ValueError("save_freq is " + std::to_string(batches) +
                     ", expected \"epoch\" or a number of batches from 1 on");
}

bool SaveFrequency::count_batch() {
  if (each_epoch() || ++counted_ < batches_) return false;
  counted_ = 0;
  return true;
}

}  // namespace xl
