#include "xlayers/framework/options/constraint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <variant>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/named.hpp"

namespace xl {

static void serialize(Archive&, NonNeg&) {}
static void serialize(Archive& archive, MaxNorm& c) { archive("max_value", c.max_value)("axis", c.axis); }
static void serialize(Archive& archive, UnitNorm& c) { archive("axis", c.axis); }
static void serialize(Archive& archive, MinMaxNorm& c) {
  archive("min_value", c.min_value)("max_value", c.max_value)("rate", c.rate)("axis", c.axis);
}

using detail::check_option;

namespace {

const Named<Constraint>& constraints() {
  using Known = Named<Constraint>;
  static const Known known({.what = "constraint", .module = "keras.constraints"},
                           {
                               Known::of<MaxNorm>({"max_norm"}),
                               Known::of<MinMaxNorm>({"min_max_norm"}),
                               Known::of<NonNeg>({"non_neg"}),
                               Known::of<UnitNorm>({"unit_norm"}),
                           });
  return known;
}

constexpr float epsilon = 1e-7f;  // Keras' backend.epsilon()

// ---- norms over some axes

/// The axes of a shape, parted into those that a norm runs over and the others.
struct Parts {
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

  Parts(const NormAxis& axis, const Shape& shape) {
    const auto rank = static_cast<int>(shape.rank());
    std::array<bool, Shape::max_rank> is_summed{};
    for (const int a : axis.numbers()) {
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
  const Parts parts(axis, shape);
  parts.kept.each([&](std::int64_t begin) {
    double sum = 0;
    parts.summed.each([&](std::int64_t i) { sum += static_cast<double>(w[begin + i]) * w[begin + i]; });
    const auto norm = static_cast<float>(std::sqrt(sum));
    const float factor = desired(norm) / (epsilon + norm);
    parts.summed.each([&](std::int64_t i) { w[begin + i] *= factor; });
  });
}

struct Apply {
  std::span<float> w;
  const Shape& shape;

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

struct Constraint::Kind : std::variant<MaxNorm, NonNeg, UnitNorm, MinMaxNorm> {
  using variant::variant;
};

Constraint::Constraint(const char* name) : Constraint(constraints().text(name)) {}
Constraint::Constraint(const std::string& name) : Constraint(constraints().get(name)) {}
Constraint::Constraint(NonNeg c) : kind_(std::make_shared<Kind>(c)) {}
Constraint::Constraint(UnitNorm c) : kind_(std::make_shared<Kind>(std::move(c))) {}

Constraint::Constraint(MaxNorm c) : kind_(std::make_shared<Kind>(c)) {
  check_option(c, "max_value", c.max_value, c.max_value >= 0 && std::isfinite(c.max_value),
               "a finite number of 0 or more");
}

Constraint::Constraint(MinMaxNorm c) : kind_(std::make_shared<Kind>(c)) {
  check_option(c, "min_value", c.min_value, c.min_value >= 0 && std::isfinite(c.min_value),
               "a finite number of 0 or more");
  check_option(c, "max_value", c.max_value, c.max_value >= c.min_value && std::isfinite(c.max_value),
               "a finite number of min_value or more");
  check_option(c, "rate", c.rate, c.rate >= 0 && c.rate <= 1, "a number from 0 to 1");
}

std::string Constraint::class_name() const {
  return kind_ ? std::visit([](const auto& held) { return held.class_name; }, *kind_) : "";
}

void Constraint::apply(std::span<float> w, const Shape& shape) const {
  if (static_cast<std::int64_t>(w.size()) != shape.elements())
    throw ShapeError("a constraint expected a weight of shape " + to_string(shape) + ", got " +
                     std::to_string(w.size()) + " elements");
  if (kind_) std::visit(Apply{w, shape}, *kind_);
}

Value to_value(const Constraint& constraint) {
  if (!constraint) return nullptr;
  return std::visit([](const auto& held) { return constraints().write(held); }, *constraint.kind_);
}

void from_value(const Value& value, Constraint& constraint) {
  constraint = value.is_null() ? Constraint() : constraints().read(value);
}

}  // namespace xl
