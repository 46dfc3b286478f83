#include "xlayers/models/training/callback.hpp"

#include "xlayers/framework/base/errors.hpp"

namespace xl {

Model& Callback::model() const {
  if (run_.model == nullptr) throw ValueError("a callback has a model only while fit, evaluate or predict calls it");
  return *run_.model;
}

}  // namespace xl
