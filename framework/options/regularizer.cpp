#include "xlayers/framework/options/regularizer.hpp"

#include <cmath>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/named.hpp"

namespace xl {

static void serialize(Archive& archive, L1& r) { archive("l1", r.l1); }
static void serialize(Archive& archive, L2& r) { archive("l2", r.l2); }
static void serialize(Archive& archive, L1L2& r) { archive("l1", r.l1)("l2", r.l2); }

namespace {

const Named<Regularizer>& regularizers() {
  using Known = Named<Regularizer>;
  static const Known known({.what = "regularizer", .module = "keras.regularizers"},
                           {
                               Known::of<L1>({"l1"}),
                               Known::of<L2>({"l2"}),
                               Known::of<L1L2>({"l1_l2", "l1l2"}),
                           });
  return known;
}

template <class Kind>
void check(const Kind& kind, const char* factor, float value) {
  detail::check_option(kind, factor, value, value >= 0 && std::isfinite(value), "a finite number of 0 or more");
}

}  // namespace

Regularizer::Regularizer(L1 r) : class_name_(r.class_name), l1_(r.l1) { check(r, "l1", r.l1); }
Regularizer::Regularizer(L2 r) : class_name_(r.class_name), l2_(r.l2) { check(r, "l2", r.l2); }
Regularizer::Regularizer(L1L2 r) : class_name_(r.class_name), l1_(r.l1), l2_(r.l2) {
  check(r, "l1", r.l1);
  check(r, "l2", r.l2);
}
Regularizer::Regularizer(const char* name) : Regularizer(regularizers().text(name)) {}
Regularizer::Regularizer(const std::string& name) : Regularizer(regularizers().get(name)) {}

double Regularizer::penalty(std::span<const float> w) const {
  double absolute = 0, squares = 0;
  for (const float x : w) {
    absolute += std::abs(x);
    squares += static_cast<double>(x) * x;
  }
  return l1_ * absolute + l2_ * squares;
}

void Regularizer::add_gradient(std::span<const float> w, std::span<float> dw) const {
  if (w.size() != dw.size())
    throw ShapeError("a regularizer expected a gradient of as many elements as the weight has, " +
                     std::to_string(w.size()) + ", got " + std::to_string(dw.size()));
  for (std::size_t i = 0; i < w.size(); ++i) {
    const float sign = static_cast<float>((w[i] > 0) - (w[i] < 0));
    dw[i] += l1_ * sign + 2 * l2_ * w[i];
  }
}

Value to_value(const Regularizer& r) {
  if (!r) return nullptr;
  if (r.class_name() == L1::class_name) return regularizers().write(L1{r.l1()});
  if (r.class_name() == L2::class_name) return regularizers().write(L2{r.l2()});
  return regularizers().write(L1L2{r.l1(), r.l2()});
}

void from_value(const Value& value, Regularizer& regularizer) {
  regularizer = value.is_null() ? Regularizer() : regularizers().read(value);
}

}  // namespace xl
