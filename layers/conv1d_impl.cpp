#include "xlayers/layers/conv1d_impl.hpp"

#include <algorithm>

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl {

std::int64_t Conv1DWindows::reach(const Conv1DOptions& options) {
  return static_cast<std::int64_t>(options.kernel_size - 1) * options.dilation_rate + 1;  // below 2^62
}

Conv1DWindows::Padding Conv1DWindows::padding(const Conv1DOptions& options, std::int64_t steps) {
  const std::int64_t reach = Conv1DWindows::reach(options), strides = options.strides;
  if (options.padding == "valid") return {};
  if (options.padding == "causal") return {reach - 1, 0};
  const std::int64_t windows = (checked_add(steps, strides) - 1) / strides;
  const std::int64_t total = std::max<std::int64_t>(0, (windows - 1) * strides + reach - steps);
  return {total / 2, total - total / 2};
}

std::int64_t Conv1DWindows::new_steps(const Conv1DOptions& options, std::int64_t steps) {
  if (steps == 0) return 0;
  const Padding around = padding(options, steps);
  return (checked_add(steps, 0) + around.left + around.right - reach(options)) / options.strides + 1;
}

Conv1DWindows::Conv1DWindows(const Conv1DOptions& options, std::int64_t steps, std::int64_t channels)
    : steps(steps),
      channels(channels),
      filters(options.filters),
      windows(new_steps(options, steps)),
      pads(options.padding != "valid"),
      circular(options.padding == "circular"),
      z_size(checked_mul(windows, options.filters)),
      groups(options.groups),
      group_channels(channels / options.groups),
      group_filters(options.filters / options.groups),
      kernel_size(options.kernel_size),
      dilation_rate(options.dilation_rate),
      taps(1),
      tap_size(checked_mul(options.kernel_size, channels)) {
  Padding around = padding(options, steps);
  if (groups > 1 || dilation_rate > 1) {
    taps = kernel_size;
    tap_size = group_channels;
  }
  if (dilation_rate > 1 && pads && !circular) {
    // Tap k sees the steps k * dilation_rate - left + t * strides of the windows t.
    const std::int64_t last_window = std::max<std::int64_t>(0, windows - 1) * options.strides;
    const std::int64_t before =
        around.left - last_window;  // k * dilation_rate >= before: not all of them before the first step
    first_tap = std::max<std::int64_t>(0, (before + dilation_rate - 1) / dilation_rate);
    const std::int64_t last_tap = std::min(kernel_size - 1, (around.left + steps - 1) / dilation_rate);
    taps = std::max<std::int64_t>(0, last_tap - first_tap + 1);
    if (taps == 0) {  // one product that sums over nothing
      taps = 1;
      tap_size = first_tap = 0;
      around = {};
    } else {
      const std::int64_t begin = first_tap * dilation_rate, end = last_tap * dilation_rate + last_window + 1;
      const std::int64_t dropped = std::min(begin, around.left);
      first_step = begin - dropped;
      around.right = std::clamp<std::int64_t>(end - around.left - steps, 0, around.right);
      around.left -= dropped;
    }
  }
  left = around.left;
  padded_steps = checked_add(steps, checked_add(around.left, around.right));
  padded_size = pads ? checked_mul(padded_steps, channels) : 0;
}

Conv1DWindows Conv1DWindows::tap_by_tap() const {
  Conv1DWindows by_tap = *this;
  if (groups > 1 || dilation_rate > 1) return by_tap;
  by_tap.taps = kernel_size;
  by_tap.tap_size = group_channels;
  return by_tap;
}

const float* Conv1DWindows::pad(const float* x, float* padded) const {
  if (!pads) return x;
  const std::int64_t size = steps * channels, before = left * channels, behind = padded_size - before - size;
  std::copy_n(x, size, padded + before);
  if (circular) {
    std::copy_n(x + size - before, before, padded);
    std::copy_n(x, behind, padded + before + size);
  } else {
    std::fill_n(padded, before, 0.0f);
    std::fill_n(padded + before + size, behind, 0.0f);
  }
  return padded;
}

void Conv1DWindows::unpad(const float* padded, float* x) const {
  const std::int64_t size = steps * channels, before = left * channels, behind = padded_size - before - size;
  std::copy_n(padded + before, size, x);
  if (circular) {
    kernels::add(before, padded, x + size - before);
    kernels::add(behind, padded + before + size, x);
  }
}

}  // namespace xl
