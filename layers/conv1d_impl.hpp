#pragma once

#include <cstdint>

#include "xlayers/layers/conv1d.hpp"

namespace xl {

/// Where the windows of a Conv1D lie in a sample of so many steps and channels. Sizes are those of a sample, in floats.
///
/// With the input padded, x', window t begins at x'[t * strides]. Without dilation a window is contiguous, and one product sums
/// over it; else there is one for each tap of the kernel, and for each group. Of those, taps that see nothing but zeros in all
/// windows are left out, and so is the padding that they alone see: time and memory grow with the data and the kernel's weights,
/// however far apart the taps are.
struct Conv1DWindows {
  /// Throws ShapeError if a size is too large.
  Conv1DWindows(const Conv1DOptions& options, std::int64_t steps, std::int64_t channels);

  /// The steps that a window reaches over.
  static std::int64_t reach(const Conv1DOptions& options);
  struct Padding {
    std::int64_t left = 0, right = 0;
  };
  /// The steps that "same", "causal" or "circular" adds on each side, and how many windows there are then. Throw ShapeError as
  /// above.
  static Padding padding(const Conv1DOptions& options, std::int64_t steps);
  static std::int64_t new_steps(const Conv1DOptions& options, std::int64_t steps);

  /// Calls product(offset in the padded input, offset in the kernel, filter, first of its group, last of it).
  template <class Product>
  void for_each_product(Product product) const {
    for (std::int64_t group = 0; group < groups; ++group)
      for (std::int64_t tap = 0; tap < taps; ++tap)
        product((first_step + tap * dilation_rate) * channels + group * group_channels,
                (first_tap + tap) * group_channels * filters + group * group_filters, group * group_filters, tap == 0,
                tap + 1 == taps);
  }
  /// The same, but a tap at a time, so that no two rows of a product are the same step.
  Conv1DWindows tap_by_tap() const;

  /// The padded input of one sample; x itself if nothing is padded.
  const float* pad(const float* x, float* padded) const;
  /// dx from the gradient of the padded input: without the padding, to which the padding's own is added where it was a copy.
  void unpad(const float* padded, float* x) const;

  std::int64_t steps, channels, filters;
  std::int64_t windows;  // new steps
  bool pads, circular;
  std::int64_t padded_steps;  // `left` zeros, or copies, and the steps, and others behind them
  std::int64_t left;
  std::int64_t padded_size;  // 0 if nothing is padded
  std::int64_t z_size;
  std::int64_t groups, group_channels, group_filters;
  std::int64_t kernel_size, dilation_rate;
  std::int64_t taps;            // products for each group
  std::int64_t tap_size;        // what one of them sums over
  std::int64_t first_tap = 0;   // that is not left out
  std::int64_t first_step = 0;  // what it sees first, in the padded input
};

}  // namespace xl
