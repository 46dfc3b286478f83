#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

/// What inputs make together, element by element, as Keras' merge layers line them up: the batch axes meet, the others
/// meet from the last one on, and missing ones are 1; then as NumPy broadcasts. The result has a batch if an input has
/// one. Throws ShapeError for an input of integers or without any axis, and for shapes that do not fit.
TensorSpec broadcast(const TensorSpecs& inputs);

/// `shape` with axes of 1 behind its first, so that there are `rank` of them: (B, C) -> (B, 1, C).
Shape expanded(const Shape& shape, std::size_t rank);

/// How a result and the operands that are broadcast to it are walked through together, one contiguous vector of the
/// result after the other. Neighbouring axes that lie behind each other in all of them are one axis here, so operands
/// of the same shape are one vector.
template <std::size_t Operands>
class Walk {
 public:
  using Offsets = std::array<std::int64_t, Operands + 1>;  // into the result and into the operands

  Walk(const Block& result, const std::array<const Block*, Operands>& operands) {
    const Shape shape = result.sample->with_batch(result.samples);
    std::array<Offsets, Shape::max_rank> strides{};
    add_operand(0, shape, shape, strides);
    for (std::size_t i = 0; i < Operands; ++i)
      add_operand(i + 1, shape, expanded(operands[i]->sample->with_batch(operands[i]->samples), shape.rank()), strides);
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) add_axis(shape[axis], strides[axis]);
    if (rank_ == 0) add_axis(1, {1}, true);
  }

  /// How long a vector is, and how far apart the elements of operand i are within it: 1, or 0 if there is only one.
  Dim length() const { return extents_[rank_ - 1]; }
  std::int64_t step(std::size_t i) const { return strides_[rank_ - 1][i + 1]; }

  /// Calls visit(offsets) for every vector.
  template <class Visit>
  void for_each_vector(Visit visit) const {
    for (std::size_t axis = 0; axis < rank_; ++axis)
      if (extents_[axis] == 0) return;
    std::array<Dim, Shape::max_rank> at{};
    Offsets offsets{};
    while (true) {
      visit(offsets);
      std::size_t axis = rank_ - 1;
      while (true) {
        if (axis == 0) return;
        --axis;
        move(offsets, axis, 1);
        if (++at[axis] < extents_[axis]) break;
        move(offsets, axis, -extents_[axis]);
        at[axis] = 0;
      }
    }
  }

  /// For the sums over the axes along which the first operand is repeated: calls visit(offsets, terms) for every vector, or
  /// element if the vectors themselves are summed, of that operand; terms(add) calls add(offsets) for all that belongs to it.
  template <class Visit>
  void for_each_sum(Visit visit) const {
    std::array<std::size_t, Shape::max_rank> kept{}, summed{};
    std::size_t keeps = 0, sums = 0;
    for (std::size_t axis = 0; axis + 1 < rank_; ++axis) (is_summed(axis) ? summed[sums++] : kept[keeps++]) = axis;
    nest({kept.data(), keeps}, {}, [&](const Offsets& at) {
      visit(at, [&](auto add) { nest({summed.data(), sums}, at, add); });
    });
  }
  /// How many elements of the result belong to one of the first operand.
  Dim summed() const {
    Dim product = 1;
    for (std::size_t axis = 0; axis < rank_; ++axis)
      if (is_summed(axis)) product *= extents_[axis];
    return product;
  }
  /// True if the first operand is repeated along any axis.
  bool sums() const {
    for (std::size_t axis = 0; axis < rank_; ++axis)
      if (is_summed(axis)) return true;
    return false;
  }

 private:
  static void add_operand(std::size_t i, const Shape& result, const Shape& own,
                          std::array<Offsets, Shape::max_rank>& strides) {
    std::int64_t stride = 1;
    for (std::size_t axis = result.rank(); axis-- > 0;) {
      strides[axis][i] = own[axis] == 1 && result[axis] != 1 ? 0 : stride;
      stride *= own[axis];
    }
  }

  void add_axis(Dim extent, const Offsets& strides, bool always = false) {
    if (extent == 1 && !always) return;
    bool continues = rank_ > 0;
    for (std::size_t i = 0; continues && i <= Operands; ++i) continues = strides_[rank_ - 1][i] == strides[i] * extent;
    if (continues)
      extents_[rank_ - 1] *= extent;
    else
      extents_[rank_++] = extent;
    strides_[rank_ - 1] = strides;
  }

  bool is_summed(std::size_t axis) const { return strides_[axis][1] == 0; }

  // visit(offsets) for all places along these axes.
  template <class Visit>
  void nest(std::span<const std::size_t> axes, Offsets at, const Visit& visit) const {
    if (axes.empty()) return visit(at);
    for (Dim i = 0; i < extents_[axes[0]]; ++i, move(at, axes[0], 1)) nest(axes.subspan(1), at, visit);
  }

  void move(Offsets& offsets, std::size_t axis, Dim count) const {
    for (std::size_t i = 0; i <= Operands; ++i) offsets[i] += strides_[axis][i] * count;
  }

  std::size_t rank_ = 0;
  std::array<Dim, Shape::max_rank> extents_{};
  std::array<Offsets, Shape::max_rank> strides_{};
};

/// f(step) where the compiler knows the step, which is 0 or 1.
template <class F>
void with_step(std::int64_t step, F f) {
  if (step == 0)
    f(std::integral_constant<std::int64_t, 0>());
  else
    f(std::integral_constant<std::int64_t, 1>());
}

/// y = f(x), where x is broadcast to y.
template <class F>
void elementwise(const Block& y, const Block& x, F f) {
  const Walk<1> walk(y, {&x});
  with_step(walk.step(0), [&](auto step) {
    walk.for_each_vector([&](const auto& at) {
      float* to = y.data + at[0];
      const float* from = x.data + at[1];
      for (Dim j = 0; j < walk.length(); ++j) to[j] = f(from[j * step]);
    });
  });
}

/// y = f(a, b), where a and b are broadcast to y. y is none of them: see `update`.
template <class F>
void elementwise(const Block& y, const Block& a, const Block& b, F f) {
  const Walk<2> walk(y, {&a, &b});
  with_step(walk.step(0), [&](auto a_step) {
    with_step(walk.step(1), [&](auto b_step) {
      walk.for_each_vector([&](const auto& at) {
        float* to = y.data + at[0];
        const float *p = a.data + at[1], *q = b.data + at[2];
        for (Dim j = 0; j < walk.length(); ++j) to[j] = f(p[j * a_step], q[j * b_step]);
      });
    });
  });
}

/// y = f(y, x), where x is broadcast to y.
template <class F>
void update(const Block& y, const Block& x, F f) {
  const Walk<1> walk(y, {&x});
  with_step(walk.step(0), [&](auto step) {
    walk.for_each_vector([&](const auto& at) {
      float* to = y.data + at[0];
      const float* from = x.data + at[1];
      for (Dim j = 0; j < walk.length(); ++j) to[j] = f(to[j], from[j * step]);
    });
  });
}

/// to = 0.
void set_zero(const Block& to);

}  // namespace xl
