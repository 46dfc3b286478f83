#include "xlayers/framework/graph/without_drawing.hpp"

#include <string>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

static thread_local WithoutDrawing* living = nullptr;

WithoutDrawing::WithoutDrawing(std::int64_t most) : most_(most), before_(living) { living = this; }
WithoutDrawing::~WithoutDrawing() { living = before_; }

bool WithoutDrawing::takes(std::int64_t count) {
  if (living == nullptr) return false;
  if (count > living->most_ - living->taken_)
    throw SerializationError("expected weights of " + std::to_string(living->most_) +
                             " numbers in all, which the file has, but the layers of its config need more");
  living->taken_ += count;
  return true;
}

}  // namespace xl
