#include <xlayers/xlayers.hpp>

int main() {
  const xl::Tensor x = xl::zeros({2, 3});
  return xl::shape(x) == xl::Shape{2, 3} ? 0 : 1;
}
