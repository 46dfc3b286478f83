#pragma once

#include <exception>
#include <new>
#include <string>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/layer_base.hpp"

namespace xl {

/// f(), whose errors begin with the layer's label: what goes wrong in an option, a shape or a size does not know whose it is.
/// Throws ValueError for std::bad_alloc.
template <class F>
void in_the_name_of(const LayerBase& layer, F f) {
  const auto with_label = [&](const std::exception& error) {
    const std::string text = error.what();
    return text.starts_with('[') ? text : layer.label() + text;
  };
  try {
    f();
  } catch (const ShapeError& error) {
    throw ShapeError(with_label(error));
  } catch (const ValueError& error) {
    throw ValueError(with_label(error));
  } catch (const std::bad_alloc&) {
    throw ValueError(layer.label() + "what it needs does not fit into memory");
  }
}

}  // namespace xl
