#pragma once

#include <algorithm>

#include "xlayers/framework/kernels/long_sums.hpp"
#include "xlayers/framework/ops/broadcast.hpp"

namespace xl {

/// to = to + f(from, a, b), summed over the axes along which `to` is repeated in `from`: the gradient of an operand
/// that was broadcast. `a` and `b` are broadcast to `from`.
template <class F>
void add_reduced(const Block& to, const Block& from, const Block& a, const Block& b, F f) {
  using kernels::LongSums;
  const Walk<3> walk(from, {&to, &a, &b});
  with_step(walk.step(1), [&](auto a_step) {
    with_step(walk.step(2), [&](auto b_step) {
      // Element `begin` of the vectors at these offsets, and those behind it.
      const auto terms = [&](const auto& at, Dim begin) {
        return [&, p = from.data + at[0] + begin, q = a.data + at[2] + begin * a_step,
                r = b.data + at[3] + begin * b_step](Dim j) { return f(p[j], q[j * a_step], r[j * b_step]); };
      };
      if (!walk.sums()) {
        walk.for_each_vector([&](const auto& at) {
          const auto term = terms(at, 0);
          float* sum = to.data + at[1];
          for (Dim j = 0; j < walk.length(); ++j) sum[j] += term(j);
        });
      } else if (walk.step(0) == 0) {
        walk.for_each_sum([&](const auto& sum, auto for_each_term) {
          double total = 0.0;
          for_each_term([&](const auto& at) {
            const auto term = terms(at, 0);
            for (Dim j = 0; j < walk.length(); ++j) total += static_cast<double>(term(j));
          });
          to.data[sum[1]] += static_cast<float>(total);
        });
      } else {
        walk.for_each_sum([&](const auto& sum, auto for_each_term) {
          for (Dim begin = 0; begin < walk.length(); begin += LongSums::columns) {
            const Dim count = std::min(LongSums::columns, walk.length() - begin);
            LongSums sums(count, walk.summed());
            for_each_term([&](const auto& at) { sums.add(terms(at, begin)); });
            for (Dim j = 0; j < count; ++j) to.data[sum[1] + begin + j] += static_cast<float>(sums.result(j));
          }
        });
      }
    });
  });
}

/// to = to + f(from, other), summed in the same way.
template <class F>
void add_reduced(const Block& to, const Block& from, const Block& other, F f) {
  add_reduced(to, from, other, from, [&](float value, float at, float) { return f(value, at); });
}

/// to = to + f(from), summed in the same way.
template <class F>
void add_reduced(const Block& to, const Block& from, F f) {
  add_reduced(to, from, from, [&](float value, float) { return f(value); });
}

}  // namespace xl
