#include "xlayers/framework/options/regularizer.hpp"

#include <cmath>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/keras_object.hpp"

namespace xl {
namespace {

void check_factor(const char* name, float factor) {
  if (!(factor >= 0) || !std::isfinite(factor))
    throw ValueError("the factor " + std::string(name) + " of a regularizer is 0 or more, got " +
                     Value(factor).to_text());
}

Regularizer by_name(const std::string& name) {
  if (name == "l1" || name == "L1") return L1();
  if (name == "l2" || name == "L2") return L2();
  if (name == "l1_l2" || name == "l1l2" || name == "L1L2") return L1L2();
  throw ValueError("unknown regularizer '" + name + "'; known are l1, l2, l1_l2");
}

}  // namespace

Regularizer::Regularizer(Kind kind, float l1, float l2) : kind_(kind), l1_(l1), l2_(l2) {
  check_factor("l1", l1);
  check_factor("l2", l2);
}
Regularizer::Regularizer(L1 regularizer) : Regularizer(Kind::l1, regularizer.l1, 0) {}
Regularizer::Regularizer(L2 regularizer) : Regularizer(Kind::l2, 0, regularizer.l2) {}
Regularizer::Regularizer(L1L2 regularizer) : Regularizer(Kind::l1_l2, regularizer.l1, regularizer.l2) {}
Regularizer::Regularizer(const char* name) : Regularizer(std::string(name)) {}
Regularizer::Regularizer(const std::string& name) : Regularizer(by_name(name)) {}

std::string Regularizer::class_name() const {
  switch (kind_) {
    case Kind::l1:
      return "L1";
    case Kind::l2:
      return "L2";
    case Kind::l1_l2:
      return "L1L2";
    case Kind::none:
      break;
  }
  return "";
}

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

// ---- config

Value to_value(const Regularizer& regularizer) {
  if (!regularizer) return nullptr;
  const std::string name = regularizer.class_name();
  Config config;
  if (name != "L2") config.set("l1", to_value(regularizer.l1()));
  if (name != "L1") config.set("l2", to_value(regularizer.l2()));
  return to_keras_object("keras.regularizers", name, std::move(config));
}

void from_value(const Value& value, Regularizer& regularizer) {
  if (value.is_null()) {
    regularizer = {};
    return;
  }
  const KerasObject object = from_keras_object(value, "a regularizer");
  const Regularizer defaults(object.class_name);
  const std::string name = defaults.class_name();
  float l1 = defaults.l1(), l2 = defaults.l2();
  Archive archive = Archive::reader(object.config, name);
  if (name != "L2") archive("l1", l1);
  if (name != "L1") archive("l2", l2);
  archive.finish();
  if (name == "L1") regularizer = L1{l1};
  if (name == "L2") regularizer = L2{l2};
  if (name == "L1L2") regularizer = L1L2{l1, l2};
}

}  // namespace xl
