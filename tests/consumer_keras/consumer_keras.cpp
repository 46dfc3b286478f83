// A program that is linked with the component keras, and names nothing of it.

#include <xlayers/xlayers.hpp>

#include <iostream>

int main() {
  const xl::Sequential model{xl::Input({3}), xl::Dense({.units = 2})};
  const xl::Tensor x = xl::random_normal({4, 3}, 1);
  model.save("model.keras");
  const bool equal = xl::load_model("model.keras").predict(x) == model.predict(x);
  std::cout << (equal ? "equal\n" : "not equal\n");
  return equal ? 0 : 1;
}
