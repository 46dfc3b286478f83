#include "xlayers/framework/options/constraint.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/keras_object.hpp"

namespace xl {
namespace {

constexpr float epsilon = 1e-7f;  // Keras' backend.epsilon()

// ---- options

void serialize(Archive&, std::monostate&) {}
void serialize(Archive&, NonNeg&) {}
void serialize(Archive& archive, MaxNorm& c) { archive("max_value", c.max_value)("axis", c.axis); }
void serialize(Archive& archive, UnitNorm& c) { archive("axis", c.axis); }
void serialize(Archive& archive, MinMaxNorm& c) {
  archive("min_value", c.min_value)("max_value", c.max_value)("rate", c.rate)("axis", c.axis);
}

void check(const char* owner, const char* option, bool good, float value, const char* rule) {
  if (!good || !std::isfinite(value))
    throw ValueError("[" + std::string(owner) + "] " + option + " is " + rule + ", got " + Value(value).to_text());
}

Constraint by_name(const std::string& name) {
  if (name == "max_norm" || name == "MaxNorm") return MaxNorm();
  if (name == "non_neg" || name == "NonNeg") return NonNeg();
  if (name == "unit_norm" || name == "UnitNorm") return UnitNorm();
  if (name == "min_max_norm" || name == "MinMaxNorm") return MinMaxNorm();
  throw ValueError("unknown constraint '" + name + "'; known are max_norm, min_max_norm, non_neg, unit_norm");
}

// ---- norms over some axes

/// The axes of a shape, parted into those that a norm runs over and the others.
struct Axes {
  struct Part {
    std::array<Dim, Shape::max_rank> extent{}, stride{};
    std::size_t rank = 0;

    /// Calls f(offset) for every element of this part.
    template <class F>
    void each(F f, std::int64_t offset = 0, std::size_t axis = 0) const {
      if (axis == rank || axis == extent.size()) {
        f(offset);
        return;
      }
      for (Dim i = 0; i < extent[axis]; ++i) each(f, offset + i * stride[axis], axis + 1);
    }
  };
  Part summed, kept;

  Axes(const NormAxis& axis, const Shape& shape) {
    const auto rank = static_cast<int>(shape.rank());
    std::array<bool, Shape::max_rank> is_summed{};
    for (const int a : axis.axes) {
      if (a < -rank || a >= rank)
        throw ShapeError("a constraint over axis " + std::to_string(a) + " expected a weight that has this axis, got " +
                         to_string(shape));
      is_summed[static_cast<std::size_t>(a < 0 ? a + rank : a)] = true;
    }
    Dim stride = 1;
    for (std::size_t a = shape.rank(); a-- > 0;) {
      Part& part = is_summed[a] ? summed : kept;
      part.extent[part.rank] = shape[a];
      part.stride[part.rank++] = stride;
      stride *= shape[a];
    }
  }
};

/// Each vector w along the axes becomes  w * desired(norm) / (epsilon + norm),  norm = sqrt(sum
/// w^2).
template <class Desired>
void rescale(std::span<float> w, const NormAxis& axis, const Shape& shape, Desired desired) {
  const Axes axes(axis, shape);
  axes.kept.each([&](std::int64_t begin) {
    double sum = 0;
    axes.summed.each([&](std::int64_t i) { sum += static_cast<double>(w[begin + i]) * w[begin + i]; });
    const auto norm = static_cast<float>(std::sqrt(sum));
    const float factor = desired(norm) / (epsilon + norm);
    axes.summed.each([&](std::int64_t i) { w[begin + i] *= factor; });
  });
}

struct Apply {
  std::span<float> w;
  const Shape& shape;

  void operator()(std::monostate) const {}
  void operator()(NonNeg) const {
    for (float& x : w) x = x < 0 ? 0 : x;
  }
  void operator()(const MaxNorm& c) const {
    rescale(w, c.axis, shape, [&](float norm) { return std::min(norm, c.max_value); });
  }
  void operator()(const UnitNorm& c) const {
    rescale(w, c.axis, shape, [](float) { return 1.0f; });
  }
  void operator()(const MinMaxNorm& c) const {
    rescale(w, c.axis, shape,
            [&](float norm) { return c.rate * std::clamp(norm, c.min_value, c.max_value) + (1 - c.rate) * norm; });
  }
};

}  // namespace

Constraint::Constraint(const char* name) : Constraint(std::string(name)) {}
Constraint::Constraint(const std::string& name) : Constraint(by_name(name)) {}
Constraint::Constraint(NonNeg constraint) : kind_(constraint) {}
Constraint::Constraint(UnitNorm constraint) : kind_(std::move(constraint)) {}

Constraint::Constraint(MaxNorm constraint) : kind_(std::move(constraint)) {
  const float max = std::get<MaxNorm>(kind_).max_value;
  check("MaxNorm", "max_value", max >= 0, max, "0 or more");
}

Constraint::Constraint(MinMaxNorm constraint) : kind_(std::move(constraint)) {
  const MinMaxNorm& c = std::get<MinMaxNorm>(kind_);
  check("MinMaxNorm", "min_value", c.min_value >= 0, c.min_value, "0 or more");
  check("MinMaxNorm", "max_value", c.max_value >= c.min_value, c.max_value, "min_value or more");
  check("MinMaxNorm", "rate", c.rate >= 0 && c.rate <= 1, c.rate, "between 0 and 1");
}

std::string Constraint::class_name() const {
  constexpr const char* names[] = {"", "MaxNorm", "NonNeg", "UnitNorm", "MinMaxNorm"};
  return names[kind_.index()];
}

void Constraint::apply(std::span<float> w, const Shape& shape) const {
  if (static_cast<std::int64_t>(w.size()) != shape.elements())
    throw ShapeError("a constraint expected a weight of shape " + to_string(shape) + ", got " +
                     std::to_string(w.size()) + " elements");
  std::visit(Apply{w, shape}, kind_);
}

// ---- config

Value to_value(const NormAxis& axis) {
  if (axis.single) return axis.axes.front();
  return to_value(axis.axes);
}

void from_value(const Value& value, NormAxis& axis) {
  if (value.is_list()) {
    from_value(value, axis.axes);
    axis.single = false;
  } else {
    int single = 0;
    from_value(value, single);
    axis = single;
  }
}

Value to_value(const Constraint& constraint) {
  if (!constraint) return nullptr;
  Config config;
  Archive archive = Archive::writer(config);
  Constraint::Kind kind = constraint.kind();
  std::visit([&](auto& held) { serialize(archive, held); }, kind);
  return to_keras_object("keras.constraints", constraint.class_name(), std::move(config));
}

void from_value(const Value& value, Constraint& constraint) {
  if (value.is_null()) {
    constraint = {};
    return;
  }
  const KerasObject object = from_keras_object(value, "a constraint");
  const Constraint defaults(object.class_name);
  constraint = std::visit(
      [&](auto held) -> Constraint {
        Archive archive = Archive::reader(object.config, defaults.class_name());
        serialize(archive, held);
        archive.finish();
        if constexpr (std::is_same_v<decltype(held), std::monostate>) {
          return {};
        } else {
          return held;
        }
      },
      defaults.kind());
}

}  // namespace xl
